"""The language of a page: what its address says, what the visitor has chosen, else the browser's.

Set anew at the beginning of each run of a page, a fragment or a callback: threads run for many.
"""

from collections.abc import Iterable

import streamlit as st

from dashboard import media, state
from detector.labels import name_in, name_of
from detector.translation import LANGUAGES, _, in_language, known, language

ADDRESS = "lang"  # its name in the address: ?lang=zh
SWITCH = "language"


def choose() -> None:
    """Speak the language that the page's address asks for, if it does, from now on; for pages."""
    given = known(st.query_params.get(ADDRESS))
    if given is not None:
        state.write(state.Language(given))
    speak()
    # On the page that one comes to as well, but only what was chosen: a link leaves to whoever
    # opens it what the browser says.
    if given is None and (chosen := state.read(state.Language).chosen) is not None:
        st.query_params[ADDRESS] = _short(chosen)


def speak() -> None:
    """Speak the visitor's language in this run."""
    language.set(state.read(state.Language).chosen or known(st.context.locale) or "en")


def switch() -> None:
    """Speak what the switch says, from now on; the callback of it."""
    chosen = str(state.widget(SWITCH))
    state.write(state.Language(chosen))
    state.write(state.ServerSeen())  # its line is another one, and no other version
    st.query_params[ADDRESS] = _short(chosen)
    speak()


def tag() -> str:
    """The language as HTML names it: zh-CN."""
    return language.get().replace("_", "-")


def understand(
    key: str, options: Iterable[str], labels: Iterable[str] = (), *, several: bool = False
) -> None:
    """Before a choice is drawn for the first time whose words are in the address: choose what they
    say, whatever language the link was made in. Streamlit knows those of the visitor's own.

    Args:
        options: as they stand in the code, marked with `noted`.
        labels: of classes, which are options too.
        several: more than one may be chosen.
    """
    given = st.query_params.get_all(key)
    if not given or state.has_widget(key):
        return
    labels = tuple(labels)
    meant_by = meant(options, labels)
    chosen = [meant_by[word] for word in given if word in meant_by]
    words = [str(name_of(each) if each in labels else _(each)) for each in chosen]
    if chosen and words != [word for word in given if word in meant_by]:
        state.set_widget(key, chosen if several else chosen[0])
        media.readdress(key, words)


def meant(options: Iterable[str], labels: Iterable[str] = ()) -> dict[str, str]:
    """The options, and the labels of classes, by the words for them in every language."""
    of_classes = {name_in(each, label): label for label in labels for each in LANGUAGES}
    return of_classes | {
        in_language(each, option): option for option in options for each in LANGUAGES
    }


def _short(name: str) -> str:
    return name.split("_")[0]
