"""Many images through the real model server."""

import errno
import hashlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import grpc
import numpy as np
import pillow_heif
import pytest
from PIL import Image

import detector.answers
import detector.batch.calls
import detector.image_memory
from detector.answers import AnswerStore, StoredAnswers
from detector.batch.run import Done, Source, file_source, images_in, run
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.errors import ImageError, OutputError, ServerUnavailableError, SignatureError
from detector.images import ImageLimits, read_image, read_memory
from detector.room import Room
from detector.serving import ServedModel
from detector.ssd import RawPrediction, Settings, postprocess, preprocess
from tests.support.foreign import Foreign, gated
from tests.support.paths import NEWEST
from tests.support.running import ModelServer, model_server, served

CONFIG = Config()


def jpeg(size: tuple[int, int] = (40, 30), color: str = "gray") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "JPEG")
    return buffer.getvalue()


def source(name: str, data: bytes) -> Source:
    return Source(name, lambda: data)


def batch_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("batch")]


# Results.


def test_no_images_give_no_results(client: ServedModel) -> None:
    assert list(run([], client, CONFIG)) == []


def test_each_image_is_seen_as_it_is_alone(client: ServedModel, samples_dir: Path) -> None:
    paths = sorted(samples_dir.glob("*.jpg"))[:5]
    found = list(run([file_source(path, ImageLimits()) for path in paths], client, CONFIG))
    assert sorted(done.index for done in found) == [0, 1, 2, 3, 4]
    for done in found:
        image = read_image(paths[done.index].read_bytes())
        output = client.predict({"images": preprocess(image)}).outputs["concat_3:0"]
        size = (image.shape[1], image.shape[0])
        alone = postprocess(RawPrediction.of_single(output), Settings(), size)
        assert (done.name, done.size) == (str(paths[done.index]), size)
        assert done.raw is not None
        together = postprocess(done.raw, Settings(), size)
        assert together.ids == alone.ids
        np.testing.assert_allclose(together.boxes, alone.boxes, atol=1e-3)
        np.testing.assert_allclose(together.scores, alone.scores, atol=1e-6)


def test_a_result_tells_digest_model_and_times(client: ServedModel) -> None:
    image = jpeg((60, 20))
    [done] = run([source("a", image)], client, CONFIG)
    assert done.digest == hashlib.sha256(image).hexdigest()
    assert done.model is not None
    assert (done.model.name, done.size) == ("commodity", (60, 20))
    assert set(done.timings) == {"decode", "preprocess", "call"}
    assert done.error is None


def test_the_kept_answer_is_the_compact_one(client: ServedModel) -> None:
    [done] = run([source("a", jpeg())], client, CONFIG)
    assert done.raw is not None
    assert len(done.raw.scores) < done.raw.prior_count == 7308


def test_what_make_gives_of_a_image_is_in_its_result(client: ServedModel) -> None:
    found = run([source("a", jpeg((50, 20)))], client, CONFIG, make=lambda image: image.shape)
    assert [done.made for done in found] == [(20, 50, 3)]


def test_a_stored_answer_is_not_asked_for_again(embedded_server: EmbeddedServer) -> None:
    stored = StoredAnswers(AnswerStore(), embedded_server.address, "commodity", int(NEWEST))
    sources = [source("a", jpeg())]
    with gated(embedded_server.address) as (_, server), served(server.address) as client:
        [first] = run(sources, client, CONFIG, stored=stored)
        [again] = run(sources, client, CONFIG, stored=stored)
        assert (again.raw, again.model) == (first.raw, first.model)
        assert len(server.requests) == 1
        # Another version of the model may say something else.
        list(run(sources, client, CONFIG, stored=replace(stored, version=int(NEWEST) + 1)))
        assert len(server.requests) == 2
    assert stored.get(first.digest) is not None
    # It is kept under the version that gave it, not under the one that was looked for.
    assert replace(stored, version=int(NEWEST) + 1).get(first.digest) is None


# Bad files.


