"""The addresses that the pages make and read: behind a proxy, after a reload, from anyone."""

import base64
import re
from collections.abc import Callable
from io import BytesIO
from urllib.parse import parse_qs

import pytest
import segno
from playwright.sync_api import Page, expect
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.support import session
from tests.support.browser import element, move_slider, settled
from tests.support.paths import ROOT
from tests.support.proxy import stripping

PHOTO = """async image => {
    const url = image.href?.baseVal ?? image.src
    return (await fetch(url)).headers.get('content-type')
}"""


@pytest.mark.parametrize(
    ("path", "image"),
    [
        ("/", ".st-key-figure .imagelayer image"),
        ("/Compare", ".st-key-linked_figure .imagelayer image"),
        ("/Compare?compare_view=Swipe", ".swipe img"),
        ("/Thresholds", ".viewer .photo[src*=media]"),
    ],
)
def test_the_photo_is_there_behind_a_proxy_that_takes_a_prefix_away(visit, running, path, image):
    with stripping("user/me/proxy", int(running.url.rpartition(":")[2])) as url:
        page = visit(url + path)
        assert page.locator(image).first.evaluate(PHOTO) == "image/jpeg"
        page.goto("about:blank")  # before the proxy goes


def score(page: Page) -> str | None:
    return element(page, "score_threshold").get_by_role("slider").get_attribute("aria-valuenow")


def go_to(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).click()
    expect(page).to_have_url(re.compile(rf"/{'' if name == 'Detect' else name}(\?|$)"))
    settled(page)


def test_the_settings_are_in_the_address_of_every_page_and_survive_a_reload(
    visit: Callable[..., Page], running
):
    page = visit(running.url)
    element(page, "figure").locator(".barlayer").wait_for()
    settled(page)
    move_slider(page, "score_threshold", 0.35)
    expect(page).to_have_url(f"{running.url}/?score_threshold=0.35")
    for name in ("Thresholds", "Compare", "Robustness", "Batch", "Server"):
        go_to(page, name)
        expect(page).to_have_url(re.compile(rf"/{name}\?score_threshold=0\.35(&|$)"))
    page.reload()
    settled(page)
    go_to(page, "Detect")
    expect(page).to_have_url(f"{running.url}/?score_threshold=0.35")
    page.reload()
    element(page, "figure").locator(".barlayer").wait_for()
    expect(page).to_have_url(f"{running.url}/?score_threshold=0.35")
    expect(element(page, "score_threshold")).to_contain_text("0.35")


@pytest.mark.parametrize("path", ["/", "/Thresholds"])
def test_a_control_goes_back_to_its_default_on_a_page_that_one_has_just_come_to(
    visit, running, path
):
    page = visit(running.url + path)
    element(page, "iou_threshold").wait_for()
    settled(page)
    for value in (0.47, 0.45):
        move_slider(page, "iou_threshold", value)
        expect(element(page, "iou_threshold").locator("input[type=range]")).to_have_value(
            str(value)
        )
    expect(page).to_have_url(re.compile(rf"{path}$"))
    expect(element(page, "iou_threshold").locator("input[type=range]")).to_have_value("0.45")


OWN = "own=shoes&own=watch&threshold_shoes=0.6&threshold_watch=0.2&top_k=50&class_agnostic=true"


def test_own_thresholds_and_limits_survive_every_page_and_a_reload(visit, running):
    page = visit(f"{running.url}/Thresholds?{OWN}")
    page.locator(".viewer .number").wait_for()
    settled(page)
    for name in ("Compare", "Detect", "Thresholds"):
        go_to(page, name)
        page.reload()
        settled(page)
        for part in OWN.split("&"):
            expect(page).to_have_url(re.compile(rf"[?&]{re.escape(part)}(&|$)"))


# Addresses from anyone

NAMES = (
    *("sample", "source", "score_threshold", "iou_threshold", "class_agnostic", "classes", "top_k"),
    *("own", "threshold_shoes", "true_boxes", "compare_mode", "compare_view", "score_a", "iou_b"),
    *("knob_noise", "knob_jpeg_quality", "swept", "with_others", "robust_images"),
    *("server_a", "model_b", "version_a", "pictures", "same_box_iou", "kinds", "tab"),
)
VALUES = ("", "nan", "-1e999", "%00", "<b>", "x" * 30)


