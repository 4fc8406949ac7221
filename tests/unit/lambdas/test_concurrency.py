"""Pollers run in parallel; files, lease and releases do not mind."""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from tests.unit.lambdas.world import World, batch_of, object_created, package_changed, start_requested


def _at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make the calls in as many threads, all let go at the same moment."""
    gate = threading.Barrier(len(calls))
    answers: list[Any] = [None] * len(calls)

    def work(place: int) -> None:
        gate.wait()
        answers[place] = calls[place]()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def _uploads(first: int) -> dict[str, Any]:
    return batch_of(*(object_created(f"raw/flights/{n:03d}.csv") for n in range(first, first + 20)))


def test_a_hundred_files_through_five_concurrent_batches_are_one_run(world: World) -> None:
    function = world.start_training(window_s=2)

    registered = _at_once([partial(function.handle_batch, _uploads(20 * n)) for n in range(5)])
    asked = world.sqs.bodies(world.ingest_url)
    started = _at_once([partial(function.handle_batch, batch_of(body)) for body in asked])

    assert registered + started == [{"batchItemFailures": []}] * (5 + len(asked))
    assert len(asked) == 5
    [run] = world.sagemaker.started
    assert len(world.manifest(run["BatchId"])["files"]) == 100
    assert world.states() == {"CLAIMED": 100}
    assert world.rows("WAITING") == []


def test_without_a_window_concurrent_batches_lose_no_file_and_never_run_twice_at_once(world: World) -> None:
    function = world.start_training(window_s=0)

    answers = _at_once([partial(function.handle_batch, _uploads(20 * n)) for n in range(5)])

    assert answers == [{"batchItemFailures": []}] * 5
    [run] = world.sagemaker.started
    waiting = world.states()["NEW"]
    assert len(world.manifest(run["BatchId"])["files"]) + waiting == 100
    assert len(world.rows("WAITING")) == waiting


def test_the_same_upload_in_concurrent_batches_is_registered_once(world: World) -> None:
    function = world.start_training()
    upload = batch_of(object_created("raw/flights/january.csv"))

    _at_once([lambda: function.handle_batch(upload)] * 5)

    assert world.states() == {"CLAIMED": 1}
    assert len(world.sagemaker.started) == 1


def test_the_same_content_under_many_names_at_once_is_one_file_and_its_duplicates(world: World) -> None:
    function = world.start_training()
    uploads = [batch_of(object_created(f"raw/flights/{n}.csv", etag="same")) for n in range(5)]

    _at_once([partial(function.handle_batch, upload) for upload in uploads])

    assert world.states() == {"CLAIMED": 1, "DUPLICATE": 4}


def test_concurrent_start_requests_start_one_run(world: World) -> None:
    world.start_training(window_s=2).handle_batch(_uploads(0))
    function = world.start_training()

    _at_once([partial(function.handle_batch, batch_of(start_requested(n))) for n in range(5)])

    assert len(world.sagemaker.started) == 1


def test_concurrent_approvals_are_released_one_after_the_other(world: World) -> None:
    function = world.decide_release()
    for version in (1, 2, 3):
        world.add_package(version, "Approved")

    _at_once([partial(function.handle_batch, batch_of(package_changed(v))) for v in (1, 2, 3, 1, 2)])

    [release] = world.sagemaker.started
    [state] = world.rows("RELEASE")
    assert {release["ModelPackageArn"], *state["queue"]} == set(world.sagemaker.packages)
    assert len(state["queue"]) == 2
