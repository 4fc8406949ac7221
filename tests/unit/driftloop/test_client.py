"""The endpoint client: sticky where a caller has a key, and otherwise the endpoint's own choice."""

import io
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from driftloop.client import EndpointClient, assign

SPLIT = {"champion": 0.9, "challenger": 0.1}


@dataclass
class FakeEndpoint:
    """Both of SageMaker's clients, for one endpoint."""

    weights: dict[str, float]
    asked: list[dict[str, Any]] = field(default_factory=list)
    described: int = 0

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:  # noqa: N803 - AWS's own name
        self.described += 1
        variants = [{"VariantName": name, "CurrentWeight": weight} for name, weight in self.weights.items()]
        return {
            "ProductionVariants": variants,
            "ShadowProductionVariants": [{"VariantName": "shadow", "CurrentWeight": 1.0}],
        }

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        variant = request.get("TargetVariant", "champion")
        if variant not in self.weights:
            refusal = {"Error": {"Code": "ValidationError", "Message": f"variant {variant} not found"}}
            raise ClientError(refusal, "InvokeEndpoint")  # type: ignore[arg-type]
        return {"Body": io.BytesIO(b"0.25\n"), "ContentType": "text/csv", "InvokedProductionVariant": variant}


@dataclass
class Watch:
    """A clock that is set by hand."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def _client(endpoint: FakeEndpoint, watch: Watch | None = None) -> EndpointClient:
    return EndpointClient(endpoint, endpoint, watch or Watch())


def test_an_answer_says_who_gave_it_and_by_which_id_its_label_goes() -> None:
    endpoint = FakeEndpoint(SPLIT)

    answer = _client(endpoint).invoke("flights", "1,2,3", inference_id="flight-7")

    assert (answer.text, answer.variant, answer.inference_id) == ("0.25\n", "champion", "flight-7")
    [request] = endpoint.asked
    assert (request["InferenceId"], request["Body"], request["ContentType"]) == ("flight-7", "1,2,3", "text/csv")


def test_an_inference_id_is_made_up_where_none_is_given() -> None:
    endpoint = FakeEndpoint(SPLIT)
    client = _client(endpoint)

    ids = {client.invoke("flights", b"1").inference_id for _ in range(3)}

    assert ids == {request["InferenceId"] for request in endpoint.asked}
    assert len(ids) == 3


def test_without_a_key_the_endpoint_chooses() -> None:
    endpoint = FakeEndpoint(SPLIT)

    _client(endpoint).invoke("flights", b"1")

    assert "TargetVariant" not in endpoint.asked[0]
    assert endpoint.described == 0


@given(st.text())
def test_the_same_key_meets_the_same_variant(key: str) -> None:
    endpoint = FakeEndpoint(SPLIT)

    answers = {_client(endpoint).invoke("flights", b"1", key=key).variant for _ in range(3)}

    assert len(answers) == 1


def test_with_one_variant_there_is_nothing_to_target_and_a_shadow_is_never_targeted() -> None:
    endpoint = FakeEndpoint({"champion": 1.0})

    _client(endpoint).invoke("flights", b"1", key="ada")

    assert "TargetVariant" not in endpoint.asked[0]


def test_keys_share_the_variants_as_the_weights_say() -> None:
    shares = Counter(assign(f"customer-{n}", SPLIT) for n in range(20_000))

    assert shares["challenger"] / 20_000 == pytest.approx(0.1, abs=0.01)


def test_a_challenger_that_gains_weight_keeps_its_keys() -> None:
    keys = [f"customer-{n}" for n in range(2_000)]
    before = {key for key in keys if assign(key, SPLIT) == "challenger"}

    after = {key for key in keys if assign(key, {"champion": 0.5, "challenger": 0.5}) == "challenger"}

    assert before < after


@pytest.mark.parametrize(
    ("weights", "expected"), [({"a": 0.0, "b": 0.0}, None), ({}, None), ({"a": 0.0, "b": 3.0}, "b")]
)
def test_a_variant_without_weight_gets_no_key(weights: dict[str, float], expected: str | None) -> None:
    assert {assign(f"k{n}", weights) for n in range(50)} == {expected}


def test_weights_are_believed_for_a_minute() -> None:
    endpoint, watch = FakeEndpoint({"champion": 1.0, "challenger": 0.0}), Watch()
    client = _client(endpoint, watch)
    client.invoke("flights", b"1", key="ada")
    endpoint.weights = {"champion": 0.0, "challenger": 1.0}

    watch.now_s = 59.9
    soon = client.invoke("flights", b"1", key="ada").variant
    watch.now_s = 60.0
    later = client.invoke("flights", b"1", key="ada").variant

    assert (soon, later) == ("champion", "challenger")
    assert endpoint.described == 2


def test_a_variant_that_has_gone_within_the_minute_costs_no_request() -> None:
    endpoint = FakeEndpoint({"champion": 0.0, "challenger": 1.0})
    client = _client(endpoint)
    client.invoke("flights", b"1", key="ada")
    endpoint.weights = {"champion": 1.0}

    answer = client.invoke("flights", b"1", key="ada", inference_id="flight-7")

    assert (answer.variant, answer.inference_id) == ("champion", "flight-7")


def test_a_request_that_is_refused_for_another_reason_fails() -> None:
    endpoint = FakeEndpoint({})

    with pytest.raises(ClientError, match="not found"):
        _client(endpoint).invoke("flights", b"1")
