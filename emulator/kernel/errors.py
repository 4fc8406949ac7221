"""What AWS refuses, and what the emulator cannot do."""

from __future__ import annotations


class AwsError(Exception):
    """A refusal with AWS's own error code, answered in the service's own error shape."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class EmulatorError(AwsError):
    """Something AWS may well do and this emulator does not; always names the service, operation and field."""

    def __init__(self, message: str, code: str = "NotEmulated", status: int = 501) -> None:
        super().__init__(code, message, status)


def validation(message: str) -> AwsError:
    """The refusal that most SageMaker operations give for malformed or contradictory input."""
    return AwsError("ValidationException", message)
