"""Detected images that tests write into files."""

import numpy as np
from hypothesis import strategies as st

from detector.formats.detected import DetectedImage
from detector.labels import COMMODITY_LABELS
from detector.ssd import Detections, Settings

LABELS = COMMODITY_LABELS


def detections(*rows: tuple[float, float, float, float, int, float]) -> Detections:
    """Rows of xmin, ymin, xmax, ymax, class id, score, best first."""
    columns = np.array(rows, dtype=np.float64).reshape(-1, 6)
    return Detections(
        boxes=columns[:, :4].astype(np.float32),
        scores=columns[:, 5].astype(np.float32),
        class_ids=columns[:, 4].astype(np.int64),
        prior_indices=np.arange(len(columns)),
    )


TWO = DetectedImage(
    "shop/shelf.jpg",
    (640, 480),
    detections((10.25, 20.5, 110.75, 220, 4, 0.93), (0, 0, 640, 480, 7, 0.5)),
    model_name="commodity",
    model_version=3,
    settings=Settings(score_threshold=0.4, class_thresholds={2: 0.5}, classes=frozenset({7, 4})),
)
NONE = DetectedImage("empty.jpg", (300, 200), Detections.empty())


@st.composite
def detected_images(draw: st.DrawFn) -> DetectedImage:
    width, height = draw(st.integers(8, 9000)), draw(st.integers(8, 9000))
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        xs = sorted(draw(st.lists(st.floats(0, width, width=32), min_size=2, max_size=2)))
        ys = sorted(draw(st.lists(st.floats(0, height, width=32), min_size=2, max_size=2)))
        score = draw(st.floats(float(np.float32(0.01)), 1, width=32))
        rows.append((xs[0], ys[0], xs[1], ys[1], draw(st.integers(1, 8)), score))
    rows.sort(key=lambda row: -row[5])
    name = draw(st.text(st.characters(codec="utf-8"), max_size=20))
    return DetectedImage(name, (width, height), detections(*rows))