def test_a_bad_file_is_a_result_with_its_error_and_stops_nothing(client: ServedModel) -> None:
    files = [jpeg(), b"no image", b"", jpeg()[:200], jpeg()]
    found = run([source(str(i), data) for i, data in enumerate(files)], client, CONFIG)
    errors = {done.index: done.error for done in found}
    assert [errors[i] is None for i in range(5)] == [True, False, False, False, True]
    assert all(isinstance(errors[i], ImageError) for i in (1, 2, 3))
    # A traceback would keep the file and half an image.
    assert [errors[i].__traceback__ for i in (1, 2, 3)] == [None] * 3


def test_a_file_that_cannot_be_opened_is_a_result_too(client: ServedModel, tmp_path: Path) -> None:
    [done] = run([file_source(tmp_path / "gone.jpg", ImageLimits())], client, CONFIG)
    assert str(done.error) == "cannot be opened: No such file or directory"
    assert (done.digest, done.size, done.raw) == ("", None, None)


def test_a_source_that_cannot_be_read_is_a_result_too(client: ServedModel) -> None:
    def read() -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", "/secret/a.jpg")

    [done] = run([Source("a", read)], client, CONFIG)
    assert isinstance(done.error, ImageError)
    assert (str(done.error), done.digest) == ("cannot be opened: Permission denied", "")


def test_no_more_is_read_of_a_file_than_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(bytes(5000))
    assert len(file_source(tmp_path / "a.jpg", ImageLimits(max_bytes=1000)).read()) == 1001


# The server.


@pytest.mark.server
def test_a_server_that_dies_ends_the_run_after_what_is_done() -> None:
    found: list[Done] = []

    def take(server: ModelServer, client: ServedModel) -> None:
        for done in run((source(str(i), jpeg()) for i in range(10_000)), client, CONFIG,
                        patience_s=0.5):  # fmt: skip
            found.append(done)
            if len(found) == 10:
                server.process.kill()

    with (
        model_server() as server,
        served(server.address) as client,
        pytest.raises(ServerUnavailableError),
    ):
        take(server, client)
    assert 10 <= len(found) < 100
    assert len({done.index for done in found}) == len(found)
    assert not batch_threads()


@pytest.mark.server
def test_a_server_that_is_started_again_is_waited_for() -> None:
    with (
        EmbeddedServer("commodity", CONFIG.model_base_path) as server,
        served(server.address) as client,
    ):
        found = []
        images = (source(str(i), jpeg()) for i in range(60))
        for done in run(images, client, CONFIG, patience_s=300):
            found.append(done.index)
            if len(found) == 10:
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)
        assert sorted(found) == list(range(60))


def failing(server: Foreign, code: grpc.StatusCode, times: int) -> None:
    """Lets the server's next calls fail."""
    answer = server.predict

    def predict(request: object, context: grpc.ServicerContext) -> object:
        if len(server.requests) <= times:
            context.abort(code, "for now")
        return answer(request, context)

    server.predict = predict


@pytest.mark.parametrize(
    ("code", "times"),
    [("UNAVAILABLE", 8), ("DEADLINE_EXCEEDED", 2), ("INTERNAL", 2)],  # gRPC repeats the first, too
)
def test_a_call_is_repeated_where_the_server_may_come_back(
    embedded_server: EmbeddedServer, code: str, times: int
) -> None:
    with gated(embedded_server.address) as (_, server), served(server.address) as client:
        failing(server, grpc.StatusCode[code], times)
        [done] = run([source("a", jpeg())], client, CONFIG, patience_s=300)
    assert done.raw is not None
    assert done.error is None


def test_a_call_that_can_never_succeed_is_not_repeated(embedded_server: EmbeddedServer) -> None:
    with gated(embedded_server.address) as (_, server), served(server.address) as client:
        failing(server, grpc.StatusCode.INVALID_ARGUMENT, times=1)
        with pytest.raises(SignatureError):
            list(run([source("a", jpeg())], client, CONFIG, patience_s=300))
        assert len(server.requests) == 1


