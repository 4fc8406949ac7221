"""The `release` pipeline: dev -> tests -> staging -> tests -> A/B test in production -> verdict -> promote.

Each gate may fail, and then production is as it was. `make pipelines` builds `definition.json`.
"""

from sagemaker.core.workflow.conditions import ConditionEquals
from sagemaker.core.workflow.functions import Join
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.steps import Step

from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.stages import PARAMETERS, Stages
from pipeline_definitions.shared.steps import render

_READY = ("endpoint_config",)
_VERDICT = ("verdict", "reason", "report_uri")


def build(session: OfflineSession) -> str:
    """Compose the definition.

    Returns:
        JSON text with stand-in names (`tokens`).
    """
    stages = Stages(session)
    dev = _tried_out(stages, "Dev", "dev", after=[])
    staging = _tried_out(stages, "Staging", "staging", after=[dev[2]])
    experiment = stages.change("StartExperiment", "experiment", "prod", after=[staging[2]])
    verdict = stages.wait("Verdict", "experiment", "prod", experiment, _VERDICT)
    decide = ConditionStep(
        name="Decide",
        conditions=[ConditionEquals(left=verdict.properties.Outputs["verdict"], right="promote")],
        if_steps=_promoted(stages, verdict),
        else_steps=_kept(stages, experiment, verdict),
    )
    return render("release", session, PARAMETERS, [*dev, *staging, experiment, verdict, decide])


def _tried_out(stages: Stages, title: str, stage: str, after: list[Step]) -> tuple[Step, ...]:
    """Deploy, wait, test, take down."""
    change = stages.change(f"Deploy{title}", "deploy", stage, after)
    ready = stages.wait(f"{title}Ready", "endpoint", stage, change, _READY)
    test = stages.test(f"Test{title}", stage, change, ready)
    return (change, ready, test, stages.change(f"Remove{title}", "remove", stage, [test]))


def _promoted(stages: Stages, verdict: Step) -> list[Step]:
    """Production serves the new model, verified, and scales with its traffic."""
    change = stages.change("Promote", "promote", "prod", after=[verdict])
    ready = stages.wait("Promoted", "endpoint", "prod", change, _READY)
    scale = stages.change("Scale", "scale", "prod", after=[ready])
    monitor = stages.change("Monitor", "monitor", "prod", after=[ready])
    return [change, ready, scale, monitor, stages.test("VerifyProduction", "production", change, ready)]


def _kept(stages: Stages, experiment: Step, verdict: Step) -> list[Step]:
    """Production is put back as it was, verified; the run ends with the reason."""
    previous = experiment.properties.Outputs["previous"]
    change = stages.change("Withdraw", "withdraw", "prod", after=[verdict], previous=previous)
    ready = stages.wait("Withdrawn", "endpoint", "prod", change, _READY)
    outcome = verdict.properties.Outputs
    message = Join(on=": ", values=["not promoted", outcome["verdict"], outcome["reason"]])
    return [change, ready, FailStep(name="Kept", error_message=message, depends_on=[ready])]
