"""Synthesize the stacks and deploy them with the real CDK CLI."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, Profile, Region, State
from driftloop.screen import console, table
from driftloop.target import Target, child_environment, choose

REPOSITORY = Path(__file__).resolve().parents[2]
CDK = REPOSITORY / "infra" / "cdk_cli" / "node_modules" / ".bin" / "cdk"
_STACK = "aws:cloudformation:stack"
_PROGRESS = re.compile(r"^(\S+) \|\s*(\d+)/(\d+) \|.*\| (\w+)\s+\| (\S+)\s+\| (\S+)")


def deploy(
    state: State = DEFAULT_STATE,
    profile: Profile = None,
    region: Region = None,
    models: Annotated[
        str | None, typer.Option("--models", help="Model settings files, by commas; default: those in cdk.json.")
    ] = None,
) -> None:
    """Synthesize the stacks and deploy them with the real CDK CLI, bootstrapping the environment when needed."""
    target = choose(state, profile, region)
    outputs = run(target, state, models)
    for stack, values in outputs.items():
        console.print(table(stack, ("output", "value"), values.items()))


def run(target: Target, state: Path, models: str | None = None) -> dict[str, dict[str, str]]:
    """Synthesize beside bootstrapping, then deploy everything; answers the outputs by stack.

    Raises:
        UserError: the CLI failed; with the end of what it said.
    """
    if not CDK.exists():
        raise UserError(f"the pinned CDK CLI is not at {CDK}; run `make setup`")
    apart = stages_apart((REPOSITORY / "cdk.json").read_text("utf-8"))
    if apart and target.emulator:
        raise UserError(
            f"the emulator has one account, and cdk.json gives {', '.join(apart)} accounts of their own; nothing was "
            "deployed: take `stages` out of cdk.json, or deploy to AWS with --profile"
        )
    work = (state / "deploy").resolve()
    work.mkdir(parents=True, exist_ok=True)
    environment = _environment(target, work, models) | (_home(target) if apart else {})
    synth = _start([sys.executable, "-m", "infra.app"], environment, REPOSITORY)
    with console.status("bootstrapping the environment, synthesizing the stacks"):
        if not _is_bootstrapped(target):
            _finish("cdk bootstrap", _start([str(CDK), "bootstrap", _place(target)], environment, work), _report)
        _finish("synthesizing the stacks", synth, lambda line: None)
    if apart:
        check_accounts(target, (work / "cdk.out" / "manifest.json").read_text("utf-8"))
    outputs = work / "outputs.json"
    command = [str(CDK), "deploy", "--app", str(work / "cdk.out"), "--all", "--outputs-file", str(outputs)]
    command += ["--concurrency", "8"]  # the CLI waits five seconds a stack; models do not wait for each other
    approval = ["--require-approval", "never" if target.emulator else "broadening"]
    _finish("cdk deploy", _start([*command, *approval], environment, work, is_interactive=not target.emulator), _report)
    found: dict[str, dict[str, str]] = json.loads(outputs.read_text("utf-8"))
    return found


def _environment(target: Target, work: Path, models: str | None) -> dict[str, str]:
    """What the CLI gives an app: where the assembly goes, and the context. No CDK validation for the emulator."""
    environment = child_environment(target)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    environment["CDK_OUTDIR"] = str(work / "cdk.out")
    environment["CDK_CONTEXT_JSON"] = json.dumps({"models": models} if models else {})
    environment["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "1"
    environment["CDK_DISABLE_CLI_TELEMETRY"] = "1"
    if target.emulator:
        environment["CDK_VALIDATION"] = "false"
    return environment


def stages_apart(cdk_json: str) -> list[str]:
    """The stages that the settings give accounts of their own; whether these are right is for the synth to say."""
    return list(json.loads(cdk_json).get("context", {}).get("driftloop", {}).get("stages", {}))


def _home(target: Target) -> dict[str, str]:
    """What the CDK CLI tells an app of the account that it will deploy to."""
    return {"CDK_DEFAULT_ACCOUNT": _account(target), "CDK_DEFAULT_REGION": str(target.session.region_name)}


def check_accounts(target: Target, manifest: str) -> None:
    """Whether every account of the stacks lets the CDK in, before any of them is deployed.

    Raises:
        UserError: one is not bootstrapped to trust home.
    """
    home, sts = _account(target), target.client("sts")
    stacks = [found for found in json.loads(manifest)["artifacts"].values() if found["type"] == _STACK]
    roles = {found["environment"]: found["properties"]["assumeRoleArn"] for found in stacks}
    partition = sts.get_caller_identity()["Arn"].split(":")[1]
    for place, role in sorted(roles.items()):
        try:
            if home not in place:
                role_arn = role.replace("${AWS::Partition}", partition)
                sts.assume_role(RoleArn=role_arn, RoleSessionName="driftloop-deploy")
        except ClientError as error:
            raise UserError(
                f"{place} does not let the CDK in from {home} ({error}); with credentials of that account run `{CDK} "
                f"bootstrap {place} --trust {home} --cloudformation-execution-policies "
                f"arn:{partition}:iam::aws:policy/AdministratorAccess`, then deploy again"
            ) from error


def _is_bootstrapped(target: Target) -> bool:
    ssm = target.client("ssm")
    try:
        ssm.get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    except ssm.exceptions.ParameterNotFound:
        return False
    return True


def _place(target: Target) -> str:
    return f"aws://{_account(target)}/{target.session.region_name}"


def _account(target: Target) -> str:
    return str(target.client("sts").get_caller_identity()["Account"])


def _start(
    command: list[str], environment: dict[str, str], cwd: Path, is_interactive: bool = False
) -> subprocess.Popen[str]:
    stdin = None if is_interactive else subprocess.DEVNULL
    return subprocess.Popen(
        command, env=environment, cwd=cwd, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _finish(what: str, process: subprocess.Popen[str], on_line: Callable[[str], None]) -> None:
    assert process.stdout is not None
    said = list(_passed_on(process.stdout, on_line))
    if process.wait() != 0:
        raise UserError(f"{what} failed:\n" + "".join(said[-40:]))


def _passed_on(lines: Iterator[str], on_line: Callable[[str], None]) -> Iterator[str]:
    for line in lines:
        on_line(line)
        yield line


def _report(line: str) -> None:
    """Say what fails and which stack is done; the rest of the CLI's lines are for its log."""
    found = _PROGRESS.match(line)
    if found and (found[4].endswith("FAILED") or (found[5] == "AWS::CloudFormation::Stack" and "COMPLETE" in found[4])):
        console.print(f"  {found[1]}: {found[4]} ({found[2]}/{found[3]})")
