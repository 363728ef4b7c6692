"""Nothing escapes the frame: an error in a page, a fragment or a callback is one calm box."""

import gc
import inspect
import logging
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import frame
from dashboard.answers import VersionWatch
from detector.errors import ServerFaultError, ServerTimeoutError, ServerUnavailableError
from tests.support.foreign import Foreign, serving, statuses
from tests.support.paths import ROOT

pytestmark = pytest.mark.usefixtures("empty_caches")


def in_page() -> None:
    from dashboard import frame

    with frame.page("Detect"):
        raise KeyError("a secret")


def in_fragment() -> None:
    import streamlit as st

    from dashboard import frame

    @frame.fragment
    def part() -> None:
        raise KeyError("a secret")

    with frame.page("Detect"):
        part()
        st.write("the rest of the page")


def in_callback() -> None:
    import streamlit as st

    from dashboard import frame

    @frame.callback
    def clicked() -> None:
        raise KeyError("a secret")

    with frame.page("Detect"):
        st.button("Click", key="click", on_click=clicked)
        st.write("the rest of the page")


def refused_in_callback() -> None:
    import streamlit as st

    from dashboard import frame
    from detector.errors import ConfigError

    @frame.callback
    def clicked() -> None:
        raise ConfigError("the setting is wrong", "Correct it.")

    with frame.page("Detect"):
        st.button("Click", key="click", on_click=clicked)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    with serving(Foreign(status=statuses((1, 30, "")))) as foreign:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", foreign.address)
        yield foreign


@pytest.fixture
def app_of(tmp_path: Path) -> Callable[[Callable[[], None]], AppTest]:
    """An app whose home page is the function's body, beside our own pages."""

    def build(script: Callable[[], None]) -> AppTest:
        body = inspect.getsource(script).partition("\n")[2]
        (tmp_path / "app.py").write_text(textwrap.dedent(body))
        shutil.copytree(ROOT / "pages", tmp_path / "pages")
        return AppTest.from_file(str(tmp_path / "app.py"), default_timeout=60).run()

    return build


def state_lines(app: AppTest) -> list[str]:
    return [b.value for b in app.get("html") if 'data-state="ready"' in b.value]


@pytest.mark.parametrize("script", [in_page, in_fragment, in_callback])
def test_an_unexpected_error_is_one_box_with_the_id_of_the_log(server, app_of, script, caplog):
    app = app_of(script)
    if script is in_callback:
        assert not app.error
        app.button(key="click").click().run()
    assert not app.exception
    [box] = app.error
    assert "a secret" not in box.value
    [record] = [r for r in caplog.records if r.levelno >= logging.ERROR]
    error_id = record.getMessage().rpartition(" ")[2]
    assert error_id in box.value
    assert record.exc_info is not None
    assert "a secret" in str(record.exc_info[1])
    # The page goes on, and the state line is written.
    assert state_lines(app)
    if script is not in_page:
        assert "the rest of the page" in [text.value for text in app.markdown]


def test_an_error_of_a_callback_is_told_once(server, app_of):
    app = app_of(refused_in_callback)
    app.button(key="click").click().run()
    assert ["The setting is wrong" in box.value for box in app.error] == [True]
    app.run()
    assert not app.error


# What a server says of its version, and when it says nothing.


def test_a_version_is_asked_once_while_it_is_fresh():
    asked: list[int] = []
    watch = VersionWatch(lambda: asked.append(1) or 7)
    assert [watch.version() for _ in range(5)] == [7] * 5
    assert len(asked) == 1


def test_a_silent_server_costs_a_bounded_wait_and_its_last_word_holds(monkeypatch):
    monkeypatch.setattr("dashboard.answers.WAIT_S", 0.05)
    monkeypatch.setattr("dashboard.answers.PATIENCE_S", 0.05)
    monkeypatch.setattr("dashboard.answers.FRESH_S", 0.0)
    silent, answers = Event(), Event()

    def ask() -> int:
        if silent.is_set():
            assert answers.wait(300)
        return 3

    watch = VersionWatch(ask)
    monkeypatch.setattr("dashboard.answers.WAIT_S", 300)
    assert watch.version() == 3
    silent.set()
    assert [watch.version() for _ in range(3)] == [3] * 3
    answers.set()


def test_a_server_that_never_said_anything_is_a_timeout(monkeypatch):
    monkeypatch.setattr("dashboard.answers.WAIT_S", 0.05)
    done = Event()
    watch = VersionWatch(lambda: int(done.wait(300)))
    with pytest.raises(ServerTimeoutError):
        watch.version()
    done.set()


@pytest.mark.parametrize(
    ("raised", "told"),
    [(ServerUnavailableError("gone"), ServerUnavailableError), (KeyError("x"), ServerFaultError)],
)
def test_what_goes_wrong_while_asking_is_told_by_each_call(raised, told, monkeypatch):
    monkeypatch.setattr("dashboard.answers.WAIT_S", 300)

    def ask() -> int:
        raise raised

    watch = VersionWatch(ask)
    for _ in range(2):
        with pytest.raises(told):
            watch.version()


def test_a_forgotten_word_is_asked_for_again(monkeypatch):
    monkeypatch.setattr("dashboard.answers.WAIT_S", 300)
    versions = iter([1, 2])
    watch = VersionWatch(lambda: next(versions))
    assert watch.version() == 1
    watch.forget()
    assert watch.version() == 2


def test_a_text_without_its_marks_has_no_markdown_and_nothing_to_do_by_hand():
    label = frame.plain("a *b* :gray[c]")
    text = f":material/info: **Boxes** of {label} :gray[· **click** one to see it]"
    assert frame.unmarked(text) == "Boxes of a *b* :gray[c]"


def test_the_text_of_others_is_shown_as_it_is():
    assert frame.plain("a *b* &amp; c:d") == r"a \*b\* \&amp; c\:d"


def test_modules_are_out_of_the_collectors_sight_and_what_a_page_makes_is_not(server, app_of):
    def script() -> None:
        from dashboard import frame

        class Knot:
            pass

        with frame.page("Detect"):
            knot = Knot()
            knot.itself = knot

    app = app_of(script).run()
    frozen = gc.get_freeze_count()
    assert frozen > 50_000
    for _ in range(3):
        app.run()
    gc.collect()
    assert gc.get_freeze_count() <= frozen  # nothing of a session is kept for ever
    assert sum(type(each).__name__ == "Knot" for each in gc.get_objects()) == 0
    gc.unfreeze()
    assert sum(type(each).__name__ == "Knot" for each in gc.get_objects()) <= 1
