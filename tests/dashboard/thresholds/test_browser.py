"""The Thresholds page in a real browser: what a click in its charts does."""

import re
from collections.abc import Callable
from contextlib import suppress

import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.thresholds.errors import PAGE_SIZE
from tests.support.browser import TIMEOUT_MS, element, settled, still


@pytest.fixture
def opened(visit: Callable[..., Page], url: str) -> Callable[..., Page]:
    """Opens one of the page's tabs."""

    def at(tab: str = "Curves") -> Page:
        viewport = {"width": 1440, "height": 1000}
        page = visit(f"{url}/Thresholds?tab={tab}", viewport=viewport)
        expect(element(page, "tab").locator("[aria-checked=true]")).to_have_text(tab)
        settled(page)
        # Its markup comes with the page, its modules after it: until then no key is heard.
        expect(page.locator(".viewer .number")).not_to_be_empty()
        return page

    return at


def chart(page: Page, key: str) -> Locator:
    found = element(page, key).locator(".js-plotly-plot")
    found.scroll_into_view_if_needed()
    found.locator(".main-svg .points").first.wait_for(state="attached")
    return found


def click_at(
    page: Page, key: str, x: float, y: float, *, url: re.Pattern[str] | None = None
) -> None:
    """Click on a place of the chart, in the units of its axes; a step is some three pixels.

    With `url` until the address matches it: while the page takes its final shape, a click may miss.
    """
    for _ in range(6):
        place = chart(page, key).evaluate(
            """async (plot, [x, y]) => {
                const frame = () => new Promise(requestAnimationFrame);
                let at, still = 0;
                for (let i = 0; i < 600 && still < 10; i++) {
                    await frame();
                    const {left, top} = plot.getBoundingClientRect();
                    still = at && at.left == left && at.top == top ? still + 1 : 0;
                    at = {left, top};
                }
                const {xaxis, yaxis} = plot._fullLayout._plots.xy;
                return [at.left + xaxis._offset + xaxis.l2p(x),
                        at.top + yaxis._offset + yaxis.l2p(y)];
            }""",
            [x, y],
        )
        page.mouse.move(place[0] - 3, place[1])
        page.mouse.move(*place)
        page.mouse.click(*place)
        if url is None:
            return
        with suppress(AssertionError):
            expect(page).to_have_url(url, timeout=TIMEOUT_MS / 5)
            return
    expect(page).to_have_url(url)


def stands_out(page: Page, key: str, label: str) -> None:
    """Wait until the chart has drawn the curves of that class alone as they are."""
    page.wait_for_function(
        """([key, label]) => {
            const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`)
            const bright = plot?.data?.filter(t => t.legendgroup && (t.opacity ?? 1) == 1) ?? []
            return new Set(bright.map(t => t.name ?? label)).size == 1 && bright[0].name == label
        }""",
        arg=[key, label],
    )
    settled(page)  # until then the chart before is there too


def metric(page: Page, name: str) -> Locator:
    box = page.locator("[data-testid=stMetric]").filter(has_text=name)
    return box.locator("[data-testid=stMetricValue]")


@pytest.mark.parametrize(("key", "y"), [("counts", 0.5), ("rates", 0.5)])
def test_a_click_anywhere_in_a_chart_over_the_threshold_sets_it(opened, key, y):
    page = opened()
    before = metric(page, "Recall").inner_text()
    click_at(page, key, 0.8, y, url=re.compile(r"score_threshold=0\.(79|8|81)\b"))
    settled(page)  # until then the figures before are there too
    expect(metric(page, "Recall")).not_to_have_text(before)
    assert float(metric(page, "Recall").inner_text()) < float(before)


def test_a_click_for_one_class_sets_its_own_threshold(opened):
    page = opened()
    element(page, "scrub").get_by_role("radio", name="audio").click()
    stands_out(page, "counts", "audio")
    at = re.compile(r"own=audio&threshold_audio=0\.(69|7|71)\b")
    click_at(page, "counts", 0.7, 0.5, url=at)
    assert "score_threshold" not in page.url


def test_a_click_on_a_point_of_precision_and_recall_adopts_its_threshold(opened):
    page = opened()
    point = chart(page, "pr").evaluate(
        """plot => {
            const trace = plot.data.find(trace => (trace.name ?? "").startsWith("audio"));
            return [trace.x[2], trace.y[2], trace.customdata[2][0]];
        }"""
    )
    at = re.compile(r"own=\w+&threshold_\w+=0\.\d+")
    click_at(page, "pr", point[0], point[1], url=at)


