"""Endpoints that go wrong on purpose look from outside as they do on AWS."""

from __future__ import annotations

import json

from emulator.semantics.faults import kinds
from tests.support.emulator import World
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.serving import Client, at_rest, configure, deploy, invoke, statuses, up


def test_an_update_that_rolls_back_silently_reads_in_service_with_the_old_configuration(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "two")
    up(aws, "one")
    aws.kernel.faults.order(kinds.UPDATE_ROLLS_BACK, "e")

    with Client(aws) as client:
        aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="two")
        eventually(lambda: statuses(aws).count("IN_SERVICE") == 2)

    found = aws.sagemaker("DescribeEndpoint", EndpointName="e")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "one")
    assert "FailureReason" not in found
    assert statuses(aws) == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]
    assert (client.models, client.failures) == ({"one"}, [])


def test_the_update_after_the_one_that_rolled_back_goes_through(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "two")
    up(aws, "one")
    aws.kernel.faults.order(kinds.UPDATE_ROLLS_BACK, "e")

    for count in (2, 3):
        aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="two")
        eventually(lambda count=count: statuses(aws).count("IN_SERVICE") == count)

    assert aws.sagemaker("DescribeEndpoint", EndpointName="e")["EndpointConfigName"] == "two"


def test_an_endpoint_without_machines_fails_in_awss_words_and_leaves_no_server(aws: World) -> None:
    deploy(aws, "one")
    aws.kernel.faults.order(kinds.CREATION_FAILS, "e")

    aws.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName="one")
    found = at_rest(aws, "one", "FAILED")

    assert found["FailureReason"] == kinds.NO_CAPACITY
    assert list((aws.kernel.state_dir / "endpoints" / "e").iterdir()) == []


def test_a_killed_model_server_is_replaced_and_the_endpoint_stays_in_service(aws: World) -> None:
    deploy(aws, "one")
    configure(aws, "pair", {"one": 1.0}, "champion", count=2)
    up(aws, "pair")

    aws.kernel.faults.order(kinds.SERVER_CRASHES, "e/champion")
    (replaced,) = eventually(lambda: aws.kernel.journal.entries("endpoint.instance.replaced"))

    (crashed,) = aws.kernel.journal.entries("endpoint.instance.crashed")
    assert (crashed["subject"], replaced["subject"]) == ("e/champion", "e/champion")
    assert json.loads(invoke(aws)["Body"])["model"] == "one"
    assert aws.sagemaker("DescribeEndpoint", EndpointName="e")["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert statuses(aws) == ["CREATING", "IN_SERVICE"]
