"""What retraining has cost: billable seconds of the jobs of its executions times the price table.

The cost of an execution that has ended is kept in the ledger (`SPENT#<model>`), so that it is asked for once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lambdas.shared.events import TERMINAL_STATUSES, render_time
from lambdas.shared.executions import steps
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.prices import READ, cost_usd

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_UNCOUNTED: Final = frozenset({"AutoMLJob", "EMR", "EMRServerless", "TransformJob", "TuningJob"})
"""Steps that cost money and that nobody has taught this module to count."""


class UncountedStepError(LookupError):
    """A step whose cost nobody counts: what was spent is unknown.

    Attributes:
        step: its name.
    """

    def __init__(self, step: str, kind: str) -> None:
        self.step = step
        super().__init__(f"step '{step}' runs a {kind}, whose cost is not counted; add it to {__name__}")


@dataclass(frozen=True)
class Spending:
    """What one pipeline costs."""

    sagemaker: "SageMakerClient"
    table: Table
    model: str
    pipeline: str

    def since(self, begin: datetime) -> float:
        """What executions that started since then have cost. Units: USD.

        Raises:
            UnknownPriceError: a machine is not in the price table.
            UncountedStepError: a step is of a kind that nobody counts.
        """
        return sum(self._cost(execution) for execution in self._executions(begin))

    def _executions(self, begin: datetime) -> Iterator[Mapping[str, Any]]:
        request: dict[str, Any] = {"PipelineName": self.pipeline, "CreatedAfter": begin, "MaxResults": 100}
        while True:
            page = self.sagemaker.list_pipeline_executions(**request)
            yield from page["PipelineExecutionSummaries"]
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]

    def _cost(self, execution: Mapping[str, Any]) -> float:
        arn = execution["PipelineExecutionArn"]
        known = self.table.get(f"SPENT#{self.model}", arn)
        if known:
            return float(known["usd"])
        usd = sum(self._cost_of_step(step) for step in steps(self.sagemaker, arn))
        if execution["PipelineExecutionStatus"] in TERMINAL_STATUSES:
            row = {"pk": f"SPENT#{self.model}", "sk": arn, "usd": f"{usd:.6f}", "prices_read": READ}
            self.table.write(Put({**row, "started_at": render_time(execution["StartTime"])}))
        return usd

    def _cost_of_step(self, step: Mapping[str, Any]) -> float:
        """Nothing for a step that was served from the cache: its job ran for another execution."""
        if "CacheHitResult" in step:
            return 0.0
        metadata = step.get("Metadata", {})
        for kind in _UNCOUNTED & metadata.keys():
            raise UncountedStepError(step["StepName"], kind)
        if "TrainingJob" in metadata:
            return self._cost_of_training(_name(metadata["TrainingJob"]["Arn"]))
        if "ProcessingJob" in metadata:
            return self._cost_of_processing(_name(metadata["ProcessingJob"]["Arn"]))
        return 0.0

    def _cost_of_training(self, name: str) -> float:
        job = self.sagemaker.describe_training_job(TrainingJobName=name)
        machines = job["ResourceConfig"]
        return cost_usd(machines["InstanceType"], machines["InstanceCount"], job.get("BillableTimeInSeconds", 0))

    def _cost_of_processing(self, name: str) -> float:
        """A job that still runs, or never had its machines, has cost nothing that is known."""
        job = self.sagemaker.describe_processing_job(ProcessingJobName=name)
        machines = job["ProcessingResources"]["ClusterConfig"]
        if "ProcessingStartTime" not in job or "ProcessingEndTime" not in job:
            return cost_usd(machines["InstanceType"], machines["InstanceCount"], 0)
        seconds = (job["ProcessingEndTime"] - job["ProcessingStartTime"]).total_seconds()
        return cost_usd(machines["InstanceType"], machines["InstanceCount"], seconds)


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
