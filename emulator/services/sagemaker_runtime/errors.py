"""What InvokeEndpoint refuses, in AWS's words.

AWS_NAME: ModelError and other errors of InvokeEndpoint
SOURCE: API_runtime_InvokeEndpoint (codes and statuses), texts of errors in public reports (Received client error (400)
    from primary …; Your invocation timed out while waiting for a response from container …), read 2026-11
DIFFERS: AWS's message where a container ends the connection is not known; ours says so.
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.endpoints.routes import ModelNotLoaded

TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container {container}. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


class ModelError(AwsError):
    """The container answered with an error, or not in time."""

    def __init__(self, status: int, message: str, log_stream_arn: str, text: str) -> None:
        super().__init__("ModelError", text, 424)
        self.fields = {"OriginalStatusCode": status, "OriginalMessage": message, "LogStreamArn": log_stream_arn}


def model_error(kernel: Kernel, endpoint: str, container: str, status: int, message: str) -> ModelError:
    """With where to read on. Status 0 means that there was no answer."""
    group = f"/aws/sagemaker/Endpoints/{endpoint}"
    side = "client" if 400 <= status < 500 else "server"
    console = f"https://{kernel.region}.console.aws.amazon.com/cloudwatch/home?region={kernel.region}"
    text = (
        f'Received {side} error ({status}) from {container} with message "{message}". See '
        f"{console}#logEventViewer:group={group} in account {kernel.account_id} for more information."
    )
    return ModelError(status, message, kernel.arn("logs", f"log-group:{group}"), text)


def not_loaded(kernel: Kernel, endpoint: str, error: ModelNotLoaded) -> AwsError:
    """A model that is not there is the caller's mistake; one that its container would not load is the container's."""
    if error.status == 400:
        return AwsError("ValidationError", str(error))
    return model_error(kernel, endpoint, "primary", error.status, str(error))


def unavailable(variant: str) -> AwsError:
    return AwsError("ServiceUnavailable", f"No instance of variant {variant} is available.", 503)


def too_large(size_bytes: int, limit_bytes: int) -> AwsError:
    return AwsError("ValidationError", f"Request body of {size_bytes} bytes exceeds the limit of {limit_bytes}.", 413)
