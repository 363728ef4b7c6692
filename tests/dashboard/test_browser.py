"""The Detect page in a real browser, against the real dashboard and a real model server."""

import csv
import json
import os
import re
import signal
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import element, is_no_wider_than_the_window, move_slider, settled
from tests.support.paths import NEWEST, ROOT
from tests.support.running import children, dashboard, free_port, model_server

# An image in which the shipped model is sure of what it sees, at any size.
SAMPLE = ROOT / "samples" / "headphones_studio.jpg"


@pytest.fixture
def page(visit: Callable[..., Page], url: str) -> Page:
    """The Detect page with its first sample detected."""
    opened = visit(url)
    boxes(opened).first.wait_for()
    settled(opened)
    expect(element(opened, "by_class")).to_be_visible()
    return opened


def boxes(page: Page) -> Locator:
    return element(page, "figure").locator(".barlayer .point path")


def legend(page: Page) -> Locator:
    return element(page, "figure").locator(".legend .traces")


def image_bytes(width: int = 900, height: int = 600) -> bytes:
    """A sample under another size, so that it is an image that the dashboard hasn't seen."""
    data = BytesIO()
    sample = Image.open(SAMPLE)
    sample.resize((width, height)).save(data, "JPEG", quality=90)
    return data.getvalue()


def upload(page: Page, *files: tuple[str, bytes]) -> None:
    element(page, "source").get_by_text("Upload").click()
    element(page, "upload").locator("input[type=file]").set_input_files(
        [{"name": n, "mimeType": "application/octet-stream", "buffer": data} for n, data in files]
    )


def test_the_page_opens_on_a_detected_sample(page: Page):
    assert boxes(page).count() > 0
    expect(element(page, "by_class")).to_be_visible()
    expect(element(page, "detections")).to_be_visible()
    expect(page.locator(".lens-state")).to_contain_text("commodity, version")


def test_a_higher_threshold_shows_fewer_boxes(page: Page):
    before = boxes(page).count()
    handle = element(page, "score_threshold").locator("input[type=range]")
    handle.press("End")  # one step: a hundred are a hundred runs of the script
    expect(page.get_by_text("No box reaches the threshold")).to_be_visible()
    handle.press("Home")
    expect(boxes(page).nth(before)).to_be_attached()


def selected_row(page: Page) -> Locator:
    return element(page, "detections").locator("[role=row][aria-selected=true]")


def test_a_clicked_box_is_the_selected_row_and_the_chart_stays(page: Page):
    plot = element(page, "figure").locator(".js-plotly-plot")
    plot.evaluate("chart => { chart.dataset.same = 'yes' }")
    boxes(page).last.click(force=True)
    expect(selected_row(page)).to_have_count(1)
    # The same element: its zoom was not reset.
    expect(plot).to_have_attribute("data-same", "yes")


def test_a_selected_row_is_the_picked_box_in_the_figure(page: Page):
    table = element(page, "detections").locator("canvas").first
    table.click(position={"x": 18, "y": 38 + 26}, force=True)
    expect(selected_row(page)).to_have_count(1)
    picked = """chart => chart.data.filter(trace => trace.type == "bar" && trace.customdata)
        .flatMap(trace => (trace.selectedpoints ?? []).map(i => trace.customdata[i][0]))"""
    page.wait_for_function(
        f"() => ({picked})(document.querySelector('.js-plotly-plot')).length == 1"
    )


def test_an_upload_is_detected_and_listed(page: Page):
    upload(page, ("one.jpg", image_bytes()), ("two.jpg", image_bytes(640, 480)))
    strip = element(page, "picture")
    expect(strip.get_by_role("radio")).to_have_count(2)
    expect(page.get_by_text("· two.jpg")).to_be_visible()
    strip.get_by_role("radio").first.click()
    expect(page.get_by_text("· one.jpg")).to_be_visible()


