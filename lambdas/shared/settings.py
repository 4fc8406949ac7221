"""The environment of each function, read once and checked: a misconfigured function says so before it does anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


class MissingSettingError(RuntimeError):
    """An environment variable that is not there or not what it should be.

    Attributes:
        variable: its name.
    """

    def __init__(self, variable: str, expected: str, found: str | None) -> None:
        self.variable = variable
        super().__init__(
            f"environment variable {variable}: expected {expected}, found {found!r}; deploy the stack again"
        )


@dataclass(frozen=True)
class StageRoles:
    """What a function acts as in stages that have AWS accounts of their own.

    Attributes:
        arns: role by stage; a stage that is missing lives at home.
        who: the session's name, so that the trail of the stage's account tells who acted.
    """

    arns: Mapping[str, str]
    who: str


AT_HOME: Final = StageRoles({}, "")
"""No stage has an account of its own."""


@dataclass(frozen=True)
class Machines:
    """What an endpoint runs on."""

    instance_type: str
    instance_count: int


@dataclass(frozen=True)
class Traffic:
    """How production goes from one version to the next.

    Attributes:
        shifting: `all_at_once`, `canary` or `linear`.
        step_percent: the canary's share, or each linear step.
        wait_s: for so long alarms are watched after each share.
        timeout_s: how long all of it may take.
        alarms: names of those that put the old version back.
    """

    shifting: str
    step_percent: int
    wait_s: int
    timeout_s: int
    alarms: tuple[str, ...]


@dataclass(frozen=True)
class Scaling:
    """How many instances production has. Units: invocations a minute."""

    instances_min: int
    instances_max: int
    invocations_per_instance: float


@dataclass(frozen=True)
class ModelMonitor:
    """How AWS's Model Monitor watches production.

    Attributes:
        image_uri: of AWS's analyzer.
        role_arn: what its jobs run with.
        labels_uri, reports_uri: folders, without a slash at the end.
        preprocessor_uri: what makes rows of captured requests.
        every_h: hours between two runs, and what each looks at.
        label_delay_s: so long after a request its label is due; whole hours.
        key_arn: what reports are encrypted with; empty for S3's own key.
    """

    image_uri: str
    role_arn: str
    labels_uri: str
    reports_uri: str
    preprocessor_uri: str
    instance_type: str
    every_h: int
    label_delay_s: int
    key_arn: str = ""


@dataclass(frozen=True)
class MonitoringSchedules:
    """Model Monitor's schedules, by name, and what their runs look at."""

    data_quality: str
    model_quality: str
    window_s: int
    label_delay_s: int


@dataclass(frozen=True)
class SharedSettings:
    """What every function of a model knows."""

    model: str
    ledger_table: str
    people_topic_arn: str
    ingest_queue_url: str
    dead_letter_queue_url: str
    attempts_max: int


@dataclass(frozen=True)
class StartTrainingSettings:
    """What `start_training` knows besides."""

    shared: SharedSettings
    raw_bucket: str
    raw_prefix: str
    artifact_bucket: str
    train_pipeline: str
    retrain_pipeline: str
    batch_min_files: int
    batch_window_s: int


@dataclass(frozen=True)
class RetrainingPolicy:
    """When an alarm may start a run.

    Attributes:
        cooldown_s: from the end of a run to the next.
        per_day_max: runs in any 24 hours.
        runs_max: runs of an episode; after that a person is called.
        budget_usd: what retraining may cost in `budget_days`.
        history_share: of the champion's own rows that go into a run, from 0 to 1.
        label_delay_s: after so long a request has its label, if it will ever have one.
        window_s: what a monitor looks at.
    """

    cooldown_s: int
    per_day_max: int
    runs_max: int
    budget_usd: float
    budget_days: int
    history_share: float
    label_delay_s: int
    window_s: int


@dataclass(frozen=True)
class StartRetrainingSettings:
    """What `start_retraining` knows besides.

    Attributes:
        retrain_alarm: the one alarm that asks for retraining.
        drift_alarm, quality_alarm: the alarms behind it.
    """

    shared: SharedSettings
    retrain_alarm: str
    drift_alarm: str
    quality_alarm: str
    train_pipeline: str
    retrain_pipeline: str
    policy: RetrainingPolicy


