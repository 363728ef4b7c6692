"""One client an address, one store of answers, whatever visitors ask for."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import grpc
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import answers, media, state
from dashboard.files import ImageFile
from detector.answers import load
from detector.embedded import EmbeddedServer
from detector.images import ImageLimits
from detector.serving import ModelSpec
from detector.wire.protos import predict_pb2
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, gated, serving, statuses
from tests.support.kept import ask_at_once, kept
from tests.support.paths import NEWEST, ROOT, VERSIONS

pytestmark = pytest.mark.usefixtures("empty_caches")


def output() -> np.ndarray:
    """One sure box in the middle."""
    rows = np.zeros((1, 4, 21), np.float32)
    rows[:, :, 4], rows[0, 0, 4], rows[0, 0, 5] = 1, 0, 1
    rows[:, :, -8:-4] = 0.25, 0.25, 0.75, 0.75
    rows[:, :, -4:] = 0.1, 0.1, 0.2, 0.2
    return rows


def of_version(version: int) -> Foreign:
    """A server that has that version and no other."""
    right = answer({"concat_3:0": encode_tensor(output())}, version=version)

    def predict(request, context):
        if request.model_spec.version.value not in (0, version):
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific")
        return right(request, context)

    return Foreign(predict, statuses((version, 30, "")))


def page(name: str = "app.py", **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run() if name == "app.py" else app.switch_page(name).run()


def errors(app: AppTest) -> list[str]:
    assert not app.exception
    return [box.value.replace("\\", "") for box in app.error]


def jpeg(size: tuple[int, int], noise: bool = False) -> bytes:
    pixels = np.full((size[1], size[0], 3), 128, np.uint8)
    if noise:  # as hard to compress as the most detailed of photos
        pixels = np.random.default_rng(3).integers(64, 192, pixels.shape, np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


# Connections.


def test_models_that_visitors_type_close_no_connection(monkeypatch):
    begun, done = threading.Event(), threading.Event()

    def slow(request, context):
        begun.set()
        assert done.wait(300)
        return predict_pb2.PredictResponse()

    with serving(Foreign(slow)) as server, ThreadPoolExecutor(1) as pool:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        monkeypatch.setenv("COMMODITY_LENS_TIMEOUT_S", "300")
        call = pool.submit(answers.served(server.address).predict, {})
        assert begun.wait(300)
        clients = {
            id(answers.served(server.address, ModelSpec(f"typed {number}")).client)
            for number in range(400)
        }
        assert clients == {id(answers.client(server.address))}
        done.set()
        assert call.result(300).model.name == "commodity"


# Versions.


@pytest.mark.parametrize("name", ["app.py", "pages/1_Thresholds.py", "pages/2_Compare.py"])
def test_every_page_goes_on_by_the_version_that_came(name, monkeypatch):
    with serving(of_version(1)) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        app = page(name)
        assert errors(app) == []
        newer = of_version(2)
        server.predict, server.status = newer.predict, newer.status
        ask_at_once(monkeypatch)
        app.run()
        assert errors(app) == []


@pytest.mark.server
def test_the_versions_that_a_server_has_begun_to_load_are_waited_for(model_base_path):
    with EmbeddedServer("commodity", model_base_path) as server:
        there = answers.available_versions(server.address, "commodity")
    assert there == tuple(reversed(VERSIONS))


def test_a_version_that_loads_for_long_is_waited_for_once(monkeypatch):
    monkeypatch.setattr(answers, "WAIT_S", 0.5)
    served = statuses((2, 30, ""), (1, 20, ""))  # available, and loading
    with serving(Foreign(status=served)) as server:
        started = time.monotonic()
        assert answers.available_versions(server.address, "commodity") == (2,)
        assert time.monotonic() - started > 0.5
        answers.available_versions.clear()
        again = time.monotonic()
        assert answers.available_versions(server.address, "commodity") == (2,)
        assert time.monotonic() - again < 0.4


def test_a_version_that_is_gone_before_its_word_is_stale_is_asked_again(monkeypatch):
    monkeypatch.setattr("dashboard.answers.FRESH_S", 3600.0)
    with serving(of_version(1)) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        app = page()
        newer = of_version(2)
        server.predict, server.status = newer.predict, newer.status
        titles = app.button_group(key="sample").options
        app.button_group(key="sample").set_value(titles[1]).run()
        assert errors(app) == []


@pytest.mark.parametrize("version", ["0", "9" * 20, "9" * 5000])
def test_a_version_that_cannot_be_is_an_error_of_its_side(version, monkeypatch):
    with serving(of_version(1)) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        app = page("pages/2_Compare.py", version_a=version)
        if app.selectbox(key="version_a").value != version:  # one that is not offered is typed
            app.session_state["version_a"] = version
            app.run()
        [error] = errors(app)
        assert "The model version is outside 1 to 9223372036854775807" in error


def test_a_server_that_knows_predict_only_detects(monkeypatch):
    def unimplemented(request, context):
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "unknown service")

    foreign = Foreign(answer({"concat_3:0": encode_tensor(output())}, version=None), unimplemented)
    with serving(foreign) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        app = page()
        assert errors(app) == []
        assert any("version not known" in block.value for block in app.get("html"))


# What is asked, and what is kept.


def test_an_image_is_asked_once_whatever_pages_are_visited(embedded_server, monkeypatch):
    with gated(embedded_server.address) as (_gate, server):
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        app = page()
        assert len(server.requests) == 1
        app.query_params["tab"] = "Curves"
        for name in (
            "pages/1_Thresholds.py",
            "pages/2_Compare.py",
            "pages/3_Batch.py",
            "pages/4_Server.py",
            "app.py",
        ):
            app.switch_page(name).run()
            if name.endswith("Batch.py"):
                app.button(key="batch_gallery_run").click().run()
                kept(app, state.Batch).job.join(300)
            assert errors(app) == []
        asked = Counter(
            (
                request.inputs["images"].tensor_content,
                request.model_spec.version.value or int(NEWEST),
            )
            for request in server.requests
        )
        # The gallery, for the charts of Thresholds, and what Compare has of the version before.
        assert len(asked) == 17 + 1
        assert set(asked.values()) == {1}


def test_what_a_session_keeps_of_a_large_image_is_small(embedded_server, monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = page(source="Upload")
    data = jpeg((4000, 3000), noise=True)
    app.file_uploader(key="upload").set_value([("large.jpg", data, "image/jpeg")]).run()
    assert errors(app) == []
    [image] = kept(app, state.Uploads).files.values()
    assert image.read() == data
    assert kept_bytes(data) < 1.5e6  # of 12 megapixels of noise; 36 MB were decoded
    # 50 sessions that looked at 16 photos each stay under a gigabyte together.
    assert 50 * 16 * kept_bytes((ROOT / "samples" / "outfit_flatlay.jpg").read_bytes()) < 0.75e9


def kept_bytes(data: bytes) -> int:
    """What a session keeps of an image beside the answer."""
    loaded = load(data, ImageLimits(), media._screen)
    screen = media.screen_of(loaded)
    return loaded.pixels.nbytes + len(screen.display) + len(screen.thumbnail)


def answers_file(data: bytes) -> ImageFile:
    return ImageFile.of("photo.jpg", data)


def test_a_files_bytes_are_on_disk_once_and_for_as_long_as_somebody_has_them():
    first, second = answers_file(b"the same bytes"), answers_file(b"the same bytes")
    path = first._blob.path
    assert (first.read(), second.digest, second._blob.path) == (
        b"the same bytes",
        first.digest,
        path,
    )
    del first
    assert path.exists()
    del second
    assert not path.exists()


def test_images_that_a_killed_dashboard_left_are_removed_and_those_of_a_running_one_stay(tmp_path):
    program = (
        "from dashboard.files import ImageFile\n"
        "file = ImageFile.of('photo.jpg', b'of a visitor')\n"
        "print(file._blob.path, flush=True)\n"
        "input()\n"
    )

    def started() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    killed, left = started()
    killed.kill()
    killed.communicate()
    assert left.exists()
    running, kept = started()
    assert left.exists()  # it may be of a process that is just beginning
    other = tmp_path / "commodity-lens-images-of-mine"  # somebody's own
    other.mkdir()
    (other / "holiday.jpg").write_bytes(b"dear to me")
    for folder in (left.parent, kept.parent, other):
        os.utime(folder, (1, 1))
    third, own = started()
    assert (left.exists(), kept.exists(), own.exists()) == (False, True, True)
    for process in (running, third):
        process.communicate("\n")
    assert list(tmp_path.iterdir()) == [other]
    assert list(other.iterdir())


# Settings.


def test_uploads_work_without_a_gallery(monkeypatch, tmp_path: Path):
    with serving(of_version(1)) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        monkeypatch.setenv("COMMODITY_LENS_SAMPLES_PATH", str(tmp_path))
        app = page(source="Upload")
        [error] = errors(app)
        assert "annotations.json cannot be read" in error
        app.file_uploader(key="upload").set_value([("a.jpg", jpeg((64, 48)), "image/jpeg")]).run()
        assert errors(app) == []


def test_a_limit_that_the_dashboard_cannot_keep_is_refused(monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_MAX_UPLOAD_MB", "100000")
    [error, *_] = errors(page())
    assert "accepts uploads of" in error
    assert "--server.maxUploadSize 100000" in error


def test_the_limit_that_is_documented_can_be_set(monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_MAX_UPLOAD_MB", "200")
    with serving(of_version(1)) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        assert errors(page()) == []
