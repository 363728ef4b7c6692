"""What a page under the app tester keeps in its session."""

from typing import TypeVar

import pytest
from streamlit.testing.v1 import AppTest

T = TypeVar("T")


def kept(app: AppTest, kind: type[T]) -> T:
    """The session's value of that class of dashboard.state."""
    name = f"state.{kind.__name__}"
    return app.session_state[name] if name in app.session_state else kind()


def keep(app: AppTest, value: object) -> None:
    app.session_state[f"state.{type(value).__name__}"] = value


def ask_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Instead of waiting until a server's version is asked for again."""
    monkeypatch.setattr("dashboard.answers.FRESH_S", 0.0)
    monkeypatch.setattr("dashboard.answers.PATIENCE_S", 60.0)
