"""The page Batch in a real browser, with a real dashboard and a real model server."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from dashboard.batch.cards import PAGE_SIZE
from detector.batch.manifest import read_manifest
from detector.embedded import EmbeddedServer
from tests.support.browser import TIMEOUT_MS, asks_before_leaving, element, settled
from tests.support.files import png, zipped
from tests.support.foreign import Gate, gated
from tests.support.paths import ROOT
from tests.support.running import dashboard, free_port, model_server

SAMPLES = json.loads((ROOT / "samples" / "annotations.json").read_text())["images"]

# Of a call that a test holds, however long it takes to look at what is there meanwhile.
HELD_S = "300"


@pytest.fixture(scope="module")
def gate_and_url(
    embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Gate, str]]:
    log = tmp_path_factory.mktemp("batch") / "log.txt"
    with (
        gated(embedded_server.address) as (gate, server),
        dashboard(
            log, COMMODITY_LENS_SERVER=server.address, COMMODITY_LENS_TIMEOUT_S=HELD_S
        ) as running,
    ):
        yield gate, running.url


@pytest.fixture
def gate(gate_and_url: tuple[Gate, str]) -> Iterator[Gate]:
    """Holds the answers to the page where a test closes it."""
    yield gate_and_url[0]
    gate_and_url[0].open()


@pytest.fixture
def seen(visit: Callable[..., Page], gate_and_url: tuple[Gate, str]) -> Page:
    return visit(f"{gate_and_url[1]}/Batch")


def shown_cards(page: Page) -> Locator:
    return page.locator(".lens-card")


def file(name: str, data: bytes) -> dict:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def test_results_appear_while_it_runs_and_stay_after_a_page_switch(seen: Page, gate: Gate) -> None:
    images = {f"{i:03}.png": png(size=(30 + i, 30)) for i in range(80)}
    expect(shown_cards(seen)).to_have_count(len(SAMPLES))
    gate.close_after(20)
    element(seen, "batch_upload").locator("input[type=file]").set_input_files(
        [file("a.zip", zipped(images))]
    )
    seen.get_by_role("button", name="Run 1 file").click()
    progress = element(seen, "batch_progress")
    expect(progress.get_by_role("button", name="Stop")).to_be_visible(timeout=TIMEOUT_MS)
    expect(shown_cards(seen).first).to_be_visible(timeout=TIMEOUT_MS)
    expect(progress).to_contain_text("left")
    seen.get_by_role("link", name="Server").click()
    seen.get_by_role("heading", name="Model server").wait_for()
    seen.get_by_role("link", name="Batch").click()
    expect(progress).to_contain_text("20 of 80")
    gate.open()
    expect(progress).to_contain_text("80 of 80", timeout=4 * TIMEOUT_MS)
    expect(progress.get_by_role("button", name="Stop")).to_have_count(0)
    expect(shown_cards(seen)).to_have_count(PAGE_SIZE)


def test_a_click_on_a_card_opens_the_image_in_detect(seen: Page, samples_dir: Path) -> None:
    photo = Image.open(samples_dir / "canvas_shoes.jpg").resize((500, 400))
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG")
    element(seen, "batch_upload").locator("input[type=file]").set_input_files(
        [file("mine_*1*.jpg", buffer.getvalue()), file("other.png", png())]
    )
    seen.get_by_role("button", name="Run 2 files").click()
    expect(shown_cards(seen)).to_have_count(2)
    figure = element(seen, "figure")
    for _ in range(3):  # a page that was left in the wrong moment stayed empty now and then
        element(seen, "card_0").get_by_role("button", name="Open mine_*1*.jpg in Detect").click()
        expect(figure.locator(".barlayer .point path").first).to_be_visible()
        expect(seen.get_by_text("mine_*1*.jpg").first).to_be_visible()
        seen.get_by_role("link", name="Batch").click()


def test_a_run_begins_by_itself_when_the_server_comes_up(
    visit: Callable[..., Page], tmp_path: Path
) -> None:
    port = free_port()
    with dashboard(tmp_path / "log.txt", COMMODITY_LENS_SERVER=f"127.0.0.1:{port}") as running:
        page = visit(f"{running.url}/Batch")
        expect(page.get_by_text("The batch begins by itself")).to_be_visible()
        with model_server(port):
            expect(shown_cards(page)).to_have_count(len(SAMPLES), timeout=4 * TIMEOUT_MS)
        expect(page.get_by_text("The batch begins by itself")).to_have_count(0)


def test_the_exports_hold_what_is_shown(seen: Page) -> None:
    expect(shown_cards(seen)).to_have_count(len(SAMPLES), timeout=4 * TIMEOUT_MS)
    expect(element(seen, "batch_stop")).to_have_count(0)

    def download(label: str) -> bytes:
        with seen.expect_download() as started:
            seen.get_by_role("button", name=label).click()
        return Path(started.value.path()).read_bytes()

    settled(seen)
    seen.get_by_role("button", name="Export all").click()
    expect(seen.get_by_role("button", name="Annotated images")).to_be_visible()
    settled(seen)
    table = list(csv.DictReader(io.StringIO(download("Table (CSV)").decode())))
    coco = json.loads(download("COCO JSON"))
    results = json.loads(download("COCO results"))
    batch = read_manifest(download("Manifest (JSON)"))
    chips = element(seen, "cards_batch_page").locator("em").all_inner_texts()
    count = sum(int(chip.split()[0]) for chip in chips)
    assert count == len(table) == len(coco["annotations"]) == len(results) > len(SAMPLES)
    assert sum(len(r.found.detections) for r in batch.results if r.found) == count
    assert len(coco["images"]) == len(batch.results) == len(SAMPLES)
    with zipfile.ZipFile(io.BytesIO(download("Pascal VOC (ZIP)"))) as archive:
        assert len(archive.namelist()) == len(SAMPLES)
    with zipfile.ZipFile(io.BytesIO(download("YOLO (ZIP)"))) as archive:
        assert len(archive.namelist()) == len(SAMPLES) + 1
    with zipfile.ZipFile(io.BytesIO(download("Annotated images (ZIP)"))) as archive:
        assert "canvas_shoes.png" in archive.namelist()
        image = Image.open(io.BytesIO(archive.read("canvas_shoes.png")))
    with Image.open(ROOT / "samples" / "canvas_shoes.jpg") as sample:
        assert image.size == sample.size


def test_a_reload_asks_before_it_loses_the_results(seen: Page) -> None:
    element(seen, "batch_upload").locator("input[type=file]").set_input_files(
        [file("a.png", png(size=(40, 30)))]
    )
    seen.get_by_role("button", name="Run 1 file").click()
    expect(shown_cards(seen)).to_have_count(1)
    settled(seen)
    asks_before_leaving(seen, it_does=True)
    seen.once("dialog", lambda dialog: dialog.dismiss())
    with seen.expect_event("dialog", timeout=TIMEOUT_MS) as asked:
        seen.evaluate("() => setTimeout(() => location.reload(), 0)")
    assert asked.value.type == "beforeunload"
    expect(shown_cards(seen).first).to_be_visible()


def test_images_of_a_batch_are_offered_on_compare(seen: Page) -> None:
    files = [file(f"{name}/a.png", png(size=(40 + n, 30))) for n, name in enumerate("xy")]
    files = [file("all.zip", zipped({f["name"]: f["buffer"] for f in files}))]
    files.append(file("broken.png", png()[:60]))
    expect(shown_cards(seen)).to_have_count(len(SAMPLES))
    element(seen, "batch_upload").locator("input[type=file]").set_input_files(files)
    seen.get_by_role("button", name="Run 2 files").click()
    expect(element(seen, "batch_progress")).to_contain_text("3 of 3")
    settled(seen)
    seen.get_by_role("link", name="Compare").click()
    seen.get_by_role("radio", name="Whole set").click()
    expect(seen.get_by_role("radio", name="The images of Batch")).to_have_attribute(
        "aria-checked", "true"
    )
    rows = seen.locator(".st-key-set_changed_paper tbody tr td:first-child")
    expect(rows).to_have_count(2)
    assert sorted(rows.all_text_contents()) == ["all.zip/x/a.png", "all.zip/y/a.png"]
    seen.get_by_role("radio", name="Images", exact=True).click()
    chosen = element(seen, "pictures").get_by_role("combobox")
    chosen.fill("a.png")
    options = seen.get_by_role("option", name="a.png")
    expect(options).to_have_count(2)
    options.first.click()
    expect(seen.locator(".lens-grid figcaption b").last).to_have_text("all.zip/x/a.png")
    chosen.fill("broken")
    expect(seen.get_by_role("option", name="broken")).to_have_count(0)


def test_a_batch_is_evaluated_on_thresholds_without_a_second_upload(
    seen: Page,
) -> None:
    files = [file(f"{i}.png", png(size=(40 + i, 30))) for i in range(3)]
    element(seen, "batch_upload").locator("input[type=file]").set_input_files(files)
    seen.get_by_role("button", name="Run 3 files").click()
    expect(shown_cards(seen)).to_have_count(3)
    settled(seen)
    seen.get_by_role("button", name="Evaluate").click()
    seen.wait_for_url("**/Thresholds**")
    seen.locator(".viewer .number").wait_for()
    settled(seen)
    expect(seen.get_by_text("Counting over 3 images.")).to_be_visible()