@pytest.mark.parametrize("page", ["", "Thresholds", "Compare", "Robustness", "Batch", "Server"])
def test_no_value_of_any_parameter_breaks_a_page(running, page):
    # Each parameter has another value in each visit, and thirty of it.
    for first in range(len(VALUES)):
        values = {name: VALUES[(first + i) % len(VALUES)] for i, name in enumerate(NAMES)}
        query = "&".join(f"{name}={value}" for name, value in values.items() for _ in range(30))
        got = session.run(session.visited(running.url, page, query))
        kinds = [m.delta.new_element.WhichOneof("type") for m in got if m.HasField("delta")]
        assert "exception" not in kinds
        assert len(kinds) > 20
        assert b"unexpected" not in b"".join(message.SerializeToString() for message in got)


@pytest.mark.parametrize("path", ["/", "/Compare"])
def test_odd_values_break_no_page_in_a_browser(visit, running, path):
    query = "&".join(f"{name}={VALUES[i % len(VALUES)]}" for i, name in enumerate(NAMES))
    page = visit(f"{running.url}{path}?{query}")
    page.locator(".lens-state[data-state=ready]").wait_for()
    settled(page)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    expect(page.get_by_text("unexpected", exact=False)).to_have_count(0)


def test_the_link_is_a_code_for_a_phone_where_a_phone_can_reach_it(visit, running):
    port = running.url.rpartition(":")[2]
    page = visit(f"http://lens.localhost:{port}/?score_threshold=0.4")  # any name but localhost
    element(page, "figure").locator(".barlayer").wait_for()
    settled(page)
    element(page, "link").get_by_role("button").click()
    code = page.get_by_role("img", name="The address as a QR code")
    address = page.get_by_test_id("stPopoverBody").locator("code").inner_text()
    assert re.fullmatch(rf"http://lens\.localhost:{port}/?\?score_threshold=0\.4", address)
    drawn = BytesIO()
    segno.make(address, error="l", micro=False).save(
        drawn, kind="svg", xmldecl=False, light="#fff", scale=8
    )
    source = code.get_attribute("src") or ""
    assert base64.b64decode(source.partition(",")[2]) == drawn.getvalue()


def test_the_link_says_what_it_cannot_reopen(visit, running):
    page = visit(running.url)
    element(page, "figure").locator(".barlayer").wait_for()
    settled(page)
    element(page, "link").get_by_role("button").click()
    expect(page.get_by_text("Opens this page with the same sample")).to_be_visible()
    expect(page.get_by_text("This address is of this machine alone")).to_be_visible()
    expect(page.get_by_role("img", name="The address as a QR code")).to_have_count(0)
    expect(page.get_by_text("Your own image is not in the link")).to_have_count(0)
    page.keyboard.press("Escape")
    element(page, "source").get_by_text("Upload").click()
    file = ROOT / "samples" / "headphones_studio.jpg"
    element(page, "upload").locator("input[type=file]").set_input_files(
        [{"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": file.read_bytes() + b"\0"}]
    )
    page.get_by_text("mine.jpg").first.wait_for()
    settled(page)
    element(page, "link").get_by_role("button").click()
    expect(page.get_by_text("Your own image is not in the link")).to_be_visible()


def test_what_a_run_sends_of_the_address_undoes_no_later_move(running):
    # What the first run sends comes in after the second move, before its run is asked for.
    late = "knob_noise=0.05&swept=Noise"

    async def moved_twice() -> list[ForwardMsg]:
        async with session.connected(running.url) as connection:
            page = ClientState(page_name="Robustness")
            got = await session.answers(connection, page)
            drawn = next(m.delta for m in got if m.delta.new_element.slider.label == "Noise")
            page.page_script_hash = got[0].new_session.page_script_hash
            page.fragment_id = drawn.fragment_id
            slider = page.widget_states.widgets.add(id=drawn.new_element.slider.id)
            for value, page.query_string in ((0.05, "knob_noise=0.05"), (0.4, late)):
                slider.double_array_value.data[:] = [value]
                got = await session.answers(connection, page)
            return got

    sent = [m.page_info_changed for m in session.run(moved_twice())]
    assert parse_qs([s.query_string for s in sent if s.query_string][-1]) == {
        "knob_noise": ["0.4"],
        "swept": ["Noise"],
    }
