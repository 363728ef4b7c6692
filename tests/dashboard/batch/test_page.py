"""The page Batch by Streamlit's app tester, with a real model server."""

import json
import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.runtime.caching import clear_session_resource_cache
from streamlit.testing.v1 import AppTest

from dashboard import frame, state
from dashboard.batch.cards import PAGE_SIZE
from dashboard.batch.job import Job
from detector.batch.calls import IN_FLIGHT
from detector.batch.run import Source
from detector.embedded import EmbeddedServer
from tests.support.files import png, zipped
from tests.support.foreign import Foreign, Gate, gated
from tests.support.kept import keep, kept
from tests.support.paths import ROOT
from tests.support.running import free_port

SAMPLES = json.loads((ROOT / "samples" / "annotations.json").read_text())["images"]

pytestmark = pytest.mark.usefixtures("empty_caches")

# Of a call that a test holds, however long it takes to look at what is there meanwhile.
HELD_S = "300"


@pytest.fixture
def page(embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    return app.run().switch_page("pages/3_Batch.py").run()


def job_of(app: AppTest) -> Job:
    job = kept(app, state.Batch).job
    assert isinstance(job, Job)
    return job


def start(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Upload and run."""
    for name, data in files:
        app.file_uploader(key="batch_upload").upload(name, data)
    return app.run().button(key="batch_run").click().run()


def run_files(app: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Upload, run, and wait until all is done."""
    return finished(start(app, *files))


def finished(app: AppTest) -> AppTest:
    assert not app.exception
    job_of(app).join(60)
    assert not job_of(app).is_running
    app.run()
    assert not app.exception
    return app


def cards(app: AppTest) -> list[str]:
    """The names under the cards, in their order."""
    found = [block.value for block in app.get("html") if '<div class="lens-card' in block.value]
    return [re.findall(r'<b title="[^"]*">(.*?)</b>', card)[0] for card in found]


def boxes_by_class(app: AppTest) -> dict[str, int]:
    [table] = [
        block.value for block in app.get("html") if '<table class="lens-classes' in block.value
    ]
    rows = re.findall(r"</i>(\w+)</th><td>(\d+)", table)
    return {label: int(count) for label, count in rows}


def test_it_opens_with_the_gallery(page: AppTest) -> None:
    finished(page)
    assert len(cards(page)) == len(SAMPLES)
    assert cards(page) == [sample["file_name"] for sample in SAMPLES][:PAGE_SIZE]


@pytest.fixture
def folder_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gallery that is no more than that."""
    shutil.copy(ROOT / "samples" / SAMPLES[0]["file_name"], tmp_path)
    monkeypatch.setenv("COMMODITY_LENS_SAMPLES_PATH", str(tmp_path))


@pytest.mark.usefixtures("folder_of_images")
def test_a_gallery_without_annotations_says_what_to_do_and_uploads_work(page: AppTest) -> None:
    assert not page.exception
    assert not page.error
    page.button(key="batch_gallery_run").click().run()
    assert not page.exception
    [message] = [box.value.replace("\\", "") for box in page.error]
    assert "annotations.json cannot be read" in message
    assert "Name a folder with" in message
    assert kept(page, state.Batch).job is None
    run_files(page, ("a.png", png()))
    assert cards(page) == ["a.png"]
    assert not page.error


@pytest.mark.usefixtures("folder_of_images")
def test_an_upload_is_opened_in_detect_whatever_the_gallery_is(page: AppTest) -> None:
    run_files(page, ("a.png", png()))
    page.button(key="open_0").click().run()
    assert not page.exception
    assert list(kept(page, state.Uploads).files) == ["a.png"]


def test_what_could_not_be_used_is_told_until_the_next_start(page: AppTest) -> None:
    start(page, ("x.zip", b"PK nothing"), ("a.png", png()))
    assert len(finished(page).error) == 1
    page.button(key="batch_gallery_run").click().run()
    assert not page.error
    finished(page)


def test_a_bad_file_is_listed_with_its_reason_and_stops_nothing(page: AppTest) -> None:
    run_files(page, ("a.png", png()), ("<b>.jpg", b"no image"), ("c.png", png("white")))
    assert cards(page) == ["a.png", "&lt;b&gt;.jpg", "c.png"]
    [table] = [block.value for block in page.get("html") if '<table class="lens-bad' in block.value]
    assert "&lt;b&gt;.jpg</th><td>This is not an image that can be read, but a text file." in table


def test_a_zip_file_gives_its_images(page: AppTest) -> None:
    archive = zipped({"in/a.png": png(), "../out.png": png(), "more.zip": zipped({})})
    run_files(page, ("many.zip", archive), ("b.png", png()))
    assert cards(page) == [
        "many.zip/in/a.png",
        "many.zip/../out.png",
        "many.zip/more.zip",
        "b.png",
    ]
    errors = {done.name: str(done.error) for done in job_of(page).results if done.error}
    assert errors == {
        "many.zip/../out.png": "Its path leads out of the folder.",
        "many.zip/more.zip": "An archive in an archive is not opened.",
    }


def test_files_that_were_run_are_not_what_is_to_do_next(page: AppTest) -> None:
    page.file_uploader(key="batch_upload").upload("a.png", png())
    button = page.run().button(key="batch_run")
    assert (button.label, button.proto.type) == ("Run 1 file", "primary")
    button = finished(button.click().run()).button(key="batch_run")
    assert (button.label, button.proto.type) == ("Run 1 file again", "secondary")


def test_zip_files_that_cannot_be_read_are_one_message(page: AppTest) -> None:
    start(page, ("x.zip", b"PK nothing"), ("y.zip", b"PK nothing either"))
    assert not page.exception
    [message] = [box.value.replace("\\", "") for box in page.error]
    first, second = message.splitlines()
    assert first.startswith("**x.zip**: This is not a ZIP file that can be read")
    assert second.startswith("**y.zip**: This is not a ZIP file that can be read")
    assert len(job_of(page).sources) == len(SAMPLES)  # what was there stays


def test_thresholds_move_without_running_again(page: AppTest) -> None:
    finished(page.button(key="batch_gallery_run").click().run())
    before, results = boxes_by_class(page), job_of(page).results
    page.slider(key="score_threshold").set_value(0.9).run()
    after = boxes_by_class(page)
    assert sum(after.values()) < sum(before.values())
    assert [id(done) for done in job_of(page).results] == [id(done) for done in results]
    page.slider(key="score_threshold").set_value(0.3).run()
    assert boxes_by_class(page) == before


def test_images_are_filtered_and_sorted(page: AppTest, samples_dir: Path) -> None:
    names = ("headphones_studio.jpg", "canvas_shoes.jpg", "clothes_on_pegs.jpg")
    run_files(
        page,
        ("bad.jpg", b"no image"),
        ("grey.png", png()),
        *((name, (samples_dir / name).read_bytes()) for name in names),
    )
    page.segmented_control(key="batch_kind").set_value("Errors").run()
    assert cards(page) == ["bad.jpg"]
    page.segmented_control(key="batch_kind").set_value("Nothing").run()
    assert cards(page) == ["grey.png"]
    page.segmented_control(key="batch_kind").set_value("Found").run()
    assert cards(page) == list(names)
    page.selectbox(key="batch_order").set_value("Most objects").run()
    assert cards(page)[0] == "clothes_on_pegs.jpg"
    page.selectbox(key="batch_class").set_value("shoes").run()
    assert "canvas_shoes.jpg" in cards(page)
    assert "headphones_studio.jpg" not in cards(page)
    page.slider(key="batch_counts").set_value((40, 50)).run()
    assert cards(page) == []


def test_there_are_so_many_cards_on_a_page(page: AppTest) -> None:
    count = PAGE_SIZE + 3
    run_files(
        page, ("a.zip", zipped({f"{i:02}.png": png(size=(30, 30 + i)) for i in range(count)}))
    )
    assert len(cards(page)) == PAGE_SIZE
    page.session_state["batch_page"] = 2
    page.run()
    assert cards(page) == [f"a.zip/{i:02}.png" for i in range(PAGE_SIZE, count)]
    page.selectbox(key="batch_order").set_value("Name").run()  # begins at the first page again
    assert len(cards(page)) == PAGE_SIZE


def test_filter_order_and_page_stay_through_another_page(page: AppTest) -> None:
    count = PAGE_SIZE + 3
    run_files(page, ("a.zip", zipped({f"{i:02}.png": png() for i in range(count)})))
    page.segmented_control(key="batch_kind").set_value("Nothing").run()
    page.selectbox(key="batch_order").set_value("Name").run()
    page.session_state["batch_page"] = 2
    page.run()
    page.switch_page("app.py").run()
    page.switch_page("pages/3_Batch.py").run()
    assert page.segmented_control(key="batch_kind").value == "Nothing"
    assert page.selectbox(key="batch_order").value == "Name"
    assert len(cards(page)) == 3


@pytest.fixture
def held(
    page: AppTest, embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Gate, Foreign]]:
    """The page's server answers a few times, and holds the calls after that until told."""
    with gated(embedded_server.address) as (gate, server):
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        monkeypatch.setenv("COMMODITY_LENS_TIMEOUT_S", HELD_S)
        st.cache_resource.clear()
        gate.close_after(5)
        yield gate, server


def start_many(page: AppTest, count: int = 40) -> Job:
    """Start a batch of so many small images that differ, and wait for its first five answers."""
    images = {f"{i:03}.png": png(size=(30 + i, 30)) for i in range(count)}
    start(page, ("a.zip", zipped(images)))
    job = job_of(page)
    end = time.monotonic() + 60
    while job.count < 5 and job.is_running and time.monotonic() < end:
        time.sleep(0.005)
    assert job.count == 5
    return job


def test_a_stopped_job_keeps_what_is_done_and_goes_on(
    page: AppTest, held: tuple[Gate, Foreign]
) -> None:
    job = start_many(page)
    page.button(key="batch_stop").click().run()
    held[0].open()
    job.join(60)
    # The five, and those that the server was at work on.
    assert 5 + IN_FLIGHT <= job.count < 40
    assert job.count == len(held[1].requests)
    kept = {done.index: done for done in job.results}
    page.run()
    assert len(cards(page)) == min(PAGE_SIZE, job.count)
    page.button(key="batch_continue").click().run()
    finished(page)
    assert job_of(page) is job
    assert [done.index for done in job.results] == list(range(40))
    assert all(job.results[index] is done for index, done in kept.items())


def test_a_server_that_is_gone_is_told_and_what_is_done_is_kept(
    page: AppTest, embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("detector.batch.calls.PATIENCE_S", 0.1)
    with gated(embedded_server.address) as (gate, server):
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        monkeypatch.setenv("COMMODITY_LENS_TIMEOUT_S", HELD_S)
        st.cache_resource.clear()
        gate.close_after(5)
        job = start_many(page)
    job.join(60)
    page.run()
    assert job.count == 5
    # By then it is gone, or does not answer any more: which, depends on the moment.
    assert [box.value for box in page.error if embedded_server.address not in box.value]
    assert page.button(key="batch_continue")


def test_another_batch_ends_the_one_before(page: AppTest, held: tuple[Gate, Foreign]) -> None:
    first = start_many(page)
    page.button(key="batch_gallery_run").click().run()
    held[0].open()
    finished(page)
    first.join(60)
    assert not first.is_running
    assert first.count < 40
    assert len(cards(page)) == len(SAMPLES)


def test_the_end_of_the_session_ends_its_job(page: AppTest, held: tuple[Gate, Foreign]) -> None:
    job = start_many(page)
    clear_session_resource_cache("test session id")  # what Streamlit does at a session's end
    held[0].open()
    job.join(60)
    assert not job.is_running
    assert job.count < 40
    assert job.error is None  # it was told to end; nobody took its client away


def test_run_waits_for_a_server_that_is_not_up(
    page: AppTest, embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("COMMODITY_LENS_SERVER", f"127.0.0.1:{port}")
    st.cache_resource.clear()
    st.cache_data.clear()
    start(page, ("a.png", png()))
    job = job_of(page)
    for _ in range(2):  # it is not forgotten by another run of the page
        assert not page.exception
        assert not job.is_running
        assert any(str(port) in box.value for box in page.error)
        assert "begins by itself" in str([caption.value for caption in page.caption])
        assert "waiting for the model server" in progress_text(page)
        page.run()
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    st.cache_resource.clear()
    st.cache_data.clear()
    page.run()
    finished(page)
    assert job_of(page) is job
    assert job.count == 1
    assert not page.error


def test_what_waits_for_the_server_can_be_stopped(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", f"127.0.0.1:{free_port()}")
    st.cache_resource.clear()
    st.cache_data.clear()
    start(page, ("a.png", png()))
    page.button(key="batch_stop").click().run()
    assert "stopped" in progress_text(page)
    assert "begins by itself" not in str([caption.value for caption in page.caption])
    assert page.button(key="batch_continue")


def progress_text(page: AppTest) -> str:
    [bar] = page.get("progress")
    return str(bar.proto.text)


def test_an_unexpected_exception_is_one_calm_message_with_the_id_that_is_in_the_log(
    page: AppTest, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [RuntimeError("a fault of our own")]

    def read() -> bytes:
        if faults:
            raise faults.pop()
        return png()

    job = Job([Source("a.png", read), Source("b.png", png)], frame.report)
    keep(page, state.Batch(job=job, go_on=True))
    with caplog.at_level(logging.ERROR):
        page.run()
        finished(page)
    [message] = [box.value for box in page.error]
    [record] = [r for r in caplog.records if "unexpected" in r.message]
    assert job.error_id
    assert job.error_id in message
    assert job.error_id in record.message
    assert record.exc_info is not None
    assert "a fault of our own" in str(record.exc_info[1])
    assert "fault of our own" not in message
    page.button(key="batch_continue").click().run()
    finished(page)
    assert cards(page) == ["a.png", "b.png"]
    assert not page.error