def test_an_answer_for_other_labels_ends_the_run(client: ServedModel) -> None:
    labels = Config(labels=("background", "cat", "dog"))
    with pytest.raises(OutputError, match="expected"):
        list(run([source("a", jpeg())], client, labels))


# Bounds.


def test_who_is_slow_to_take_results_slows_the_reading(client: ServedModel) -> None:
    pulled = []

    def endless() -> Iterator[Source]:
        while True:
            pulled.append(None)
            yield source("a", jpeg())

    results = run(endless(), client, CONFIG, workers=3)
    for _ in range(20):
        next(results)
    assert len(pulled) <= 20 + 6
    results.close()
    assert len(pulled) <= 20 + 6


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_images_are_read_at_a_time_than_there_are_workers(
    client: ServedModel, workers: int
) -> None:
    now, most = 0, 0
    changed = threading.Condition()

    def read() -> bytes:
        nonlocal now, most
        with changed:
            now += 1
            most = max(most, now)
            changed.notify_all()
            # Long enough for one more to come, where one more is let in.
            changed.wait_for(lambda: now > workers, timeout=0.1)
            now -= 1
        return jpeg()

    sources = [Source(str(i), read) for i in range(6)]
    assert len(list(run(sources, client, CONFIG, workers=workers))) == 6
    assert most == workers


def test_closing_ends_every_thread(client: ServedModel) -> None:
    results = run((source("a", jpeg()) for _ in range(10_000)), client, CONFIG)
    next(results)
    assert batch_threads()
    results.close()
    assert not batch_threads()


def room_for(monkeypatch: pytest.MonkeyPatch, *images: bytes) -> None:
    """Room for decoding these together and no more; small images need little of it."""
    monkeypatch.setattr(detector.image_memory, "_FIXED", 0)
    room = sum(read_memory(data) for data in images)
    monkeypatch.setattr(detector.answers, "DECODING", Room(room))


