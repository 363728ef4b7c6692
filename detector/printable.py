"""Text of others on its way to a terminal, a log or a page."""

_JOINERS = "\u200c\u200d"  # not printable by Unicode, but letters in Persian, Hindi and emoji


def printable(text: str) -> str:
    r"""The text with all that is not printable, but for line ends, as an escape: \x1b, \u202e.

    A server's message or a file's name may else move the cursor, change colours or turn the
    writing around. What cannot be encoded (half a surrogate pair) is escaped too.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable() or letter == "\n" or letter in _JOINERS
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def on_one_line(text: str) -> str:
    """The same with line ends as escapes too: a name may else look like a line of ours."""
    return printable(text).replace("\n", r"\n")
