"""Why a box is there, on Detect and Thresholds."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state, why
from dashboard.masking import Masking
from tests.support.paths import ROOT

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("empty_caches")]

MASKS = 40


@pytest.fixture
def app(embedded_server, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    monkeypatch.setattr(why, "MASKS", MASKS)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run()
    assert not app.exception
    return app


def picked(app: AppTest) -> AppTest:
    rows = app.session_state[state._key(state.DetectFigure)].table_rows
    pick = app.session_state[state._key(state.Pick)]
    app.session_state[state._key(state.Pick)] = state.Pick(pick.digest, rows[0])
    return app.run()


def masking_of(app: AppTest) -> Masking:
    [found] = app.session_state[state._key(state.Why)].found.values()
    return found


def asked(app: AppTest) -> AppTest:
    app.button(key="why").click().run()
    masking_of(app).join(60)
    app.run()
    assert not app.exception
    return app


def test_stopped_it_shows_what_it_has_and_goes_on_from_there(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(why, "MASKS", 400)
    picked(app).button(key="why").click().run()
    masking = masking_of(app)
    while masking.saliency is None:
        time.sleep(0.01)
    app.run().button(key="why_stop").click().run()
    masking.join(60)
    app.run()
    count = masking.saliency.count
    assert count < 400
    assert any(f"{count} masks · stability" in each.value for each in app.caption)
    assert masking.curves is None
    app.button(key="why_on").click().run()
    assert masking.is_running
    app.button(key="why_close").click().run()
    masking.join(60)
    assert count < masking.saliency.count < 400  # nobody looks at it any more


def test_it_is_asked_of_the_box_that_is_picked(app: AppTest):
    assert app.button(key="why").disabled
    picked(app)
    assert not app.button(key="why").disabled
    asked(app)
    assert any(f"{MASKS} masks · stability" in each.value for each in app.caption)
    assert any("The map holds" in each.value for each in app.caption)
    assert "why_stop" not in {button.key for button in app.button}
    app.button(key="why_close").click().run()
    assert not any("masks · stability" in each.value for each in app.caption)


def test_what_was_found_out_is_kept(app: AppTest, monkeypatch: pytest.MonkeyPatch):
    asked(picked(app))
    app.button(key="why_close").click().run()
    monkeypatch.setattr(why, "Masking", None)
    app.button(key="why").click().run()
    assert not app.exception
    assert any(f"{MASKS} masks · stability" in each.value for each in app.caption)


def test_thresholds_asks_it_too(app: AppTest):
    picked(app).switch_page("pages/1_Thresholds.py").run()
    asked(app)
    assert any(f"{MASKS} masks · stability" in each.value for each in app.caption)
