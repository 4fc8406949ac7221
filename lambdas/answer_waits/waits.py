"""Waits in the ledger: OPEN -> DECIDED -> ANSWERED. A decision is written once; whoever finds it carries it out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from lambdas.shared.errors import Permanent
from lambdas.shared.events import CallbackSent, render_time
from lambdas.shared.ledger.table import ABSENT, Delete, Put, Row, Table, Write


class WaitState(StrEnum):
    """Where a wait is: nothing decided, decided and to be told to SageMaker, told."""

    OPEN = "OPEN"
    DECIDED = "DECIDED"
    ANSWERED = "ANSWERED"


@dataclass(frozen=True)
class Answer:
    """What a callback step is told.

    Attributes:
        outputs: of a step that succeeds; None for one that fails.
        reason: why it fails.
        report: what was decided on, as JSON; empty if there is nothing to report.
    """

    outputs: Mapping[str, str] | None = None
    reason: str = ""
    report: str = ""


@dataclass(frozen=True)
class Wait:
    """A callback step that waits.

    Attributes:
        kind: `endpoint` or `experiment`.
        config: endpoint config that shall be served; empty when nothing has to change.
        since: when its message was sent, as the ledger writes times.
    """

    token: str
    kind: str
    release_id: str
    stage: str
    endpoint: str
    config: str
    variants: tuple[str, ...]
    mode: str
    package_arn: str
    comparison_uri: str
    since: str
    deadline_at: str
    state: WaitState = WaitState.OPEN
    answer: Answer | None = None

    @property
    def id(self) -> str:
        """Its sort key: a step that is run again has another token, and is another wait."""
        return f"{self.release_id}#{self.stage}#{self.kind}#{self.token}"


def from_message(event: CallbackSent, deadline_at: str) -> Wait:
    """The wait that a callback step asks for.

    Raises:
        Permanent: an argument is missing, or the kind is unknown.
    """
    given = event.arguments
    missing = {"wait", "release_id", "stage", "endpoint", "config", "variants"} - given.keys()
    if missing or given["wait"] not in ("endpoint", "experiment"):
        raise Permanent(f"callback {event.token}", f"expected a wait for an endpoint or an experiment, found {given}")
    return Wait(
        token=event.token,
        kind=given["wait"],
        release_id=given["release_id"],
        stage=given["stage"],
        endpoint=given["endpoint"],
        config=given["config"],
        variants=tuple(given["variants"].split(",")),
        mode=given.get("mode", "none"),
        package_arn=given.get("model_package_arn", ""),
        comparison_uri=given.get("comparison_uri", ""),
        since=render_time(event.time),
        deadline_at=deadline_at,
    )


@dataclass(frozen=True)
class Waits:
    """The waits of one model. Those without an answer are kept a second time, so that they are found at once."""

    table: Table
    model: str

    def open(self, wait: Wait, *more: Write) -> Wait:
        """Note a wait, or find it as it is by now."""
        self.table.write(Put(self._row(wait), ABSENT), Put(self._unanswered(wait)), *more)
        return self.find(wait.id) or wait

    def find(self, wait_id: str) -> Wait | None:
        """A wait by its id."""
        row = self.table.get(self._pk, wait_id)
        return _parse(row) if row else None

    def unanswered(self) -> tuple[Wait, ...]:
        """All that wait for an answer, or for its being told."""
        ids = [row["sk"] for row in self.table.query(self._unanswered_pk)]
        found = (self.find(wait_id) for wait_id in ids)
        return tuple(wait for wait in found if wait and wait.state is not WaitState.ANSWERED)

    def decide(self, wait: Wait, answer: Answer, *more: Write) -> bool:
        """OPEN -> DECIDED, together with what else has to be written.

        Returns:
            False if somebody decided it before: that decision stands.
        """
        decided = replace(wait, state=WaitState.DECIDED, answer=answer)
        return self.table.write(Put(self._row(decided), {"state": WaitState.OPEN}), *more)

    def close(self, wait: Wait) -> None:
        """DECIDED -> ANSWERED."""
        self.table.write(
            Put(self._row(replace(wait, state=WaitState.ANSWERED)), {"state": WaitState.DECIDED}),
            Delete(self._unanswered_pk, wait.id),
        )

    def _row(self, wait: Wait) -> Row:
        answer = vars(wait.answer) if wait.answer else None
        plain = {**vars(wait), "variants": list(wait.variants), "state": str(wait.state)}
        return {"pk": self._pk, "sk": wait.id, **plain, "answer": json.dumps(answer)}

    def _unanswered(self, wait: Wait) -> Row:
        return {"pk": self._unanswered_pk, "sk": wait.id}

    @property
    def _pk(self) -> str:
        return f"WAIT#{self.model}"

    @property
    def _unanswered_pk(self) -> str:
        return f"UNANSWERED#{self.model}"


def _parse(row: Row) -> Wait:
    plain: dict[str, Any] = {name: value for name, value in row.items() if name not in ("pk", "sk")}
    answer = json.loads(plain["answer"])
    return Wait(
        **{
            **plain,
            "variants": tuple(plain["variants"]),
            "state": WaitState(plain["state"]),
            "answer": Answer(**answer) if answer else None,
        }
    )
