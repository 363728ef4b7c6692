"""Which language a visitor reads: that of the address, of the switch, or the browser's own."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import element, settled
from tests.support.running import Dashboard

Visit = Callable[..., Page]
CHINESE = re.compile("[\u4e00-\u9fff]")


def switch(page: Page, name: str) -> None:
    element(page, "language").get_by_text(name, exact=True).click()


def link(page: Page, name: str):
    return page.get_by_test_id("stSidebar").get_by_role("link", name=name)


def speaks(page: Page, name: str) -> None:
    """Wait until menu, page, state line and document are in the language."""
    expect(page.locator("html")).to_have_attribute("lang", {"中文": "zh-CN", "English": "en"}[name])
    word = {"中文": "模型服务已就绪", "English": "Model server ready"}[name]
    expect(element(page, "server_state")).to_contain_text(word)
    expect(link(page, "批量" if name == "中文" else "Batch")).to_be_visible()


@pytest.mark.parametrize(
    ("locale", "name"), [("zh-CN", "中文"), ("en-GB", "English"), ("de-DE", "English")]
)
def test_the_browser_s_language_is_spoken(running: Dashboard, visit: Visit, locale, name):
    page = visit(running.url, locale=locale)
    speaks(page, name)
    assert "lang" not in page.url


def test_the_address_goes_before_the_browser(running: Dashboard, visit: Visit):
    speaks(visit(f"{running.url}/?lang=zh", locale="en-GB"), "中文")
    speaks(visit(f"{running.url}/Server?lang=en", locale="zh-CN"), "English")


def test_the_switch_changes_the_language_and_other_pages_keep_it(running: Dashboard, visit: Visit):
    page = visit(running.url, locale="en-GB")
    speaks(page, "English")
    switch(page, "中文")
    speaks(page, "中文")
    expect(page).to_have_url(re.compile(r"[?&]lang=zh"))
    for name, title in (("阈值", "Thresholds"), ("服务", "Server"), ("检测", "")):
        link(page, name).click()
        expect(page).to_have_url(re.compile(rf"/{title}\?(.*&)?lang=zh"))
        expect(page).to_have_title(f"{name} · Commodity Lens")
        speaks(page, "中文")
    page.reload()
    speaks(page, "中文")
    switch(page, "English")
    speaks(page, "English")
    expect(page).to_have_url(re.compile(r"[?&]lang=en"))


def test_the_switch_is_worked_with_the_keyboard(running: Dashboard, visit: Visit):
    page = visit(running.url, locale="en-GB")
    speaks(page, "English")
    element(page, "language").get_by_role("radio", name="English").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    speaks(page, "中文")


def test_a_switch_keeps_what_was_chosen(running: Dashboard, visit: Visit):
    page = visit(f"{running.url}/?source=Upload&score_threshold=0.6", locale="en-GB")
    speaks(page, "English")
    expect(element(page, "source").get_by_role("radio", name="Upload")).to_be_checked()
    switch(page, "中文")
    speaks(page, "中文")
    expect(element(page, "source").get_by_role("radio", name="上传")).to_be_checked()
    expect(element(page, "score_threshold")).to_contain_text("0.60")


@pytest.mark.parametrize("word", ["Upload", "上传"])
@pytest.mark.parametrize(("lang", "own"), [("en", "Upload"), ("zh", "上传")])
def test_a_link_made_in_one_language_is_understood_in_another(
    running: Dashboard, visit: Visit, word, lang, own
):
    page = visit(f"{running.url}/?lang={lang}&source={word}")
    expect(element(page, "source").get_by_role("radio", name=own)).to_be_checked()
    settled(page)
    expect(element(page, "source").get_by_role("radio", name=own)).to_be_checked()
    assert parse_qs(urlsplit(page.url).query)["source"] == [own]  # and can be handed on


def test_a_link_with_several_words_is_understood_too(running: Dashboard, visit: Visit):
    page = visit(f"{running.url}/Compare?lang=zh&kinds=Only+in+A&kinds=Only+in+B")
    kinds = element(page, "kinds")
    expect(kinds.get_by_role("button", name="仅在 A")).to_have_attribute("aria-pressed", "true")
    expect(kinds.get_by_role("button", name="仅在 B")).to_have_attribute("aria-pressed", "true")
    expect(kinds.get_by_role("button", name="两边都有")).to_have_attribute("aria-pressed", "false")


def test_two_visitors_of_two_languages_do_not_mix(running: Dashboard, visit: Visit):
    """What is computed for one is kept for the other, and has words in it: whose is the truth?"""
    chinese = visit(f"{running.url}/Thresholds?tab=Curves", locale="zh-CN")
    english = visit(f"{running.url}/Thresholds?tab=Curves", locale="en-GB")
    for _turn in range(2):
        for page, name, source in (
            (chinese, "中文", "示例图库自带"),
            (english, "English", "the gallery's own"),
        ):
            speaks(page, name)
            expect(page.get_by_text(source)).to_be_visible()
            settled(page)
        assert not CHINESE.search(english.get_by_test_id("stMain").inner_text().replace("中文", ""))
        for page in (chinese, english):
            page.reload()


def test_classes_have_names_and_a_link_with_them_opens_in_the_other_language(
    running: Dashboard, visit: Visit
):
    page = visit(f"{running.url}/?lang=zh&classes=clothes&classes=pants")
    speaks(page, "中文")
    expect(element(page, "sample").get_by_role("radio", name="书架")).to_be_visible()
    classes = element(page, "classes")
    expect(classes.get_by_role("button", name="衣服")).to_have_attribute("aria-pressed", "true")
    expect(classes.get_by_role("button", name="鞋")).to_have_attribute("aria-pressed", "false")
    expect(element(page, "figure_frame")).to_contain_text(re.compile(r"衣服 0\.\d\d"))
    classes.get_by_role("button", name="裤子").click()
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query).get("classes") == ["衣服"])
    for path in ("", "Thresholds"):
        other = visit(f"{running.url}/{path}?lang=en&classes=衣服")
        speaks(other, "English")
        expect(other.locator("body")).to_contain_text(
            "clothes × 1" if path else "1 object: clothes"
        )
        expect(other.locator("body")).not_to_contain_text("pants 0.")
