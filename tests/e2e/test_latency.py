"""The loop where AWS takes as long as it does: what polls inside a function would not live to see the end."""

from datetime import datetime, timedelta
from typing import Any

from tests.e2e.conftest import Loop
from tests.support import datasets


def test_upload_train_approve_and_serve_though_jobs_and_endpoints_take_minutes(slow_loop: Loop) -> None:
    slow_loop.upload("rainfall", "weather.csv", datasets.rainfall())
    (run,) = slow_loop.ended("rainfall-train")
    (package,) = slow_loop.packages("rainfall")

    slow_loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    (release,) = slow_loop.ended("rainfall-release")

    assert (run["PipelineExecutionStatus"], release["PipelineExecutionStatus"]) == ("Succeeded", "Succeeded")
    assert slow_loop.served("rainfall") == package
    jobs = [step for step in slow_loop.steps(run).values() if set(step["Metadata"]) & {"ProcessingJob", "TrainingJob"}]
    assert min(map(_lasted, jobs)) >= timedelta(minutes=3)
    assert max(map(_lasted, slow_loop.steps(release).values())) >= timedelta(minutes=8)


def _lasted(step: dict[str, Any]) -> timedelta:
    start: datetime = step["StartTime"]
    lasted: timedelta = step["EndTime"] - start
    return lasted
