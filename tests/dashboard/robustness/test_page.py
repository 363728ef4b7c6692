"""Robustness: an unaltered photo is Detect's, an altered one costs a call, figures are true."""

import json

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.robustness import knobs
from dashboard.robustness.measuring import Measuring
from detector import robustness
from detector.alterations import KNOBS, Alteration, working_copy
from detector.answers import Detector, LoadedImage, SSDModel, load
from detector.config import Config
from detector.evaluation import curves
from detector.evaluation.matching import at_floor, compare, match
from detector.formats.coco import read_coco
from detector.ssd import Detections, Settings, postprocess, resize
from tests.support.paths import ROOT
from tests.support.running import free_port

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("empty_caches")]

PAGE = "pages/5_Robustness.py"
SAMPLES = ROOT / "samples"
NOISE = next(knob for knob in KNOBS if knob.name == "noise")


def opened(address: str, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in query.items():
        app.query_params[name] = value
    app.switch_page(PAGE).run()
    assert not app.exception
    return app


@pytest.fixture
def page(embedded_server, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    return opened(embedded_server.address, monkeypatch)


@pytest.fixture
def detector(embedded_server) -> Detector:
    with Detector(Config.load({}, {"COMMODITY_LENS_SERVER": embedded_server.address})) as opened:
        yield opened


@pytest.fixture
def asked(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images are in each request, from when the page is open."""
    ask, sizes = SSDModel.ask_batch, []
    monkeypatch.setattr(
        SSDModel,
        "ask_batch",
        lambda model, of, **how: sizes.append(len(of)) or ask(model, of, **how),
    )
    return sizes


def chart(app: AppTest, index: int) -> dict:
    return json.loads(app.get("plotly_chart")[index].proto.spec)


def boxes_of(app: AppTest) -> list:
    """What the figure's boxes say, and where they are."""
    return [
        (bar["customdata"], bar["x"], bar["y"], bar["base"], bar["width"])
        for bar in chart(app, 0)["data"]
        if bar["type"] == "bar" and "customdata" in bar
    ]


def first_sample() -> str:
    return json.loads((SAMPLES / "annotations.json").read_text())["images"][0]["file_name"]


def loaded(detector: Detector) -> LoadedImage:
    data = (SAMPLES / first_sample()).read_bytes()
    return load(data, detector.config.image_limits, working_copy)


def swept(app: AppTest) -> dict[str, list]:
    """Scores by the name of the box."""
    lines = [line for line in chart(app, 1)["data"] if line["yaxis"] == "y"]
    return {line["name"]: line["y"] for line in lines}


def test_an_unaltered_photo_has_the_very_detections_of_detect(page: AppTest):
    here = boxes_of(page)
    detect = page.switch_page("app.py").run()
    assert not detect.exception
    assert here == boxes_of(detect)
    assert here


def test_a_release_costs_one_call_and_going_back_none(page: AppTest, asked: list[int]):
    page.slider(key="knob_noise").set_value(0.35).run()
    assert asked == [1, 8]  # the image; and a sweep over the knob that was moved, but for its 0
    page.slider(key="knob_noise").set_value(0.5).run()
    assert asked == [1, 8, 1]
    page.slider(key="knob_noise").set_value(0.35).run()
    page.slider(key="score_threshold").set_value(0.6).run()
    page.slider(key="knob_noise").set_value(0.3).run()  # a level of the sweep
    page.button(key="unaltered").click().run()
    assert asked == [1, 8, 1]
    assert page.slider(key="knob_noise").value == 0


def test_the_figure_has_the_boxes_of_the_altered_image(page: AppTest, detector: Detector):
    for key, value in (("knob_rotation", 30.0), ("knob_brightness", -2.0), ("knob_crop", 0.2)):
        page.slider(key=key).set_value(value)
    page.run()
    image = load(
        (SAMPLES / first_sample()).read_bytes(), detector.config.image_limits, working_copy
    )
    alteration = Alteration(rotation=30, brightness=-2, crop=0.2)
    [raw] = robustness.ask(detector.model(), resize(alteration.apply(image.made))[None])
    expected = postprocess(raw, Settings(), alteration.size_after(image.size))
    shown = {point[0]: point[2] for bar in boxes_of(page) for point in bar[0]}
    assert shown == pytest.approx(dict(zip(expected.ids, expected.scores, strict=True)), abs=1e-4)


def test_the_sweep_says_from_where_on_a_box_is_lost(page: AppTest, detector: Detector):
    page.slider(key="knob_noise").set_value(0.1).run()
    image = load(
        (SAMPLES / first_sample()).read_bytes(), detector.config.image_limits, working_copy
    )
    unaltered = detector.answer(SAMPLES / first_sample())
    boxes = unaltered.detections(Settings())
    scores = [boxes.scores]
    for level in NOISE.levels[1:]:
        pixels = resize(Alteration(noise=level).apply(image.made))
        [raw] = robustness.ask(detector.model(), pixels[None])
        found = postprocess(raw, at_floor(Settings()), image.size)
        # Of its class and an IoU of 0.5 or more with it, the best: no two boxes are near here.
        scores.append(
            [best(found, box, c) for box, c in zip(boxes.boxes, boxes.class_ids, strict=True)]
        )
    shown = swept(page)
    assert pytest.approx(np.array(scores), abs=1e-3) == np.array(list(shown.values())).T
    html = "".join(block.value for block in page.get("html") if "lens-fates" in block.value)
    for name, of_box in zip(shown, np.array(scores).T, strict=True):
        lost = [i for i, score in enumerate(of_box) if score < 0.3]
        assert lost == list(range(lost[0], len(NOISE.levels)))  # of this image, and never again
        assert f"<b>{name}</b> is lost from {NOISE.levels[lost[0]]:.0%} on" in html
    first = min(np.flatnonzero((np.array(scores) < 0.3).any(axis=1)))
    verdict = f"all {len(boxes)} boxes hold from 0% to {NOISE.levels[first - 1]:.0%}"
    assert any(verdict in each.value for each in page.header)


def best(found: Detections, box: np.ndarray, class_id: int) -> float:
    scores = [0.0]
    for other, score, of in zip(found.boxes, found.scores, found.class_ids, strict=True):
        low, high = np.maximum(box[:2], other[:2]), np.minimum(box[2:], other[2:])
        shared = np.prod(np.maximum(high - low, 0))
        union = np.prod(box[2:] - box[:2]) + np.prod(other[2:] - other[:2]) - shared
        if of == class_id and shared / union >= 0.5:
            scores.append(score)
    return float(max(scores))


def test_the_sweep_goes_with_the_other_knobs_where_one_wants_that(page: AppTest, asked: list[int]):
    page.slider(key="knob_scale").set_value(0.5).run()
    page.button_group(key=knobs.SWEPT).set_value("Noise").run()
    alone = swept(page)
    page.toggle(key=knobs.WITH_OTHERS).set_value(True).run()
    together = swept(page)
    assert list(alone) == list(together)
    assert [line[0] for line in alone.values()] != [line[0] for line in together.values()]
    page.button(key="unaltered").click().run()
    assert swept(page) == alone
    # The sweep over the knob that was moved has its level already; so have those that follow.
    assert asked == [1, 7, 8, 8]


def measuring_of(app: AppTest) -> Measuring:
    [found] = app.session_state[state._key(state.Robustness)].measured.values()
    return found


def test_many_images_begin_at_the_precision_of_an_evaluation(page: AppTest, detector: Detector):
    page.button_group(key=knobs.SWEPT).set_value("Cropping").run()
    page.button(key="robust_measure").click().run()
    page.button(key="robust_stop").click().run()
    measuring_of(page).join(60)
    page.run().button(key="robust_on").click().run()
    measuring_of(page).join(120)
    page.run()
    assert not page.exception
    curve = {line["name"]: line["y"] for line in chart(page, 2)["data"]}
    files = [path for path in SAMPLES.iterdir() if path.suffix in {".jpg", ".heic", ".png"}]
    answers = {path.name: detector.answer(path) for path in files}
    sizes = {name: answer.size for name, answer in answers.items()}
    data = (SAMPLES / "annotations.json").read_bytes()
    truth = read_coco(data, detector.labels, sizes).images
    floor = at_floor(Settings())
    pairs = [(each, answers[each.file_name].detections(floor)) for each in truth]
    matches = match(compare(pairs, 9), 0.5)
    for class_id, label in enumerate(detector.labels[1:], start=1):
        expected = curves.average_precision(matches, class_id)
        assert curve[label][0] == pytest.approx(expected, abs=1e-4)
    assert any("stays within 0.05 of" in each.value for each in page.subheader)
    assert any("objects are left to find" in each.value for each in page.caption)
    assert curve["All"][-1] < curve["All"][0]


def test_without_a_model_server_it_says_what_it_waits_for(monkeypatch: pytest.MonkeyPatch):
    app = opened(f"127.0.0.1:{free_port()}", monkeypatch)
    assert any("Altered images need a model server" in each.value for each in app.info)
    assert len(app.slider) == 0
