"""The models of one instance of a multi-model endpoint: fetched and loaded on first use, the least recently used go.

AWS_NAME: multi-model endpoint
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html (loaded on first use, unloaded when memory is
    needed), mms-container-apis.html (the container's side: 409, 507), a public report of the message for model data
    that is not there, read 2026-11
DIFFERS: ModelCacheHit and the other metrics of loading are not published.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections import OrderedDict
from pathlib import Path

from emulator.kernel.ports import Kernel
from emulator.semantics.endpoints.routes import ModelNotLoaded
from emulator.services.sagemaker.hosting.blueprints import Container
from emulator.services.sagemaker.hosting.server import ModelServer
from emulator.services.sagemaker.jobs import archives
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import Objects, split


class Models:
    """What a container has loaded, in the order of use."""

    def __init__(self, kernel: Kernel, container: Container, directory: Path, server: ModelServer) -> None:
        self._kernel = kernel
        self._container = container
        self._directory = directory / "models"
        self._server = server
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def load(self, target: str) -> str:
        """The name under which the container serves a model; it is loaded if it is not.

        Raises:
            ModelNotLoaded: it is not there, or the container cannot load it.
        """
        name = hashlib.sha256(target.encode()).hexdigest()[:32]
        with self._lock:
            if name not in self._loaded:
                self._fetch(target, name)
                self._bring_in(name)
            self._loaded[name] = None
            self._loaded.move_to_end(name)
        return name

    def _fetch(self, target: str, name: str) -> None:
        uri = f"{self._container.models_uri}/{target.lstrip('/')}"
        bucket, key = split(uri)
        try:
            body = Objects(self._kernel, self._container.role_arn).read(uri)
            archives.unpack(body, self._directory / name / "model", uri)
        except JobFailure as failure:
            raise ModelNotLoaded(
                400,
                f"Failed to download model data(bucket: {bucket}, key: {key}). Please ensure that there is an object "
                "located at the URL and that the role passed to CreateModel has permissions to download the model.",
            ) from failure

    def _bring_in(self, name: str) -> None:
        request = json.dumps({"model_name": name, "url": f"/opt/ml/models/{name}/model"}).encode()
        status, body = self._server.ask("POST", "/models", request)
        while status == 507 and self._loaded:
            self._drop(next(iter(self._loaded)))
            status, body = self._server.ask("POST", "/models", request)
        if status not in (200, 409):
            shutil.rmtree(self._directory / name, ignore_errors=True)
            raise ModelNotLoaded(status, body.decode("utf-8", "replace"))

    def _drop(self, name: str) -> None:
        self._server.ask("DELETE", f"/models/{name}")
        del self._loaded[name]
        shutil.rmtree(self._directory / name, ignore_errors=True)
