"""The login: a real provider of OpenID Connect, a real dashboard, a real browser."""

import http.client
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from dashboard.login import is_allowed
from detector.embedded import EmbeddedServer
from tests.support.browser import element
from tests.support.foreign import Foreign, gated
from tests.support.paths import ROOT
from tests.support.running import Dashboard, dashboard, free_port, wait_until_up

pytestmark = pytest.mark.server

CLIENT_SECRET, COOKIE_SECRET = "the-secret-of-the-client", "the-secret-that-signs-the-cookies"
DEEP_LINK = "/Thresholds?score_threshold=0.55"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://localhost:{port}"
            wait_until_up(f"http://127.0.0.1:{port}/.well-known/openid-configuration", process)
            yield url
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "log.txt"


def checkout(folder: Path, secrets: str) -> Path:
    """The program in a folder of its own: its secrets stand beside it."""
    for name in ("app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("dashboard", "detector", "model_server", "pages", ".streamlit"):
        shutil.copytree(ROOT / name, folder / name)
    for name in ("models", "samples"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".streamlit" / "secrets.toml").write_text(secrets)
    return folder


def client(provider: str) -> str:
    """Of a table of the secrets, the lines that are about one provider."""
    return f"""
        client_id = "lens"
        client_secret = "{CLIENT_SECRET}"
        server_metadata_url = "{provider}/.well-known/openid-configuration"
    """


def auth(port: int) -> str:
    """The table [auth] without a provider."""
    return f"""
        [auth]
        redirect_uri = "http://localhost:{port}/oauth2callback"
        cookie_secret = "{COOKIE_SECRET}"
    """


@pytest.fixture(scope="module")
def model_calls(embedded_server: EmbeddedServer) -> Iterator[Foreign]:
    """The model server, which keeps what it is asked."""
    with gated(embedded_server.address) as (_gate, server):
        yield server


@pytest.fixture(scope="module")
def guarded(
    provider: str, model_calls: Foreign, log: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dashboard]:
    port = free_port()
    allowed = '[serving]\nallowed_users = ["Ann@Example.com", "@example.org"]'
    secrets = f"{auth(port)}{client(provider)}{allowed}"
    folder = checkout(tmp_path_factory.mktemp("guarded"), secrets)
    with dashboard(log, folder, port, COMMODITY_LENS_SERVER=model_calls.address) as running:
        yield Dashboard(running.url.replace("127.0.0.1", "localhost"), running.pid)


def sign_in(page: Page, user: str, button: str = "Sign in") -> None:
    page.get_by_role("button", name=button).click()
    page.locator("input[name=sub]").fill(user)
    page.get_by_role("button", name="Authorize", exact=True).click()


# First of all: as soon as somebody is in, the model server is asked.
def test_without_a_sign_in_nothing_is_drawn_and_no_server_is_asked(
    visit: Callable[..., Page], guarded: Dashboard, model_calls: Foreign
):
    page = visit("about:blank")
    for path in ("/", DEEP_LINK, "/Compare", "/Batch", "/Server"):
        page.goto(f"{guarded.url}{path}")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        expect(page.locator(".lens-state, .lens-title, .st-key-sign_out")).to_have_count(0)
        expect(page.get_by_test_id("stPageLink")).to_have_count(0)
        assert model_calls.requests == []


def test_a_sign_in_leads_to_the_page_that_was_asked_for_and_tells_no_secrets(
    visit: Callable[..., Page], guarded: Dashboard, log: Path
):
    said: list[str] = []
    page = visit("about:blank")
    page.on("websocket", lambda socket: socket.on("framereceived", lambda f: said.append(str(f))))
    page.on("request", lambda request: said.append(request.url))
    page.goto(f"{guarded.url}{DEEP_LINK}")
    sign_in(page, "ann@example.com")
    expect(page.locator(".lens-state")).to_be_visible()
    assert page.url.removeprefix(guarded.url) == DEEP_LINK
    expect(page.get_by_test_id("stSidebar").get_by_text("ann@example.com")).to_be_visible()
    secret = f"{CLIENT_SECRET}|{COOKIE_SECRET}"
    assert not re.search(secret, "\n".join([*said, page.content()]))
    [code] = re.findall(r"oauth2callback\?code=(\w+)", "\n".join(said))
    assert not re.search(f"{secret}|{code}", log.read_text())


def test_of_an_allowed_domain_everybody_comes_in_until_the_sign_out(
    visit: Callable[..., Page], guarded: Dashboard
):
    page = visit(guarded.url)
    sign_in(page, "bob@example.org")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.goto(f"{guarded.url}/Server")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.locator(".lens-state")).to_have_count(0)


