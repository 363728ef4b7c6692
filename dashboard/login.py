"""The sign-in: who may see the pages, where the secrets have a table [auth].

Streamlit speaks OpenID Connect with the provider that the table names, and keeps who somebody is in
a signed cookie. Here a page asks whether it may be drawn.
"""

from collections.abc import Collection, Mapping

import streamlit as st

from dashboard.answers import config
from detector.config import LOGIN, read_secrets
from detector.printable import on_one_line
from detector.translation import _


def let_in() -> bool:
    """Whether the page may be drawn; if not, what stands in its place is drawn.

    Raises:
        ConfigError: the settings do not say who may come in. Nobody may.
    """
    if not _is_on():
        return True
    if st.user.get("is_logged_in") is not True:
        _ask()
        return False
    if is_allowed(st.user, config().allowed_users):
        return True
    _refuse()
    return False


def is_allowed(user: Mapping[str, object], allowed_users: Collection[str]) -> bool:
    """Whether somebody who has signed in may come in.

    Args:
        user: the provider's claims. An e-mail address that they call unverified is nobody's.
        allowed_users: as of `Config`; empty: everybody.
    """
    if not allowed_users:
        return True
    email = user.get("email")
    if not isinstance(email, str) or user.get("email_verified", True) not in (True, "true"):
        return False
    email = email.casefold()
    return email in allowed_users or email[email.rfind("@") :] in allowed_users


def show_sign_out() -> None:
    """Who is signed in, and a button to end it; nothing without a login."""
    if not _is_on():
        return
    who = st.user.get("email") or st.user.get("name") or ""
    st.text(on_one_line(str(who)))
    icon = ":material/logout:"
    st.button(_("Sign out"), key="sign_out", icon=icon, on_click=st.logout, width="stretch")


@st.cache_resource(show_spinner=False)
def _providers() -> tuple[str, ...]:
    """Names of the providers in the secrets; "default" is the one without a name."""
    table = read_secrets().get(LOGIN, {})
    named = [name for name, entry in table.items() if isinstance(entry, dict)]
    return tuple(name for name in named if name != "client_kwargs") or ("default",) * bool(table)


def _is_on() -> bool:
    # Streamlit reads secrets in the home folder too: it alone has this name, and with [auth] only.
    return bool(_providers()) or "is_logged_in" in st.user


def _ask() -> None:
    with st.container(key="login"):
        st.title("Commodity Lens")
        st.write(_("Sign in to use this dashboard."))
        for name in _providers() or ("default",):
            with_name = _("Sign in with {name}", name=name.capitalize())
            label = _("Sign in") if name == "default" else with_name
            icon = ":material/login:"
            if st.button(label, key=f"sign_in_{name}", icon=icon, type="primary"):
                st.login(name)


def _refuse() -> None:
    with st.container(key="login"):
        st.title("Commodity Lens")
        st.error(
            _(
                "**This account may not use this dashboard.** Ask whoever runs it, or sign out and"
                " sign in with another one."
            ),
            icon=":material/person_off:",
        )
        show_sign_out()
