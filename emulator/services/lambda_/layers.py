"""Layers: shared code that functions find at /opt."""

from __future__ import annotations

import re
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.lambda_ import packages, records
from emulator.services.lambda_.records import LAYER, LAYER_VERSION

_SETTINGS = ("CompatibleArchitectures", "CompatibleRuntimes", "LicenseInfo")
_HIDDEN = ("CodeDir", "CodeSha256", "CodeSize", "LayerName", "UnzippedBytes")


def publish_layer_version(params: Params, ctx: Context) -> Params:
    """A further version of a layer, numbered on; the layer is made with its first."""
    kernel, name = ctx.kernel, _name(params["LayerName"])
    code = packages.unpack(kernel, f"lambda-layers/{name}", params["Content"])
    with kernel.store.transaction():
        number = (kernel.store.get(LAYER, name) or {"Last": 0})["Last"] + 1
        arn = kernel.arn("lambda", f"layer:{name}")
        row = {
            **{key: params[key] for key in _SETTINGS if params.get(key)},
            **code,
            "Description": params.get("Description", ""),
            "LayerName": name,
            "LayerArn": arn,
            "LayerVersionArn": f"{arn}:{number}",
            "Version": number,
            "CreatedDate": kernel.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        }
        kernel.store.put(LAYER, name, {"Last": number})
        kernel.store.put(LAYER_VERSION, _key(name, number), row)
    return _whole(row)


def get_layer_version(params: Params, ctx: Context) -> Params:
    return _whole(_found(ctx.kernel, _name(params["LayerName"]), params["VersionNumber"]))


def get_layer_version_by_arn(params: Params, ctx: Context) -> Params:
    _, _, _, _, _, _, name, number = params["Arn"].split(":")
    return _whole(_found(ctx.kernel, name, int(number)))


def delete_layer_version(params: Params, ctx: Context) -> Params:
    """Functions that have it keep it; one that is not there is no error, as on AWS."""
    ctx.kernel.store.delete(LAYER_VERSION, _key(_name(params["LayerName"]), params["VersionNumber"]))
    return {}


def list_layer_versions(params: Params, ctx: Context) -> Params:
    """Newest first."""
    rows = ctx.kernel.store.rows(LAYER_VERSION, f"{_name(params['LayerName'])}:")
    rows = [_item(row) for row in reversed(rows) if _fits(row, params)]
    found, more = records.page(rows, params)
    return {"LayerVersions": found, **more}


def list_layers(params: Params, ctx: Context) -> Params:
    """Each layer with its newest version that fits."""
    newest: dict[str, dict[str, Any]] = {}
    for row in ctx.kernel.store.rows(LAYER_VERSION):
        if _fits(row, params):
            newest[row["LayerName"]] = row
    layers = [
        {"LayerName": name, "LayerArn": row["LayerArn"], "LatestMatchingVersion": _item(row)}
        for name, row in newest.items()
    ]
    found, more = records.page(layers, params)
    return {"Layers": found, **more}


def _fits(row: dict[str, Any], params: Params) -> bool:
    pairs = (("CompatibleRuntime", "CompatibleRuntimes"), ("CompatibleArchitecture", "CompatibleArchitectures"))
    return all(not params.get(asked) or params[asked] in row.get(has, ()) for asked, has in pairs)


def _found(kernel: Kernel, name: str, number: int) -> dict[str, Any]:
    row = kernel.store.get(LAYER_VERSION, _key(name, number))
    if row is None:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return row


def _name(reference: str) -> str:
    found = re.fullmatch(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:layer:([\w-]+)", reference)
    return found[1] if found else reference


def _key(name: str, number: int) -> str:
    return f"{name}:{number:08d}"


def _item(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in (*_HIDDEN, "LayerArn")}


def _whole(row: dict[str, Any]) -> Params:
    content = {"CodeSha256": row["CodeSha256"], "CodeSize": row["CodeSize"]}
    return {"Content": content, **{key: value for key, value in row.items() if key not in _HIDDEN}}


OPERATIONS: dict[str, Operation] = {
    "PublishLayerVersion": publish_layer_version,
    "GetLayerVersion": get_layer_version,
    "GetLayerVersionByArn": get_layer_version_by_arn,
    "DeleteLayerVersion": delete_layer_version,
    "ListLayerVersions": list_layer_versions,
    "ListLayers": list_layers,
}
