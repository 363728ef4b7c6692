"""thresholds.json."""

import json

import pytest

from detector.errors import ThresholdsError
from detector.evaluation.operating_points import OperatingPoint
from detector.formats.thresholds import read_thresholds, write_thresholds
from detector.ssd import Settings

LABELS = ("background", "shoes", "watch", "books")
SHOES, WATCH, BOOKS = 1, 2, 3


def test_thresholds_are_read_back_as_they_were():
    settings = Settings(0.25, class_thresholds={WATCH: 0.4213, BOOKS: 1.0})
    point = read_thresholds(write_thresholds(settings, LABELS), LABELS)
    assert point == OperatingPoint(0.25, {WATCH: 0.4213, BOOKS: 1.0})
    assert point.apply(Settings(iou_threshold=0.2)) == Settings(
        0.25, 0.2, class_thresholds={WATCH: 0.4213, BOOKS: 1.0}
    )


def test_the_file_has_a_version_and_names():
    content = json.loads(write_thresholds(Settings(class_thresholds={WATCH: 0.4}), LABELS))
    assert content == {
        "format": "commodity-lens-thresholds",
        "version": 1,
        "score_threshold": 0.3,
        "class_thresholds": {"watch": 0.4},
    }


def test_labels_may_stand_in_another_order_than_when_the_file_was_saved():
    data = write_thresholds(Settings(class_thresholds={WATCH: 0.4}), LABELS)
    point = read_thresholds(data, ("background", "books", "shoes", "watch"))
    assert dict(point.class_thresholds) == {3: 0.4}


def thresholds_file(**changes):
    content = {
        "format": "commodity-lens-thresholds",
        "version": 1,
        "score_threshold": 0.3,
        "class_thresholds": {},
    }
    return json.dumps({**content, **changes}).encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "broken JSON at line 1, column 1"),
        (b"{\n oops}", "broken JSON at line 2, column 2"),
        (b"\xff\xfe\xfd", "broken JSON"),
        (b"[" * 100_000, "broken JSON"),
        (b"[]", '"format": "commodity-lens-thresholds"'),
        (b"{}", '"format": "commodity-lens-thresholds"'),
        (thresholds_file(version=2), "version 2, expected 1"),
        (thresholds_file(version=None), "version None, expected 1"),
        (thresholds_file(score_threshold=None), "score_threshold is None"),
        (thresholds_file(score_threshold=1.5), "score_threshold is 1.5"),
        (thresholds_file(score_threshold=float("nan")), "score_threshold is nan"),
        (thresholds_file(class_thresholds=[]), "class_thresholds"),
        (
            thresholds_file(class_thresholds={"watch": "0.5"}),
            r"class_thresholds\['watch'\] is '0.5', expected a number",
        ),
        (
            thresholds_file(class_thresholds={"watch": True}),
            r"class_thresholds\['watch'\] is True, expected a number",
        ),
        (thresholds_file(class_thresholds={"background": 0.5}), "no label 'background'"),
        (
            thresholds_file(class_thresholds={"hats": 0.5, "watch": 0.5, "bags": 1}),
            r"no label 'hats' \(and 1 more\); it has shoes, watch, books",
        ),
    ],
)
def test_a_bad_file_is_an_error_that_says_what_is_wrong(data, message):
    with pytest.raises(ThresholdsError, match=message) as caught:
        read_thresholds(data, LABELS)
    assert caught.value.hint