def test_large_images_are_decoded_one_after_the_other(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_for(monkeypatch, jpeg((500, 500)))
    now, most = 0, 0
    lock = threading.Lock()

    def count(image: object) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        read_image(jpeg((1500, 1500)))  # something that takes its time
        with lock:
            now -= 1

    images = [source(str(i), jpeg((400, 400))) for i in range(8)]
    assert len(list(run(images, client, CONFIG, make=count))) == 8
    assert most == 1


def test_a_larger_image_than_there_is_room_for_is_decoded_alone(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector.answers, "DECODING", Room(100))
    found = run([source(str(i), jpeg()) for i in range(3)], client, CONFIG)
    assert [done.error for done in found] == [None] * 3


def test_a_large_image_is_not_kept_out_by_small_ones(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    small, large = jpeg((200, 200)), jpeg((400, 190))
    room_for(monkeypatch, small, small)
    made: list[int] = []
    changed = threading.Condition()

    def make(image: np.ndarray) -> None:
        with changed:
            made.append(image.shape[1])
            changed.notify_all()
            if len(made) == 1:
                # The first keeps half of the room. Who may overtake the large one does it now.
                changed.wait_for(lambda: len(made) > 10, timeout=0.5)

    images = [small, large, *[small] * 30]
    sources = [source(str(i), data) for i, data in enumerate(images)]
    assert len(list(run(sources, client, CONFIG, make=make, workers=4))) == len(images)
    # Two workers may have come before it was read.
    assert made.index(400) <= 3


def test_room_is_given_to_the_next_as_soon_as_there_is_some(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_for(monkeypatch, *[jpeg((20, 20))] * 3)
    together = threading.Barrier(3, timeout=60)
    sources = [source(str(i), jpeg((20, 20))) for i in range(3)]
    found = run(sources, client, CONFIG, make=lambda image: together.wait(), workers=3)
    assert len(list(found)) == 3


@pytest.mark.parametrize("file_format", ["JPEG", "HEIF", "AVIF"])
def test_a_image_takes_the_room_of_its_memory_whatever_its_format(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch, file_format: str
) -> None:
    buffer = BytesIO()
    if file_format == "HEIF":
        pillow_heif.encode("RGB", (64, 64), bytes(3 * 64 * 64), buffer)
    else:
        Image.new("RGB", (64, 64)).save(buffer, file_format)
    room_for(monkeypatch, *[buffer.getvalue()] * 2)
    together = threading.Barrier(2, timeout=60)
    sources = [source(str(i), buffer.getvalue()) for i in range(2)]
    found = run(sources, client, CONFIG, make=lambda image: together.wait(), workers=2)
    assert [done.error for done in found] == [None] * 2


@pytest.mark.parametrize("most_allowed", [1, 2])
def test_no_more_calls_are_under_way_than_the_server_works_on(
    embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, most_allowed: int
) -> None:
    monkeypatch.setattr(detector.batch.calls, "IN_FLIGHT", most_allowed)
    now, most = 0, 0
    changed = threading.Condition()

    def hold(answer: Callable) -> Callable:
        def held(request: object, context: object) -> object:
            nonlocal now, most
            with changed:
                now += 1
                most = max(most, now)
                changed.notify_all()
                # Long enough for one more to come, where one more is sent.
                changed.wait_for(lambda: now > most_allowed, timeout=0.1)
            answered = answer(request, context)
            with changed:
                now -= 1
            return answered

        return held

    with gated(embedded_server.address) as (_, server):
        server.predict = hold(server.predict)
        with served(server.address) as client:
            sources = [source(str(i), jpeg()) for i in range(8)]
            assert len(list(run(sources, client, CONFIG, workers=8))) == 8
    assert most == most_allowed


@pytest.mark.parametrize("of", ["make", "read"])
def test_an_unexpected_error_ends_the_run_after_what_was_under_way(
    client: ServedModel, of: str
) -> None:
    """Three wait for each other, so that two are under way when the third fails."""
    together = threading.Barrier(3, timeout=60)

    def read() -> bytes:
        together.wait()
        if of == "read":
            raise RuntimeError("a fault of our own")
        return jpeg((50, 30))

    def make(image: np.ndarray) -> None:
        if image.shape[1] == 50:
            raise RuntimeError("a fault of our own")

    def slow() -> bytes:
        together.wait()
        return jpeg()

    found: list[int] = []

    def take(results: Iterator[Done]) -> None:
        for done in results:
            found.append(done.index)

    sources = [Source("bad", read), Source("good", slow), Source("too", slow)]
    more = [source(str(i), jpeg()) for i in range(1000)]
    with pytest.raises(RuntimeError, match="a fault of our own"):
        take(run([*sources, *more], client, CONFIG, make=make, workers=3))
    assert {1, 2} <= set(found)
    assert len(found) < 100
    assert not batch_threads()


# Folders.


def test_an_empty_folder_has_no_images(tmp_path: Path) -> None:
    assert images_in(tmp_path) == []


def test_a_folder_gives_the_images_below_it_sorted(tmp_path: Path) -> None:
    for name in ("b.JPG", "a/z.png", "a/notes.txt", "c.heic", ".hidden.jpg", ".git/x.png", "jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    names = [str(path.relative_to(tmp_path)) for path in images_in(tmp_path)]
    assert names == ["a/z.png", "b.JPG", "c.heic"]


@pytest.mark.parametrize("suffix", [".HIF", ".hif", ".heifs", ".DIB", ".apng", ".avifs", ".jif"])
def test_endings_that_cameras_and_programs_write_are_images(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"DSC00001{suffix}").touch()
    assert [path.name for path in images_in(tmp_path)] == [f"DSC00001{suffix}"]


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    (outside / "secret.jpg").touch()
    (folder / "own.jpg").touch()
    (folder / "inside.jpg").symlink_to("own.jpg")
    (folder / "out.jpg").symlink_to(outside / "secret.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "all").symlink_to(outside)
    assert [path.name for path in images_in(folder)] == ["inside.jpg", "own.jpg"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        images_in(tmp_path / "gone")
