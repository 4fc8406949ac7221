"""Permissions: a wildcard has its reason beside it, or it is refused."""

import pytest

from infra.policies.statements import UnexplainedWildcardError, allow


def test_a_named_resource_needs_no_reason() -> None:
    statement = allow("sns:Publish", on="arn:aws:sns:us-east-1:123456789012:people")

    assert statement.resources == ["arn:aws:sns:us-east-1:123456789012:people"]


@pytest.mark.parametrize(
    ("action", "resource"),
    [("s3:*", "arn:aws:s3:::bucket"), ("s3:GetObject", "*"), ("s3:GetObject", "arn:aws:s3:::b/*")],
)
def test_a_wildcard_without_a_reason_is_refused(action: str, resource: str) -> None:
    with pytest.raises(UnexplainedWildcardError, match="expected a reason"):
        allow(action, on=resource)


def test_a_wildcard_with_a_reason_passes() -> None:
    assert allow("s3:GetObject", on="arn:aws:s3:::b/*", because="keys are made by runs").actions == ["s3:GetObject"]
