"""Step Release: make one approved model package what the endpoint serves, and prove that it does.

model from the package -> endpoint config with the variant slot `champion` -> create or update the endpoint -> wait ->
compare what runs with what was asked for -> send the golden records and compare the answers.

Everything it makes is named after package version and release id, so a second run of the same release finds what the
first one made and carries on from there. Nothing is deleted: the previous endpoint config stays. If the new model is up
but wrong, the endpoint is put back on the config that it had.

SageMaker can roll an update back by itself and still read InService, which is why EndpointConfigName is compared.
Source: DescribeEndpoint (EndpointStatus) and UpdateEndpoint (RetainAllVariantProperties, VariantPropertyType) as
documented in the service model of botocore 1.44.5, read 2026-11-23.
"""

import argparse
import hashlib
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

SLOT: Final = "champion"
NAME_MAX: Final = 63
MESSAGE_MAX_BYTES: Final = 1024
FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 15.0
BUSY: Final = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
WHAT_TO_DO: Final = {
    "Failed": "nothing can be done with an endpoint in this state: delete it and run the release again",
    "UpdateRollbackFailed": "it serves a mix of both configs: restore it as the SageMaker guide says under Rolling "
    "Deployments, then run the release again",
    "OutOfService": "find out why in the endpoint's log, then run the release again",
}


class ReleaseError(RuntimeError):
    """The package does not serve. The message names the endpoint, what was expected and found, and what to do.

    Attributes:
        subject: the endpoint, package or model that is not as it should be.
    """

    def __init__(self, subject: str, problem: str) -> None:
        self.subject = subject
        super().__init__(f"{subject}: {problem}")


class Move(Enum):
    """What to do next about an endpoint."""

    CREATE = auto()
    UPDATE = auto()
    WAIT = auto()
    DONE = auto()
    ROLLED_BACK = auto()
    REFUSE = auto()


@dataclass(frozen=True)
class Plan:
    """What this release wants to be true."""

    package_arn: str
    endpoint: str
    model: str
    config: str
    serve_role_arn: str
    instance_type: str
    instance_count: int

    def variants(self) -> list[dict[str, Any]]:
        """The endpoint config's variants: one, in the slot that every release uses."""
        return [
            {
                "VariantName": SLOT,
                "ModelName": self.model,
                "InstanceType": self.instance_type,
                "InitialInstanceCount": self.instance_count,
                "InitialVariantWeight": 1.0,
            }
        ]


def plan(options: argparse.Namespace, package: Mapping[str, Any]) -> Plan:
    """Name everything after the package's version and the release.

    Raises:
        ReleaseError: the package is not approved.
    """
    arn, status = str(package["ModelPackageArn"]), package["ModelApprovalStatus"]
    if status != "Approved":
        raise ReleaseError(f"model package {arn}", f"expected Approved, found {status}; approve it, then release it")
    release = hashlib.sha256(options.release_id.encode()).hexdigest()[:8]
    suffix = f"-v{package['ModelPackageVersion']}-{release}"
    return Plan(
        package_arn=arn,
        endpoint=options.endpoint_name,
        model=_name(package["ModelPackageGroupName"], suffix),
        config=_name(options.endpoint_name, suffix),
        serve_role_arn=options.serve_role_arn,
        instance_type=options.instance_type,
        instance_count=options.instance_count,
    )


def next_move(endpoint: Mapping[str, Any] | None, config: str, *, asked: bool) -> Move:
    """Decide from what DescribeEndpoint says.

    Args:
        endpoint: the response, or None if there is no such endpoint.
        config: name of the endpoint config that shall be served.
        asked: whether this run has already created or updated the endpoint.
    """
    if endpoint is None:
        return Move.WAIT if asked else Move.CREATE
    status = endpoint["EndpointStatus"]
    if status in BUSY:
        return Move.WAIT
    if status != "InService":
        return Move.REFUSE
    if endpoint["EndpointConfigName"] == config:
        return Move.DONE
    return Move.ROLLED_BACK if asked else Move.UPDATE


def properties_not_kept(endpoint: Mapping[str, Any], old_variants: Iterable[Mapping[str, Any]]) -> list[str]:
    """What an update takes from the new config although RetainAllVariantProperties is on.

    Retaining is what keeps the instances that autoscaling added under load. Where nobody has moved the number of
    instances since the old config, the new config's number is meant. The weight is always the new config's.
    """
    configured = {variant["VariantName"]: variant.get("InitialInstanceCount") for variant in old_variants}
    running = {variant["VariantName"]: variant.get("DesiredInstanceCount") for variant in _variants(endpoint)}
    is_scaled = running.get(SLOT) != configured.get(SLOT)
    return ["DesiredWeight"] if is_scaled else ["DesiredWeight", "DesiredInstanceCount"]


