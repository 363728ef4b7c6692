"""A saliency map over its image."""

import numpy as np
from PIL import Image

from detector.drawing.charts import belief
from detector.drawing.heat import STOPS, over_image

GREY = Image.new("RGB", (400, 300), (128, 128, 128))


def brightness(image: Image.Image, x: int, y: int) -> int:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return sum(pixel)


def test_the_most_of_the_map_is_brightest_and_its_range_does_not_matter():
    heat = np.tile(np.linspace(0.2, 0.3, 30, dtype=np.float32), (30, 1))
    nowhere = np.zeros(4, np.float32)
    drawn = over_image(GREY, heat, nowhere)
    assert drawn.size == GREY.size
    levels = [brightness(drawn, x, 200) for x in (20, 120, 220, 320, 390)]
    assert levels == sorted(levels)
    assert levels[-1] > levels[0] + 150
    assert drawn.tobytes() == over_image(GREY, heat * 10 - 5, nowhere).tobytes()


def test_a_map_without_differences_is_drawn_in_the_first_colour():
    drawn = over_image(GREY, np.ones((5, 5), np.float32), np.zeros(4, np.float32))
    first = np.array([int(STOPS[0][i : i + 2], 16) for i in (1, 3, 5)])
    expected = 128 * (1 - 0.62) + first * 0.62
    assert np.abs(np.array(drawn.getpixel((200, 200))) - expected).max() < 2


def test_the_box_is_drawn_where_it_is():
    heat = np.zeros((10, 10), np.float32)
    drawn = over_image(GREY, heat, np.array([0.25, 0.5, 0.75, 0.75], np.float32))
    plain = over_image(GREY, heat, np.zeros(4, np.float32))
    changed = np.argwhere(np.asarray(drawn).sum(axis=2) != np.asarray(plain).sum(axis=2))
    rows, columns = changed[changed.min(axis=1) > 10].T  # but for the box of the other, a corner
    assert (columns.min(), rows.min()) == (99, 149)
    assert (columns.max(), rows.max()) == (301, 226)


def test_the_curves_are_drawn_as_they_are():
    figure = belief([0, 0.5, 1], [1, 0.2, 0], [0, 0.7, 1])
    hidden, shown = figure.data
    assert (list(hidden.x), list(hidden.y)) == ([0, 0.5, 1], [1, 0.2, 0])
    assert list(shown.y) == [0, 0.7, 1]
