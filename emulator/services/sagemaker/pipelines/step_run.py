"""What a step's handler works with: its resolved arguments, calls made as the pipeline's role, and its own record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params, Principal
from emulator.kernel.store import Row
from emulator.semantics.pipelines import references, resolution
from emulator.semantics.pipelines.definition import Definition, Step
from emulator.semantics.pipelines.errors import UnresolvedError
from emulator.semantics.pipelines.resolution import Facts
from emulator.services.sagemaker import engine
from emulator.services.sagemaker.jobs.objects import split
from emulator.services.sagemaker.pipelines import records


@dataclass(frozen=True)
class StepResult:
    """How a step ended. `properties` are what later steps may refer to; `outcome` is a condition step's."""

    status: str = "Succeeded"
    properties: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    outcome: bool | None = None


class StepFailure(Exception):  # noqa: N818 - AWS's noun
    """A step that ended in failure; raised from wherever that became clear."""

    def __init__(self, reason: str, metadata: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.result = StepResult("Failed", reason=reason, metadata=metadata or {})


class StepRun:
    """One step that is being performed."""

    def __init__(self, kernel: Kernel, execution: Row, definition: Definition, step: Step, parameters: Row) -> None:
        self.kernel = kernel
        self.step = step
        self.execution_arn: str = execution["PipelineExecutionArn"]
        self._execution = execution
        self._definition = definition
        self._parameters = parameters
        self._principal = Principal(execution.get("RoleArn", ""), kernel.account_id)

    @property
    def execution_id(self) -> str:
        return self.execution_arn.rpartition("/")[2]

    @property
    def role_arn(self) -> str:
        """The pipeline's role, as which the step acts."""
        return self._principal.arn

    def resolved(self, value: Any) -> Any:
        """A part of the step's definition with its references replaced.

        Raises:
            UnresolvedError: something referred to is not there.
        """
        return resolution.resolve(value, self._facts(value))

    def invoke(self, service: str, operation: str, params: Params) -> Params:
        """Call AWS as the pipeline's role.

        Raises:
            StepFailure: refused, in AWS's words for that.
        """
        try:
            return self.kernel.calls(service, operation, params, self._principal)
        except AwsError as error:
            text = f"ClientError: Failed to invoke {service}:{operation}. Error Details: {error.message}"
            raise StepFailure(text) from error

    def executing(self, metadata: Mapping[str, Any]) -> bool:
        """Record that the step's own work has begun; false when the execution is being stopped meanwhile."""
        with engine.of(self.kernel).execution_lock(self.execution_arn):
            is_stopping = records.execution(self.kernel, self.execution_arn)["PipelineExecutionStatus"] == "Stopping"
            status = "Stopping" if is_stopping else "Executing"
            records.change_step(
                self.kernel, self.execution_arn, self.step.name, StepStatus=status, Metadata=dict(metadata)
            )
        return not is_stopping

    def is_stopping(self) -> bool:
        return bool(records.execution(self.kernel, self.execution_arn)["PipelineExecutionStatus"] == "Stopping")

    def _facts(self, value: Any) -> Facts:
        properties = {
            row["StepName"]: row["_Properties"]
            for row in records.steps(self.kernel, self.execution_arn)
            if "_Properties" in row
        }
        found = [reference for reference, _ in references.find(value, self.step.name) if reference.is_property_file]
        files = {
            (item.name, str(item.path[1])): self._property_file(item.name, str(item.path[1]), properties)
            for item in found
        }
        return Facts(self._parameters, self._variables(), properties, files)

    def _variables(self) -> dict[str, str]:
        pipeline_arn = self._execution["PipelineArn"]
        return {
            "StartDateTime": self._execution["CreationTime"].isoformat(),
            "CurrentDateTime": self.kernel.clock.now().isoformat(),
            "PipelineName": pipeline_arn.rpartition("/")[2],
            "PipelineArn": pipeline_arn,
            "PipelineExecutionId": self.execution_id,
            "PipelineExecutionArn": self.execution_arn,
        }

    def _property_file(self, step: str, name: str, properties: Mapping[str, Any]) -> Any:
        """The parsed file, from where the processing job put its output.

        Source: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-propertyfile.html, read 2026-11.
        """
        file = next(item for item in self._definition.step(step).property_files if item.name == name)
        path = ("ProcessingOutputConfig", "Outputs", file.output_name, "S3Output", "S3Uri")
        uri = f"{resolution.walk(properties.get(step, {}), path, f'property file {name}').rstrip('/')}/{file.path}"
        bucket, key = split(uri)
        try:
            body = self.kernel.calls("s3", "GetObject", {"Bucket": bucket, "Key": key}, self._principal)["Body"]
            return json.loads(body)
        except AwsError as error:
            raise UnresolvedError(
                f"property file '{name}' of step '{step}' not found at {uri}: {error.code}"
            ) from error
        except ValueError as error:
            raise UnresolvedError(f"property file '{name}' of step '{step}' at {uri} is not JSON: {error}") from error
