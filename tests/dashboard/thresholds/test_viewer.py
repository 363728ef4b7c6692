"""The viewer in a real browser: the boxes that it shows are those of `ssd.postprocess`."""

import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from dashboard.media import jpeg_uri
from detector import images, ssd
from detector.evaluation.ground_truth import GroundTruth
from detector.formats.coco import read_coco
from detector.ssd import RawPrediction, Settings, postprocess
from detector.xray import xray
from tests.support.browser import settled
from tests.support.outputs import output_of, random_output, unchecked
from tests.support.running import ROOT, free_port, wait_until_up

LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")
KINDS = ["softmax", "tied", "at the thresholds", "extreme", "one heap"]
PHOTOS = ("crowded_table.jpg", "desk_laptop_books.jpg")
THRESHOLDS = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.14, 0.2, 0.25, 0.29,
              0.3, 0.35, 0.4, 0.45, 0.5, 0.58, 0.7, 0.8, 0.95, 1.0]  # fmt: skip
SETTINGS = {
    "as it starts": Settings(),
    "own thresholds": Settings(class_thresholds={6: 0.3, 7: 0.1, 3: 0.7}),
    "hidden classes and a cut": Settings(
        class_thresholds={7: 0.5}, classes=frozenset({3, 6, 7}), top_k=4
    ),
    "agnostic": Settings(class_agnostic=True, iou_threshold=0.3),
    "agnostic, own thresholds": Settings(
        class_agnostic=True, class_thresholds={6: 0.3, 7: 0.1, 3: 0.7}, iou_threshold=0.3
    ),
    "agnostic, all of it": Settings(
        class_agnostic=True,
        class_thresholds={1: 0.5, 5: 0.45, 7: 0.05},
        classes=frozenset({1, 5, 6, 7}),
        top_k=5,
        iou_threshold=0.5,
    ),
}
# On one line of height 1: IoU of the first with the second 9/11, with the third 8/12.
FIRST, SECOND, THIRD = (0.0, 0, 0.5, 1), (0.05, 0, 0.55, 1), (0.1, 0, 0.6, 1)
SMALL = (0.2, 0.4, 0.3, 0.6)
SHOES, WATCH = 3, 4


def case(raw, settings=None, size=(640, 480), **options):
    grey = np.full((size[1], size[0], 3), 128, np.uint8)
    photo = jpeg_uri(images.encode_jpeg(grey))
    labels = LABELS[: raw.scores.shape[1]]
    return {"raw": raw, "settings": settings or Settings(), "size": size, "labels": labels,
            "photo": photo, **options}  # fmt: skip


def simple(**options):
    rows = [
        (FIRST, {SHOES: 0.9}),
        (SECOND, {SHOES: 0.8}),
        (THIRD, {SHOES: 0.25}),
        (SMALL, {WATCH: 0.6}),
        ((0.7, 0.2, 0.9, 0.5), {WATCH: 0.2}),
    ]
    return case(unchecked(output_of(9, *rows)), **options)


def flat_scores():
    rng = np.random.default_rng(3)
    output = random_output(rng, 1500, 9, "softmax")
    output[:, 4:-8] = rng.uniform(0.02, 0.9, (1500, 9))
    settings = Settings(class_agnostic=True, class_thresholds={1: 0.8, 2: 0.1}, top_k=50)
    return case(unchecked(output), settings)


