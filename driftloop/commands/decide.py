"""Approve or reject a model package."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from driftloop import stacks
from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, Profile, Region, State
from driftloop.screen import coloured, console
from driftloop.target import Target, choose

Which = Annotated[str | None, typer.Argument(help="Package ARN, or a model's name for its one pending version.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the package and in the audit trail.")]


def approve(
    which: Which = None,
    reason: Reason = "",
    state: State = DEFAULT_STATE,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Approve a pending version: exactly that package is released."""
    _decide("Approved", which, reason, choose(state, profile, region))


def reject(
    which: Which = None,
    reason: Reason = "",
    state: State = DEFAULT_STATE,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Reject a version: a pending one never deploys; one that is live is rolled back."""
    _decide("Rejected", which, reason, choose(state, profile, region))


def rollback(
    name: Annotated[str | None, typer.Argument(help="The model; may be left out when there is one.")] = None,
    reason: Reason = "",
    state: State = DEFAULT_STATE,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Take the live version back: it is rejected, and production returns to the one approved before it."""
    target = choose(state, profile, region)
    model = stacks.model(target, name)
    _decide("Rejected", live(target, model), reason or "rolled back by hand", target)
    console.print(f"production of '{model.name}' goes back; follow it with `driftloop timeline`")


def live(target: Target, model: stacks.Model) -> str:
    """ARN of the package that is live: what production serves, or where that cannot be seen, what the ledger knows.

    Raises:
        UserError: nothing is live yet.
    """
    if not model.endpoint_account:
        return served(target.client("sagemaker"), model)
    console.print(f"production of '{model.name}' is in account {model.endpoint_account}: what is live says the ledger")
    found = stacks.live(target, model)
    if not found:
        raise UserError(f"the ledger knows no live version of '{model.name}'; approve a version first")
    return found


def served(sagemaker: Any, model: stacks.Model) -> str:
    """ARN of the package that production serves in the slot `champion`.

    Raises:
        UserError: there is no production yet.
    """
    try:
        endpoint = sagemaker.describe_endpoint(EndpointName=model.endpoint)
    except ClientError as error:
        raise UserError(f"'{model.name}' has no production endpoint yet; approve a version first") from error
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    champion = next(v for v in config["ProductionVariants"] if v["VariantName"] == "champion")
    found = sagemaker.describe_model(ModelName=champion["ModelName"])
    (container,) = found.get("Containers") or [found["PrimaryContainer"]]
    return str(container["ModelPackageName"])


def _decide(verdict: str, which: str | None, reason: str, target: Target) -> None:
    sagemaker = target.client("sagemaker")
    arn = which if which and which.startswith("arn:") else pending(sagemaker, stacks.model(target, which))
    sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus=verdict, **({"ApprovalDescription": reason} if reason else {})
    )
    console.print(f"{coloured(verdict)}: {arn}")


def pending(sagemaker: Any, model: stacks.Model) -> str:
    """The ARN of the model's one pending version.

    Raises:
        UserError: there is none, or more than one.
    """
    answer = sagemaker.list_model_packages(
        ModelPackageGroupName=model.package_group, ModelApprovalStatus="PendingManualApproval"
    )
    found = [item["ModelPackageArn"] for item in answer["ModelPackageSummaryList"]]
    if not found:
        raise UserError(f"no version of '{model.name}' waits for approval; see `driftloop status`")
    if len(found) > 1:
        listed = "\n  ".join(found)
        raise UserError(f"several versions of '{model.name}' wait for approval; name one by its ARN:\n  {listed}")
    return str(found[0])
