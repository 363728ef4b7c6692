"""XML that others wrote: nothing in it can grow or reach outside the file."""

from xml.etree import ElementTree

import defusedxml.ElementTree
from defusedxml import DTDForbidden

from detector.errors import GroundTruthError
from detector.translation import _


def root_of(data: bytes) -> ElementTree.Element:
    """The root element. A document type is refused. Raises GroundTruthError."""
    try:
        root: ElementTree.Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except DTDForbidden as error:
        raise GroundTruthError(
            _("the XML has a document type (DOCTYPE), which is refused for safety"),
            _("Remove the <!DOCTYPE ...> from the file."),
        ) from error
    except ElementTree.ParseError as error:
        line, column = error.position
        raise GroundTruthError(
            _(
                "broken XML at line {line}, column {column}: {fault}",
                line=line,
                column=column + 1,
                fault=str(error).split(":")[0],
            )
        ) from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise GroundTruthError(_("broken XML: {fault}", fault=error)) from error
    return root


def text_of(element: ElementTree.Element, path: str) -> str | None:
    """The text at a path; None where there is none, or several that differ."""
    texts = {(found.text or "").strip() for found in element.findall(path)}
    return texts.pop() if len(texts) == 1 else None
