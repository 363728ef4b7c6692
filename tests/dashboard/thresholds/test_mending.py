"""Mending ground truth on Thresholds, run by Streamlit's app tester against a real model server."""

import json
import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from detector.evaluation import mending
from detector.evaluation.ground_truth import GroundTruth
from detector.formats.coco import truth_to_coco
from detector.labels import COMMODITY_LABELS as LABELS
from tests.dashboard.thresholds.test_page import captions, errors, metrics, photo, uploaded
from tests.dashboard.thresholds.test_page import opened as opened

pytestmark = pytest.mark.usefixtures("empty_caches")
WATCH = LABELS.index("watch")


def kept(app: AppTest) -> state.Mendings:
    key = "state.Mendings"
    return app.session_state[key] if key in app.session_state else state.Mendings()


def counted(app: AppTest) -> list[int]:
    """How many are right, wrong, missed."""
    found = re.search(r"(\d+) right, (\d+) wrong, (\d+) missed", captions(app))
    assert found is not None
    return [int(number) for number in found.groups()]


def picked(app: AppTest, pick: str) -> AppTest:
    app.session_state["state.Pick"] = state.Pick(app.session_state["state.Pick"].digest, pick)
    return app.run()


def test_accepting_what_is_shown_turns_it_right_and_undo_turns_it_wrong(opened):
    app = opened(tab="Mend", score_threshold="0.02")
    assert errors(app) == []
    before = counted(app)
    assert before[1] > 0
    app.button(key="mend_accept_all").click().run()
    right, wrong, missed = counted(app)
    assert right > before[0]
    assert wrong < before[1]
    assert "the gallery's own, mended by hand" in captions(app)
    assert app.session_state["viewer_mode"] == "Right and wrong"
    app.button(key="mend_undo").click().run()
    assert counted(app) == before
    app.button(key="mend_redo").click().run()
    assert counted(app) == [right, wrong, missed]
    app.button(key="mend_back").click().run()
    assert counted(app) == before
    assert kept(app).truths == {}


def test_a_box_is_deleted_and_gets_a_class_and_every_tab_counts_by_it(opened):
    app = opened(tab="Mend")
    right, wrong, missed = counted(app)
    app = picked(app, "truth-0")
    app.button_group(key="mend_class").set_value(WATCH).run()
    assert counted(app) == [right - 1, wrong + 1, missed + 1]
    app.button(key="mend_delete").click().run()
    assert counted(app) == [right - 1, wrong + 1, missed]
    alone = metrics(app)
    app.segmented_control(key="tab").set_value("Curves").run()
    app.segmented_control(key="scope").set_value("this").run()
    assert metrics(app) == alone


def test_an_accepted_false_positive_turns_right_and_can_get_another_class(opened):
    app = opened(tab="Mend", score_threshold="0.05")
    right, wrong, missed = counted(app)
    assert wrong
    app = picked(app, a_wrong_one(app))
    app.button(key="mend_accept").click().run()
    assert counted(app) == [right + 1, wrong - 1, missed]
    app.button_group(key="mend_class").set_value(WATCH + 1).run()
    assert counted(app) == [right, wrong, missed + 1]


def a_wrong_one(app: AppTest) -> str:
    """The id of a detection that can be accepted."""
    [data] = [
        json.loads(each.proto.json)
        for each in app.get("bidi_component")
        if "heard" in each.proto.json
    ]
    return data["detections"][0]["id"]


def test_the_measures_are_those_of_a_file_with_the_same_boxes(opened):
    app = opened(tab="Mend", score_threshold="0.05")
    app.button(key="mend_accept_all").click().run()
    mended, [truth] = metrics(app), kept(app).truths.values()
    app.button(key="mend_back").click().run()
    assert metrics(app) != mended
    file = ("truth.json", truth_to_coco([truth], LABELS), "application/json")
    app.file_uploader(key="ground_truth").set_value([file]).run()
    assert metrics(app) == mended


def test_an_image_without_ground_truth_gets_one(opened):
    app = uploaded(opened(tab="Mend", score_threshold="0.01"), photo())
    assert metrics(app) == {}
    app.session_state["state.Mendings"] = state.Mendings(
        {digest_of_upload(app): mending.Mending().then(truth("other name.jpg"))}
    )
    app.run()
    assert "(mended by hand)" in captions(app)
    assert metrics(app)["Recall"] == "0.000"
    assert any("1 image mended in this session" in each.value for each in app.markdown)


def digest_of_upload(app: AppTest) -> str:
    [image] = app.session_state["state.Uploads"].files.values()
    return image.digest


def truth(name: str) -> GroundTruth:
    return GroundTruth(name, (300, 300), np.array([[10, 20, 90, 80]]), np.array([WATCH]))


def test_mended_boxes_outlive_a_visit_to_another_page_and_wait_for_their_export(opened):
    app = opened(tab="Mend", score_threshold="0.02")
    assert not kept(app).is_unsaved
    app.button(key="mend_accept_all").click().run()
    key = kept(app).key
    assert kept(app).is_unsaved
    app.switch_page("app.py").run()
    app.switch_page("pages/1_Thresholds.py").run()
    assert kept(app).key == key
    app.button(key="mend_undo").click().run()
    assert not kept(app).is_unsaved
