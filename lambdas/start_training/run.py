"""A run from its first thought to its settlement. Every function here may be repeated, or resumed by another."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Final

from botocore.exceptions import ClientError

from lambdas.shared.clients import Clients
from lambdas.shared.errors import Permanent
from lambdas.shared.events import ExecutionChanged, RetrainingRequested, render_time
from lambdas.shared.executions import failed_steps, start, token
from lambdas.shared.ledger.files import FileState
from lambdas.shared.ledger.runs import Batch, Fresh, Lease, LeaseState, Rerun
from lambdas.shared.ledger.trail import AuditEntry
from lambdas.shared.objects import is_not_there
from lambdas.shared.observability import log
from lambdas.shared.packages import Package
from lambdas.shared.settings import StartTrainingSettings
from lambdas.start_training import decision, notices
from lambdas.start_training.books import Books
from lambdas.start_training.report import Verdicts, parse_verdicts

_ME: Final = "driftloop"


def advance(settings: StartTrainingSettings, clients: Clients, books: Books, time: datetime) -> None:
    """Start the next run if the lease is free and something may run; finish a start that someone left half done."""
    lease = books.runs.lease()
    if lease.state is LeaseState.FREE:
        batch = _next_batch(settings, books, time)
        if batch is None:
            return
        books.runs.take(lease, batch, _entry("train.started", batch, time))
        lease = books.runs.lease()  # ours, or that of whoever was faster: a start is anybody's to finish
    if lease.state is LeaseState.STARTING:
        _start(settings, clients, books, lease)


def settle(settings: StartTrainingSettings, clients: Clients, books: Books, event: ExecutionChanged) -> None:
    """Settle the files of a run that ended, tell people, give the lease back. Only the holder's end counts."""
    lease = books.runs.lease()
    if lease.state is LeaseState.STARTING:  # it ended before its start was recorded: record that first
        lease = _start(settings, clients, books, lease)
    if lease.state is not LeaseState.RUNNING or lease.execution_arn != event.execution_arn:
        log.info("run.end_ignored", extra={"execution_arn": event.execution_arn, "status": event.status})
        return
    batch = _held_batch(books, lease)
    settlement = decision.settle(_ended_run(settings, clients, batch, event))
    books.files.settle(settlement.outcomes, batch.id)
    _tell(settings, books, batch, settlement)
    outcome = f"{settlement.ending.name}: {settlement.reason}" if settlement.reason else settlement.ending.name
    ended = replace(batch, outcome=outcome, ended_at=render_time(event.time))
    books.runs.give_back(lease, ended, _entry("train.ended", ended, event.time, outcome, event.event_id))
    log.info("run.settled", extra={"batch_id": batch.id, "attempt": batch.attempt, "ending": settlement.ending.name})


def request_rerun(settings: StartTrainingSettings, books: Books, event: RetrainingRequested, package: Package) -> None:
    """Have a rejected package's batch tried again, as long as attempts remain; asked twice, tried once."""
    batch = books.runs.batch(package.batch_id) if package.batch_id else None
    if batch is None:
        raise Permanent(
            package.arn, f"its batch '{package.batch_id}' is not in the ledger; retrain by uploading its files"
        )
    attempt = package.attempt + 1
    if attempt > settings.shared.attempts_max:
        books.people.tell(
            notices.no_attempts_left(settings.shared.model, batch.id, settings.shared.attempts_max, package.arn)
        )
        return
    if batch.attempt >= attempt:
        log.info("rerun.known", extra={"batch_id": batch.id, "attempt": attempt})
        return
    rerun = Rerun(batch.id, attempt, event.reason, render_time(event.time))
    entry = AuditEntry(rerun.requested_at, _ME, "retraining.requested", batch.id, event.reason, package.arn)
    books.runs.request(rerun, entry)


def _next_batch(settings: StartTrainingSettings, books: Books, time: datetime) -> Batch | None:
    reruns = []
    for rerun in books.runs.reruns()[:1]:
        batch = books.runs.batch(rerun.batch_id)
        if batch:
            used = tuple(file for file in batch.files if books.files.state(file) is FileState.CONSUMED)
            reruns.append((rerun, replace(batch, files=used)))
    waiting = decision.Waiting(books.files.waiting(), reruns, books.runs.wanted())
    return decision.next_batch(waiting, settings.batch_min_files, time)


