"""The Compare page in a real browser: linked zoom, swipe, links, a server that dies."""

import re
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from detector.embedded import EmbeddedServer
from tests.support.browser import element, is_no_wider_than_the_window, move_slider, settled, still
from tests.support.paths import ROOT
from tests.support.running import dashboard, free_port, model_server

PLOT = "document.querySelector('.st-key-linked_figure .js-plotly-plot')"
RANGES = f"() => ['xaxis', 'xaxis2', 'yaxis', 'yaxis2'].map(a => {PLOT}._fullLayout[a].range)"

# The whole page at once: a mouse reaches only what is in the window.
LARGE = {"width": 1440, "height": 1600}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of its own that serves a version 2: the shipped model in another folder."""
    folder = tmp_path_factory.mktemp("models")
    for version in ("1", "2"):
        shutil.copytree(ROOT / "models" / "commodity" / "1", folder / version)
    with EmbeddedServer("commodity", folder) as server:
        yield server


@pytest.fixture(scope="module")
def gone() -> int:
    """The port of a server that is not there."""
    return free_port()


@pytest.fixture(scope="module")
def url(
    tmp_path_factory: pytest.TempPathFactory, second: EmbeddedServer, gone: int
) -> Iterator[str]:
    servers = f"second={second.address}, gone=127.0.0.1:{gone}"
    log = tmp_path_factory.mktemp("app") / "log.txt"
    with dashboard(log, COMMODITY_LENS_SERVERS=servers) as running:
        yield f"{running.url}/Compare?score_b=0.5"


def boxes(page: Page, panel: str = "") -> Locator:
    """The boxes of both panels, or of the one whose axes are "xy" or "x2y2"."""
    plot = f".subplot.{panel}" if panel else ".cartesianlayer"
    return element(page, "linked_figure").locator(f"{plot} .barlayer .point path")


@pytest.fixture
def page(visit: Callable[..., Page], url: str) -> Page:
    opened = visit(url, viewport=LARGE)
    boxes(opened).first.wait_for()
    settled(opened)
    return opened


def middle_of(page: Page, panel: int) -> tuple[float, float]:
    box = element(page, "linked_figure").locator(".draglayer .nsewdrag").nth(panel).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize("panel", [0, 1])
def test_zoom_and_pan_of_one_panel_are_the_others(page: Page, panel: int):
    # Plotly redraws a while after the wheel, and ends a drag that began before.
    page.evaluate(f"() => {{ window.moves = 0; {PLOT}.on('plotly_relayout', () => moves++); }}")
    before = page.evaluate(RANGES)
    page.mouse.move(*middle_of(page, panel))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -400)
    page.keyboard.up("Control")
    page.wait_for_function("() => moves == 1")
    x, x2, y, y2 = zoomed = page.evaluate(RANGES)
    assert x == x2 != before[0]
    assert y == y2 != before[2]
    left, top = middle_of(page, panel)
    page.mouse.down()
    page.mouse.move(left - 60, top - 40, steps=4)
    page.mouse.up()
    page.wait_for_function("() => moves == 2")
    x, x2, y, y2 = page.evaluate(RANGES)
    assert x == x2 != zoomed[0]
    assert y == y2 != zoomed[2]


def test_the_legend_hides_a_kind_in_both_panels_and_keeps_the_zoom(page: Page):
    page.mouse.move(*middle_of(page, 0))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function(f"() => {PLOT}._fullLayout.xaxis.range[0] > 0")
    zoomed = page.evaluate(RANGES)
    legend = element(page, "linked_figure").locator(".legend .traces")
    only_a, only_b, other_class = (
        int((legend.filter(has_text=kind).text_content() or "").split("·")[1])
        for kind in ("Only in A", "Only in B", "Same box, another class")
    )
    own = only_a + only_b + 2 * other_class
    legend.filter(has_text="In both").locator(".legendtoggle").click(force=True)
    expect(boxes(page)).to_have_count(2 * own)  # each with its halo
    assert page.evaluate(RANGES) == zoomed
    element(page, "reset_sides").get_by_role("button").click()
    page.wait_for_function(f"() => {PLOT}?._fullLayout?.xaxis.range[0] == 0")
    expect(boxes(page).nth(2 * own)).to_be_attached()


def test_a_clicked_row_zooms_both_panels_to_its_box(page: Page):
    whole = page.evaluate(RANGES)
    table = element(page, "differences").locator("canvas").first
    second = {"x": 18, "y": 36 + 35 + 17}
    table.click(position=second, force=True)
    changed = f"old => {PLOT}?._fullLayout && String({PLOT}._fullLayout.xaxis.range) != old"
    page.wait_for_function(changed, arg=f"{whole[0][0]},{whole[0][1]}")
    x, x2, y, y2 = page.evaluate(RANGES)
    assert (x, y) == (x2, y2)
    left, right, top, bottom = page.evaluate(f"""() => {{
        const bars = {PLOT}.data.filter(t => t.type == "bar" && t.customdata);
        for (const t of bars) for (const [i, [row]] of t.customdata.entries())
            if (row == 1) return [t.x[i] - t.width[i] / 2, t.x[i] + t.width[i] / 2,
                                  t.base[i], t.base[i] + t.y[i]];
    }}""")
    assert x[0] < left < right < x[1]
    assert y[1] < top < bottom < y[0]
    table.click(position=second, force=True)
    page.wait_for_function(changed, arg=f"{x[0]},{x[1]}")
    assert page.evaluate(RANGES) == whole


def slider(page: Page, key: str) -> Locator:
    return element(page, key).locator("input[type=range]")


def test_swap_copy_and_reset_move_the_knobs(page: Page):
    element(page, "swap").get_by_role("button").click()
    expect(slider(page, "score_a")).to_have_value("0.5")
    expect(slider(page, "score_b")).to_have_value("0.3")
    element(page, "copy").get_by_role("button").click()
    expect(slider(page, "score_b")).to_have_value("0.5")
    expect(page.get_by_text(re.compile(r"^\d+ in both ·"))).to_be_visible()
    element(page, "reset_sides").get_by_role("button").click()
    expect(slider(page, "score_a")).to_have_value("0.3")
    expect(slider(page, "score_b")).to_have_value("0.3")


def test_the_link_reopens_image_sides_and_view(page: Page, url: str, visit: Callable[..., Page]):
    move_slider(page, "score_b", 0.42)
    element(page, "swap").get_by_role("button").click()
    expect(slider(page, "score_a")).to_have_value("0.42")
    element(page, "compare_view").get_by_text("Swipe").click()
    page.wait_for_url("**compare_view=Swipe**")
    books = element(page, "sample").get_by_role("radio").filter(has_text="Book covers")
    books.click()
    page.wait_for_url("**sample=Book**")
    settled(page)
    element(page, "compare_link").get_by_role("button").click()
    link = page.locator("[data-testid=stCode] code").inner_text()
    again = visit(link)
    again.locator(".swipe .box").first.wait_for()
    expect(slider(again, "score_a")).to_have_value("0.42")
    expect(slider(again, "score_b")).to_have_value("0.3")
    chosen = element(again, "sample").get_by_role("radio").filter(has_text="Book covers")
    expect(chosen).to_be_checked()


def test_a_server_and_version_of_the_link_are_asked(url: str, visit: Callable[..., Page]):
    page = visit(f"{url}&server_b=second&version_b=2")
    boxes(page, "x2y2").first.wait_for()
    titles = element(page, "linked_figure").locator(".infolayer .annotation-text")
    expect(titles.nth(0)).to_have_text("A · commodity 1 · score ≥ 0.30 · IoU 0.45")
    expect(titles.nth(1)).to_have_text("B · commodity 2 · score ≥ 0.50 · IoU 0.45")


def test_a_dead_server_leaves_the_other_side_and_its_return_is_noticed(
    url: str, visit: Callable[..., Page], gone: int
):
    page = visit(f"{url}&server_b=gone")
    alert = element(page, "right").get_by_role("alert")
    expect(alert).to_contain_text(str(gone))
    boxes(page, "xy").first.wait_for()
    expect(boxes(page, "x2y2")).to_have_count(0)
    move_slider(page, "score_a", 0.35)
    expect(boxes(page, "x2y2")).to_have_count(0)
    with model_server(gone):
        boxes(page, "x2y2").first.wait_for()
        expect(alert).to_have_count(0)


def test_the_swipe_moves_in_the_browser_without_a_word_to_the_server(
    url: str, visit: Callable[..., Page]
):
    page = visit("about:blank", viewport=LARGE)
    sent: list[BackMsg] = []
    page.on("websocket", lambda w: w.on("framesent", lambda f: sent.append(BackMsg.FromString(f))))
    page.goto(f"{url}&compare_view=Swipe")
    swipe = page.locator(".swipe")
    swipe.locator(".box").first.wait_for()
    settled(page)
    swipe.scroll_into_view_if_needed()
    sent.clear()
    frame = swipe.bounding_box()
    assert frame is not None
    middle = frame["y"] + frame["height"] / 4
    page.mouse.move(frame["x"] + frame["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] * 0.25, middle, steps=5)
    page.mouse.up()
    handle = page.get_by_role("slider", name="Where A ends and B begins")
    expect(handle).to_have_attribute("aria-valuenow", "25")
    clips = swipe.locator(".layer").evaluate_all("all => all.map(layer => layer.style.clipPath)")
    right, left = (float(clip.strip("inset()").replace("%", "").split()[i])
                   for clip, i in zip(clips, (1, 3), strict=True))  # fmt: skip
    assert (right, left) == pytest.approx((75, 25), abs=0.5)
    handle.press("End")
    expect(handle).to_have_attribute("aria-valuenow", "100")
    page.locator(".kinds").get_by_role("button", name="In both").click()
    expect(swipe.locator(".box[data-kind=BOTH]").first).to_be_hidden()
    # What the state line's timer sends aside.
    assert [said for said in sent if not said.rerun_script.is_auto_rerun] == []
    element(page, "reset_sides").get_by_role("button").click()
    expect(handle).to_have_attribute("aria-valuenow", "50")
    expect(swipe.locator(".box[data-kind=BOTH]").first).to_be_visible()


def test_the_sheet_shows_both_sides(page: Page):
    with page.expect_download() as download:
        element(page, "sheet").get_by_role("button").click()
    assert download.value.suggested_filename == "electronics_flatlay-comparison.png"
    sheet = Image.open(BytesIO(Path(download.value.path()).read_bytes()))
    assert sheet.width > 2 * 1280
    assert sheet.height > 960


def test_on_a_phone_the_panels_are_stacked(url: str, visit: Callable[..., Page]):
    page = visit(url, viewport={"width": 390, "height": 844})
    page.wait_for_function(f"""() => {{
        const {{ yaxis, yaxis2 }} = {PLOT}?._fullLayout ?? {{}};
        return yaxis && yaxis2._offset >= yaxis._offset + yaxis._length
            && {PLOT}._fullLayout.xaxis._length > 300;
    }}""")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&compare_mode=Images",
        "&compare_view=Swipe",
        "&compare_mode=Whole+set&further=C&further=D&further=E&further=F",
    ],
)
def test_nothing_is_wider_than_the_window(url: str, visit: Callable[..., Page], query: str):
    page = visit(f"{url}{query}", viewport={"width": 1440, "height": 900})
    page.locator(".lens-grid img, .swipe .box, .barlayer path").first.wait_for()
    settled(page)
    is_no_wider_than_the_window(page)


def test_a_thumbnail_takes_its_image_into_the_grid_and_out_of_it(
    url: str, visit: Callable[..., Page]
):
    page = visit(f"{url}&compare_mode=Images")
    names = page.locator(".lens-grid figcaption b")
    expect(names).to_have_count(3)
    strip = element(page, "picture_strip")
    book = strip.get_by_role("button", name="Book covers")
    book.click()
    expect(names.last).to_have_text("Book covers")
    expect(book).to_have_attribute("aria-pressed", "true")
    page.wait_for_url("**pictures=Book+covers**")
    book.focus()
    book.press("ArrowRight")
    page.keyboard.press("Space")
    expect(names.last).to_have_text("Bookshelf")
    book.press("Enter")
    expect(names).to_have_count(4)
    expect(book).to_have_attribute("aria-pressed", "false")
    marks = strip.get_by_role("button", pressed=True)
    assert sorted(marks.all_text_contents()) == sorted(names.all_text_contents())


def test_twelve_images_fit_and_there_are_no_more(url: str, visit: Callable[..., Page]):
    page = visit(f"{url}&compare_mode=Images")
    page.locator(".lens-grid img").first.wait_for()
    field = element(page, "pictures").locator("input")
    field.press("ArrowDown")
    field.press("Enter")  # all of them, that is, as many as there may be
    expect(page.locator(".lens-grid figure")).to_have_count(12)
    broken = page.locator(".lens-grid img").evaluate_all(
        "images => images.filter(image => image.complete && !image.naturalWidth).length"
    )
    assert broken == 0


def test_a_row_of_the_whole_set_opens_its_image_in_the_linked_figure(visit, url):
    opened = visit(url.replace("score_b=0.5", "compare_mode=Whole+set&score_b=0.9"), viewport=LARGE)
    grid = element(opened, "set_changed").locator("canvas").first
    grid.wait_for()
    settled(opened)
    place = still(grid)
    opened.mouse.click(place["x"] + 15, place["y"] + 55)  # the first: most changed
    chosen = element(opened, "sample").get_by_role("radio", checked=True)
    # By version 1 against 2 the one, by the newest on both sides the other.
    expect(chosen).to_have_text(re.compile("Flea market table|Bookshelf"))
    boxes(opened).first.wait_for()
