"""Of the CDK CLI's lines a person sees what fails and which stack is done."""

import pytest

from driftloop.commands import deploy

LINES = [
    "Driftloop |  0/7 | 4:05:06 PM | REVIEW_IN_PROGRESS | AWS::CloudFormation::Stack | Driftloop User Initiated",
    "Driftloop |  1/7 | 4:05:07 PM | CREATE_COMPLETE      | AWS::S3::Bucket                  | Raw (Raw4F2A)",
    "Driftloop |  2/7 | 4:05:07 PM | CREATE_FAILED        | AWS::SQS::Queue                  | Queue (Q1) no",
    "Driftloop-flights | 33/34 | 4:05:08 PM | CREATE_COMPLETE      | AWS::CloudFormation::Stack | Driftloop-flights",
    "Driftloop-rain |  4/9 | 4:05:08 PM | CREATE_FAILED | AWS::CloudFormation::Stack | Driftloop-rain The following",
    "✨  Synthesis time: 1.2s",
    "",
]


def test_failures_and_finished_stacks_are_said_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    with deploy.console.capture() as captured:
        for line in LINES:
            deploy._report(line)

    assert captured.get().splitlines() == [
        "  Driftloop: CREATE_FAILED (2/7)",
        "  Driftloop-flights: CREATE_COMPLETE (33/34)",
        "  Driftloop-rain: CREATE_FAILED (4/9)",
    ]


def test_a_line_of_progress_is_taken_apart() -> None:
    found = deploy._PROGRESS.match(LINES[3])

    assert found is not None
    assert found.groups() == (
        "Driftloop-flights",
        "33",
        "34",
        "CREATE_COMPLETE",
        "AWS::CloudFormation::Stack",
        "Driftloop-flights",
    )