@dataclass(frozen=True)
class ReconcileSettings:
    """What `reconcile` knows besides.

    Attributes:
        release_queue_url, waits_queue_url, retraining_queue_url: where what was lost is sent again.
        schedules: None where the pipeline watches.
    """

    shared: SharedSettings
    package_group: str
    raw_bucket: str
    raw_prefix: str
    retrain_alarm: str
    watch_pipeline: str
    release_queue_url: str
    waits_queue_url: str
    retraining_queue_url: str
    schedules: MonitoringSchedules | None = None


@dataclass(frozen=True)
class DecideReleaseSettings:
    """What `decide_release` knows besides."""

    shared: SharedSettings
    release_pipeline: str
    rollback_pipeline: str
    report_uri: str
    endpoint_prefix: str
    keeps_stages: bool
    stage_roles: StageRoles = AT_HOME


@dataclass(frozen=True)
class ChangeEndpointSettings:
    """What `change_endpoint` knows.

    Attributes:
        endpoint_prefix: `<prefix>-<model>`; a stage's name completes it.
        serve_role_arn: what endpoints at home serve as; see `serve_role`.
        capture_uri: where production's requests and answers are captured.
        machines: by stage.
        traffic: None changes production all at once, watched by no alarm.
        scaling: None leaves the number of instances as it is.
        monitor: None where Model Monitor is not asked for.
        keeps_stages: dev and staging endpoints stay after their tests.
        capture_key_arn: what captures are encrypted with; empty for S3's own key.
    """

    endpoint_prefix: str
    serve_role_arn: str
    capture_uri: str
    machines: Mapping[str, Machines]
    experiment_mode: str
    challenger_weight: float
    keeps_stages: bool
    traffic: Traffic | None = None
    scaling: Scaling | None = None
    monitor: ModelMonitor | None = None
    capture_key_arn: str = ""
    stage_roles: StageRoles = AT_HOME
    stage_serve_roles: Mapping[str, str] = field(default_factory=dict)

    def serve_role(self, stage: str) -> str:
        """What a stage's endpoint serves as: a role of the account that the stage lives in."""
        return self.stage_serve_roles.get(stage, self.serve_role_arn)


@dataclass(frozen=True)
class GuardRails:
    """What ends an experiment for the champion, once the challenger had `requests_min` requests."""

    requests_min: int
    error_rate_max: float
    p95_ms_max: float
    null_rate_max: float


@dataclass(frozen=True)
class ExperimentSettings:
    """The A/B test.

    Attributes:
        mode: `paired`, `split` or `none`.
        minimum_effect: improvement of the mean loss that is worth a release.
        start_weight: the challenger's share in mode split.
        ramp: the shares that follow it, each once the guard-rails were found whole.
    """

    mode: str
    metric: str
    minimum_effect: float
    alpha: float
    power: float
    start_weight: float
    ramp: tuple[float, ...]
    duration_max_s: int
    look_every_s: int
    guard_rails: GuardRails


@dataclass(frozen=True)
class AnswerWaitsSettings:
    """What `answer_waits` knows.

    Attributes:
        tick_prefix: what the names of this model's schedules start with.
        tick_role_arn: with it, EventBridge Scheduler sends ticks to the queue of waits.
        capture_uri, labels_uri, report_uri: folders, without a slash at the end.
        deadline_s: how long an endpoint may take.
    """

    model: str
    ledger_table: str
    people_topic_arn: str
    dead_letter_queue_url: str
    waits_queue_arn: str
    tick_prefix: str
    tick_role_arn: str
    capture_uri: str
    labels_uri: str
    report_uri: str
    deadline_s: int
    experiment: ExperimentSettings
    stage_roles: StageRoles = AT_HOME


