"""Why a box is there, on Detect."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.detect import why
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


def test_it_is_asked_of_the_box_that_is_picked(app: AppTest):
    assert app.button(key="why").disabled
    picked(app)
    assert not app.button(key="why").disabled
    app.button(key="why").click().run()
    assert not app.exception
    assert any(f"{MASKS} masks · stability" in each.value for each in app.caption)
    assert any("The map holds" in each.value for each in app.caption)
    assert "why_stop" not in {button.key for button in app.button}
    app.button(key="why_close").click().run()
    assert not any("masks · stability" in each.value for each in app.caption)


def test_what_was_found_out_is_kept(app: AppTest, monkeypatch: pytest.MonkeyPatch):
    picked(app).button(key="why").click().run()
    app.button(key="why_close").click().run()
    monkeypatch.setattr(why, "explain", None)
    monkeypatch.setattr(why, "curves", None)
    app.button(key="why").click().run()
    assert not app.exception
    assert any(f"{MASKS} masks · stability" in each.value for each in app.caption)
