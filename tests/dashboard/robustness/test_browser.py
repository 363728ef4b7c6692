"""Robustness in a browser: a knob is dragged, a line is clicked."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.browser import element, finished, is_no_wider_than_the_window, settled, still


def test_a_knob_alters_the_photo_and_a_line_picks_its_box(
    visit: Callable[..., Page], url: str
) -> None:
    page = visit(f"{url}/Robustness", viewport={"width": 1440, "height": 900})
    expect(element(page, "robust_verdict")).to_contain_text("Brightness: ")
    finished(page)
    photo = element(page, "figure").locator(".imagelayer image")
    unaltered = photo.get_attribute("href")
    knob = element(page, "knob_noise").locator("input[type=range]")
    knob.focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(element(page, "robust_verdict")).to_contain_text("Noise: ")
    settled(page)
    expect(photo).not_to_have_attribute("href", unaltered or "")
    expect(page).to_have_url(re.compile(r"knob_noise=0\.4"))
    expect(element(page, "figure").locator(".legend")).to_contain_text("Lost · ")

    chart = element(page, "sweep")
    still(chart)
    chart.locator(".scatterlayer .trace").first.locator(".point").nth(3).click(force=True)
    faint = chart.locator('.scatterlayer .trace[style*="opacity: 0.15"]')
    expect(faint.first).to_be_visible()
    page.reload()
    expect(element(page, "robust_verdict")).to_contain_text("Noise: ")
    expect(knob).to_have_value("0.4")
    finished(page)
    is_no_wider_than_the_window(page)
