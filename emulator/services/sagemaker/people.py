"""Who did it, as Describe responses tell: CreatedBy and LastModifiedBy.

Source: API_UserContext and API_IamIdentity, read 2026-11.
DIFFERS: PrincipalId is the ARN's last part; AWS has an opaque id there.
"""

from __future__ import annotations

from emulator.kernel.ports import Params, Principal


def context(principal: Principal) -> Params:
    return {"IamIdentity": {"Arn": principal.arn, "PrincipalId": principal.arn.rpartition("/")[2]}}