def serving_faults(endpoint: Mapping[str, Any], variants: Sequence[Mapping[str, Any]], wanted: Plan) -> list[str]:
    """In what an endpoint that reads InService differs from what was asked for.

    Args:
        endpoint: DescribeEndpoint's response.
        variants: ProductionVariants of the endpoint config that it names.
    """
    compared = [
        ("status", "InService", endpoint["EndpointStatus"]),
        ("endpoint config", wanted.config, endpoint["EndpointConfigName"]),
        ("variants", [SLOT], [variant["VariantName"] for variant in _variants(endpoint)]),
        ("models", [wanted.model], [variant.get("ModelName") for variant in variants]),
        ("instance types", [wanted.instance_type], [variant.get("InstanceType") for variant in variants]),
    ]
    faults = [f"{what}: expected {expected}, found {found}" for what, expected, found in compared if expected != found]
    idle = [variant["VariantName"] for variant in _variants(endpoint) if variant.get("CurrentInstanceCount", 0) < 1]
    return [*faults, *(f"variant {name}: expected at least one instance, found none" for name in idle)]


def golden_fault(records: Sequence[Mapping[str, Any]], answers: Sequence[str], tolerance: float) -> str | None:
    """How the endpoint's answers differ from those given when the model was judged, or None."""
    wrong = [
        (record, answer)
        for record, answer in zip(records, answers, strict=True)
        if not abs(_number(answer) - record["prediction"]) <= tolerance
    ]
    if not wrong:
        return None
    record, answer = wrong[0]
    return (
        f"{len(wrong)} of {len(records)} golden records differ by more than {tolerance:g}; "
        f"for {record['input']!r} expected {record['prediction']}, found {answer.strip()!r}"
    )


