"""The suites: which checks a stage asks for, and what they need."""

import argparse
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline_definitions.release.scripts.model_tests.checks import (
    calibration_bins,
    calibration_check,
    champion_check,
    golden_check,
    latency_checks,
    slice_checks,
    variant_check,
)
from pipeline_definitions.release.scripts.model_tests.comparison import comparison
from pipeline_definitions.release.scripts.model_tests.endpoint import Endpoint
from pipeline_definitions.release.scripts.model_tests.report import FAILED, SKIPPED, Check, Report, number
from pipeline_definitions.release.scripts.model_tests.requests import Request, contract_requests, judge_answer
from pipeline_definitions.shared.scripts.registry import Facts, Registry, UntestableError
from pipeline_definitions.shared.scripts.roles import acting_as
from pipeline_definitions.shared.scripts.scoring import CSV, Holdout, Scored, losses, read_holdout, score, to_line

CONTAINER_MAX_S: Final = 60
ROWS_ASKED_AT_ONCE: Final = 500


class Suite:
    """Runs the checks of one suite. What cannot be tested is a failed check, and the others go on."""

    def __init__(self, session: Any, options: argparse.Namespace) -> None:
        # as many connections as threads: a caller that waits for a connection is not the endpoint's latency
        config = Config(
            retries={"total_max_attempts": 1},
            read_timeout=CONTAINER_MAX_S + 10,
            max_pool_connections=max(options.concurrency, 10),
        )
        stage, production = (
            acting_as(session, role) for role in (options.endpoint_role_arn, options.production_role_arn)
        )
        self._endpoint = Endpoint(stage.client("sagemaker-runtime", config=config), options.endpoint_name)
        self.registry = Registry(session, production)
        self._options = options
        self.report = Report(
            options.suite, options.endpoint_name, options.model_package_arn, os.environ.get("PROCESSING_JOB_ARN", "")
        )

    def run(self) -> Report:
        """Run the checks."""
        parts: dict[str, list[Callable[[Facts, Sequence[Facts]], Iterable[Check]]]] = {
            "dev": [self._golden, self._contract],
            "staging": [self._golden, self._latency, self._compared],
            "production": [self._golden],
        }
        try:
            package = self.registry.package(self._options.model_package_arn)
            records = self._records(package)
        except (UntestableError, ClientError, BotoCoreError) as exc:
            self._untestable("model package", exc)
            return self.report
        for part in parts[self._options.suite]:
            try:
                self.report.checks.extend(part(package, records))
            except (UntestableError, ClientError, BotoCoreError) as exc:
                self._untestable(part.__name__.strip("_"), exc)
        return self.report

    def _records(self, package: Facts) -> list[Facts]:
        try:
            records: list[Facts] = json.loads(self.registry.beside(package, "golden_records"))
        except ValueError as exc:
            raise UntestableError(f"golden records of {package['ModelPackageArn']}: not JSON: {exc}") from exc
        if not records:
            raise UntestableError(f"golden records of {package['ModelPackageArn']}: expected some, found none")
        return records

    def _untestable(self, group: str, exc: Exception) -> None:
        self.report.checks.append(Check(group, "could be tested", FAILED, str(exc)))

    def _golden(self, _: Facts, records: Sequence[Facts]) -> list[Check]:
        answers = [self._endpoint.ask(str(record["input"]).encode()) for record in records]
        checks = [golden_check(records, answers, self._options.tolerance)]
        return [*checks, variant_check(answers)] if self._options.suite == "production" else checks

    def _contract(self, _: Facts, records: Sequence[Facts]) -> Iterable[Check]:
        contract = json.loads(self._options.contract.read_text("utf-8"))
        for request in contract_requests(contract, records):
            yield judge_answer(request, self._endpoint.ask(request.body, request.content_type))
        last = Request("a good row after all that", str(records[0]["input"]).encode(), CSV, "answered")
        expected = Request(last.name, last.body, CSV, "answered", predictions=(float(records[0]["prediction"]),))
        yield judge_answer(expected, self._endpoint.ask(expected.body, CSV))

    def _latency(self, _: Facts, records: Sequence[Facts]) -> list[Check]:
        """Single rows, so many at a time. The first of each thread opens its connection and is not counted."""
        lines = [str(record["input"]).encode() for record in records]
        options = self._options
        with ThreadPoolExecutor(options.concurrency) as threads:
            list(threads.map(self._endpoint.ask, lines[:1] * options.concurrency))
            answers = list(threads.map(self._endpoint.ask, (lines[i % len(lines)] for i in range(options.requests))))
        self.report.latency_ms = sorted(1000 * answer.seconds for answer in answers)
        self.report.latency_budget_ms = {"p50": options.p50_ms, "p95": options.p95_ms}
        return latency_checks(answers, self.report.latency_budget_ms)

    def _compared(self, package: Facts, _: Sequence[Facts]) -> Iterable[Check]:
        """Challenger and champion on the challenger's hold-out."""
        options, report = self._options, self.report
        holdout = read_holdout(self.registry.beside(package, "holdout"))
        challenger = self._challenger(holdout)
        report.calibration["challenger"] = calibration_bins(holdout.labels, challenger.predictions)
        yield calibration_check(report.calibration["challenger"], options.calibration_max)
        champion = self._champion(holdout)
        report.comparison = comparison(holdout.labels, challenger, champion)
        if champion is None:
            said = f"{options.production_endpoint} serves nobody: a first release has no champion to compare with"
            yield Check("champion and challenger", "challenger against champion", SKIPPED, said)
        else:
            report.champion_arn = champion.package_arn
            report.calibration["champion"] = calibration_bins(holdout.labels, champion.predictions)
            yield champion_check(challenger, champion, holdout.labels, options.champion_margin)
        models = [challenger, champion] if champion else [challenger]
        yield from slice_checks(holdout, options.slices, options.slice_margin, models)

    def _challenger(self, holdout: Holdout) -> Scored:
        """Asked over the endpoint: what is compared is what serves.

        Raises:
            UntestableError: it does not answer the hold-out.
        """
        predictions: list[float] = []
        for start in range(0, len(holdout.rows), ROWS_ASKED_AT_ONCE):
            rows = holdout.rows[start : start + ROWS_ASKED_AT_ONCE]
            answer = self._endpoint.ask(b"\n".join(map(to_line, rows)))
            found = [number(line) for line in answer.body.split()] if answer.status == 200 else []
            if len(found) != len(rows) or not all(0 <= prediction <= 1 for prediction in found):
                raise UntestableError(
                    f"endpoint {self._options.endpoint_name}: expected {len(rows)} probabilities for rows {start} to "
                    f"{start + len(rows) - 1} of the hold-out, found {answer.in_short!r}"
                )
            predictions += found
        values = np.array(predictions)
        return Scored(self._options.model_package_arn, values, losses(holdout.labels, values))

    def _champion(self, holdout: Holdout) -> Scored | None:
        package = self.registry.champion(self._options.production_endpoint)
        if package is None:
            return None
        return score(str(package["ModelPackageArn"]), self.registry.archive(package), holdout)
