"""From an encoded photo of 12 megapixels to what people look at, without the time of a model.

    python -m benchmarks.image [--rounds 5]

First the page: decoded, the model's 300 x 300, a JPEG for the screen, a thumbnail, Plotly's figure.
Then a file with the boxes drawn in at the photo's own size. Beside OpenCV, which checks nothing and
knows no orientation or colour profile, and matplotlib, as scripts draw boxes.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Sheet
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from benchmarks.figure import LABELS, SIZE, photo
from benchmarks.measuring import Figure, interleaved, main
from detector import answers
from detector.drawing import photo as figures
from detector.drawing.annotate import annotated_jpeg, annotated_png
from detector.images import DISPLAY_SIDE, ImageLimits, encode_jpeg, shrunk
from detector.ssd import Detections

THUMBNAIL_SIDE = 208
JPEG_QUALITY = 92
AS_OURS = (
    *(cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY),
    *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
)
Pixels = NDArray[np.uint8]
Way = Callable[[], Any]


def figures_of(options: argparse.Namespace) -> list[Figure]:
    data, boxes = encode_jpeg(photo(), max(SIZE), JPEG_QUALITY), detections()
    page: dict[str, Way] = {
        "Commodity Lens": partial(on_page, data, boxes),
        "OpenCV: decoded, shrunk three times, two JPEGs": partial(on_page_by_opencv, data),
        "matplotlib: one PNG of 640 × 480": partial(by_matplotlib, data, boxes, (640, 480)),
    }
    png: dict[str, Way] = {
        "Commodity Lens": partial(file_of, data, boxes, "png"),
        "OpenCV": partial(file_by_opencv, data, boxes, ".png", []),
        "matplotlib": partial(by_matplotlib, data, boxes, SIZE),
    }
    jpeg: dict[str, Way] = {
        "Commodity Lens": partial(file_of, data, boxes, "jpeg"),
        "OpenCV": partial(file_by_opencv, data, boxes, ".jpg", AS_OURS),
    }
    check_equal(png)
    found = interleaved("a photo to the page's figure", page, rounds=options.rounds, warm_up=1)
    for case, ways in (("a photo to a PNG with its boxes", png), ("the same as JPEG", jpeg)):
        measured = interleaved(case, ways, rounds=options.rounds, warm_up=1)
        for figure in measured:
            figure.note = f"{len(ways[figure.way]()) / 1e6:.1f} MB"
        found += measured
    return found


def detections() -> Detections:
    """Twelve boxes."""
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, 0.8, (12, 2)) * SIZE
    sides = rng.uniform(0.05, 0.2, (12, 2)) * SIZE
    return Detections(
        boxes=np.hstack([corners, corners + sides]).astype(np.float32),
        scores=np.sort(rng.uniform(0.3, 1, 12).astype(np.float32))[::-1],
        class_ids=rng.integers(1, 9, 12),
        prior_indices=np.arange(12),
    )


def check_equal(ways: dict[str, Way]) -> None:
    """Both photos lie under the same boxes: away from them every pixel is the same.

    matplotlib resamples, and is not held to it.
    """
    ours, others = (decoded(ways[way]()) for way in ("Commodity Lens", "OpenCV"))
    if ours.shape != others.shape or (ours != others).any(axis=2).mean() > 0.1:
        raise SystemExit("the ways give other pictures")


def decoded(data: bytes) -> Pixels:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def on_page(data: bytes, boxes: Detections) -> tuple[bytes, bytes, str]:
    """As dashboard/media.py prepares it and Detect draws it."""

    def screen(image: Any) -> tuple[bytes, bytes]:
        display = shrunk(image, DISPLAY_SIDE)
        return encode_jpeg(display), encode_jpeg(display, THUMBNAIL_SIDE)

    display, thumbnail = answers.load(data, ImageLimits(), screen).made
    return display, thumbnail, figures.draw("media/photo.jpg", SIZE, boxes, LABELS).to_json()


def on_page_by_opencv(data: bytes) -> tuple[Pixels, bytes, bytes]:
    pixels = decoded(data)
    model, display, thumbnail = (
        cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        for size in ((300, 300), (1600, 1200), (208, 156))
    )
    files = [
        cv2.imencode(".jpg", each, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
        for each in (display, thumbnail)
    ]
    return np.asarray(model, np.uint8), files[0], files[1]


def file_of(data: bytes, boxes: Detections, kind: str) -> bytes:
    write = {"png": annotated_png, "jpeg": annotated_jpeg}[kind]
    return answers.decode(data, ImageLimits(), lambda image: write(image, boxes, LABELS))


def file_by_opencv(data: bytes, boxes: Detections, suffix: str, options: Sequence[int]) -> bytes:
    pixels = decoded(data)
    for box, score, label in zip(boxes.boxes, boxes.scores, boxes.class_ids, strict=True):
        left, top, right, bottom = (round(float(value)) for value in box)
        cv2.rectangle(pixels, (left, top), (right, bottom), (90, 160, 60), 10)
        text = f"{score:.2f}, {LABELS[label]}"
        cv2.putText(pixels, text, (left, top), cv2.FONT_HERSHEY_SIMPLEX, 2, (90, 160, 60), 4)
    file: bytes = cv2.imencode(suffix, pixels, options)[1].tobytes()
    return file


def by_matplotlib(data: bytes, boxes: Detections, size: tuple[int, int]) -> bytes:
    sheet = Sheet(figsize=(size[0] / 100, size[1] / 100), dpi=100)
    axes = FigureCanvasAgg(sheet).figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    axes.imshow(decoded(data)[..., ::-1])
    for box, score, label in zip(boxes.boxes, boxes.scores, boxes.class_ids, strict=True):
        left, top, right, bottom = box.tolist()
        outline = Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="green")
        axes.add_patch(outline)
        axes.text(left, top, f"{score:.2f}, {LABELS[label]}", color="green")
    file = io.BytesIO()
    sheet.savefig(file, format="png")
    return file.getvalue()


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=int, default=5)


if __name__ == "__main__":
    main(__doc__, figures_of, add_options)