@pytest.fixture(scope="module")
def cases(client, samples_dir: Path) -> dict[str, dict]:
    """Every image that the tests look at, by its name."""
    photos = {name: images.read_image((samples_dir / name).read_bytes()) for name in PHOTOS}
    sizes = {name: (photo.shape[1], photo.shape[0]) for name, photo in photos.items()}
    annotations = (samples_dir / "annotations.json").read_bytes()
    truths = {t.file_name: t for t in read_coco(annotations, LABELS, sizes).images}
    made = {}
    for name, photo in photos.items():
        outputs = client.predict({"images": ssd.preprocess(photo)}, outputs=("concat_3:0",)).outputs
        raw = RawPrediction.of_single(outputs["concat_3:0"], 9).compact()
        uri = jpeg_uri(images.encode_jpeg(photo))
        for words, settings in SETTINGS.items():
            made[f"{name}, {words}"] = case(
                raw, settings, sizes[name], photo=uri, truth=truths[name]
            )
    for kind in KINDS:
        rng = np.random.default_rng([31, len(kind)])
        for words, settings in SETTINGS.items():
            raw = unchecked(random_output(rng, 120, 9, kind))
            made[f"{kind}, {words}"] = case(raw, settings)
    box = np.array([[0.0, 0, 320, 480], [448, 96, 576, 240]])
    truth = GroundTruth("a.jpg", (640, 480), box, np.array([SHOES, WATCH]))
    made["simple"] = simple()
    made["judged"] = simple(truth=truth)
    made["compared"] = simple(compared=(["4-3"], ["3-1"]))
    made["no photo"] = simple(photo="/nothing.jpg")
    made["flat scores"] = flat_scores()
    return made


@pytest.fixture(scope="module")
def address(cases: dict[str, dict], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("viewer")
    (folder / "cases.pickle").write_bytes(pickle.dumps(cases))
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "tests/support/viewer_app.py"]
    options = ["--server.port", str(port), "--server.address", "127.0.0.1"]
    options += ["--server.headless", "true"]
    environment = os.environ | {"VIEWER_CASES": str(folder / "cases.pickle")}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
        try:
            wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture
def open_case(visit: Callable[..., Page], address: str) -> Callable[..., Page]:
    """Opens a case in a visitor's own, empty browser profile, and waits until it is drawn."""

    def opened(*names: str, mode: str = "Classes") -> Page:
        asked = urlencode([("mode", mode), *(("case", name) for name in names)])
        page = visit(f"{address}/?{asked}", viewport={"width": 1100, "height": 980})
        for number in range(len(names)):
            viewer(page, number).wait_for()
            wait(page, "lens.frames > 0", number)
        return page

    return opened


def viewer(page: Page, number: int = 0) -> Locator:
    return page.locator(".viewer").nth(number)


def look(page: Page, what: str) -> object:
    """A property of the viewer, asked after what was to be drawn is drawn."""
    return viewer(page).evaluate(
        """async ({lens}, what) => {
            for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame)
            return Function("lens", "return " + what)(lens)
        }""",
        what,
    )


def wait(page: Page, condition: str, number: int = 0) -> None:
    element = viewer(page, number).element_handle()
    page.wait_for_function(
        "([element, condition]) => element.lens && Function('lens', 'return ' + condition)"
        "(element.lens)",
        arg=[element, condition],
    )


def shows(page: Page, ids: list[str]) -> None:
    """What Python says and what the viewer draws come one after the other."""
    wait(page, f"String(lens.shownIds) === {','.join(ids)!r}")


def sweep(page: Page, thresholds: list[float], number: int = 0) -> list[list[str]]:
    """The ids on the screen at each step of the slider, without letting go of it."""
    return viewer(page, number).evaluate(
        """async ({lens}, thresholds) => {
            const seen = []
            for (const threshold of thresholds) {
                lens.slider.value = String(threshold)
                lens.slider.dispatchEvent(new Event("input", {bubbles: true}))
                for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame)
                seen.push(lens.shownIds)
            }
            return seen
        }""",
        thresholds,
    )


def release(page: Page, threshold: float) -> None:
    """Drag the slider there and let go of it."""
    sweep(page, [threshold])
    viewer(page).locator(".slider").dispatch_event("change")


def python_says(page: Page, text: str) -> None:
    expect(page.get_by_test_id("stCode")).to_contain_text(text)


def click_at(page: Page, across: float, down: float) -> None:
    """Click into the photo, at a place given in parts of it."""
    spot = look(
        page,
        f"(() => {{ const {{scale, left, top}} = lens.camera.place; return {{"
        f"x: left + {across} * lens.data.view.size[0] * scale,"
        f"y: top + {down} * lens.data.view.size[1] * scale}} }})()",
    )
    viewer(page).locator(".boxes").click(position=spot)


# --- exact at every step


