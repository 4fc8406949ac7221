"""What Lambda itself writes to a function's log."""

import json
from datetime import UTC, datetime

from emulator.semantics.lambda_ import log_lines
from emulator.semantics.lambda_.log_lines import Format, Report

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)
REPORT = Report("id", 12.345, 128, peak_bytes=40 << 20, init_ms=100.5)


def test_the_text_of_a_report_is_aws_own() -> None:
    ended, reported = log_lines.end(Format(), REPORT, AT)

    assert ended == "END RequestId: id"
    assert reported == (
        "REPORT RequestId: id\tDuration: 12.35 ms\tBilled Duration: 113 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 40 MB\tInit Duration: 100.50 ms\t"
    )


def test_a_failure_of_the_platform_is_in_the_report() -> None:
    timeout = Report("id", 3000, 128, status="timeout", error_type="Sandbox.Timedout")
    killed = Report("id", 10, 128, 999 << 20, status="error", error_type="Runtime.OutOfMemory")

    assert "Status" not in log_lines.end(Format(), Report("id", 1, 128, status="error"), AT)[1]
    assert log_lines.end(Format(), timeout, AT)[1].endswith("Memory Size: 128 MB\tStatus: timeout\t")
    report = log_lines.end(Format(), killed, AT)[1]
    assert "Max Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory" in report


def test_json_lines_hold_the_same_by_level() -> None:
    form = Format(is_json=True, level="INFO")

    (started,) = log_lines.start(form, "id", "7", AT)
    (reported,) = log_lines.end(form, REPORT, AT)

    assert json.loads(started) == {
        "time": "2026-01-02T03:04:05.678Z",
        "type": "platform.start",
        "record": {"requestId": "id", "version": "7"},
    }
    assert json.loads(reported)["record"]["metrics"] == {
        "durationMs": 12.345,
        "billedDurationMs": 113,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": 40,
        "initDurationMs": 100.5,
    }


def test_a_level_leaves_out_what_is_below_it() -> None:
    debug, warn = Format(is_json=True, level="DEBUG"), Format(is_json=True, level="WARN")
    failed = Report("id", 1, 128, status="error")

    assert len(log_lines.end(debug, REPORT, AT)) == 2
    assert log_lines.start(warn, "id", "1", AT) == log_lines.end(warn, REPORT, AT) == []
    assert len(log_lines.end(warn, failed, AT)) == 2
