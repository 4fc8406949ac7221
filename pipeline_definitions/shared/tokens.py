"""Stand-in names: what a definition says where only a deployment knows the real name.

The SageMaker SDK wants real-looking names while it composes, and a definition is committed before anyone knows the
account. `infra` replaces every one of these at synth (Fn::Sub); a test there proves that none is left. They are plain
strings, chosen so that none is part of another and none occurs in ordinary text.
"""

from typing import Final

REGION: Final = "us-east-1"
REGISTRY_HOST: Final = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
"""Registry of the xgboost and scikit-learn images in `REGION`; `images.REGISTRY_ACCOUNTS` has the other regions."""

ASSET_BUCKET: Final = "token-asset-bucket"
ARTIFACT_BUCKET: Final = "token-artifact-bucket"
RAW_BUCKET: Final = "token-raw-bucket"

_ROLE_PREFIX: Final = "arn:aws:iam::111122223333:role/"
TRAIN_ROLE_ARN: Final = f"{_ROLE_PREFIX}token-train"
RELEASE_ROLE_ARN: Final = f"{_ROLE_PREFIX}token-release"
WATCH_ROLE_ARN: Final = f"{_ROLE_PREFIX}token-watch"

MODEL_PACKAGE_GROUP: Final = "token-model-package-group"
ENDPOINT: Final = "token-endpoint"
CHANGE_ENDPOINT_ARN: Final = "arn:aws:lambda:us-east-1:111122223333:function:token-change-endpoint"
WAITS_QUEUE_URL: Final = "https://sqs.us-east-1.amazonaws.com/111122223333/token-waits"

CODE_DIR: Final = "/opt/ml/processing/input/code"
CONTRACT_DIR: Final = "/opt/ml/processing/input/contract"
CONTRACT_URI: Final = f"s3://{ASSET_BUCKET}/contract.json"
CONTRACT_PATH: Final = f"{CONTRACT_DIR}/contract.json"
WHEELS_URI: Final = f"s3://{ASSET_BUCKET}/wheels.zip"
SOURCE_URI: Final = f"s3://{ASSET_BUCKET}/source.tar.gz"


def script_uri(name: str) -> str:
    """Where a step's script will be, before its asset has a hash: `s3://token-asset-bucket/<name>`."""
    return f"s3://{ASSET_BUCKET}/{name}"


def script_path(name: str) -> str:
    """Where the container finds that script: the entry point names it, so it is replaced together with the URI."""
    return f"{CODE_DIR}/{name}"