def test_a_cell_of_the_confusion_matrix_lists_its_boxes_and_a_crop_opens_its_image(opened):
    page = opened("Errors")
    cell = chart(page, "confusion").evaluate(
        """plot => {
            const {x, customdata, text} = plot.data[0];
            const at = customdata.findIndex(([t, f], i) => t === 6 && f === 6 && text[i]);
            return [x[at], plot.data[0].base[at] + 0.48, +text[at]];
        }"""
    )
    click_at(page, "confusion", cell[0], cell[1])
    expect(page.get_by_text(f"{cell[2]} in audio, found")).to_be_visible()
    settled(page)
    before = page.locator(".st-key-sample [aria-checked=true]").inner_text()
    opens_on = "outfit_flatlay.jpg"
    crops = page.locator(".lens-card")
    expect(crops).to_have_count(min(cell[2], PAGE_SIZE))
    crop = crops.filter(has_not_text=opens_on).last
    settled(page)
    crop.scroll_into_view_if_needed()
    still(crop)
    crop.click(force=True)  # its button lies over it
    after = page.locator(".st-key-sample [aria-checked=true]")
    expect(after).not_to_have_text(before)
    expect(element(page, "viewer_mode").locator("[aria-checked=true]")).to_have_text(
        "Right and wrong"
    )
    expect(element(page, "scrub").locator(".viewer")).to_be_in_viewport(ratio=0.7)
    expect(page.locator(".lens-card.chosen")).to_have_count(1)
    page.get_by_role("button", name="Back to the list").click()
    expect(element(page, "behind")).to_be_in_viewport()
    page.locator(".st-key-sample [role=radio]").first.click()
    expect(page.get_by_role("button", name="Back to the list")).to_be_hidden()


def test_one_choice_of_a_class_holds_for_slider_charts_and_list(opened):
    page = opened("Errors")
    viewer = element(page, "scrub").locator(".viewer")
    errors = page.get_by_text("All errors of shoes")
    viewer.get_by_role("radio", name="shoes").click()
    expect(errors).to_be_visible()
    element(page, "tab").get_by_text("Curves").click()
    stands_out(page, "rates", "shoes")
    element(page, "tab").get_by_text("Errors").click()
    expect(errors).to_be_visible()
    viewer.get_by_role("radio", name="All classes").click()
    expect(errors).to_be_hidden()


def test_what_a_picked_box_says_is_in_sight_where_it_was_picked(visit, url):
    page = visit(f"{url}/Thresholds", viewport={"width": 1440, "height": 900})
    expect(page.locator(".viewer .number")).not_to_be_empty()
    element(page, "viewer_mode").get_by_text("X-ray").click()
    expect(page.locator(".viewer .legend")).to_contain_text("candidates")
    page.locator(".viewer .boxes").press("n")
    panel = page.locator(".panel")
    expect(panel).to_contain_text("suppressed")
    expect(panel).to_be_in_viewport(ratio=0.99)
    photo, ask = page.locator(".viewer img.photo"), page.locator(".st-key-viewer_frame_ask .ask")
    expect(photo).to_be_in_viewport(ratio=0.9)
    page.wait_for_function(
        "both => both[0].getBoundingClientRect().bottom <= both[1].getBoundingClientRect().bottom",
        arg=[ask.element_handle(), photo.element_handle()],
    )


def test_a_missed_object_leads_to_its_true_box(opened):
    page = opened("Errors")
    x, y = chart(page, "confusion").evaluate(
        """plot => {
            const {x, base, customdata} = plot.data[0];
            const at = customdata.findIndex(([t, f]) => t === 8 && f === 0);
            return [x[at], base[at] + 0.48];
        }"""
    )
    click_at(page, "confusion", x, y)
    expect(page.get_by_text("in books, not found")).to_be_visible()
    settled(page)
    crop = page.locator(".lens-card").nth(5)
    still(crop)
    crop.click(force=True)
    viewer = element(page, "scrub").locator(".viewer")
    page.wait_for_function(
        """({lens}) => {
            const picked = lens.picked.value?.match(/^truth-(\\d+)$/);
            return picked && lens.data.view.judgement.ground_truth.class_ids[picked[1]] === 8;
        }""",
        arg=viewer.element_handle(),
    )
    expect(viewer).to_be_in_viewport(ratio=0.7)


def test_an_error_of_many_images_leads_to_an_image_that_no_strip_has(opened, samples_dir):
    """The page above the image changes too: it stays in sight while all places move."""
    page = opened("Errors")
    element(page, "scope").get_by_text("Many images").click()
    name = "crowded_table.jpg"
    other = {
        "name": name,
        "mimeType": "image/jpeg",
        "buffer": (samples_dir / name).read_bytes() + b"another file",
    }
    element(page, "many").locator("input[type=file]").set_input_files(other)
    expect(page.get_by_text("No ground truth for these images yet")).to_be_visible()
    truth = element(page, "ground_truth").locator("input[type=file]")
    truth.set_input_files(samples_dir / "annotations.json")
    crop = page.locator(".lens-card").first
    crop.wait_for()
    settled(page)
    still(crop)
    crop.click(force=True)
    expect(page.get_by_text("one of the many")).to_be_attached()
    settled(page)
    expect(element(page, "scrub").locator(".viewer")).to_be_in_viewport(ratio=0.7)


def test_thresholds_dragged_in_the_viewer_hold_on_detect(opened):
    page = opened()
    slider = element(page, "scrub").locator("input[type=range]")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    expect(page).to_have_url(re.compile(r"score_threshold=0\.35"))
    page.get_by_role("link", name="Detect").click()
    expect(element(page, "score_threshold").locator("input[type=range]")).to_have_value("0.35")
