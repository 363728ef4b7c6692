"""Many images under several alterations, in the background."""

import time
from dataclasses import replace

import pytest

from dashboard.robustness.measuring import Measuring
from detector.alterations import IDENTITY, Alteration
from detector.answers import AnswerStore, Detector, StoredAnswers
from detector.batch.run import Source
from detector.config import Config
from detector.evaluation.matching import at_floor
from detector.ssd import Settings
from tests.support.paths import ROOT

pytestmark = pytest.mark.server

FILES = ("canvas_shoes.jpg", "headphones_studio.jpg", "book_covers.jpg")
ALTERATIONS = (IDENTITY, Alteration(crop=0.3))


@pytest.fixture
def detector(embedded_server) -> Detector:
    with Detector(Config.load({}, {"COMMODITY_LENS_SERVER": embedded_server.address})) as opened:
        yield opened


def measuring(detector: Detector, sources: list[Source], **changes: str) -> Measuring:
    stored = StoredAnswers(AnswerStore(), "", "commodity", 2)
    model = replace(detector.model(), **changes)
    return Measuring(sources, ALTERATIONS, model, Settings(), detector.config, stored, repr)


def source(name: str) -> Source:
    return Source(name, (ROOT / "samples" / name).read_bytes)


def test_each_image_is_answered_under_each_alteration_and_a_bad_file_is_told(detector):
    run = measuring(detector, [source(FILES[0]), Source("bad.jpg", lambda: b"no image")])
    run.go_on()
    run.join(60)
    assert not run.is_running
    assert (run.count, run.error, run.error_id) == (2, None, "")
    [(name, _error)] = run.refused
    assert name == "bad.jpg"
    [image] = run.images
    expected = detector.answer(ROOT / "samples" / FILES[0]).detections(at_floor(Settings()))
    unaltered, cropped = image.found
    assert (unaltered.boxes == expected.boxes).all()
    assert (unaltered.scores == expected.scores).all()
    width, height = ALTERATIONS[1].size_after(image.size)
    assert (cropped.boxes.max(axis=0) <= [width, height, width, height]).all()
    assert cropped.boxes[:, 2].max() > 0.6 * width


def test_stopped_it_begins_no_more_images_and_goes_on_where_it_was(detector):
    begun = []

    def counted(name: str) -> Source:
        each = source(name)
        return replace(each, read=lambda: begun.append(name) or each.read())

    run = measuring(detector, [counted(name) for name in 7 * FILES])
    run.stop()
    assert not run.is_running
    run.go_on()
    while not run.images:
        time.sleep(0.01)
    run.stop()
    run.join(60)
    before = run.images
    assert 0 < len(before) < 21
    run.go_on()
    run.join(60)
    assert [image.name for image in run.images] == list(7 * FILES)
    assert len(begun) == 21
    assert all(image in run.images for image in before)


def test_an_answer_that_cannot_be_used_ends_it_with_its_error(detector):
    run = measuring(detector, [source(FILES[0])], output_name="nothing:0")
    run.go_on()
    run.join(60)
    assert run.error is not None
    assert run.images == []
