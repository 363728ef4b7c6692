"""The pages for those who hear them, see little colour, or hold a phone: in a real browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import darkened, element, finished, settled
from tests.support.paths import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# What is Streamlit's own markup and cannot be mended from here: the rule, and where it is let be.
STREAMLITS_OWN = {
    # The uploader's drop zone has a role and is focusable.
    "presentation-role-conflict": "[data-testid=stFileUploaderDropzone]",
    # The head of a table's column of check boxes.
    "empty-table-header": "[data-testid=stDataFrame] th",
}
PAGES = {
    "/": "Detect",
    "/?source=Live": "Detect",
    "/Thresholds": "Thresholds",
    "/Thresholds?tab=Curves": "Thresholds",
    "/Thresholds?tab=Errors": "Thresholds",
    "/Thresholds?tab=Slices": "Thresholds",
    "/Thresholds?tab=Operating point": "Thresholds",
    "/Thresholds?tab=Mend": "Thresholds",
    "/Compare": "Compare",
    "/Compare?compare_view=Swipe": "Compare",
    "/Compare?compare_mode=Images": "Compare",
    "/Robustness": "Robustness",
    "/Batch": "Batch",
    "/Video": "Video",
    "/Server": "Server",
}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
        if not page.evaluate(
            "([html, own]) => own && [...document.querySelectorAll(own)]"
            ".some(one => one.outerHTML.startsWith(html.slice(0, 60)))",
            [node["html"], STREAMLITS_OWN.get(rule["id"])],
        )
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_against_a_page_in_light_and_dark(
    visit: Callable[..., Page], url: str, path: str
) -> None:
    page = visit(url + path, viewport={"width": 1440, "height": 900})
    finished(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[path])
    assert violations(page) == []
    darkened(page)
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/", "/Thresholds"])
def test_nothing_is_offered_before_its_script_has_come(
    visit: Callable[..., Page], url: str, path: str
) -> None:
    page = visit("about:blank")
    page.route(re.compile(r"/(figure|viewer)/main"), lambda route: None)
    page.goto(url + path)
    markup = ".viewer" if path == "/Thresholds" else ".zoom"
    page.locator(markup).first.wait_for(state="attached")
    assert violations(page) == []


def test_a_primary_button_can_be_read_in_the_dark(visit: Callable[..., Page], url: str) -> None:
    page = visit(f"{url}/Batch", color_scheme="dark")
    element(page, "batch_upload").locator("input[type=file]").set_input_files(
        ROOT / "samples" / "headphones_studio.jpg"
    )
    expect(page.get_by_test_id("stBaseButton-primary")).to_be_enabled()
    settled(page)
    assert violations(page) == []


def test_on_a_phone_the_menu_closes_after_a_choice(visit: Callable[..., Page], url: str) -> None:
    page = visit(url, **PHONE)
    settled(page)
    page.get_by_test_id("stExpandSidebarButton").click()
    menu = page.get_by_test_id("stSidebar")
    expect(menu).to_have_attribute("data-collapsed", "false")
    menu.get_by_role("link", name="Server").click()
    expect(page.get_by_role("heading", name="Model server", exact=True)).to_be_visible()
    expect(menu).to_have_attribute("data-collapsed", "true")