class Release:
    """Acts on the plan through AWS."""

    def __init__(self, session: Any, options: argparse.Namespace, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sagemaker = session.client("sagemaker")
        self._runtime = session.client("sagemaker-runtime")
        self._s3 = session.client("s3")
        self._options = options
        self._sleep = sleep

    def run(self) -> Plan:
        """Release the package.

        Raises:
            ReleaseError: it does not serve.
        """
        package = self._sagemaker.describe_model_package(ModelPackageName=self._options.model_package_arn)
        wanted = plan(self._options, package)
        records = self._golden_records(package)
        self._make_model(wanted)
        self._make_config(wanted)
        previous = self._bring_up(wanted)
        try:
            self._verify(wanted, records)
        except (ReleaseError, ClientError) as exc:
            raise ReleaseError(f"endpoint '{wanted.endpoint}'", f"{exc}; {self._put_back(wanted, previous)}") from exc
        return wanted

    def _golden_records(self, package: Mapping[str, Any]) -> list[dict[str, Any]]:
        uri = package.get("CustomerMetadataProperties", {}).get("golden_records")
        if not uri:
            raise ReleaseError(
                f"model package {package['ModelPackageArn']}",
                "expected the S3 URI of its golden records under 'golden_records' in CustomerMetadataProperties, "
                "found none; register it with the train pipeline",
            )
        parts = urlsplit(uri)
        body = self._s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
        return list(json.loads(body))

    def _make_model(self, wanted: Plan) -> None:
        """Create the model, or find that an earlier run did."""
        containers = [{"ModelPackageName": wanted.package_arn}]
        try:
            self._sagemaker.create_model(
                ModelName=wanted.model, ExecutionRoleArn=wanted.serve_role_arn, Containers=containers
            )
        except ClientError as exc:
            _only_if_it_exists(exc)
            found = self._sagemaker.describe_model(ModelName=wanted.model)
            packages = [container.get("ModelPackageName") for container in _containers(found)]
            _expect(f"model '{wanted.model}'", "model package", [wanted.package_arn], packages)

    def _make_config(self, wanted: Plan) -> None:
        """Create the endpoint config, or find that an earlier run did."""
        try:
            self._sagemaker.create_endpoint_config(
                EndpointConfigName=wanted.config, ProductionVariants=wanted.variants()
            )
        except ClientError as exc:
            _only_if_it_exists(exc)
            found = [
                (variant["VariantName"], variant.get("ModelName"), variant.get("InstanceType"))
                for variant in self._config_variants(wanted.config)
            ]
            expected = [(SLOT, wanted.model, wanted.instance_type)]
            _expect(f"endpoint config '{wanted.config}'", "variants", expected, found)

    def _bring_up(self, wanted: Plan) -> str | None:
        """Create or update the endpoint, and wait.

        Returns:
            The endpoint config that was served before, if this run replaced one.

        Raises:
            ReleaseError: the endpoint cannot be changed, failed, rolled back or ran out of time.
        """
        asked, previous = False, None
        for pause_s in self._pauses():
            endpoint = self._endpoint(wanted.endpoint)
            move = next_move(endpoint, wanted.config, asked=asked)
            if move is Move.DONE:
                return previous
            if move is Move.CREATE:
                self._create(wanted)
            elif move is Move.UPDATE and endpoint is not None:
                previous = str(endpoint["EndpointConfigName"])
                self._update(wanted.endpoint, wanted.config, endpoint)
            elif move is not Move.WAIT and endpoint is not None:
                raise _not_up(wanted, endpoint, move)
            asked = asked or move in (Move.CREATE, Move.UPDATE)
            self._sleep(pause_s)
        raise _too_late(wanted, self._endpoint(wanted.endpoint), self._options.deadline_s)

    def _pauses(self) -> Iterator[float]:
        """Pauses between looks until the deadline: short at first, for an endpoint that is quick."""
        give_up_at, pause_s = time.monotonic() + self._options.deadline_s, FIRST_PAUSE_S
        while time.monotonic() < give_up_at:
            yield pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _create(self, wanted: Plan) -> None:
        print(f"creating endpoint {wanted.endpoint} with {wanted.config}", flush=True)
        try:
            self._sagemaker.create_endpoint(EndpointName=wanted.endpoint, EndpointConfigName=wanted.config)
        except ClientError as exc:
            _only_if_it_exists(exc)

    def _update(self, name: str, config: str, endpoint: Mapping[str, Any]) -> None:
        old_config = str(endpoint["EndpointConfigName"])
        print(f"updating endpoint {name} from {old_config} to {config}", flush=True)
        not_kept = properties_not_kept(endpoint, self._config_variants(old_config))
        self._sagemaker.update_endpoint(
            EndpointName=name,
            EndpointConfigName=config,
            RetainAllVariantProperties=True,
            ExcludeRetainedVariantProperties=[{"VariantPropertyType": kind} for kind in not_kept],
        )

    def _verify(self, wanted: Plan, records: Sequence[Mapping[str, Any]]) -> None:
        """Compare what runs with what was asked for, then what it answers with what it should.

        Raises:
            ReleaseError: something differs.
        """
        endpoint = self._sagemaker.describe_endpoint(EndpointName=wanted.endpoint)
        faults = serving_faults(endpoint, self._config_variants(str(endpoint["EndpointConfigName"])), wanted)
        if faults:
            raise ReleaseError("what runs is not what was asked for", "; ".join(faults))
        answers = [self._ask(wanted.endpoint, str(record["input"])) for record in records]
        fault = golden_fault(records, answers, self._options.tolerance)
        if fault:
            raise ReleaseError("the model answers otherwise than when it was judged", fault)
        print(
            f"endpoint {wanted.endpoint} serves {wanted.package_arn}; {len(records)} golden records agree", flush=True
        )

    def _ask(self, endpoint: str, line: str) -> str:
        response = self._runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=line.encode()
        )
        return str(response["Body"].read().decode())

    def _put_back(self, wanted: Plan, previous: str | None) -> str:
        """Serve the config that was served before; say how that went."""
        if previous is None:
            return (
                "this run replaced no other config, so the endpoint was left as it is: "
                "reject the package, and release another or delete the endpoint"
            )
        try:
            self._update(wanted.endpoint, previous, self._sagemaker.describe_endpoint(EndpointName=wanted.endpoint))
            self._wait_for(wanted.endpoint, previous)
        except (ReleaseError, ClientError) as exc:
            return f"putting it back on '{previous}' failed too ({exc}): update the endpoint to that config by hand"
        return f"the endpoint was put back on '{previous}'; reject the package"

    def _wait_for(self, name: str, config: str) -> None:
        for pause_s in self._pauses():
            endpoint = self._endpoint(name)
            move = next_move(endpoint, config, asked=True)
            if move is Move.DONE:
                return
            if move is not Move.WAIT:
                raise ReleaseError(f"endpoint '{name}'", f"expected InService with '{config}', found {endpoint}")
            self._sleep(pause_s)
        raise ReleaseError(f"endpoint '{name}'", f"not InService within {self._options.deadline_s:g} s")

    def _endpoint(self, name: str) -> dict[str, Any] | None:
        try:
            return dict(self._sagemaker.describe_endpoint(EndpointName=name))
        except ClientError as exc:
            if _is_missing(exc):
                return None
            raise

    def _config_variants(self, name: str) -> list[dict[str, Any]]:
        """The variants of an endpoint config; none if it was deleted, which leaves its endpoint running."""
        try:
            return list(self._sagemaker.describe_endpoint_config(EndpointConfigName=name)["ProductionVariants"])
        except ClientError as exc:
            if _is_missing(exc):
                return []
            raise