@pytest.mark.parametrize("name", [*PHOTOS, *KINDS])
def test_at_twenty_thresholds_the_boxes_on_the_screen_are_those_of_postprocess(
    name: str, cases: dict[str, dict], open_case: Callable[..., Page]
):
    names = [f"{name}, {words}" for words in SETTINGS]
    page = open_case(*names)
    for number, each in enumerate(names):
        asked = cases[each]
        for threshold, seen in zip(THRESHOLDS, sweep(page, THRESHOLDS, number), strict=True):
            settings = replace(asked["settings"], score_threshold=threshold)
            expected = postprocess(asked["raw"], settings, asked["size"]).ids
            assert seen == expected, (each, threshold)


@pytest.mark.parametrize("name", [PHOTOS[0], "tied"])
def test_the_same_while_the_threshold_of_one_class_is_dragged(
    name: str, cases: dict[str, dict], open_case: Callable[..., Page]
):
    names = [f"{name}, {words}" for words in SETTINGS]
    page = open_case(*names)
    for number, each in enumerate(names):
        asked = cases[each]
        viewer(page, number).get_by_role("radio", name="computer").click()
        expect(page.get_by_test_id("stCode").nth(number)).to_contain_text("target 7")
        settled(page)  # its answer has come: no other model comes in between
        for threshold, seen in zip(THRESHOLDS, sweep(page, THRESHOLDS, number), strict=True):
            own = {**asked["settings"].class_thresholds, 7: threshold}
            settings = replace(asked["settings"], class_thresholds=own)
            expected = postprocess(asked["raw"], settings, asked["size"]).ids
            assert seen == expected, (each, threshold)


def test_too_many_overlaps_follow_on_release(
    cases: dict[str, dict], open_case: Callable[..., Page]
):
    asked = cases["flat scores"]
    page = open_case("flat scores")
    before = postprocess(asked["raw"], asked["settings"], asked["size"]).ids
    assert sweep(page, [0.6]) == [before]
    expect(viewer(page).locator(".heading")).to_contain_text("applies on release")
    viewer(page).locator(".slider").dispatch_event("change")
    python_says(page, "score 0.6")
    expect(viewer(page).locator(".heading")).not_to_contain_text("applies on release")
    settings = replace(asked["settings"], score_threshold=0.6)
    shows(page, postprocess(asked["raw"], settings, asked["size"]).ids)


@pytest.mark.parametrize("words", ["as it starts", "agnostic, own thresholds"])
def test_who_suppressed_whom_is_as_in_python(
    words: str, cases: dict[str, dict], open_case: Callable[..., Page]
):
    name = f"{PHOTOS[0]}, {words}"
    asked = cases[name]
    page = open_case(name, mode="X-ray")
    sweep(page, [0.12])
    settings = replace(asked["settings"], score_threshold=0.12)
    expected = xray(asked["raw"], settings, asked["size"])
    ids = expected.candidates.ids
    pairs = {
        ids[i]: ids[by]
        for i, by in enumerate(expected.suppressor.tolist())
        if by >= 0 and expected.above_threshold[i]
    }
    seen = look(
        page,
        "(({index, suppressors}) => [...index].filter(([id, i]) => suppressors[i] >= 0 && "
        "lens.model.passes(i)).map(([id, i]) => [id, lens.model.id(suppressors[i])]))(lens.model)",
    )
    assert len(pairs) > 10
    assert dict(seen) == pairs


# --- the slider


def test_dragging_runs_nothing_and_letting_go_tells_python(open_case: Callable[..., Page]):
    page = open_case("simple")
    assert sweep(page, [0.7]) == [["3-0"]]
    python_says(page, "score 0.3")
    release(page, 0.55)
    python_says(page, "score 0.55 own {}")


def test_a_reset_in_python_moves_the_slider_and_the_same_value_can_come_again(
    open_case: Callable[..., Page],
):
    page = open_case("simple")
    for _ in range(2):
        release(page, 0.7)
        python_says(page, "score 0.7")
        page.get_by_role("button", name="Reset").click()
        python_says(page, "score 0.3")
        wait(page, "lens.slider.value === '0.3'")
        shows(page, ["3-0", "4-3"])


