"""The colour of each class, the same in the figure, the tables and the annotated images."""

import colorsys

# Okabe and Ito's colours, with Tol's wine in place of their black, which no dark photo shows. The
# two nearest of the eight are 16 apart (CIE76) for people without blue cones, 17 without green, 21
# without red; Okabe and Ito's own eight are no further apart.
_COLORS = (
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#882255",
)
_BACKGROUND_COLOR = "#999999"


def class_color(class_id: int) -> str:
    """Colour of a class as "#RRGGBB".

    The first eight classes can be told apart without red, green or blue cones; those after them
    are spread over the hues. Class 0, the background, is grey.
    """
    if class_id < 0:
        raise ValueError(f"class_id is {class_id}, expected 0 or more")
    if class_id == 0:
        return _BACKGROUND_COLOR
    if class_id <= len(_COLORS):
        return _COLORS[class_id - 1]
    # Steps of the golden ratio keep away from earlier hues; lightness parts those that come near.
    step = class_id - len(_COLORS)
    hue = (0.08 + step * 0.618033988749895) % 1.0
    lightness = (0.62, 0.42, 0.74)[step % 3]
    rgb = colorsys.hls_to_rgb(hue, lightness, 0.72)
    return "#" + "".join(f"{round(channel * 255):02X}" for channel in rgb)


def text_color(background: str) -> str:
    """Black or white, whichever is read better on a "#RRGGBB" background (WCAG contrast)."""
    luminance = _luminance(background)
    return "#000000" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "#FFFFFF"


def _luminance(color: str) -> float:
    """Relative luminance of an sRGB colour, 0..1 (WCAG 2)."""
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
