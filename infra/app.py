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

from aws_cdk import App, Environment  # noqa: E402

from infra.apart import Apart  # noqa: E402
from infra.constructs.guests import Guest  # noqa: E402
from infra.fields import SettingsError  # noqa: E402
from infra.names import ModelNames, SharedNames  # noqa: E402
from infra.settings import Home, Settings, parse_settings  # noqa: E402
from infra.stacks.model import ModelStack  # noqa: E402
from infra.stacks.shared import SharedStack  # noqa: E402
from infra.stacks.stage import StageStack  # noqa: E402


def build(context: Mapping[str, Any] | None = None, outdir: str | None = None, home: Home | None = None) -> App:
    """The app with all its stacks, not yet synthesized.

    Args:
        context: on top of cdk.json's; what the CLI passes with `-c` wins over both.
        outdir: where the assembly goes; None leaves it to the CLI.
        home: the account and region to deploy to, which stages in accounts of their own have to know.

    Raises:
        SettingsError: the context or a model file is wrong.
    """
    app = App(
        context={**_written_context(), **(context or {})},
        outdir=outdir,
        analytics_reporting=False,  # no AWS::CDK::Metadata: the same template with and without the CLI
    )
    settings = _read_settings(app, home)
    accounts = settings.accounts
    shared = SharedNames(settings.prefix, accounts.home.account) if accounts.home else SharedNames(settings.prefix)
    names = [ModelNames(shared, model.name) for model in settings.models]
    guests = [Guest(each, stage, account) for each in names for stage, account in accounts.apart.items()]
    env = _environment(accounts.home)
    shared_stack = SharedStack(app, shared, guests, env)
    functions_path = str(stage_functions())
    for model, each in zip(settings.models, names, strict=True):
        stack = ModelStack(app, model, Apart(each, accounts), functions_path, env)
        stack.add_stack_dependency(shared_stack, "names only; but a function should find its ledger")
        for guest in (guest for guest in guests if guest.names is each):
            stage = StageStack(app, guest, accounts, model.release)
            stage.add_stack_dependency(shared_stack, "an event should find its bus")
            stack.add_stack_dependency(stage, "a function should find the role that it takes on")
    return app


def main() -> None:
    """Synthesize, or say in one line what is wrong with the settings."""
    under_cli = "CDK_OUTDIR" in os.environ
    try:
        build(outdir=None if under_cli else str(ROOT / "cdk.out"), home=_home(os.environ)).synth()
    except SettingsError as exc:
        raise SystemExit(f"error: {exc}") from exc


def _home(environment: Mapping[str, str]) -> Home | None:
    """What the CDK CLI tells an app of the account that its credentials are for."""
    account, region = environment.get("CDK_DEFAULT_ACCOUNT"), environment.get("CDK_DEFAULT_REGION")
    return Home(account, region) if account and region else None


def _environment(home: Home | None) -> Environment | None:
    return Environment(account=home.account, region=home.region) if home else None


def _read_settings(app: App, home: Home | None) -> Settings:
    names = ("driftloop", "models")
    return parse_settings({name: app.node.try_get_context(name) for name in names}, ROOT, home)


def _written_context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return context


if __name__ == "__main__":
    main()