def test_a_stranger_is_told_so_and_can_sign_out(visit: Callable[..., Page], guarded: Dashboard):
    page = visit(guarded.url)
    sign_in(page, "eve@example.net")
    expect(page.get_by_role("alert")).to_contain_text("may not use this dashboard")
    expect(page.locator(".lens-state")).to_have_count(0)
    element(page, "sign_out").get_by_role("button").click()
    page.get_by_role("button", name="End session").click()
    sign_in(page, "ann@example.com")
    expect(page.locator(".lens-state")).to_be_visible()


def test_of_several_providers_each_has_a_button(
    visit: Callable[..., Page], provider: str, tmp_path: Path
):
    port = free_port()
    secrets = f"{auth(port)}[auth.acme]{client(provider)}[auth.other]{client(provider)}"
    with dashboard(tmp_path / "log.txt", checkout(tmp_path, secrets), port):
        page = visit(f"http://localhost:{port}/Server")
        expect(page.get_by_role("button", name="Sign in with Other")).to_be_visible()
        sign_in(page, "anybody@example.net", "Sign in with Acme")
        expect(page.locator(".lens-state")).to_be_visible()


def test_with_secrets_that_cannot_be_read_nobody_comes_in(
    visit: Callable[..., Page], tmp_path: Path
):
    port = free_port()
    with dashboard(
        tmp_path / "log.txt", checkout(tmp_path, f"{auth(port)}client_id ="), port
    ) as it:
        page = visit(it.url)
        expect(page.get_by_role("alert")).to_contain_text("secrets.toml cannot be read")
        expect(page.locator(".lens-state, .lens-title")).to_have_count(0)
        assert COOKIE_SECRET not in page.content()
    assert COOKIE_SECRET not in (tmp_path / "log.txt").read_text()


def asked(guarded: Dashboard, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(guarded.url.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


@pytest.mark.parametrize(
    "target", ["//evil.example/", "/\\evil.example", "https://evil.example", "/a\r\nX: y", ""]
)
def test_a_sign_in_leads_to_no_other_site(guarded: Dashboard, target: str):
    cookie = f"lens_return={quote(target, safe='')}"
    answer = asked(guarded, "/oauth2callback", Cookie=cookie)
    assert (answer.status, answer.headers["Location"]) == (302, "/")


def test_a_page_of_another_site_is_not_noted(guarded: Dashboard):
    own = asked(guarded, "/auth/login", Referer=f"{guarded.url}/Batch?x=1")
    assert "lens_return=%2FBatch%3Fx%3D1;" in own.headers["Set-Cookie"]
    others = asked(guarded, "/auth/login", Referer="https://evil.example/Batch")
    assert "lens_return=;" in others.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("user", "is_in"),
    [
        ({}, False),
        ({"email": "ann@example.com"}, True),
        ({"email": "ANN@example.com", "email_verified": True}, True),
        ({"email": "ann@example.com", "email_verified": False}, False),
        ({"email": "bob@example.com"}, False),
        ({"email": "bob@example.org"}, True),
        ({"email": "bob@mail.example.org"}, False),
        ({"email": "bob@example.org@evil.example"}, False),
        ({"email": ""}, False),
        ({"email": None, "name": "ann@example.com"}, False),
    ],
)
def test_who_is_allowed(user: dict[str, object], is_in: bool):
    assert is_allowed(user, ("ann@example.com", "@example.org")) == is_in


def test_without_a_list_everybody_who_signed_in_is_allowed():
    assert is_allowed({}, ())
