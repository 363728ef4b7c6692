"""The table of detections on Detect."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from detector.images import read_image
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("empty_caches")


def decoded(uri: str) -> np.ndarray:
    data = base64.b64decode(uri.partition("base64,")[2])
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"), float)


def test_each_row_shows_what_is_in_its_own_box(embedded_server, monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["score_threshold"] = "0.05"
    app.run()
    image = read_image((ROOT / "samples" / "outfit_flatlay.jpg").read_bytes())
    [table] = [frame.value for frame in app.dataframe]
    assert len(table) > 5
    for row in table.itertuples():
        left, top = int(row.left), int(row.top)
        region = image[top : top + int(row.height), left : left + int(row.width)]
        crop = decoded(row.crop)
        small = np.asarray(Image.fromarray(region).resize(crop.shape[1::-1]), float)
        assert np.abs(crop - small).mean() < 20  # shrunk in two steps, and JPEG
        assert max(crop.shape) == 72
    assert len(set(table["crop"])) == len(table)


def test_a_lower_threshold_decodes_nothing(embedded_server, monkeypatch):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    before = len(app.dataframe[0].value)
    monkeypatch.setattr("PIL.Image.open", None)
    app.slider(key="score_threshold").set_value(0.02).run()
    assert not app.error
    assert len(app.dataframe[0].value) > before
