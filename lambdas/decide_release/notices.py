"""The words in which `decide_release` tells people."""

from lambdas.shared.ledger.releases import Release
from lambdas.shared.packages import Package
from lambdas.shared.people import Notice


def pending(model: str, package: Package, occasion: str) -> Notice:
    """A version waits for a person."""
    return Notice(
        id=f"pending-approval#{package.arn}#{occasion}",
        kind="pending-approval",
        subject=f"{model}: {_version(package.arn)} waits for approval",
        text=f"{package.arn} waits for approval (batch {package.batch_id or 'unknown'}, attempt {package.attempt}).\n"
        f"Approve it: driftloop approve {package.arn} --reason TEXT\n"
        f"Reject it: driftloop reject {package.arn} --reason TEXT",
    )


def rejected(model: str, package: Package, occasion: str, *, may_retry: bool) -> Notice:
    """Rejected before anything came of it."""
    next_step = "Another attempt on its data was asked for." if may_retry else "No attempts are left on its data."
    return _rejection(model, package, occasion, f"Nothing was released. {next_step}")


def rejected_in_queue(model: str, package: Package, occasion: str) -> Notice:
    """Rejected before its turn came."""
    return _rejection(model, package, occasion, "It left the queue and will not be released.")


def rejected_in_release(model: str, package: Package, occasion: str) -> Notice:
    """Rejected while it is being released."""
    return _rejection(model, package, occasion, "Its release is under way; when it has ended, production goes back.")


def rejected_live(model: str, package: Package, occasion: str) -> Notice:
    """Rejected while production serves it."""
    return _rejection(model, package, occasion, "Production serves it; it goes back to the one approved before.")


def no_way_back(model: str, live: str, occasion: str) -> Notice:
    """A rollback that cannot be."""
    return Notice(
        id=f"rollback-impossible#{live}#{occasion}",
        kind="rollback-impossible",
        subject=f"{model}: production serves a rejected version",
        text=f"{live} was rejected, and no package that was live before it is approved. Production still serves it: "
        "approve another package, or delete the endpoint.",
    )


def done(model: str, release: Release, replaced: str) -> Notice:
    """Production serves another package."""
    kind = "rollback-done" if release.is_rollback else "release-done"
    verb = "went back to" if release.is_rollback else "serves"
    return Notice(
        id=f"{kind}#{release.release_id}",
        kind=kind,
        subject=f"{model}: production {verb} {_version(release.package_arn)}",
        text=f"Production of {model} {verb} {release.package_arn}, verified. "
        f"Before: {replaced or 'nothing'}.\nExecution: {release.execution_arn}",
    )


def failed(model: str, release: Release, reason: str, live: str) -> Notice:
    """A release or a rollback that did not get through."""
    kind = "rollback-failed" if release.is_rollback else "release-failed"
    what = "rollback to" if release.is_rollback else "release of"
    advice = "A person has to look at production." if release.is_rollback else "Reject and approve it to try again."
    return Notice(
        id=f"{kind}#{release.release_id}",
        kind=kind,
        subject=f"{model}: {what} {_version(release.package_arn)} failed",
        text=f"The {what} {release.package_arn} failed:\n{reason}\n"
        f"Live as far as the ledger knows: {live or 'nothing'}. {advice}\nExecution: {release.execution_arn}",
    )


def _rejection(model: str, package: Package, occasion: str, consequence: str) -> Notice:
    return Notice(
        id=f"rejected#{package.arn}#{occasion}",
        kind="rejected",
        subject=f"{model}: {_version(package.arn)} was rejected",
        text=f"{package.arn} was rejected by {package.who}: {package.why or 'no reason given'}\n{consequence}",
    )


def _version(arn: str) -> str:
    return f"version {arn.rpartition('/')[2]}"
