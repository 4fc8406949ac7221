"""Which stage may have an AWS account of its own, and what is refused by name before anything is synthesized."""

from typing import Any

import pytest

from infra.fields import SettingsError
from infra.settings import Home, parse_settings
from infra.staging import ROOT

HOME = Home("111111111111", "us-east-1")


def _context() -> dict[str, Any]:
    return {"driftloop": {"prefix": "driftloop", "models": ["infra/models/flights.json"]}}


def _apart(**stages: object) -> dict[str, Any]:
    context = _context()
    return {**context, "driftloop": {**context["driftloop"], "stages": stages}}


def test_stages_that_are_named_have_accounts_of_their_own_and_the_others_live_at_home() -> None:
    stages = _apart(staging={"account": "222222222222"}, prod={"account": "333333333333", "region": "us-east-1"})

    accounts = parse_settings(stages, ROOT, HOME).accounts

    assert accounts.apart == {"staging": "222222222222", "prod": "333333333333"}
    assert (accounts.home, accounts.at_home) == (HOME, ("dev",))


@pytest.mark.parametrize("context", [_context(), _apart()])
def test_without_stages_the_app_fits_any_account(context: dict[str, Any]) -> None:
    accounts = parse_settings(context, ROOT, HOME).accounts

    assert (accounts.home, accounts.apart, accounts.at_home) == (None, {}, ("dev", "staging", "prod"))


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            {"qa": {"account": "2" * 12}},
            "'stages.qa': expected one of dev, prod, staging, found 'qa'; correct or remove",
        ),
        ({"prod": "3" * 12}, "'stages.prod': expected an object"),
        ({"prod": {}}, "'stages.prod.account': expected a value, found 'nothing'; add it"),
        ({"prod": {"account": 333333333333}}, "'stages.prod.account': expected a string like"),
        (
            {"prod": {"account": "33333333333"}},
            r"'stages.prod.account': expected a string like \d{12}, found '33333333333'",
        ),
        ({"prod": {"account": "3" * 12, "vpc": "x"}}, "'stages.prod.vpc': expected one of account, region"),
        (
            {"staging": {"account": "1" * 12}},
            "'stages.staging.account': expected an account other than home's, found '111111111111'; leave",
        ),
        (
            {"prod": {"account": "3" * 12, "region": "eu-west-1"}},
            "'stages.prod.region': expected home's region, us-east-1, found 'eu-west-1'; a model's artifacts",
        ),
    ],
)
def test_a_stage_that_cannot_be_is_named_with_the_reason(stages: dict[str, object], expected: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(_apart(**stages), ROOT, HOME)

    assert str(caught.value).startswith(f"cdk.json context 'driftloop': {expected}")


def test_stages_elsewhere_need_to_know_where_home_is() -> None:
    with pytest.raises(SettingsError, match=r"home's account and region to be known.*set CDK_DEFAULT_ACCOUNT"):
        parse_settings(_apart(prod={"account": "3" * 12}), ROOT)
