"""The environment of each function, read once and checked: a misconfigured function says so before it does anything."""

from collections.abc import Mapping
from dataclasses import dataclass


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
    batch_min_files: int
    batch_window_s: int


@dataclass(frozen=True)
class DecideReleaseSettings:
    """What `decide_release` knows besides."""

    shared: SharedSettings
    release_pipeline: str


@dataclass(frozen=True)
class ChangeEndpointSettings:
    """What `change_endpoint` knows.

    Attributes:
        endpoint_prefix: `<prefix>-<model>`; a stage's name completes it.
        capture_uri: where production's requests and answers are captured.
        keeps_stages: dev and staging endpoints stay after their tests.
    """

    endpoint_prefix: str
    serve_role_arn: str
    capture_uri: str
    instance_type: str
    instance_count: int
    experiment_mode: str
    challenger_weight: float
    keeps_stages: bool


def read_change_endpoint(environment: Mapping[str, str]) -> ChangeEndpointSettings:
    """The settings of `change_endpoint`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return ChangeEndpointSettings(
        endpoint_prefix=_text(environment, "ENDPOINT_PREFIX"),
        serve_role_arn=_text(environment, "SERVE_ROLE_ARN"),
        capture_uri=_text(environment, "CAPTURE_URI"),
        instance_type=_text(environment, "INSTANCE_TYPE"),
        instance_count=_number(environment, "INSTANCE_COUNT"),
        experiment_mode=_text(environment, "EXPERIMENT_MODE"),
        challenger_weight=_fraction(environment, "CHALLENGER_WEIGHT"),
        keeps_stages=_text(environment, "KEEP_STAGES") == "true",
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
        batch_min_files=_number(environment, "BATCH_MIN_FILES"),
        batch_window_s=_number(environment, "BATCH_WINDOW_S"),
    )


def read_decide_release(environment: Mapping[str, str]) -> DecideReleaseSettings:
    """The settings of `decide_release`.

    Raises:
        MissingSettingError: a variable is missing or wrong.
    """
    return DecideReleaseSettings(_read_shared(environment), _text(environment, "RELEASE_PIPELINE"))


def _read_shared(environment: Mapping[str, str]) -> SharedSettings:
    return SharedSettings(
        model=_text(environment, "MODEL"),
        ledger_table=_text(environment, "LEDGER_TABLE"),
        people_topic_arn=_text(environment, "PEOPLE_TOPIC_ARN"),
        ingest_queue_url=_text(environment, "INGEST_QUEUE_URL"),
        dead_letter_queue_url=_text(environment, "DEAD_LETTER_QUEUE_URL"),
        attempts_max=_number(environment, "ATTEMPTS_MAX"),
    )


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
