"""A batch of files on S3, and what the step Validate makes of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.scripts import SKLEARN, Ended, MlDir


@dataclass(frozen=True)
class Store:
    """A versioned bucket, and the environment in which a script finds it."""

    client: Any
    bucket: str
    env: Mapping[str, str]

    def upload(self, key: str, content: bytes) -> dict[str, str]:
        """Put an object; returns its entry in a manifest."""
        version_id = self.client.put_object(Bucket=self.bucket, Key=key, Body=content)["VersionId"]
        return {"bucket": self.bucket, "key": key, "version_id": version_id}

    def json(self, key: str) -> Any:
        """Read an object."""
        return json.loads(self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read())


@dataclass(frozen=True)
class Validation:
    """What the step Validate made of a batch."""

    ended: Ended
    report: dict[str, Any]
    ml: MlDir
    store: Store

    def file(self, key: str) -> dict[str, Any]:
        """The verdict on one file."""
        return dict(next(file for file in self.report["files"] if file["key"] == key))


def validate(store: Store, folder: Path, contract: Mapping[str, Any], files: Mapping[str, bytes]) -> Validation:
    """Upload files, and run the step Validate on them."""
    return validate_entries(store, folder, contract, [store.upload(key, content) for key, content in files.items()])


def validate_entries(
    store: Store, folder: Path, contract: Mapping[str, Any], entries: list[dict[str, str]]
) -> Validation:
    """Run the step Validate on a manifest."""
    ml = MlDir(folder / "validate")
    contract_path = ml.put("contract/contract.json", json.dumps(contract).encode())
    ml.put("manifest/manifest.json", json.dumps({"model": contract["name"], "files": entries}).encode())
    report_uri = f"s3://{store.bucket}/batch/attempt-1/validation/report.json"
    ended = ml.process(
        *(SKLEARN, "train/scripts/validate.pyz", "--contract", str(contract_path), "--report-uri", report_uri),
        env=store.env,
    )
    report = ml.output("validation/report.json")
    return Validation(ended, json.loads(report.read_text("utf-8")) if report.exists() else {}, ml, store)
