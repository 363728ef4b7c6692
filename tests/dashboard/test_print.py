"""The pages on paper, in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser import darkened, element, finished
from tests.support.paths import NEWEST

SCREEN = {"width": 1440, "height": 900}
PAPER = 681  # px between the margins of an A4 page
PAGES = (
    "/",
    "/Thresholds?tab=Curves",
    "/Thresholds?tab=Errors",
    "/Compare",
    "/Compare?compare_view=Swipe",
    "/Compare?compare_mode=Images",
    "/Batch",
    "/Server",
)
CONTROLS = ":is(button, input, textarea, [role=radiogroup], [data-testid=stDataFrame])"
# Of each two blocks one after the other: the second's text, where it begins above the first's end.
OVERLAPS = """() => [...document.querySelectorAll('.stMain .stVerticalBlock')].flatMap(block => {
    const parts = [...block.children].filter(part => part.offsetHeight && part.innerText.trim())
    const top = (part) => part.getBoundingClientRect().top
    const bottom = (part) => part.getBoundingClientRect().bottom
    return getComputedStyle(block).display == 'block'
        ? parts.filter((part, at) => at && top(part) < bottom(parts[at - 1]) - 1)
            .map(part => part.innerText)
        : []
})"""
# The brightness, 0 to 1, of what is written on the ground of the page: not on a colour of its own.
INKS = """() => [...document.querySelectorAll(
        '.stMain :is(p, h1, h2, h3, th, td, li), .legendtext, .xtick text, .ytick text')]
    .filter(part => part.getClientRects().length && part.textContent.trim())
    .map(part => {
        const style = getComputedStyle(part)
        const ink = part instanceof SVGElement ? style.fill : style.color
        return Math.max(...ink.match(/[\\d.]+/g).slice(0, 3)) / 255
    })"""


# A browser that prints lays the page out anew, and no script has a turn before it is on paper.
NO_TURN = """window.ResizeObserver = class extends ResizeObserver {
    constructor(turn) { super((...seen) => window.printing || turn(...seen)) }
}"""


@pytest.fixture
def printed(visit: Callable[..., Page], url: str) -> Callable[..., Page]:
    """Opens a page on a screen, waits for all of it, and puts it on paper as the browser does."""

    def on_paper(path: str, **options: object) -> Page:
        page = visit("about:blank", **({"viewport": SCREEN} | options))
        page.add_init_script(NO_TURN)
        page.goto(url + path)
        finished(page)
        put_on_paper(page)
        return page

    return on_paper


def put_on_paper(page: Page) -> None:
    for chart in page.locator(".js-plotly-plot").all():
        chart.locator(".main-svg").first.wait_for(state="attached")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.evaluate("window.printing = true")
    page.emulate_media(media="print")


def visible(found: Locator) -> list[str]:
    return [each.evaluate("each => each.outerHTML") for each in found.all() if each.is_visible()]


@pytest.mark.parametrize("path", PAGES)
def test_on_paper_there_is_the_content_alone_dark_on_white(
    printed: Callable[..., Page], path: str
) -> None:
    page = printed(path)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(page.locator(".lens-title")).to_be_visible()
    # A legend of the swipe is of buttons that say what the colours are.
    assert visible(page.locator(f".stMain {CONTROLS}:not(.kinds *, .panel *)")) == []
    assert page.evaluate(OVERLAPS) == []
    charts = """() => [...document.querySelectorAll('.js-plotly-plot .main-svg')]
        .map(chart => chart.getBoundingClientRect().width)"""
    widths = page.evaluate(charts)
    assert len(widths) > 0 or path not in ("/", "/Thresholds?tab=Curves", "/Compare")
    assert max(widths, default=0) <= PAPER
    stage = page.locator(".stage")
    if stage.count():
        box = stage.bounding_box()
        assert box
        assert box["width"] <= PAPER
    page.emulate_media(media="screen")
    page.evaluate("window.printing = false")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator(".js-plotly-plot[style*=zoom]")).to_have_count(0)
    darkened(page)
    put_on_paper(page)
    is_dark_on_white(page)


def is_dark_on_white(page: Page) -> None:
    ground = "() => getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert max(page.evaluate(INKS)) < 0.5
    for name in (".count b", ".kinds button"):  # of components, whose styles are their own
        for part in page.locator(name).all():
            color = part.evaluate("part => getComputedStyle(part).color")
            assert color == "rgb(10, 20, 26)"


def test_a_table_has_all_rows_and_columns_on_paper(printed: Callable[..., Page]) -> None:
    page = printed("/?sample=Flea+market+table&score_threshold=0.02")
    table = page.locator("table.lens-paper")
    expect(table.locator("th")).to_have_text(["Class", "Score", "Left", "Top", "Width", "Height"])
    counts = element(page, "by_class").locator("tbody td:nth-child(2)").all_inner_texts()
    assert sum(map(int, counts)) > 10  # more than the grid on the screen draws
    expect(table.locator("tbody tr")).to_have_count(sum(map(int, counts)))
    expect(table.locator("tbody tr").first).to_contain_text(re.compile(r"^\w+0\.\d\d\d+ px"))


def test_settings_are_words_on_paper_and_nothing_on_the_screen(
    printed: Callable[..., Page],
) -> None:
    page = printed("/?iou_threshold=0.6&own=audio&threshold_audio=0.7&class_agnostic=true")
    line = page.locator("p.lens-paper")
    expect(line).to_have_text(
        f"commodity {NEWEST} · Score threshold 0.30 · audio 0.7 · IoU threshold 0.60"
        " · Class-agnostic NMS"
    )
    expect(line).to_be_visible()
    page.emulate_media(media="screen")
    expect(line).to_be_hidden()
    expect(page.locator("table.lens-paper")).to_be_hidden()


@pytest.mark.parametrize(
    ("path", "box"),
    [
        ("/", ".st-key-figure_frame"),
        ("/Thresholds?tab=Curves", ".stElementContainer:has(> * .stPlotlyChart)"),
    ],
)
def test_no_place_is_left_where_a_chart_is_shrunk(
    printed: Callable[..., Page], path: str, box: str
) -> None:
    page = printed(path, viewport={"width": 1920, "height": 1080})  # wider than paper
    gaps = page.locator(box).evaluate_all(
        """boxes => boxes.map(box => box.getBoundingClientRect().height
            - box.querySelector('.main-svg').getBoundingClientRect().height)"""
    )
    assert gaps
    assert max(gaps) < 20
