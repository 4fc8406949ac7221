"""The `retrain` pipeline: `train` on what production saw since the champion's data ended, and a share of that.

assemble -> validate -> … as `train`, of whose functions it is made. `make pipelines` builds `definition.json`.
"""

from typing import Final

from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.mlops.workflow.steps import ProcessingStep

from pipeline_definitions.shared import tokens
from pipeline_definitions.shared.offline_session import OfflineSession
from pipeline_definitions.shared.steps import (
    contract_input,
    input_file,
    output_folder,
    output_uri,
    render,
    script_processor,
    script_step,
    sklearn_image,
    under,
)
from pipeline_definitions.train.pipeline import (
    COMMON_PARAMETERS,
    OUTPUT_PREFIX,
    PROCESSING_INSTANCE_TYPE,
    SEED,
    Data,
    steps,
)

_ASSEMBLING_MAX_S: Final = 3600

CAPTURE_URI: Final = ParameterString("CaptureUri")
LABELS_URI: Final = ParameterString("LabelsUri")
HISTORY_URI: Final = ParameterString("HistoryUri")
HISTORY_SHARE: Final = ParameterFloat("HistoryShare", default_value=0.5)
FRESH_SINCE: Final = ParameterString("FreshSince")
FRESH_UNTIL: Final = ParameterString("FreshUntil")

PARAMETERS: Final = (
    CAPTURE_URI,
    LABELS_URI,
    HISTORY_URI,
    HISTORY_SHARE,
    FRESH_SINCE,
    FRESH_UNTIL,
    *COMMON_PARAMETERS,
)
"""`train`'s, with what was captured in place of a manifest of files."""


def build(session: OfflineSession) -> str:
    """Compose the definition.

    Returns:
        JSON text with stand-in names (`tokens`).
    """
    assemble = _assemble(session)
    data = Data(under(output_uri(assemble, "assembled"), "manifest.json"), FRESH_UNTIL)
    return render("retrain", session, PARAMETERS, [assemble, *steps(session, data)])


def _assemble(session: OfflineSession) -> ProcessingStep:
    """Join captured requests with their labels, and put them behind a share of the champion's rows."""
    assembled_uri = under(OUTPUT_PREFIX, "assembled")
    return script_step(
        "Assemble",
        script_processor(session, sklearn_image(), tokens.TRAIN_ROLE_ARN, PROCESSING_INSTANCE_TYPE, _ASSEMBLING_MAX_S),
        arguments={
            "contract": tokens.CONTRACT_PATH,
            "capture-uri": CAPTURE_URI,
            "labels-uri": LABELS_URI,
            "output-uri": assembled_uri,
            "fresh-since": FRESH_SINCE,
            "fresh-until": FRESH_UNTIL,
            "history-share": HISTORY_SHARE.to_string(),
            "seed": SEED.to_string(),
        },
        inputs=[contract_input(), input_file("history", HISTORY_URI)],
        outputs=[output_folder("assembled", assembled_uri)],
        script="assemble.pyz",
    )