def test_the_keyboard_moves_the_slider_and_python_hears_of_it_when_the_key_is_let_go(
    open_case: Callable[..., Page],
):
    page = open_case("simple")
    viewer(page).get_by_role("slider", name="Score threshold").focus()
    page.keyboard.down("ArrowRight")
    page.keyboard.down("ArrowRight")
    expect(viewer(page).locator(".number")).to_have_text("0.32")
    python_says(page, "score 0.3 ")
    page.keyboard.up("ArrowRight")
    python_says(page, "score 0.32")


def test_a_class_gets_a_threshold_of_its_own_and_loses_it_again(open_case: Callable[..., Page]):
    page = open_case("simple")
    viewer(page).get_by_role("radio", name="watch").click()
    expect(viewer(page).locator(".number")).to_have_text("0.30")
    release(page, 0.1)
    python_says(page, "score 0.3 own {4: 0.1}")
    shows(page, ["3-0", "4-3", "4-4"])
    viewer(page).get_by_role("button", name="Take away the own threshold of watch").click()
    python_says(page, "score 0.3 own {}")
    shows(page, ["3-0", "4-3"])


def test_the_count_line_follows_the_slider(open_case: Callable[..., Page]):
    page = open_case("simple")
    sweep(page, [0.1])
    expect(viewer(page).locator(".count")).to_have_text(
        "3 boxes shown: watch × 2, shoes × 1 · 0 hidden"
    )
    sweep(page, [0.7])
    expect(viewer(page).locator(".count")).to_have_text("1 box shown: shoes × 1 · 2 hidden")
    expect(viewer(page).locator(".status")).to_have_text("1 box shown: shoes × 1 · 2 hidden")


# --- picking and zooming


def test_a_click_picks_the_smallest_box_there_and_a_click_on_nothing_unpicks(
    open_case: Callable[..., Page],
):
    page = open_case("simple")
    click_at(page, 0.25, 0.5)
    python_says(page, "picked 4-3")
    click_at(page, 0.1, 0.1)
    python_says(page, "picked 3-0")
    click_at(page, 0.65, 0.9)
    python_says(page, "picked None")


def test_zoom_and_pick_outlive_reruns_releases_and_another_iou(open_case: Callable[..., Page]):
    page = open_case("simple")
    click_at(page, 0.1, 0.1)
    python_says(page, "picked 3-0")
    viewer(page).get_by_role("button", name="Zoom in").click()
    wait(page, "lens.camera.zoom.k === 1.5")
    viewer(page).evaluate("element => { element.dataset.same = 'yes' }")
    release(page, 0.5)
    python_says(page, "score 0.5")
    page.get_by_role("button", name="Nothing").click()
    page.get_by_role("button", name="Lower IoU").click()
    wait(page, "lens.data.view.settings.iou === 0.2")
    assert look(page, "[lens.camera.zoom.k, lens.picked.value, lens.root.dataset.same]") == [
        1.5, "3-0", "yes",
    ]  # fmt: skip


def test_the_wheel_zooms_at_the_pointer_and_a_double_click_shows_the_whole_photo(
    open_case: Callable[..., Page],
):
    page = open_case("simple")
    look(page, "lens.stage.scrollIntoView({block: 'center'})")
    bounds = viewer(page).locator(".boxes").bounding_box()
    page.mouse.move(bounds["x"] + 300, bounds["y"] + 200)
    at = "(({left, top, scale}) => [(300 - left) / scale, (200 - top) / scale])(lens.camera.place)"
    page.keyboard.down("Control")  # else the page scrolls
    page.mouse.wheel(0, -120)  # a notch is a step, not the whole way
    wait(page, "lens.camera.zoom.k > 1 && !lens.camera.goal")
    assert look(page, "lens.camera.zoom.k") < 1.5
    for _notch in range(6):  # until it fills the stage: before, it stays in the middle of it
        page.mouse.wheel(0, -120)
    wait(page, "lens.camera.zoom.k > 3 && !lens.camera.goal")
    before = look(page, at)
    page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    wait(page, "lens.camera.zoom.k > 4 && !lens.camera.goal")
    assert look(page, at) == pytest.approx(before, abs=1.0)
    page.mouse.dblclick(bounds["x"] + 300, bounds["y"] + 200)
    wait(page, "lens.camera.zoom.k === 1")