@pytest.mark.parametrize("name", ["Thresholds", "Compare"])
def test_of_two_uploads_the_same_stays_chosen_on_another_page(page: Page, name: str):
    upload(page, ("one.jpg", image_bytes()), ("two.jpg", image_bytes(640, 480)))
    expect(page.get_by_text("· two.jpg")).to_be_visible()
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    chosen = element(page, "picture").locator("[aria-checked=true]")
    expect(chosen).to_have_text("two.jpg")
    settled(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_test_id("stSidebar").get_by_role("link", name="Detect").click()
    expect(page.get_by_text("· two.jpg")).to_be_visible()


def test_a_bad_upload_says_why_and_keeps_the_good_one(page: Page):
    upload(page, ("good.jpg", image_bytes()), ("broken.jpg", image_bytes()[:2000]))
    expect(page.get_by_role("alert")).to_contain_text("broken.jpg")
    expect(page.get_by_text("· good.jpg")).to_be_visible()
    boxes(page).first.wait_for()


def test_a_camera_photo_is_detected(page: Page):
    element(page, "source").get_by_text("Camera").click()
    # A photo of a stream that has not begun is none.
    page.wait_for_function("() => document.querySelector('video')?.videoWidth > 0")
    element(page, "camera").get_by_role("button", name="Take Photo").click()
    expect(page.get_by_text("· camera.jpg")).to_be_visible()
    boxes(page).first.wait_for()


def test_the_link_reopens_sample_and_settings(page: Page, visit: Callable[..., Page]):
    element(page, "sample").get_by_role("radio").nth(1).click()
    expect(page).to_have_url(re.compile(r"[?&]sample="))
    move_slider(page, "score_threshold", 0.55)
    expect(page).to_have_url(re.compile(r"score_threshold=0\.55\b"))
    again = visit(page.url)
    expect(element(again, "score_threshold").locator("input[type=range]")).to_have_value("0.55")
    expect(element(again, "sample").get_by_role("radio").nth(1)).to_be_checked()


@pytest.mark.parametrize(
    ("name", "key"),
    [("Detect", "score_threshold"), ("Thresholds", "iou_threshold"), ("Compare", "score_a")],
)
def test_a_control_stays_in_its_place_while_another_image_is_detected(
    page: Page, name: str, key: str
):
    """One that was drawn anew would lose the focus, and the keys that are pressed."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=name).click()
    expect(page.locator("h1")).to_have_text(name)
    handle = element(page, key).locator("input[type=range]")
    handle.wait_for()
    settled(page)
    before = handle.element_handle()
    for sample in (1, 2):
        chosen = element(page, "sample").get_by_role("radio").nth(sample)
        chosen.click()
        expect(chosen).to_be_checked()
        settled(page)
        assert before.evaluate("node => node.isConnected")


def exported(page: Page, label: str) -> bytes:
    element(page, "export").get_by_role("button").first.click()
    button = page.get_by_role("button", name=re.compile(f"^{re.escape(label)}"))
    button.wait_for()
    settled(page)
    with page.expect_download() as download:
        button.click()
    return Path(download.value.path()).read_bytes()


@pytest.mark.parametrize(
    ("label", "count"),
    [
        ("Table", lambda data: len(list(csv.reader(data.decode().splitlines()))) - 1),
        ("JSON", lambda data: len(json.loads(data)["images"][0]["detections"])),
        ("COCO", lambda data: len(json.loads(data)["annotations"])),
        ("Pascal VOC", lambda data: data.count(b"<object>")),
        ("YOLO", lambda data: len(data.splitlines())),
    ],
)
def test_an_export_has_every_box_that_is_shown(
    page: Page, label: str, count: Callable[[bytes], int]
):
    shown = element(page, "by_class").locator("td:nth-child(2)").all_inner_texts()
    assert count(exported(page, label)) == sum(map(int, shown)) > 0


def test_the_exported_image_is_the_sample_with_boxes_drawn(page: Page):
    drawn = np.asarray(Image.open(BytesIO(exported(page, "Annotated image (PNG)"))), np.int16)
    plain = np.asarray(Image.open(ROOT / "samples" / "outfit_flatlay.jpg"), np.int16)
    changed = np.abs(drawn - plain).max(axis=2) > 0
    assert 0 < changed.mean() < 0.2


def test_a_dead_server_is_named_and_its_return_noticed(visit: Callable[..., Page], tmp_path: Path):
    port = free_port()
    with dashboard(tmp_path / "log.txt", COMMODITY_LENS_SERVER=f"127.0.0.1:{port}") as running:
        page = visit(running.url)
        expect(page.get_by_role("alert")).to_contain_text(str(port))
        slider = element(page, "score_threshold").locator("input[type=range]")
        slider.evaluate("input => input.dataset.from = 'before'")
        with model_server(port):
            boxes(page).first.wait_for()
            expect(page.get_by_role("alert")).to_have_count(0)
            settled(page)
        expect(slider).to_have_attribute("data-from", "before")  # in its place, with the focus
        # The server is gone: what was detected stays and follows the controls without it.
        move_slider(page, "score_threshold", 0.05)
        boxes(page).first.wait_for()
        element(page, "sample").get_by_role("radio").nth(1).click()
        expect(page.get_by_role("alert")).to_contain_text(str(port))
        settled(page)
        expect(element(page, "figure").locator("image")).to_be_visible()
        with model_server(port):
            boxes(page).first.wait_for()
            expect(page.get_by_role("alert")).to_have_count(0)


def words(pid: int) -> list[str]:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_recorded_boxes_are_there_while_the_embedded_server_starts(
    visit: Callable[..., Page], tmp_path: Path
):
    with dashboard(tmp_path / "log.txt") as running:
        # Not before it is a program of its own: stopped, it would hold up who starts it.
        while not (started := [c for c in children(running.pid) if "model_server" in words(c)]):
            time.sleep(0.01)
        os.kill(started[0], signal.SIGSTOP)  # it takes its time
        try:
            page = visit(running.url)
            boxes(page).first.wait_for()
            expect(page.get_by_text(f"Recorded by commodity {NEWEST}")).to_be_visible()
            expect(element(page, "timings")).to_have_count(0)  # of a live answer only
        finally:
            os.kill(started[0], signal.SIGCONT)
        expect(element(page, "timings")).to_be_visible()
        expect(page.get_by_text("Recorded by")).to_have_count(0)
        boxes(page).first.wait_for()


def test_a_killed_embedded_server_comes_back(visit: Callable[..., Page], tmp_path: Path):
    with dashboard(tmp_path / "log.txt") as running:
        page = visit(running.url)
        boxes(page).first.wait_for()
        [server] = children(running.pid)
        os.kill(server, signal.SIGKILL)
        upload(page, ("new.jpg", image_bytes()))
        expect(page.get_by_text("· new.jpg")).to_be_visible()  # said with an answer only
        boxes(page).first.wait_for()
        expect(page.get_by_role("alert")).to_have_count(0)
        assert children(running.pid) != [server]


def test_the_dashboard_never_loads_tensorflow(visit: Callable[..., Page], tmp_path: Path):
    with dashboard(tmp_path / "log.txt") as running:
        page = visit(running.url)
        boxes(page).first.wait_for()
        settled(page)
        assert "tensorflow" not in Path(f"/proc/{running.pid}/maps").read_text().lower()


def test_nothing_is_wider_than_the_window(page: Page):
    is_no_wider_than_the_window(page)