def _start(settings: StartTrainingSettings, clients: Clients, books: Books, lease: Lease) -> Lease:
    """Claim, write the manifest, start, record: the same calls with the same arguments, whoever makes them."""
    batch = _held_batch(books, lease)
    if batch.fresh:
        pipeline, data = settings.retrain_pipeline, _fresh_data(batch.fresh)
    else:
        if batch.attempt == 1:
            books.files.claim(batch.files, batch.id)
        batch = replace(batch, manifest_uri=_write_manifest(settings, clients, batch))
        pipeline, data = settings.train_pipeline, {"DataManifest": batch.manifest_uri}
    folder = f"{_folder(settings, batch)}/attempt-{batch.attempt}"
    execution_arn = start(
        clients.sagemaker,
        pipeline,
        {
            **data,
            "BatchId": batch.id,
            "Attempt": str(batch.attempt),
            "OutputPrefix": f"s3://{settings.artifact_bucket}/{folder}",
        },
        request_token=token(batch.id, batch.attempt),
        title=f"{batch.id}-attempt-{batch.attempt}",
    )
    log.info("run.started", extra={"batch_id": batch.id, "files": len(batch.files), "execution_arn": execution_arn})
    return books.runs.started(lease, replace(batch, execution_arn=execution_arn))


def _fresh_data(fresh: Fresh) -> dict[str, str]:
    """What `retrain` is told of its data; where captures and labels lie is told by the stack."""
    return {
        "HistoryUri": fresh.history_uri,
        "HistoryShare": str(fresh.history_share),
        "FreshSince": fresh.fresh_since,
        "FreshUntil": fresh.fresh_until,
    }


def _write_manifest(settings: StartTrainingSettings, clients: Clients, batch: Batch) -> str:
    key = f"{_folder(settings, batch)}/manifest.json"
    manifest = {
        "model": settings.shared.model,
        "batch_id": batch.id,
        "attempt": batch.attempt,
        "files": [
            {
                "bucket": settings.raw_bucket,
                "key": file.key,
                "version_id": file.version_id,
                "etag": file.etag,
                "size_bytes": file.size_bytes,
            }
            for file in batch.data_files
        ],
    }
    body = json.dumps(manifest, indent=2, ensure_ascii=False).encode()
    clients.s3.put_object(Bucket=settings.artifact_bucket, Key=key, Body=body, ContentType="application/json")
    return f"s3://{settings.artifact_bucket}/{key}"


def _ended_run(
    settings: StartTrainingSettings, clients: Clients, batch: Batch, event: ExecutionChanged
) -> decision.EndedRun:
    has_failed = event.status != "Succeeded"
    steps = failed_steps(clients.sagemaker, event.execution_arn) if has_failed else ()
    return decision.EndedRun(batch, event.status, steps, _read_verdicts(settings, clients, batch))


def _read_verdicts(settings: StartTrainingSettings, clients: Clients, batch: Batch) -> Verdicts | None:
    key = f"{_folder(settings, batch)}/attempt-{batch.attempt}/validation/report.json"
    try:
        body = clients.s3.get_object(Bucket=settings.artifact_bucket, Key=key)["Body"].read()
    except ClientError as exc:
        if not is_not_there(exc):
            raise
        log.warning("report.not_there", extra={"key": key, "reason": str(exc)})
        return None
    verdicts = parse_verdicts(body.decode())
    if verdicts is None:
        log.error("report.unreadable", extra={"key": key})
    return verdicts


def _tell(settings: StartTrainingSettings, books: Books, batch: Batch, settlement: decision.Settlement) -> None:
    """Before the lease is given back: a repeated event finds the lease gone and tells nobody."""
    model = settings.shared.model
    if settlement.quarantined:
        books.people.tell(notices.quarantined(model, batch, settlement))
    if settlement.ending is not decision.Ending.SUCCEEDED:
        books.people.tell(notices.training_failed(model, batch, settlement))


def _held_batch(books: Books, lease: Lease) -> Batch:
    batch = books.runs.batch(lease.batch_id)
    if batch is None:
        raise Permanent(
            lease.batch_id, "the lease names it, the ledger does not have it; was the table changed by hand?"
        )
    return batch


def _folder(settings: StartTrainingSettings, batch: Batch) -> str:
    return f"{settings.shared.model}/batches/{batch.id}"


def _entry(what: str, batch: Batch, time: datetime, why: str = "", event_id: str = "") -> AuditEntry:
    why = why or f"{_data(batch)}, attempt {batch.attempt}"
    return AuditEntry(render_time(time), _ME, what, batch.id, why, event_id)


def _data(batch: Batch) -> str:
    if batch.fresh is None:
        return f"{len(batch.data_files)} files"
    return f"requests from {batch.fresh.fresh_since} to {batch.fresh.fresh_until}, history of {batch.fresh.history_uri}"
