"""Whatever fails, however often events repeat: each delivery arrives or is given up, once; and nothing else arrives."""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.kernel.errors import AwsError
from emulator.services import events
from tests.support.clocks import FakeClock
from tests.support.dispatching import stand_still
from tests.support.emulator import world

ARN = "arn:aws:sqs:us-east-1:123456789012:"
A_WEEK_S = 7 * 86_400
FAILURES = st.sampled_from(["ok", "ok", "Throttling", "ServiceUnavailable", "AccessDenied"])
OUTAGES = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 100_000)), max_size=2)


class Queues:
    """SQS that answers as it is told: `script` per try and queue; during an outage nothing gets through."""

    def __init__(self, clock: FakeClock, script: dict[str, list[str]], outages: list[tuple[int, int]]) -> None:
        self._clock, self._began = clock, clock.now()
        self._script = {queue: iter(answers) for queue, answers in script.items()}
        self._outages = outages
        self.received: list[tuple[str, int]] = []
        self.dead: list[tuple[str, int]] = []

    def __call__(self, service: str, operation: str, params: dict[str, Any], principal: Any = None) -> dict[str, Any]:
        assert (service, operation) == ("sqs", "SendMessage")
        queue, number = params["QueueUrl"].rsplit("/", 1)[1], json.loads(params["MessageBody"])["detail"]["n"]
        if queue == "dead":
            self.dead.append((params["MessageAttributes"]["TARGET_ARN"]["StringValue"].removeprefix(ARN), number))
            return {}
        answer = next(self._script[queue], "ok")
        if self._is_out() or answer != "ok":
            raise AwsError("ServiceUnavailable" if self._is_out() else answer, "no")
        self.received.append((queue, number))
        return {}

    def _is_out(self) -> bool:
        since_s = (self._clock.now() - self._began).total_seconds()
        return any(start <= since_s < start + length for start, length in self._outages)


@settings(max_examples=60, deadline=None)
@given(
    numbers=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    first=st.lists(FAILURES, max_size=8),
    second=st.lists(FAILURES, max_size=8),
    outages=OUTAGES,
    retries=st.sampled_from([0, 2, 185]),
)
def test_every_delivery_arrives_or_is_given_up_and_none_is_invented(
    numbers: list[int], first: list[str], second: list[str], outages: list[tuple[int, int]], retries: int
) -> None:
    with TemporaryDirectory() as place:
        made = world(Path(place), {"events": events.OPERATIONS})
        clock = FakeClock()
        dispatcher = stand_still(made, clock)
        made.call("events", "PutRule", {"Name": "r", "EventPattern": '{"detail": {"n": [0, 1, 2]}}'})
        more = {"DeadLetterConfig": {"Arn": f"{ARN}dead"}, "RetryPolicy": {"MaximumRetryAttempts": retries}}
        targets = [{"Id": name, "Arn": ARN + name, **more} for name in ("one", "two")]
        made.call("events", "PutTargets", {"Rule": "r", "Targets": targets})
        made.kernel.calls = queues = Queues(clock, {"one": first, "two": second}, outages)

        for number in numbers:
            entry = {"Source": "s", "DetailType": "t", "Detail": json.dumps({"n": number})}
            made.call("events", "PutEvents", {"Entries": [entry]})
            dispatcher.pass_time(10)
        dispatcher.pass_time(A_WEEK_S)
        made.close()

    expected = Counter((queue, number) for number in numbers if number < 3 for queue in ("one", "two"))
    assert Counter(queues.received) + Counter(queues.dead) == expected
