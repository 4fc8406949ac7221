"""Connections and API destinations: where HTTP targets are and how they are authorized."""

from __future__ import annotations

import base64
import ipaddress
from typing import Any
from urllib.parse import urlsplit

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.events import paging

AWS_NAME = "CreateConnection, CreateApiDestination and their siblings"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection-auth.html (read 2026-11-23)"
DIFFERS = "OAuth, private connections, body parameters and endpoints off loopback are refused; secrets stay in the row"

CONNECTION = "events.connection"
DESTINATION = "events.api_destination"
_SECRET = frozenset({"Password", "ApiKeyValue"})


def create_connection(params: Params, ctx: Context) -> Params:
    _check_connection(params, "CreateConnection")
    kernel, name = ctx.kernel, params["Name"]
    with kernel.store.transaction():
        if kernel.store.get(CONNECTION, name):
            raise AwsError("ResourceAlreadyExistsException", f"Connection {name} already exists.")
        now, unique = kernel.clock.now(), kernel.ids.uuid()
        secret = f"secret:events!connection/{name}/{unique}"
        row = {
            **_picked(params, "Name", "Description", "AuthorizationType", "AuthParameters"),
            "ConnectionArn": kernel.arn("events", f"connection/{name}/{unique}"),
            "SecretArn": kernel.arn("secretsmanager", secret),
            "ConnectionState": "AUTHORIZED",
            "CreationTime": now,
            "LastModifiedTime": now,
            "LastAuthorizedTime": now,
        }
        kernel.store.put(CONNECTION, name, row)
    return _picked(row, "ConnectionArn", "ConnectionState", "CreationTime", "LastModifiedTime")


def update_connection(params: Params, ctx: Context) -> Params:
    kernel = ctx.kernel
    with kernel.store.transaction():
        before = _connection(kernel, params["Name"])
        row = {**before, **_picked(params, "Description", "AuthorizationType", "AuthParameters")}
        _check_connection(row, "UpdateConnection")
        row["LastModifiedTime"] = row["LastAuthorizedTime"] = kernel.clock.now()
        kernel.store.put(CONNECTION, row["Name"], row)
    fields = ("ConnectionArn", "ConnectionState", "CreationTime", "LastModifiedTime", "LastAuthorizedTime")
    return _picked(row, *fields)


def describe_connection(params: Params, ctx: Context) -> Params:
    row = _connection(ctx.kernel, params["Name"])
    return {**row, "AuthParameters": _without_secrets(row["AuthParameters"])}


def list_connections(params: Params, ctx: Context) -> Params:
    rows = ctx.kernel.store.rows(CONNECTION, params.get("NamePrefix") or "")
    wanted = params.get("ConnectionState")
    hidden = ("AuthParameters", "Description", "SecretArn")
    shown = [_without(row, *hidden) for row in rows if wanted in (None, row["ConnectionState"])]
    return paging.answer(shown, params, "Connections", "Name")


def delete_connection(params: Params, ctx: Context) -> Params:
    row = _connection(ctx.kernel, params["Name"])
    ctx.kernel.store.delete(CONNECTION, row["Name"])
    shown = _picked(row, "ConnectionArn", "CreationTime", "LastModifiedTime", "LastAuthorizedTime")
    return {**shown, "ConnectionState": "DELETING"}


