"""The components in a real browser but without Streamlit: what hands and keys do."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, ViewportSize, expect

from dashboard.compare.swipe import Box, KindOfBox, LabelPlace, Side, SwipeData
from dashboard.media import FRONTEND, jpeg_uri
from dashboard.thresholds.texts import texts
from detector.drawing.viewer import ViewerData, view
from detector.evaluation.ground_truth import GroundTruth
from detector.images import encode_jpeg
from detector.ssd import RawPrediction, Settings
from tests.detector.test_ssd import output_of

SITE = "http://components.test"
LABELS = ("background", "clothes", "pants", "shoes", "watch")
SHOES, WATCH = 3, 4
SIZE = (640, 480)
SCREEN: ViewportSize = {"width": 900, "height": 800}
GREY = jpeg_uri(encode_jpeg(np.full((480, 640, 3), 128, np.uint8)))
# Box 3-0 suppresses 3-1; 4-2 is a small one within both; 4-3 is below the threshold.
ROWS = [
    ((0.0, 0, 0.5, 1), {SHOES: 0.9}),
    ((0.05, 0, 0.55, 1), {SHOES: 0.8}),
    ((0.2, 0.4, 0.3, 0.6), {WATCH: 0.6}),
    ((0.7, 0.2, 0.9, 0.5), {WATCH: 0.2}),
]
MOUNT = """async ({name, data}) => {
    const {default: mount} = await import(`/${name}/main.js`)
    window.sent = []
    const setStateValue = (name, value) => window.sent.push([name, value])
    window.mount = (data) =>
        (window.unmount = mount({parentElement: document.body, data, setStateValue}))
    window.mount(data)
}"""


def viewer_data(**changes: Any) -> ViewerData:
    settings = changes.pop("settings", Settings())
    truth = changes.pop("truth", None)
    raw = RawPrediction.from_output(output_of(len(LABELS), *ROWS))
    seen = view(raw, settings, SIZE, LABELS, digest=changes.pop("digest", "a"), truth=truth)
    data = ViewerData(
        name="one", view=seen, photo=GREY, mode="Classes", target=None, picked=None, appeared=[],
        vanished=[], look=0, back="", texts=texts(),
    )  # fmt: skip
    return replace(data, **changes)


@pytest.fixture
def mount(visit: Callable[..., Page]) -> Callable[..., Page]:
    """Opens a page with nothing but the component."""

    def mounted(name: str, data: dict[str, Any], **options: Any) -> Page:
        def answer(route: Route) -> None:
            path = route.request.url.removeprefix(f"{SITE}/")
            if path:
                route.fulfill(path=FRONTEND / path)
                return
            parts = (FRONTEND / name / part for part in ("style.css", "markup.html"))
            style, markup = (part.read_text("utf-8") if part.exists() else "" for part in parts)
            page = f"<!doctype html><meta charset=utf-8><style>{style}</style><body>{markup}"
            route.fulfill(body=page, content_type="text/html")

        page = visit("about:blank", **{"viewport": SCREEN} | options)
        page.route(f"{SITE}/**", answer)
        page.goto(f"{SITE}/")
        page.evaluate(MOUNT, {"name": name, "data": data})
        return page

    return mounted


@pytest.fixture
def viewer(mount: Callable[..., Page]) -> Callable[..., Page]:
    def opened(viewport: ViewportSize = SCREEN, **changes: Any) -> Page:
        page = mount("viewer", viewer_data(**changes).as_json(), viewport=viewport)
        page.wait_for_function("document.querySelector('.viewer').lens.frames > 0")
        return page

    return opened


def lens(page: Page, what: str) -> Any:
    """A property of the viewer, once it has drawn and come to rest."""
    return page.evaluate(
        """async (what) => {
            const {lens} = document.querySelector(".viewer")
            const frame = () => new Promise(requestAnimationFrame)
            do { await frame(); await frame() } while (lens.camera.goal)
            return Function("lens", "return " + what)(lens)
        }""",
        what,
    )


def sent(page: Page, name: str) -> list[Any]:
    """What Python was told, without the time of it."""
    told = [value for each, value in page.evaluate("window.sent") if each == name]
    return [{key: value for key, value in each.items() if key != "at"} for each in told]


# --- zoom


def test_a_double_click_resets_the_zoom(viewer: Callable[..., Page]):
    page = viewer()
    page.mouse.click(450, 400)  # from now on the wheel is the photo's
    page.mouse.wheel(0, -500)
    page.wait_for_function("document.querySelector('.viewer').lens.camera.zoom.k > 2")
    page.locator(".boxes").dblclick()
    assert lens(page, "lens.camera.zoom") == {"k": 1, "x": 0.5, "y": 0.5}


def test_the_buttons_zoom_in_out_and_to_the_whole(viewer: Callable[..., Page]):
    page = viewer()
    for name, label, title in [
        ("in", "Zoom in", "Zoom in (+)"),
        ("out", "Zoom out", "Zoom out (-)"),
        ("reset", "Whole image", "Whole image (0)"),
    ]:
        button = page.locator(f".zoom .{name}")
        expect(button).to_have_attribute("aria-label", label)
        expect(button).to_have_attribute("title", title)
    for _ in range(3):
        page.locator(".in").click()
    assert lens(page, "lens.camera.zoom.k") == pytest.approx(1.5**3)
    page.locator(".out").click()
    assert lens(page, "lens.camera.zoom.k") == pytest.approx(1.5**2)
    page.locator(".reset").click()
    assert lens(page, "lens.camera.zoom.k") == 1


def test_keys_zoom_and_move_the_photo(viewer: Callable[..., Page]):
    page = viewer(viewport={"width": 900, "height": 900})
    page.locator(".boxes").focus()
    for key in "+=-+":
        page.keyboard.press(key)
    assert lens(page, "lens.camera.zoom.k") == pytest.approx(1.5**2)
    for key, axis, way in [
        ("ArrowLeft", "left", 60),
        ("ArrowRight", "left", -60),
        ("ArrowUp", "top", 60),
        ("ArrowDown", "top", -60),
    ]:
        before = lens(page, f"lens.camera.place.{axis}")
        page.keyboard.press(key)
        assert lens(page, f"lens.camera.place.{axis}") == pytest.approx(before + way)
    page.keyboard.press("0")
    assert lens(page, "lens.camera.zoom.k") == 1


@pytest.mark.parametrize(
    ("zoom", "event", "taken"),
    [
        (1, "new WheelEvent('wheel', {deltaY: -9, cancelable: true})", False),
        (2, "new WheelEvent('wheel', {deltaY: 9, cancelable: true})", False),
        (1, "new WheelEvent('wheel', {deltaY: 9, ctrlKey: true, cancelable: true})", False),
        (1, "new WheelEvent('wheel', {deltaY: -9, ctrlKey: true, cancelable: true})", True),
        (2, "new WheelEvent('wheel', {deltaY: 9, ctrlKey: true, cancelable: true})", True),
        (1, "new KeyboardEvent('keydown', {key: 'ArrowDown', cancelable: true})", False),
        (2, "new KeyboardEvent('keydown', {key: 'ArrowDown', cancelable: true})", True),
        (2, "new KeyboardEvent('keydown', {key: '0', ctrlKey: true, cancelable: true})", False),
        (2, "new KeyboardEvent('keydown', {key: 'x', cancelable: true})", False),
    ],
)
def test_what_the_photo_does_not_use_is_left_to_the_page(
    viewer: Callable[..., Page], zoom: int, event: str, taken: bool
):
    page = viewer()
    lens(page, f"lens.camera.zoomBy({zoom})")
    assert lens(page, "lens.camera.zoom.k") == zoom
    assert lens(page, f"!lens.canvas.dispatchEvent({event})") is taken


def test_the_zoom_is_remembered_for_the_image_and_the_viewer(
    viewer: Callable[..., Page],
):
    page = viewer()
    page.locator(".in").click()
    zoom = lens(page, "lens.camera.zoom")
    again = "data => { window.unmount(); window.mount(data) }"
    page.evaluate(again, viewer_data().as_json())
    assert lens(page, "lens.camera.zoom") == zoom
    page.evaluate(again, viewer_data(digest="b").as_json())
    assert lens(page, "lens.camera.zoom.k") == 1
    page.evaluate(again, viewer_data(name="another").as_json())
    assert lens(page, "lens.camera.zoom.k") == 1


def test_the_zoom_survives_other_data_of_the_image_and_no_other_image(
    viewer: Callable[..., Page],
):
    page = viewer()
    page.locator(".in").click()
    lens(page, "0")
    page.evaluate("window.mount", viewer_data(settings=Settings(iou_threshold=0.2)).as_json())
    assert lens(page, "lens.camera.zoom.k") == 1.5
    page.evaluate("window.mount", viewer_data(digest="b").as_json())
    assert lens(page, "lens.camera.zoom.k") == 1


# --- picking


def test_n_p_and_escape_pick(viewer: Callable[..., Page]):
    page = viewer()
    page.locator(".boxes").focus()
    picked = []
    for key in ("n", "n", "n", "p", "Escape", "Escape", "p"):
        page.keyboard.press(key)
        picked.append(lens(page, "lens.picked.value"))
    assert picked == ["3-0", "4-2", "3-0", "4-2", None, None, "4-2"]
    told = ["3-0", "4-2", "3-0", "4-2", None, "4-2"]
    assert sent(page, "picked") == [{"id": each} for each in told]


def test_without_a_box_to_pick_the_picked_one_stays(viewer: Callable[..., Page]):
    page = viewer(settings=Settings(score_threshold=1.0), picked="3-0")
    page.locator(".boxes").press("n")
    assert lens(page, "lens.picked.value") == "3-0"


def test_a_gesture_that_the_browser_takes_over_picks_nothing(viewer: Callable[..., Page]):
    page = viewer()
    fire = """(() => {
        lens.canvas.setPointerCapture = () => {}  // the pointer is no real one
        for (const name of ["pointerdown", "END"])
            lens.canvas.dispatchEvent(new PointerEvent(name, {pointerId: 5, clientX: 300,
                clientY: 300}))
    })()"""
    lens(page, fire.replace("END", "pointercancel"))
    assert sent(page, "picked") == []
    lens(page, fire.replace("END", "pointerup"))
    assert sent(page, "picked") == [{"id": "3-0"}]


def test_the_mouse_shows_a_tip_and_takes_it_away(viewer: Callable[..., Page]):
    page = viewer()
    bounds = page.locator(".boxes").bounding_box()
    assert bounds
    page.mouse.move(bounds["x"] + bounds["width"] / 2 - 150, bounds["y"] + 20)
    expect(page.locator(".tip")).to_have_text(re.compile("shoes 0.90"))
    page.mouse.move(5, 5)
    expect(page.locator(".tip")).to_be_hidden()


@pytest.mark.parametrize(
    ("picked", "settings", "why"),
    [
        ("4-3", {}, "watch 0.20 is hidden: its score is below 0.30."),
        ("3-1", {}, "shoes 0.80 is hidden: a better box overlaps it with IoU 0.82."),
        ("4-2", {"classes": {SHOES}}, "watch is not among the classes shown."),
        ("4-2", {"top_k": 1}, "watch 0.60 is hidden: 1 better boxes are shown already."),
        ("4-2", {}, "watch 0.60 · 64 × 96 px · threshold of watch: 0.30"),
    ],
)
def test_the_panel_says_why_the_picked_box_is_hidden(
    viewer: Callable[..., Page], picked: str, settings: dict[str, Any], why: str
):
    page = viewer(picked=picked, settings=Settings(**settings))
    expect(page.locator(".words")).to_contain_text(why)


@pytest.mark.parametrize(("picked", "is_left"), [("3-0", False), ("4-3", True)])
def test_the_panel_lies_over_the_photo_beside_the_picked_box(
    viewer: Callable[..., Page], picked: str, is_left: bool
):
    page = viewer(picked=picked)
    middle = lens(page, "lens.camera.place.left + lens.camera.place.scale * 320")
    panel, stage = (page.locator(name).bounding_box() for name in (".panel", ".stage"))
    assert panel
    assert stage
    assert stage["y"] < panel["y"] < panel["y"] + panel["height"] < stage["y"] + stage["height"]
    if is_left:
        assert panel["x"] + panel["width"] < stage["x"] + middle
    else:
        assert panel["x"] > stage["x"] + middle


def test_on_a_phone_the_panel_is_below_the_photo_and_comes_into_view(viewer: Callable[..., Page]):
    page = viewer(mode="X-ray", viewport={"width": 390, "height": 480})
    panel = page.locator(".panel")
    page.evaluate("scrollTo(0, document.querySelector('.stage').offsetTop)")
    page.locator(".boxes").press("n")
    expect(panel).to_be_in_viewport(ratio=0.99)
    stage, box = page.locator(".stage").bounding_box(), panel.bounding_box()
    assert stage
    assert box
    assert box["y"] >= stage["y"] + stage["height"]
    page.evaluate("scrollTo(0, 0)")
    page.evaluate("window.mount", viewer_data(mode="X-ray", picked="3-0").as_json())
    lens(page, "0")
    assert page.evaluate("scrollY") == 0  # only the visitor's own pick moves the page


def test_a_button_leads_back_to_the_table(viewer: Callable[..., Page]):
    page = viewer()
    back = page.get_by_role("button", name="Back to the list")
    expect(back).to_be_hidden()
    page.evaluate(
        """() => document.body.insertAdjacentHTML("beforeend", `<div style="height: 3000px"></div>
            <div class="st-key-errors"><canvas tabindex="0"></canvas></div>`)"""
    )
    page.evaluate("window.mount", viewer_data(back="errors").as_json())
    back.click()
    expect(page.locator(".st-key-errors")).to_be_in_viewport(ratio=1)
    expect(page.locator(".st-key-errors canvas")).to_be_focused()


# --- the row of classes


def test_the_chosen_class_is_told_and_follows_what_python_says(viewer: Callable[..., Page]):
    page = viewer()
    page.get_by_role("radio", name="watch").click()
    assert sent(page, "target") == [{"id": WATCH}]
    for target, label in [(WATCH, "watch"), (SHOES, "shoes"), (None, "All classes")]:
        page.evaluate("window.mount", viewer_data(target=target).as_json())
        expect(page.get_by_role("radio", name=label)).to_be_checked()
    expect(page.locator(".heading")).to_have_text("Score threshold")


def test_arrows_move_the_choice_of_the_class_round_and_round(viewer: Callable[..., Page]):
    page = viewer()
    page.get_by_role("radio", name="All classes").focus()
    for key, label in [
        ("ArrowRight", "clothes"),
        ("ArrowDown", "pants"),
        ("ArrowLeft", "clothes"),
        ("ArrowUp", "All classes"),
        ("ArrowLeft", "watch"),
        ("ArrowRight", "All classes"),
    ]:
        page.keyboard.press(key)
        chosen = page.get_by_role("radio", name=label)
        expect(chosen).to_be_checked()
        expect(chosen).to_be_focused()
        expect(page.locator(".targets [tabindex='0']")).to_have_count(1)


# --- its life


def test_a_closed_viewer_draws_no_more(viewer: Callable[..., Page]):
    page = viewer()
    lens(page, "window.closed_one = lens")
    page.evaluate("window.unmount()")
    page.evaluate("document.body.style.width = '300px'")
    frames = "async () => { for (let i = 0; i < 4; i++) await new Promise(requestAnimationFrame) }"
    before = page.evaluate("window.closed_one.frames")
    page.evaluate(frames)
    assert page.evaluate("window.closed_one.frames") == before


TRUTH = GroundTruth(
    "a.jpg", SIZE, np.array([[0.0, 0, 320, 480], [448, 96, 576, 240]]), np.array([SHOES, WATCH])
)


def foreign(text: Any) -> Any:
    """The text in a language of which nothing is known but its places."""
    if isinstance(text, dict):
        return {name: foreign(each) for name, each in text.items()}
    if isinstance(text, list):
        return [foreign(each) for each in text]
    return re.sub(r"(?<!\{)\b[A-Za-z]+\b(?!\})", "§", text)


@pytest.mark.parametrize(
    ("mode", "changes"),
    [
        ("Classes", {"picked": "4-2"}),
        ("Classes", {"picked": "4-3", "appeared": ["4-2"], "vanished": ["3-1"]}),
        ("Right and wrong", {"truth": TRUTH, "picked": "3-0"}),
        ("Right and wrong", {}),
        ("X-ray", {"picked": "3-0"}),
        ("X-ray", {"picked": "3-1"}),
    ],
)
def test_all_that_the_viewer_says_was_handed_to_it(
    viewer: Callable[..., Page], mode: str, changes: dict[str, Any]
):
    """In another language no English word is left; what the places hold is no language."""
    page = viewer(
        mode=mode, texts={name: foreign(text) for name, text in texts().items()}, **changes
    )
    said = page.locator(".viewer").evaluate(
        """root => [root, ...root.querySelectorAll("*")].flatMap(part => [
            ...["aria-label", "aria-valuetext", "title", "alt"].map(at => part.getAttribute(at)),
            ...[...part.childNodes].filter(node => node.nodeType == 3).map(node => node.data),
        ]).filter(Boolean)"""
    )
    assert sum("§" in text for text in said) > 15
    words = set(re.findall(r"[A-Za-z]+", " ".join(said)))
    assert words <= set(LABELS)


# --- the swipe


def swipe_data(photo: str = GREY, revision: int = 0) -> dict[str, Any]:
    label = LabelPlace(left=10, top=10, ends_there=False)
    box = Box("BOTH", 10, 10, 20, 30, "#0000ff", "#ffffff", "shoes 0.90", label)
    bare = replace(box, kind="A", text="watch 0.60", label=None)
    kinds = [KindOfBox("BOTH", "In both · 1", "#0000ff"), KindOfBox("A", "Only in A", "#ff0000")]
    sides = [Side("A · one", [bare, box]), Side("B · two", [box])]
    return asdict(SwipeData(photo, 640, 480, "A desk", kinds, sides, "Where A ends", revision))


def test_a_kind_is_hidden_and_shown_again_with_its_labels(mount: Callable[..., Page]):
    page = mount("swipe", swipe_data())
    both = page.locator("[data-kind=BOTH]")
    expect(both).to_have_count(4)
    button = page.get_by_role("button", name="In both")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(both.filter(visible=True)).to_have_count(0)
    expect(page.locator("[data-kind=A]")).to_be_visible()
    button.click()
    expect(both.filter(visible=True)).to_have_count(4)


def test_another_image_keeps_what_is_hidden_and_where_the_handle_is(mount: Callable[..., Page]):
    page = mount("swipe", swipe_data())
    page.get_by_role("button", name="In both").click()
    handle = page.get_by_role("slider", name="Where A ends")
    handle.press("Home")
    handle.press("ArrowRight")
    page.evaluate("window.mount", swipe_data(photo=f"{GREY}#another"))
    expect(page.locator(".swipe img")).to_have_attribute("src", re.compile("#another"))
    expect(page.locator("[data-kind=BOTH]").filter(visible=True)).to_have_count(0)
    expect(handle).to_have_attribute("aria-valuenow", "2")
    assert page.locator(".layer").evaluate_all("all => all.map(layer => layer.style.clipPath)") == [
        "inset(0px 98% 0px 0px)",
        "inset(0px 0px 0px 2%)",
    ]


# --- whether the window is narrow


def test_python_is_told_where_it_is_wrong_about_the_window_only(mount: Callable[..., Page]):
    page = mount("narrow", {"narrow": False}, viewport={"width": 700, "height": 500})
    changed = """query => new Promise(done => matchMedia(query).addEventListener("change", done))"""

    def resize(width: int) -> None:
        page.evaluate("query => { window.change = (" + changed + ")(query) }", "(max-width: 640px)")
        page.set_viewport_size({"width": width, "height": 500})
        page.evaluate("window.change")

    assert page.evaluate("window.sent") == []
    resize(640)
    assert page.evaluate("window.sent") == [["narrow", True]]
    resize(641)
    assert page.evaluate("window.sent") == [["narrow", True]]
    page.evaluate("window.unmount()")
    resize(400)
    assert page.evaluate("window.sent") == [["narrow", True]]
    page.evaluate("window.mount", {"narrow": False})
    assert page.evaluate("window.sent") == [["narrow", True], ["narrow", True]]
