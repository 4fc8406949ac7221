"""How rows of CloudWatch are found."""

import pytest

from emulator.services.cloudwatch import records


@pytest.mark.parametrize(
    ("reference", "name"),
    [("mine", "mine"), ("arn:aws:cloudwatch:r:1:alarm:mine:too", "mine:too"), ("arn:nothing", "arn:nothing")],
)
def test_an_alarm_is_named_by_its_name_or_its_arn(reference: str, name: str) -> None:
    assert records.alarm_name(reference) == name
