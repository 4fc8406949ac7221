"""The CDK app: context -> settings -> stacks. `python -m infra.app` synthesizes; the `cdk` CLI runs the same.

Without the CLI, cdk.json's own context applies and the templates go to `cdk.out`.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.staging import ROOT, stage_functions

NODE: Final = Path(sys.prefix) / "bin" / "node"
if NODE.exists():  # jsii runs on the node of this environment, whatever the PATH says; it reads this at import
    os.environ.setdefault("JSII_NODE", str(NODE))

from aws_cdk import App  # noqa: E402

from infra.fields import SettingsError  # noqa: E402
from infra.names import ModelNames, SharedNames  # noqa: E402
from infra.settings import Settings, parse_settings  # noqa: E402
from infra.stacks.model import ModelStack  # noqa: E402
from infra.stacks.shared import SharedStack  # noqa: E402


def build(context: Mapping[str, Any] | None = None, outdir: str | None = None) -> App:
    """The app with all its stacks, not yet synthesized.

    Args:
        context: on top of cdk.json's; what the CLI passes with `-c` wins over both.
        outdir: where the assembly goes; None leaves it to the CLI.

    Raises:
        SettingsError: the context or a model file is wrong.
    """
    app = App(
        context={**_written_context(), **(context or {})},
        outdir=outdir,
        analytics_reporting=False,  # no AWS::CDK::Metadata: the same template with and without the CLI
    )
    settings = _read_settings(app)
    shared = SharedNames(settings.prefix)
    shared_stack = SharedStack(app, shared)
    functions_path = str(stage_functions())
    for model in settings.models:
        stack = ModelStack(app, model, ModelNames(shared, model.name), functions_path)
        stack.add_stack_dependency(shared_stack, "names only; but a function should find its ledger")
    return app


def main() -> None:
    """Synthesize, or say in one line what is wrong with the settings."""
    under_cli = "CDK_OUTDIR" in os.environ
    try:
        build(outdir=None if under_cli else str(ROOT / "cdk.out")).synth()
    except SettingsError as exc:
        raise SystemExit(f"error: {exc}") from exc


def _read_settings(app: App) -> Settings:
    names = ("driftloop", "models")
    return parse_settings({name: app.node.try_get_context(name) for name in names}, ROOT)


def _written_context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return context


if __name__ == "__main__":
    main()
