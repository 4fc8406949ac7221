"""What a processing job knows of itself, and how it tells how it ended."""

import os
import sys
from pathlib import Path
from typing import Final

MESSAGE_MAX_BYTES: Final = 1024


def region() -> str | None:
    """Where the job runs. botocore reads no AWS_REGION, and processing containers may have neither variable."""
    arn = os.environ.get("PROCESSING_JOB_ARN", "")
    from_arn = arn.split(":")[3] if arn.count(":") > 3 else None
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or from_arn


def fail(message: str, base_dir: Path) -> None:
    """Say why to the log, and to SageMaker."""
    print(message, file=sys.stderr)
    tell(message, base_dir)


def tell(message: str, base_dir: Path) -> None:
    """Write the file whose first 1,024 bytes become the job's ExitMessage."""
    path = base_dir.parent / "output" / "message"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(message.encode()[:MESSAGE_MAX_BYTES].decode("utf-8", errors="ignore"), "utf-8")
