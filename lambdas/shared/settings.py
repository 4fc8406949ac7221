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


def _number(environment: Mapping[str, str], variable: str) -> int:
    value = environment.get(variable)
    if value is None or not value.isdecimal():
        raise MissingSettingError(variable, "a whole number", value)
    return int(value)