def read_answer_waits(environment: Mapping[str, str]) -> AnswerWaitsSettings:
    """The settings of `answer_waits`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return AnswerWaitsSettings(
        model=_text(environment, "MODEL"),
        ledger_table=_text(environment, "LEDGER_TABLE"),
        people_topic_arn=_text(environment, "PEOPLE_TOPIC_ARN"),
        dead_letter_queue_url=_text(environment, "DEAD_LETTER_QUEUE_URL"),
        waits_queue_arn=_text(environment, "WAITS_QUEUE_ARN"),
        tick_prefix=_text(environment, "TICK_PREFIX"),
        tick_role_arn=_text(environment, "TICK_ROLE_ARN"),
        capture_uri=_text(environment, "CAPTURE_URI").rstrip("/"),
        labels_uri=_text(environment, "LABELS_URI").rstrip("/"),
        report_uri=_text(environment, "REPORT_URI").rstrip("/"),
        deadline_s=_number(environment, "DEADLINE_S"),
        experiment=_experiment(_text(environment, "EXPERIMENT")),
        stage_roles=_stage_roles(environment),
    )


def _experiment(text: str) -> ExperimentSettings:
    try:
        found: dict[str, Any] = json.loads(text)
        rails, ramp = GuardRails(**found["guard_rails"]), tuple(found["ramp"])
        experiment = ExperimentSettings(**{**found, "guard_rails": rails, "ramp": ramp})
    except (ValueError, TypeError, KeyError) as exc:
        raise MissingSettingError("EXPERIMENT", "JSON with the settings of the experiment", text) from exc
    if experiment.mode not in ("paired", "split", "none"):
        raise MissingSettingError("EXPERIMENT", "mode paired, split or none", experiment.mode)
    if experiment.minimum_effect <= 0:
        raise MissingSettingError("EXPERIMENT", "a minimum effect above 0", str(experiment.minimum_effect))
    return experiment


def read_change_endpoint(environment: Mapping[str, str]) -> ChangeEndpointSettings:
    """The settings of `change_endpoint`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return ChangeEndpointSettings(
        endpoint_prefix=_text(environment, "ENDPOINT_PREFIX"),
        serve_role_arn=_text(environment, "SERVE_ROLE_ARN"),
        capture_uri=_text(environment, "CAPTURE_URI"),
        machines={stage: Machines(**found) for stage, found in _json(environment, "MACHINES").items()},
        experiment_mode=_text(environment, "EXPERIMENT_MODE"),
        challenger_weight=_fraction(environment, "CHALLENGER_WEIGHT"),
        keeps_stages=_text(environment, "KEEP_STAGES") == "true",
        traffic=_traffic(environment) if "TRAFFIC" in environment else None,
        scaling=Scaling(**_json(environment, "SCALING")) if "SCALING" in environment else None,
        monitor=ModelMonitor(**_json(environment, "MODEL_MONITOR")) if "MODEL_MONITOR" in environment else None,
        capture_key_arn=environment.get("CAPTURE_KEY_ARN", ""),
        stage_roles=_stage_roles(environment),
        stage_serve_roles=_roles(environment, "STAGE_SERVE_ROLES"),
    )


def read_start_training(environment: Mapping[str, str]) -> StartTrainingSettings:
    """The settings of `start_training`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return StartTrainingSettings(
        shared=_read_shared(environment),
        raw_bucket=_text(environment, "RAW_BUCKET"),
        raw_prefix=_text(environment, "RAW_PREFIX"),
        artifact_bucket=_text(environment, "ARTIFACT_BUCKET"),
        train_pipeline=_text(environment, "TRAIN_PIPELINE"),
        retrain_pipeline=_text(environment, "RETRAIN_PIPELINE"),
        batch_min_files=_number(environment, "BATCH_MIN_FILES"),
        batch_window_s=_number(environment, "BATCH_WINDOW_S"),
    )


def read_start_retraining(environment: Mapping[str, str]) -> StartRetrainingSettings:
    """The settings of `start_retraining`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return StartRetrainingSettings(
        shared=_read_shared(environment),
        retrain_alarm=_text(environment, "RETRAIN_ALARM"),
        drift_alarm=_text(environment, "DRIFT_ALARM"),
        quality_alarm=_text(environment, "QUALITY_ALARM"),
        train_pipeline=_text(environment, "TRAIN_PIPELINE"),
        retrain_pipeline=_text(environment, "RETRAIN_PIPELINE"),
        policy=_policy(environment),
    )