def test_drag_pans_the_zoomed_photo_and_picks_nothing(open_case: Callable[..., Page]):
    page = open_case("simple")
    look(page, "lens.stage.scrollIntoView({block: 'center'})")
    viewer(page).locator(".boxes").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    wait(page, "lens.camera.zoom.k > 1.6 && !lens.camera.goal")
    bounds = viewer(page).locator(".boxes").bounding_box()
    x, y = bounds["x"] + 300, bounds["y"] + 200
    page.mouse.move(x, y)
    before = look(page, "lens.camera.place.left")
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=3)
    page.mouse.up()
    assert look(page, "lens.camera.place.left") == pytest.approx(before + 30, abs=0.5)
    assert look(page, "lens.picked.value") is None


def test_two_fingers_zoom(open_case: Callable[..., Page]):
    page = open_case("simple")
    spread = """(canvas, distance) => {
        const fire = (name, id, x) => canvas.dispatchEvent(new PointerEvent(name, {
            pointerId: id, pointerType: "touch", bubbles: true, clientX: x, clientY: 300 }))
        canvas.setPointerCapture = () => {}
        fire("pointerdown", 11, 400); fire("pointerdown", 12, 500)
        fire("pointermove", 11, 400 - distance); fire("pointermove", 12, 500 + distance)
        fire("pointerup", 11, 0); fire("pointerup", 12, 0)
    }"""
    viewer(page).locator(".boxes").evaluate(spread, 50)
    assert look(page, "lens.camera.zoom.k") == pytest.approx(2.0, abs=0.01)
    assert look(page, "lens.picked.value") is None


# --- what it says


def test_xray_lists_what_a_picked_box_suppressed_and_says_who_removed_one(
    open_case: Callable[..., Page],
):
    page = open_case("simple", mode="X-ray")
    click_at(page, 0.02, 0.1)
    panel = viewer(page).locator(".panel")
    expect(panel).to_contain_text("shoes 0.90 suppressed 2 boxes that overlap it")
    expect(panel.locator("li")).to_contain_text(
        [
            re.compile(r"shoes 0\.80.*IoU 0\.82"),
            re.compile("1 more below the threshold"),
            re.compile(r"shoes 0\.25.*IoU 0\.67"),
        ]
    )
    panel.get_by_role("button", name="shoes 0.80").click()
    expect(panel).to_contain_text(
        "shoes 0.80 was removed: shoes 0.90 overlaps it with IoU 0.82, above 0.45."
    )
    python_says(page, "picked 3-1")


def test_right_and_wrong_follow_the_threshold(open_case: Callable[..., Page]):
    page = open_case("judged", mode="Right and wrong")
    legend = viewer(page).locator(".legend")
    expect(legend).to_have_text("1 right1 wrong: 1 background1 missed")
    sweep(page, [0.1])
    expect(legend).to_have_text("2 right1 wrong: 1 background0 missed")
    sweep(page, [0.95])
    expect(legend).to_have_text("0 right0 wrong2 missed")


def test_what_appeared_and_what_vanished_is_named(open_case: Callable[..., Page]):
    legend = viewer(open_case("compared")).locator(".legend")
    expect(legend).to_have_text("1 new1 gone")


def test_a_photo_that_does_not_load_is_named_and_the_boxes_stay(open_case: Callable[..., Page]):
    page = open_case("no photo")
    expect(viewer(page).locator(".notice")).to_have_text("The image could not be loaded.")
    shows(page, ["3-0", "4-3"])


def test_a_hovered_box_tells_class_score_and_size(open_case: Callable[..., Page]):
    page = open_case("simple")
    click_at(page, 0.25, 0.5)
    expect(viewer(page).locator(".tip")).to_have_text("watch 0.6064 × 96 px")
