"""Small models, really trained, and a registry with endpoints around them: for the scripts that judge models."""

import csv
import io
import json
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

from tests.support.batches import Store
from tests.support.endpoints import Container, container
from tests.support.scripts import XGBOOST, Ended, MlDir

FEATURES = ("hour", "carrier", "distance")
HYPERPARAMETERS = {
    "num_round": 30,
    "max_depth": 3,
    "seed": 1,
    "eta": 0.2,
    "subsample": 1,
    "colsample_bytree": 1,
    "min_child_weight": 5,
}


@dataclass(frozen=True)
class Model:
    """A trained archive, what its answers were, and a container that serves it."""

    archive: bytes
    golden: list[dict[str, Any]]
    holdout: bytes
    serve: Container


@dataclass
class Aws:
    """A registry, stored files, and endpoints with names of this test's own."""

    store: Store
    name: str = field(default_factory=lambda: f"small-{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.sagemaker = boto3.client(
            "sagemaker",
            endpoint_url=self.store.env["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self.sagemaker.create_model_package_group(ModelPackageGroupName=self.name)

    @property
    def production(self) -> str:
        return f"{self.name}-prod"

    def register(self, model: Model, **metadata: str) -> str:
        """A model package with everything beside it; `metadata` in place of what it would say."""
        prefix = uuid4().hex
        files = {"model.tar.gz": model.archive, "golden.json": json.dumps(model.golden).encode()}
        for name, content in {**files, "holdout.csv": model.holdout}.items():
            self.store.upload(f"{prefix}/{name}", content)
        uri = f"s3://{self.store.bucket}/{prefix}"
        known = {"golden_records": f"{uri}/golden.json", "holdout": f"{uri}/holdout.csv", **metadata}
        container = {"Image": "xgboost", "ModelDataUrl": f"{uri}/model.tar.gz"}
        answer = self.sagemaker.create_model_package(
            ModelPackageGroupName=self.name,
            ModelApprovalStatus="Approved",
            InferenceSpecification={"Containers": [container]},
            CustomerMetadataProperties={key: value for key, value in known.items() if value},
        )
        return str(answer["ModelPackageArn"])

    def in_account(self, role_arn: str) -> Any:
        """SageMaker as a role's account has it."""
        keys: Any = {"region_name": "us-east-1", "endpoint_url": self.store.env["AWS_ENDPOINT_URL"]}
        sts = boto3.client("sts", aws_access_key_id="test", aws_secret_access_key="test", **keys)
        found = sts.assume_role(RoleArn=role_arn, RoleSessionName="serving")["Credentials"]
        session = boto3.Session(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        return session.client("sagemaker", **keys)

    def serve(self, package_arn: str, sagemaker: Any = None) -> None:
        """Production serves a package, at home or in another account."""
        sagemaker = sagemaker or self.sagemaker
        role = "arn:aws:iam::123456789012:role/serve"
        containers: Any = [{"ModelPackageName": package_arn}]
        sagemaker.create_model(ModelName=self.name, ExecutionRoleArn=role, Containers=containers)
        machines: Any = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
        variants = [{"VariantName": "champion", "ModelName": self.name, **machines}]
        sagemaker.create_endpoint_config(EndpointConfigName=self.name, ProductionVariants=variants)
        sagemaker.create_endpoint(EndpointName=self.production, EndpointConfigName=self.name)


def rows(seed: int, count: int, *, is_noise: bool = False) -> list[list[str]]:
    """Flights whose chance to be late depends on hour and carrier, or on nothing."""
    chance = random.Random(seed)
    table = []
    for _ in range(count):
        hour, carrier = chance.randrange(24), chance.choice(["AA", "BB", "CC"])
        score = 0.0 if is_noise else 0.25 * (hour - 12) + {"AA": -1.0, "BB": 0.0, "CC": 1.0}[carrier]
        late = chance.random() < 1 / (1 + math.exp(-score))
        table.append([str(hour), carrier, f"{chance.uniform(100, 3000):.1f}", str(int(late))])
    return table


def table(lines: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([[*FEATURES, "late"], *lines])
    return text.getvalue().encode()


def train(folder: Path, training: list[list[str]], env: Mapping[str, str]) -> tuple[Path, bytes, list[dict[str, Any]]]:
    """Train and Evaluate as the pipeline does."""
    ml, holdout = MlDir(folder), table(rows(2, 1200))
    kinds = {"hour": "integer", "carrier": "string", "distance": "number"}
    features = [{"name": name, "type": kind} for name, kind in kinds.items()]
    features[1]["categories"] = ["AA", "BB", "CC"]  # type: ignore[assignment]
    channels = {
        "train/train.csv": table(training),
        "validation/holdout.csv": holdout,
        "features/features.json": json.dumps({"target": "late", "features": features}).encode(),
    }
    for name, content in channels.items():
        path = folder / "input/data" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    trained = ml.train(HYPERPARAMETERS)
    assert trained.code == 0, trained.stderr
    archive = ml.pack_model(ml.base / "input/model/model.tar.gz")
    ml.put("holdout/holdout.csv", holdout)
    evaluated = evaluate(ml, "nobody-prod", env)
    assert evaluated.code == 0, evaluated.stderr
    return folder / "model", archive.read_bytes(), json.loads(ml.output("evaluation/golden.json").read_text())


def evaluate(ml: MlDir, production: str, env: Mapping[str, str], role_arn: str = "none") -> Ended:
    """Run the step Evaluate on what lies in the folder."""
    words = ("--metric", "auc", "--production-endpoint", production, "--production-role-arn", role_arn)
    return ml.process(XGBOOST, "train/scripts/evaluate.pyz", *words, env=env)


def made(folder: Path, training: list[list[str]], env: Mapping[str, str]) -> Iterator[Model]:
    """A model, and a container that serves it."""
    model_dir, archive, golden = train(folder, training, env)
    with container(model_dir) as serve:
        yield Model(archive, golden, table(rows(2, 1200)), serve)