def create_api_destination(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["Name"]
    _check_endpoint(params["InvocationEndpoint"], "CreateApiDestination")
    connection_of_arn(kernel, params["ConnectionArn"])
    with kernel.store.transaction():
        if kernel.store.get(DESTINATION, name):
            raise AwsError("ResourceAlreadyExistsException", f"An api-destination '{name}' already exists.")
        now = kernel.clock.now()
        fields = ("Name", "Description", "ConnectionArn", "InvocationEndpoint", "HttpMethod")
        row = {
            **_picked(params, *fields),
            "InvocationRateLimitPerSecond": params.get("InvocationRateLimitPerSecond") or 300,
            "ApiDestinationArn": kernel.arn("events", f"api-destination/{name}/{kernel.ids.uuid()}"),
            "ApiDestinationState": "ACTIVE",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        kernel.store.put(DESTINATION, name, row)
    return _picked(row, "ApiDestinationArn", "ApiDestinationState", "CreationTime", "LastModifiedTime")


def update_api_destination(params: Params, ctx: Context) -> Params:
    kernel = ctx.kernel
    fields = ("Description", "ConnectionArn", "InvocationEndpoint", "HttpMethod", "InvocationRateLimitPerSecond")
    with kernel.store.transaction():
        row = {**_destination(kernel, params["Name"]), **_picked(params, *fields)}
        _check_endpoint(row["InvocationEndpoint"], "UpdateApiDestination")
        connection_of_arn(kernel, row["ConnectionArn"])
        row["LastModifiedTime"] = kernel.clock.now()
        kernel.store.put(DESTINATION, row["Name"], row)
    return _picked(row, "ApiDestinationArn", "ApiDestinationState", "CreationTime", "LastModifiedTime")


def describe_api_destination(params: Params, ctx: Context) -> Params:
    return _destination(ctx.kernel, params["Name"])


def list_api_destinations(params: Params, ctx: Context) -> Params:
    rows = ctx.kernel.store.rows(DESTINATION, params.get("NamePrefix") or "")
    wanted = params.get("ConnectionArn")
    shown = [_without(row, "Description") for row in rows if wanted in (None, row["ConnectionArn"])]
    return paging.answer(shown, params, "ApiDestinations", "Name")


def delete_api_destination(params: Params, ctx: Context) -> Params:
    ctx.kernel.store.delete(DESTINATION, _destination(ctx.kernel, params["Name"])["Name"])
    return {}


def destination_of_arn(kernel: Kernel, arn: str) -> dict[str, Any]:
    """The API destination that a target names."""
    row = kernel.store.get(DESTINATION, arn.rsplit("/", 2)[-2])
    if row is None or row["ApiDestinationArn"] != arn:
        raise AwsError("ResourceNotFoundException", f"Api-destination {arn} does not exist.")
    return row


def connection_of_arn(kernel: Kernel, arn: str) -> dict[str, Any]:
    row = kernel.store.get(CONNECTION, arn.rsplit("/", 2)[-2])
    if row is None or row["ConnectionArn"] != arn:
        raise AwsError("ResourceNotFoundException", f"Connection {arn} does not exist.")
    return row


def headers(connection: dict[str, Any]) -> dict[str, str]:
    """The headers with which a connection authorizes a request."""
    found: dict[str, Any] = connection["AuthParameters"]
    more = found.get("InvocationHttpParameters", {}).get("HeaderParameters", [])
    own = {one["Key"]: one["Value"] for one in more}
    if key := found.get("ApiKeyAuthParameters"):
        return {**own, key["ApiKeyName"]: key["ApiKeyValue"]}
    basic = found["BasicAuthParameters"]
    text = base64.b64encode(f"{basic['Username']}:{basic['Password']}".encode()).decode()
    return {**own, "Authorization": f"Basic {text}"}


def query(connection: dict[str, Any]) -> dict[str, str]:
    more = connection["AuthParameters"].get("InvocationHttpParameters", {}).get("QueryStringParameters", [])
    return {one["Key"]: one["Value"] for one in more}


def _check_connection(params: Params, operation: str) -> None:
    given = params["AuthParameters"]
    unknown = sorted({"OAuthParameters", "ConnectivityParameters"} & given.keys())
    unknown += [name for name in ("InvocationConnectivityParameters", "KmsKeyIdentifier") if params.get(name)]
    if given.get("InvocationHttpParameters", {}).get("BodyParameters"):
        unknown.append("BodyParameters")
    if params["AuthorizationType"] == "OAUTH_CLIENT_CREDENTIALS":
        unknown.append("OAUTH_CLIENT_CREDENTIALS")
    if unknown:
        raise EmulatorError(f"events: {operation}: {', '.join(unknown)} is not emulated yet; nothing was done")
    needed = {"BASIC": "BasicAuthParameters", "API_KEY": "ApiKeyAuthParameters"}[params["AuthorizationType"]]
    if needed not in given:
        raise AwsError("ValidationException", f"AuthParameters: {needed} must be specified.")


def _check_endpoint(endpoint: str, operation: str) -> None:
    """The emulator calls nobody outside this machine."""
    host = urlsplit(endpoint).hostname or ""
    if urlsplit(endpoint).scheme not in ("http", "https") or not _is_loopback(host):
        message = f"events: {operation}: InvocationEndpoint '{endpoint}': only loopback is called; nothing was done"
        raise EmulatorError(message)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connection(kernel: Kernel, name: str) -> dict[str, Any]:
    row = kernel.store.get(CONNECTION, name)
    if row is None:
        raise AwsError(
            "ResourceNotFoundException", f"Failed to describe the connection(s). Connection '{name}' does not exist."
        )
    return row


def _destination(kernel: Kernel, name: str) -> dict[str, Any]:
    row = kernel.store.get(DESTINATION, name)
    if row is None:
        raise AwsError(
            "ResourceNotFoundException",
            f"Failed to describe the api-destination(s). An api-destination '{name}' does not exist.",
        )
    return row


def _picked(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names if row.get(name) is not None}


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def _without_secrets(value: Any) -> Any:
    """AuthParameters as AWS shows them: without passwords, keys and secret values."""
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = {*_SECRET, "Value"} if value.get("IsValueSecret") else _SECRET
    return {key: _without_secrets(item) for key, item in value.items() if key not in hidden}


OPERATIONS: dict[str, Operation] = {
    "CreateConnection": create_connection,
    "UpdateConnection": update_connection,
    "DescribeConnection": describe_connection,
    "ListConnections": list_connections,
    "DeleteConnection": delete_connection,
    "CreateApiDestination": create_api_destination,
    "UpdateApiDestination": update_api_destination,
    "DescribeApiDestination": describe_api_destination,
    "ListApiDestinations": list_api_destinations,
    "DeleteApiDestination": delete_api_destination,
}
