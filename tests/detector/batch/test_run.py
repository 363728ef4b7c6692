"""Many pictures through the real model server."""

import hashlib
import os
import signal
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import detector.batch.run
from detector.batch.run import Done, Source, file_source, pictures_in, run
from detector.config import Config
from detector.embedded import EmbeddedServer
from detector.errors import ImageError, OutputError, ServerUnavailableError
from detector.images import ImageLimits, read_image
from detector.serving import ServedModel
from detector.ssd import RawPrediction, Settings, postprocess, preprocess
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


def test_no_pictures_give_no_results(client: ServedModel) -> None:
    assert list(run([], client, CONFIG)) == []


def test_each_picture_is_seen_as_it_is_alone(client: ServedModel, samples_dir: Path) -> None:
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
    picture = jpeg((60, 20))
    [done] = run([source("a", picture)], client, CONFIG)
    assert done.digest == hashlib.sha256(picture).hexdigest()
    assert done.model is not None
    assert (done.model.name, done.size) == ("commodity", (60, 20))
    assert set(done.timings) == {"decode", "preprocess", "call"}
    assert done.error is None


def test_the_kept_answer_is_the_compact_one(client: ServedModel) -> None:
    [done] = run([source("a", jpeg())], client, CONFIG)
    assert done.raw is not None
    assert len(done.raw.scores) < done.raw.prior_count == 7308


def test_what_make_gives_of_a_picture_is_in_its_result(client: ServedModel) -> None:
    found = run([source("a", jpeg((50, 20)))], client, CONFIG, make=lambda image: image.shape)
    assert [done.made for done in found] == [(20, 50, 3)]


# Bad files.


def test_a_bad_file_is_a_result_with_its_error_and_stops_nothing(client: ServedModel) -> None:
    files = [jpeg(), b"no picture", b"", jpeg()[:200], jpeg()]
    found = run([source(str(i), data) for i, data in enumerate(files)], client, CONFIG)
    errors = {done.index: done.error for done in found}
    assert [errors[i] is None for i in range(5)] == [True, False, False, False, True]
    assert all(isinstance(errors[i], ImageError) for i in (1, 2, 3))


def test_a_file_that_cannot_be_opened_is_a_result_too(client: ServedModel, tmp_path: Path) -> None:
    [done] = run([file_source(tmp_path / "gone.jpg", ImageLimits())], client, CONFIG)
    assert str(done.error) == "cannot be opened: No such file or directory"
    assert (done.digest, done.size, done.raw) == ("", None, None)


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
        pictures = (source(str(i), jpeg()) for i in range(60))
        for done in run(pictures, client, CONFIG, patience_s=300):
            found.append(done.index)
            if len(found) == 10:
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)
        assert sorted(found) == list(range(60))


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


def test_closing_ends_every_thread(client: ServedModel) -> None:
    results = run((source("a", jpeg()) for _ in range(10_000)), client, CONFIG)
    next(results)
    assert batch_threads()
    results.close()
    assert not batch_threads()


def test_large_pictures_are_decoded_one_after_the_other(
    client: ServedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector.batch.run, "PIXELS_AT_ONCE", 500 * 500)
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

    pictures = [source(str(i), jpeg((400, 400))) for i in range(8)]
    assert len(list(run(pictures, client, CONFIG, make=count))) == 8
    assert most == 1


def test_an_error_of_make_ends_the_run(client: ServedModel) -> None:
    def fail(image: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        list(run([source("a", jpeg())], client, CONFIG, make=fail))
    assert not batch_threads()


# Folders.


def test_an_empty_folder_has_no_pictures(tmp_path: Path) -> None:
    assert pictures_in(tmp_path) == []


def test_a_folder_gives_the_pictures_below_it_sorted(tmp_path: Path) -> None:
    for name in ("b.JPG", "a/z.png", "a/notes.txt", "c.heic", ".hidden.jpg", ".git/x.png", "jpg"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    names = [str(path.relative_to(tmp_path)) for path in pictures_in(tmp_path)]
    assert names == ["a/z.png", "b.JPG", "c.heic"]


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
    assert [path.name for path in pictures_in(folder)] == ["inside.jpg", "own.jpg"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        pictures_in(tmp_path / "gone")