def read_reconcile(environment: Mapping[str, str]) -> ReconcileSettings:
    """The settings of `reconcile`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return ReconcileSettings(
        shared=_read_shared(environment),
        package_group=_text(environment, "PACKAGE_GROUP"),
        raw_bucket=_text(environment, "RAW_BUCKET"),
        raw_prefix=_text(environment, "RAW_PREFIX"),
        retrain_alarm=_text(environment, "RETRAIN_ALARM"),
        watch_pipeline=_text(environment, "WATCH_PIPELINE"),
        release_queue_url=_text(environment, "RELEASE_QUEUE_URL"),
        waits_queue_url=_text(environment, "WAITS_QUEUE_URL"),
        retraining_queue_url=_text(environment, "RETRAINING_QUEUE_URL"),
        schedules=MonitoringSchedules(**_json(environment, "SCHEDULES")) if "SCHEDULES" in environment else None,
    )


def _policy(environment: Mapping[str, str]) -> RetrainingPolicy:
    found = _json(environment, "RETRAINING")
    try:
        policy = RetrainingPolicy(**found)
        is_possible = all(value >= 0 for value in found.values()) and policy.history_share <= 1
    except TypeError as exc:
        raise MissingSettingError("RETRAINING", "JSON with the retraining policy", str(found)) from exc
    if not is_possible:
        raise MissingSettingError("RETRAINING", "numbers from 0, and a share of history up to 1", str(found))
    return policy


def read_decide_release(environment: Mapping[str, str]) -> DecideReleaseSettings:
    """The settings of `decide_release`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return DecideReleaseSettings(
        shared=_read_shared(environment),
        release_pipeline=_text(environment, "RELEASE_PIPELINE"),
        rollback_pipeline=_text(environment, "ROLLBACK_PIPELINE"),
        report_uri=_text(environment, "REPORT_URI"),
        endpoint_prefix=_text(environment, "ENDPOINT_PREFIX"),
        keeps_stages=_text(environment, "KEEP_STAGES") == "true",
        stage_roles=_stage_roles(environment),
    )


def _read_shared(environment: Mapping[str, str]) -> SharedSettings:
    return SharedSettings(
        model=_text(environment, "MODEL"),
        ledger_table=_text(environment, "LEDGER_TABLE"),
        people_topic_arn=_text(environment, "PEOPLE_TOPIC_ARN"),
        ingest_queue_url=_text(environment, "INGEST_QUEUE_URL"),
        dead_letter_queue_url=_text(environment, "DEAD_LETTER_QUEUE_URL"),
        attempts_max=_number(environment, "ATTEMPTS_MAX"),
    )


def _traffic(environment: Mapping[str, str]) -> Traffic:
    found = _json(environment, "TRAFFIC")
    return Traffic(**{**found, "alarms": tuple(found["alarms"])})


def _json(environment: Mapping[str, str], variable: str) -> dict[str, Any]:
    """An object that our own stack wrote."""
    text = _text(environment, variable)
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as exc:
        raise MissingSettingError(variable, "a JSON object", text) from exc
    return found


def _stage_roles(environment: Mapping[str, str]) -> StageRoles:
    """With the name that Lambda tells each function of itself."""
    roles = _roles(environment, "STAGE_ROLES")
    return StageRoles(roles, _text(environment, "AWS_LAMBDA_FUNCTION_NAME")) if roles else AT_HOME


def _roles(environment: Mapping[str, str], variable: str) -> Mapping[str, str]:
    """Role ARNs by stage; none where the variable is missing."""
    text = environment.get(variable, "{}")
    try:
        roles = json.loads(text)
    except ValueError:
        roles = None
    is_wellformed = isinstance(roles, dict) and all(str(arn).startswith("arn:") for arn in roles.values())
    if not is_wellformed:
        raise MissingSettingError(variable, "JSON with a role's ARN by stage", text)
    return dict(roles)


def _text(environment: Mapping[str, str], variable: str) -> str:
    value = environment.get(variable)
    if not value:
        raise MissingSettingError(variable, "text", value)
    return value


def _fraction(environment: Mapping[str, str], variable: str) -> float:
    value = environment.get(variable, "")
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise MissingSettingError(variable, "a number from 0 to 1", value)
    return number


def _number(environment: Mapping[str, str], variable: str) -> int:
    value = environment.get(variable)
    if value is None or not value.isdecimal():
        raise MissingSettingError(variable, "a whole number", value)
    return int(value)
