"""Two panels of one photo: what their spec says."""

import itertools

import numpy as np
import pytest

from detector.drawing import linked
from detector.drawing.marks import CHIP_HEIGHT
from detector.evaluation.pairing import pair
from detector.ssd import Detections
from tests.detector.drawing.test_photo import GREY, LABELS, SIZE, detections, random_detections
from tests.support.figures import texts_of

NONE = Detections.empty()


def test_two_empty_sides_are_two_photos_with_one_zoom() -> None:
    layout = linked.draw(GREY, SIZE, pair(NONE, NONE), LABELS).layout
    assert [(image.xref, image.yref) for image in layout.images] == [("x", "y"), ("x2", "y2")]
    assert (layout.xaxis2.matches, layout.yaxis2.matches) == ("x", "y")


@pytest.mark.parametrize(("stacked", "width"), [(False, 560), (True, 350)])
def test_labels_never_cover_each_other_at_the_size_of_the_panels(stacked: bool, width: int) -> None:
    pairing = pair(random_detections(60, seed=6), NONE)
    figure = linked.draw(GREY, SIZE, pairing, LABELS, stacked=stacked)
    scale = SIZE[0] / width
    rectangles = [
        (
            x if angle < 0 else x - size * 1.4 * scale,
            y - CHIP_HEIGHT / 2 * scale,
            x + size * 1.4 * scale if angle < 0 else x,
            y + CHIP_HEIGHT / 2 * scale,
        )
        for trace in figure.data
        if trace.type == "scatter" and trace.mode == "markers" and trace.marker.angle is not None
        for x, y, size, angle in zip(
            trace.x, trace.y, trace.marker.size, trace.marker.angle, strict=True
        )
    ]
    assert len(rectangles) > 8
    for a, b in itertools.combinations(np.array(rectangles), 2):
        overlap = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
        assert overlap.min() <= 0.1


def test_headings_and_labels_are_text_and_no_markup() -> None:
    names = ("background", '<b>"x"</b>')
    found = detections((0, 0, 200, 200, 1, 0.9))
    figure = linked.draw(GREY, SIZE, pair(found, found), names, headings=("<i>A</i>", "B"))
    texts = texts_of(figure)
    assert [text for text in texts if "<b>" in text.replace("<b>In both</b>", "")] == []
    assert any('&lt;b&gt;"x"&lt;/b&gt;' in text for text in texts)
    assert figure.layout.annotations[0].text == "&lt;i&gt;A&lt;/i&gt;"
