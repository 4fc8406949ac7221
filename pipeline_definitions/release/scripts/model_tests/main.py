"""Steps TestDev, TestStaging and VerifyProduction: ask an endpoint as its callers do, and report what was found.

Suites
  dev         golden records; the contract: good requests answered, bad ones refused, never a 5xx
  staging     golden records; latency under a stated load; challenger against champion on one hold-out, as a whole and
              by slice; calibration
  production  golden records; the variant that answered

Reads   --contract FILE                      the model's settings and schema, merged
        the package's metadata               S3 URIs: `golden_records`, and `holdout` (the challenger's own)
        --production-endpoint                its variant `champion` leads to the package that serves now
Writes  output/report/report.json, .html     every check with its outcome and numbers; the page is for people
        output/report/comparison.json        staging: losses of both models, for the plan of the experiment

The challenger is asked over its endpoint, the champion scored with the code in its own archive: production is not put
under load. A difference is the challenger's log loss minus the champion's, row by row, so positive is worse. A gate on
it fails only when the whole 95 % interval lies beyond the margin; over slices the intervals hold together (Bonferroni).

Source: InvokeEndpoint's errors (ModelError with OriginalStatusCode and OriginalMessage) and its 6 MiB body are those of
the service model of botocore 1.44.5, read 2026-11-23. That AWS answers 413 or cuts the connection to a longer body is
nowhere documented: here either counts as refused.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from pipeline_definitions.release.scripts.model_tests.page import page
from pipeline_definitions.release.scripts.model_tests.report import FAILED, PASSED, Report
from pipeline_definitions.release.scripts.model_tests.suites import Suite
from pipeline_definitions.shared.scripts.jobs import fail, region


def main() -> int:
    """Run a suite, write its reports.

    Returns:
        The exit code: 1 if a check failed.
    """
    options = _options()
    suite = Suite(boto3.session.Session(region_name=region()), options)
    report = suite.run()
    files = write_reports(report, options.base_dir / "output/report")
    print(f"{report.suite}: {len(report.checks)} checks, {len(report.failed)} failed", flush=True)
    if not report.failed:
        return 0
    message = summary(report, options.report_uri)
    try:
        for path in files:
            suite.registry.put(f"{options.report_uri}/{path.name}", path)
    except (ClientError, BotoCoreError) as exc:
        message = f"{message} (and the report could not be uploaded: {exc})"
    fail(message, options.base_dir)
    return 1


def write_reports(report: Report, folder: Path) -> list[Path]:
    """The reports, for SageMaker to upload if the job ends well."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "report.json": to_text({"verdict": FAILED if report.failed else PASSED, **asdict(report)}),
        "report.html": page(report),
    }
    if report.comparison is not None:
        documents["comparison.json"] = to_text(report.comparison)
    for name, text in documents.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in documents]


def to_text(document: Any) -> str:
    """JSON for programs that take no NaN."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def summary(report: Report, report_uri: str) -> str:
    """Why, for people who see only the job's ExitMessage: the count and the report's place first, reasons after."""
    reasons = "; ".join(f"{check.group}, {check.name}: {check.said}" for check in report.failed)
    counted = f"{len(report.failed)} of {len(report.checks)} {report.suite} tests failed on endpoint {report.endpoint}"
    return f"{counted} (report: {report_uri}/report.html). {reasons}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--suite", required=True, choices=["dev", "staging", "production"])
    parser.add_argument("--endpoint-name", required=True, help="the endpoint under test")
    parser.add_argument("--endpoint-role-arn", default="none", help="role in the endpoint's own account, or `none`")
    parser.add_argument("--production-endpoint", required=True, help="where the champion serves, if anything does")
    parser.add_argument("--production-role-arn", default="none", help="role in production's own account, or `none`")
    parser.add_argument("--model-package-arn", required=True, help="what the endpoint should serve: the challenger")
    parser.add_argument("--contract", type=Path, required=True, help="the model's settings and schema, merged")
    parser.add_argument("--report-uri", required=True, help="s3:// prefix that gets the reports if a check failed")
    parser.add_argument("--tolerance", type=float, required=True, help="allowed difference of a golden prediction")
    parser.add_argument("--p50-ms", type=float, required=True)
    parser.add_argument("--p95-ms", type=float, required=True)
    parser.add_argument("--requests", type=int, required=True, help="how many the latency is measured over")
    parser.add_argument("--concurrency", type=int, required=True, help="how many of them at a time")
    parser.add_argument("--slices", type=_names, required=True, help="column names, comma separated, or `none`")
    parser.add_argument("--slice-margin", type=float, required=True, help="log loss, in nats")
    parser.add_argument("--champion-margin", type=float, required=True, help="log loss, in nats")
    parser.add_argument("--calibration-max", type=float, required=True)
    return parser.parse_args()


def _names(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(name.strip() for name in text.split(",") if name.strip())
