"""The `rollback` pipeline: production serves a package that it has served before, at once and verified.

`make pipelines` builds `definition.json`.
"""

from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.stages import PARAMETERS, Stages
from pipeline_definitions.shared.steps import render


def build(session: OfflineSession) -> str:
    """Compose the definition.

    Returns:
        JSON text with stand-in names (`tokens`).
    """
    stages = Stages(session)
    change = stages.change("Promote", "promote", "prod", after=[], at_once="true")
    ready = stages.wait("Promoted", "endpoint", "prod", change, ["endpoint_config"])
    scale = stages.change("Scale", "scale", "prod", after=[ready])
    monitor = stages.change("Monitor", "monitor", "prod", after=[ready])
    verify = stages.test("VerifyProduction", "production", change, ready)
    return render("rollback", session, PARAMETERS, [change, ready, scale, monitor, verify])
