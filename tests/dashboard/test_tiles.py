"""Tiles on the pages: one choice for all of them, in links and in words."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state, why
from detector.ssd import Settings
from detector.tiling import Tiling
from tests.support.paths import NEWEST, ROOT
from tests.support.running import free_port, until

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("empty_caches")]


@pytest.fixture(autouse=True)
def server(embedded_server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)


def opened(page: str = "app.py", **address: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in address.items():
        app.query_params[key] = value
    app.run() if page == "app.py" else app.switch_page(page).run()
    assert not app.exception
    return app


def of(app: AppTest, kind: type):
    return app.session_state[state._key(kind)]


def part_counts(app: AppTest) -> list[int]:
    """Of the answers that the session has had."""
    answers = of(app, state.Answers).store._answers
    return [answer.raw.part_count for answer in answers.values()]


def printed(app: AppTest) -> str:
    return " ".join(html.value for html in app.get("html") if "lens-paper" in html.value)


def test_a_choice_of_tiles_asks_the_server_once_and_sliders_do_not():
    app = opened()
    assert part_counts(app) == [1]
    app.segmented_control(key="tiles").set_value("2 × 2").run()
    assert part_counts(app) == [1, 5]
    app.slider(key="score_threshold").set_value(0.5).run()
    app.segmented_control(key="tiles").set_value("Off").run()
    app.segmented_control(key="tiles").set_value("2 × 2").run()
    assert not app.exception
    assert sorted(part_counts(app)) == [1, 5]
    assert "Tiles: 2 × 2" in printed(app)


@pytest.mark.parametrize("word", ["By size", "按大小"])
def test_a_link_reopens_the_choice_whatever_language_it_was_made_in(word):
    app = opened(tiles=word)
    assert of(app, state.Thresholds).settings.tiles is Tiling.AUTO
    assert app.segmented_control(key="tiles").value == "By size"
    assert part_counts(app) == [5]  # asked at once as the link says: 1280 × 960 is cut into 2 × 2


def test_a_link_that_says_nonsense_is_of_no_tiles():
    assert part_counts(opened(tiles="9 × 9")) == [1]


def test_x_ray_says_which_part_a_box_was_seen_in():
    app = opened("pages/1_Thresholds.py", tiles="2 × 2", tab="X-ray")
    raw = next(iter(of(app, state.Answers).store._answers.values())).raw
    digest = of(app, state.Pick).digest
    indices = raw.prior_indices.tolist()
    parts = {raw.part_of(index) for index in indices}
    assert len(parts) > 2  # which tiles see anything is the model's
    for part in parts:
        scores = {
            index: raw.scores[row, 1:]
            for row, index in enumerate(indices)
            if raw.part_of(index) == part
        }
        prior = max(scores, key=lambda index: scores[index].max())
        name = f"{scores[prior].argmax() + 1}-{prior}"
        app.session_state[state._key(state.Pick)] = state.Pick(digest, name)
        app.run()
        named = next(
            m.value for m in app.markdown if "suppressed" in m.value or "was removed" in m.value
        )
        row, column = divmod(part - 1, 2)
        place = f"tile {part} of 4 (row {row + 1}, column {column + 1})"
        assert (place if part else "the whole image") in named.partition("**")[2].partition("**")[0]


def test_why_a_box_of_a_tile_is_there_is_found_out_in_that_tile(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(why, "MASKS", 8)
    app = opened(tiles="3 × 3")
    [answer] = of(app, state.Answers).store._answers.values()
    found = answer.detections(Settings())
    priors = found.prior_indices.tolist()
    row = next(row for row, prior in enumerate(priors) if answer.raw.part_of(prior))
    pick = of(app, state.Pick)
    app.session_state[state._key(state.Pick)] = state.Pick(pick.digest, found.ids[row])
    app.run().button(key="why").click().run()
    [masking] = of(app, state.Why).found.values()
    masking.join(60)
    app.run()
    assert not app.exception
    xmin, ymin, xmax, ymax = masking.part
    scale, start = np.array([xmax - xmin, ymax - ymin] * 2), np.array([xmin, ymin] * 2)
    in_image = (masking.target.box * scale + start) * np.array([*answer.size] * 2)
    np.testing.assert_allclose(in_image, found.boxes[row], atol=0.01)
    assert masking.curves.inserted[-1] > 0.95  # with nothing hidden the box is there: same pixels
    assert any("of the tile that the box comes from" in each.value for each in app.caption)


def test_compare_sets_a_side_with_tiles_against_one_without():
    app = opened("pages/2_Compare.py", version_a=NEWEST, version_b=NEWEST, tiles_b="2 × 2")
    assert sorted(part_counts(app)) == [1, 5]
    lines = [html.value for html in app.get("html") if "lens-paper" in html.value]
    assert [" · tiles 2 × 2" in line for line in lines if "score ≥" in line] == [False, True]


def test_while_no_server_answers_the_recorded_answer_is_said_to_be_without_tiles(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", f"127.0.0.1:{free_port()}")
    app = opened(tiles="2 × 2")
    assert any("Other tiles" in each.value for each in app.caption)
    assert "Tiles" not in printed(app)


def test_a_batch_is_run_again_with_other_tiles():
    app = opened("pages/3_Batch.py")
    job = of(app, state.Batch).job
    app.segmented_control(key="tiles").set_value("2 × 2").run()
    again = of(app, state.Batch).job
    assert (job.tiling, again.tiling) == (Tiling.OFF, Tiling.TWO)
    assert again.sources == job.sources
    until(lambda: again.count)
    again.stop()
    again.join(60)
    app.run()
    assert not app.exception
    assert {done.raw.part_count for done in again.results} == {5}
    assert "Tiles: 2 × 2" in printed(app)


def test_robustness_asks_about_the_whole_image_and_leaves_the_choice_to_the_other_pages():
    app = opened("pages/5_Robustness.py", tiles="2 × 2")
    assert part_counts(app) == [1]
    assert "Tiles" not in printed(app)
    assert any("without tiles" in each.value for each in app.caption)
    assert of(app, state.Thresholds).settings.tiles is Tiling.TWO
    assert app.query_params["tiles"] in ("2 × 2", ["2 × 2"])
