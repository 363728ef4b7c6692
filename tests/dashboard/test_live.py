"""The live camera: what the browser sends is looked at; the rest in a real browser."""

import base64
import re
import signal
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from dashboard.detect.live import read_frame
from detector.errors import ImageError
from tests.support.browser import element
from tests.support.running import dashboard, model_server, until


def encoded(size: tuple[int, int] = (300, 300), kind: str = "JPEG") -> str:
    buffer = BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_frame_is_what_the_model_sees(kind: str):
    loaded = read_frame(encoded(kind=kind))
    assert loaded.pixels.shape == (300, 300, 3)
    assert loaded.size == (300, 300)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "no base64!",
        base64.b64encode(b"no image").decode(),
        encoded()[:4000],
        encoded((299, 300)),
        encoded((300, 301)),
        "A" * 400_008,
    ],
)
def test_what_is_no_frame_is_refused(sent: str):
    with pytest.raises(ImageError):
        read_frame(sent)


# --- in the browser


@pytest.fixture
def page(visit: Callable[..., Page], url: str) -> Page:
    return watched(visit(f"{url}/?source=Live", viewport={"width": 1440, "height": 900}))


def watched(page: Page) -> Page:
    expect(page.locator(".live .count")).to_have_text(re.compile("^1 box shown: "))
    return page


def test_the_slider_moves_boxes_in_the_browser_and_holds_for_images_too(page: Page):
    slider = page.get_by_role("slider", name="Score threshold").and_(page.locator(".slider"))
    slider.evaluate("(node) => (node.value = '1', node.dispatchEvent(new Event('input')))")
    expect(page.locator(".live .count")).to_have_text("0 boxes shown")
    slider.press("ArrowLeft")
    element(page, "source").get_by_text("Samples").click()
    expect(element(page, "score_threshold").locator("input[type=range]")).to_have_value("0.99")


def test_a_hidden_class_is_gone_with_the_next_frame(page: Page):
    [shown] = re.findall(r"shown: (\w+)", page.locator(".live .count").inner_text())
    element(page, "classes").get_by_role("button", name=shown).click()
    expect(page.locator(".live .count")).to_have_text("0 boxes shown")


def test_a_frozen_frame_is_an_image_at_full_resolution(page: Page):
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("· live.jpg")).to_be_visible()
    expect(element(page, "source").get_by_role("radio", name="Upload")).to_be_checked()
    page.wait_for_function(
        """() => {
            const photo = document.querySelector(".st-key-figure_early img")
            return photo?.naturalWidth === 640 && photo.naturalHeight === 480
        }"""
    )


@pytest.mark.parametrize("way", ["Samples", "Server"])
def test_the_camera_ends_when_it_is_left(page: Page, way: str):
    camera = page.locator(".live video").evaluate_handle("it => it.srcObject.getTracks()[0]")
    assert camera.evaluate("it => it.readyState") == "live"
    if way == "Samples":
        element(page, "source").get_by_text("Samples").click()
    else:
        page.get_by_test_id("stSidebar").get_by_role("link", name=way).click()
    until(lambda: camera.evaluate("it => it.readyState") == "ended")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("NotAllowedError", "Allow it beside the page's address"),
        ("NotFoundError", "There is no camera"),
        ("NotReadableError", "another program may be using it"),
    ],
)
def test_without_a_camera_the_page_says_why_and_tries_again(
    visit: Callable[..., Page], url: str, error: str, told: str
):
    page = visit("about:blank")
    page.add_init_script(
        f"""const real = navigator.mediaDevices?.getUserMedia.bind(navigator.mediaDevices)
        if (real) navigator.mediaDevices.getUserMedia = async (wanted) => {{
            navigator.mediaDevices.getUserMedia = real
            throw new DOMException("", "{error}")
        }}"""
    )
    page.goto(f"{url}/?source=Live")
    expect(page.locator(".live .words")).to_contain_text(told)
    page.get_by_role("button", name="Try again").click()
    watched(page)


def test_a_server_that_is_slow_or_away_is_told_and_the_video_goes_on(
    visit: Callable[..., Page], tmp_path: Path
):
    with model_server() as server:
        port = int(server.address.rpartition(":")[2])
        with dashboard(tmp_path / "log.txt", COMMODITY_LENS_SERVER=server.address) as started:
            page = watched(visit(f"{started.url}/?source=Live"))
            notice, words = page.locator(".live .notice"), page.locator(".live .words")
            server.process.send_signal(signal.SIGSTOP)
            expect(words).to_contain_text("No answer for 5 s")
            server.process.send_signal(signal.SIGCONT)
            watched(page)
            expect(notice).to_be_hidden()
            server.process.kill()
            server.process.wait()
            expect(words).to_contain_text("Check the address")
            expect(page.locator(".live .count")).to_have_text("0 boxes shown")
            with model_server(port):
                watched(page)
                expect(notice).to_be_hidden()
