"""Events as AWS would have sent them: the same source, kind and fields that rules match and readers parse.

Their time is that of what they tell, not of the sending. Only the id is ours: the same thing has the same id.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lambdas.reconcile.facts import Execution, RegisteredPackage, StoredObject
from lambdas.shared.events import (
    EXECUTION_CHANGED,
    OBJECT_CREATED,
    PACKAGE_CHANGED,
    S3_SOURCE,
    SAGEMAKER_SOURCE,
    TICK,
    render_time,
)


def object_created(stored: StoredObject) -> str:
    """S3's event for an object's version."""
    detail = {
        "bucket": {"name": stored.bucket},
        "object": {
            "key": stored.key,
            "size": stored.size_bytes,
            "etag": stored.etag,
            "version-id": stored.version_id,
        },
    }
    arn = f"arn:aws:s3:::{stored.bucket}"
    return _event(S3_SOURCE, OBJECT_CREATED, stored.modified_at, arn, detail, f"{stored.key}#{stored.version_id}")


def execution_changed(execution: Execution) -> str:
    """SageMaker's event for an execution."""
    detail = {
        "pipelineArn": execution.arn.partition("/execution/")[0],
        "pipelineExecutionArn": execution.arn,
        "currentPipelineExecutionStatus": execution.status,
    }
    return _event(SAGEMAKER_SOURCE, EXECUTION_CHANGED, execution.changed_at, execution.arn, detail, execution.status)


def package_changed(package: RegisteredPackage, changed_at: datetime) -> str:
    """SageMaker's event for a model package."""
    detail = {
        "ModelPackageGroupName": package.group,
        "ModelPackageArn": package.arn,
        "ModelApprovalStatus": package.status,
        "LastModifiedTime": render_time(changed_at),
    }
    return _event(SAGEMAKER_SOURCE, PACKAGE_CHANGED, changed_at, package.arn, detail, package.status)


def tick(model: str, token: str, time: datetime) -> str:
    """What EventBridge Scheduler sends for a wait."""
    return json.dumps({"kind": TICK, "model": model, "token": token, "time": render_time(time)})


def _event(source: str, kind: str, time: datetime, resource: str, detail: Mapping[str, Any], name: str) -> str:
    digest = hashlib.sha256("\0".join((kind, resource, name, render_time(time))).encode()).hexdigest()
    return json.dumps(
        {
            "version": "0",
            "id": f"reconciled-{digest[:24]}",
            "detail-type": kind,
            "source": source,
            "time": render_time(time),
            "resources": [resource],
            "detail": detail,
        }
    )