def main() -> int:
    """Release the package.

    Returns:
        The exit code: 1 if the package does not serve.
    """
    options = _options()
    try:
        Release(boto3.session.Session(region_name=region()), options).run()
    except (ReleaseError, ClientError) as exc:
        fail(str(exc), options.base_dir)
        return 1
    return 0


def fail(message: str, base_dir: Path) -> None:
    """Say why to the log, and to SageMaker in the file whose first 1,024 bytes become the job's ExitMessage."""
    print(message, file=sys.stderr)
    path = base_dir.parent / "output" / "message"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(message.encode()[:MESSAGE_MAX_BYTES].decode("utf-8", errors="ignore"), "utf-8")


def region() -> str | None:
    """Where the job runs. botocore reads no AWS_REGION, and processing containers may have neither variable."""
    arn = os.environ.get("PROCESSING_JOB_ARN", "")
    from_arn = arn.split(":")[3] if arn.count(":") > 3 else None
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or from_arn


def _not_up(wanted: Plan, endpoint: Mapping[str, Any], move: Move) -> ReleaseError:
    status, config = endpoint["EndpointStatus"], endpoint["EndpointConfigName"]
    reason = endpoint.get("FailureReason", "no reason given")
    if move is Move.ROLLED_BACK:
        advice = "SageMaker rolled the update back and the previous model serves; see the log of the new variant"
    else:
        advice = WHAT_TO_DO.get(status, "see the endpoint in the console")
    found = f"expected InService with '{wanted.config}', found {status} with '{config}' ({reason}); {advice}"
    return ReleaseError(f"endpoint '{wanted.endpoint}'", found)


def _too_late(wanted: Plan, endpoint: Mapping[str, Any] | None, deadline_s: float) -> ReleaseError:
    status = endpoint["EndpointStatus"] if endpoint else "no endpoint"
    return ReleaseError(
        f"endpoint '{wanted.endpoint}'",
        f"expected InService with '{wanted.config}' within {deadline_s:g} s, found {status}; "
        "run the release again: it carries on from here",
    )


def _is_missing(exc: ClientError) -> bool:
    return "could not find" in exc.response["Error"]["Message"].lower()


def _only_if_it_exists(exc: ClientError) -> None:
    """Swallow `Cannot create already existing …`, which is how SageMaker answers a repeated create."""
    message = exc.response["Error"]["Message"].lower()
    if "already exist" not in message:
        raise exc


def _expect(subject: str, what: str, expected: object, found: object) -> None:
    if expected != found:
        raise ReleaseError(
            subject, f"exists with another {what}: expected {expected}, found {found}; use another release id"
        )


def _containers(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    primary = model.get("PrimaryContainer")
    return [primary] if primary else list(model.get("Containers", []))


def _variants(endpoint: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(endpoint.get("ProductionVariants", []))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _name(stem: str, suffix: str) -> str:
    """Within SageMaker's limit of 63 characters; the suffix tells releases apart, so it is the stem that gives way."""
    return stem[: NAME_MAX - len(suffix)].rstrip("-") + suffix


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--model-package-arn", required=True)
    parser.add_argument("--endpoint-name", required=True)
    parser.add_argument("--instance-type", required=True)
    parser.add_argument("--instance-count", type=int, required=True)
    parser.add_argument("--release-id", required=True, help="the same id again carries on where that release stopped")
    parser.add_argument("--tolerance", type=float, required=True, help="allowed difference of a golden prediction")
    parser.add_argument("--serve-role-arn", required=True, help="role that the endpoint's containers run with")
    parser.add_argument("--deadline-s", type=float, required=True, help="how long the endpoint may take")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
