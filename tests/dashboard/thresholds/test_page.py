"""The Thresholds page, run by Streamlit's app tester against a real model server."""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.files import ImageFile
from dashboard.thresholds import class_names
from dashboard.thresholds.errors import PAGE_SIZE
from detector import images, ssd
from detector.embedded import EmbeddedServer
from detector.formats.class_mapping import write_class_mapping
from detector.formats.coco import read_coco
from detector.labels import COMMODITY_LABELS as LABELS
from detector.serving import ServingClient
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, serving, statuses
from tests.support.kept import ask_at_once, keep, kept
from tests.support.paths import ROOT
from tests.support.running import free_port

PAGE = "pages/1_Thresholds.py"
SHOES, AUDIO = LABELS.index("shoes"), LABELS.index("audio")

pytestmark = pytest.mark.usefixtures("empty_caches")


@pytest.fixture
def opened(
    embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)

    def run(page: str = PAGE, *, tab: str = "Curves", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.switch_page(page)
        for name, value in {"tab": tab, **query}.items():
            app.query_params[name] = value
        return app.run()

    return run


@pytest.fixture(scope="module")
def gallery_outputs(
    client: ServingClient, samples_dir: Path
) -> dict[str, tuple[ssd.RawPrediction, tuple[int, int]]]:
    """The model's answer and the size of each sample."""
    found = {}
    for path in sorted(samples_dir.glob("*.jpg")):
        image = images.read_image(path.read_bytes())
        answer = client.predict({"images": ssd.preprocess(image)})
        raw = ssd.RawPrediction.of_single(answer.outputs["concat_3:0"])
        found[path.name] = (raw, (image.shape[1], image.shape[0]))
    return found


def html(app: AppTest) -> str:
    return "".join(block.value for block in app.get("html"))


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption).replace("\\", "")


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def errors(app: AppTest) -> list[str]:
    assert not app.exception
    return [box.value.replace("\\", "") for box in app.error]


def warnings(app: AppTest) -> list[str]:
    return [box.value.replace("\\", "") for box in app.warning]


def photo(name: str = "a.jpg", side: int = 300) -> tuple[str, bytes, str]:
    data = BytesIO()
    grey = np.full((side, side, 3), 120, np.uint8)
    Image.fromarray(grey).save(data, "JPEG")
    return (name, data.getvalue(), "image/jpeg")


def voc(name: str, label: str = "shoes", size: int = 300) -> tuple[str, bytes, str]:
    xml = (
        f"<annotation><filename>{name}</filename><size><width>{size}</width><height>{size}</height>"
        f"</size><object><name>{label}</name><bndbox><xmin>10</xmin><ymin>20</ymin><xmax>90</xmax>"
        "<ymax>80</ymax></bndbox></object></annotation>"
    )
    return (name.replace(".jpg", ".xml"), xml.encode(), "text/xml")


def uploaded(app: AppTest, *files: tuple[str, bytes, str]) -> AppTest:
    app.segmented_control(key="source").set_value("Upload").run()
    return app.file_uploader(key="upload").set_value(list(files)).run()


def test_the_page_opens_with_the_gallery_counted_and_judged(opened):
    app = opened()
    assert errors(app) == []
    assert "images with ground truth (the gallery's own)" in captions(app)
    assert set(metrics(app)) == {"Precision", "Recall", "F1", "mAP@0.50"}


def test_figures_that_rest_on_few_objects_or_on_one_class_say_so(opened, samples_dir):
    told = " ".join(caption.value for caption in opened().caption)
    known = json.loads((samples_dir / "annotations.json").read_text())
    names = {category["id"]: category["name"] for category in known["categories"]}
    counts = Counter(names[each["category_id"]] for each in known["annotations"])
    few = told.partition("rest on few objects")[2].partition(".")[0].replace("\\", "")
    for name, count in counts.items():
        assert (f"{name} ({count})" in few) is (count < 10)
    [(most, count)] = counts.most_common(1)
    assert f"{count} of the {counts.total()} objects are {most}" in told


def test_the_figures_are_those_of_an_independent_count(opened, gallery_outputs, samples_dir):
    """COCO's matching written out plainly, at 0.3 and IoU 0.5, over the whole gallery."""
    sizes = {name: size for name, (_, size) in gallery_outputs.items()}
    annotations = (samples_dir / "annotations.json").read_bytes()
    right = shown = there = 0
    for truth in read_coco(annotations, LABELS, sizes).images:
        raw, size = gallery_outputs[truth.file_name]
        found = ssd.postprocess(raw, ssd.Settings(), size)
        free = list(zip(truth.class_ids.tolist(), truth.boxes.tolist(), strict=True))
        there += len(free)
        shown += len(found)
        for box, class_id in zip(found.boxes.tolist(), found.class_ids.tolist(), strict=True):
            fits = [(iou(box, other), at) for at, (c, other) in enumerate(free) if c == class_id]
            best = max(fits, default=(0.0, -1))
            if best[0] >= 0.5:
                right += 1
                free.pop(best[1])
    precision, recall = right / shown, right / there
    seen = metrics(opened())
    assert seen["Precision"] == f"{precision:.3f}"
    assert seen["Recall"] == f"{recall:.3f}"
    assert seen["F1"] == f"{2 * precision * recall / (precision + recall):.3f}"


def iou(a: list[float], b: list[float]) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return width * height / (sum(areas) - width * height)


def test_the_funnel_ends_with_what_detect_shows(opened, gallery_outputs):
    app = opened(tab="X-ray", score_threshold="0.2")
    first = json.loads((ROOT / "samples" / "annotations.json").read_text())["images"][0]
    raw, size = gallery_outputs[first["file_name"]]
    count = len(ssd.postprocess(raw, ssd.Settings(score_threshold=0.2), size))
    last_row = html(app).split('scope="row">All<')[1].split("</table>")[0]
    assert last_row.split("<b>")[-1].startswith(f"{count}</b>")
    assert last_row.split("<b>")[1].startswith("7308</b>")


def test_thresholds_of_the_address_are_taken_and_bad_ones_are_not(opened):
    app = opened(score_threshold="0.5", own="shoes", threshold_shoes="0.25")
    assert kept(app, state.Thresholds).settings.score_threshold == 0.5
    assert dict(kept(app, state.Thresholds).settings.class_thresholds) == {SHOES: 0.25}
    worse = opened(score_threshold="seven", own="shoes", threshold_shoes="-1")
    assert kept(worse, state.Thresholds).settings == ssd.Settings()


def test_adopting_sets_the_proposed_thresholds_and_detect_has_them_too(opened):
    app = opened(tab="Operating point")
    before = float(metrics(app)["F1"])
    app.button(key="adopt").click().run()
    own = dict(kept(app, state.Thresholds).settings.class_thresholds)
    assert own
    assert all(0 < value <= 1 for value in own.values())
    assert float(metrics(app)["F1"]) > before
    app.switch_page("app.py").run()
    assert not app.exception
    assert app.slider(key="threshold_audio").value == own[AUDIO]


def test_thresholds_set_on_detect_hold_on_this_page(opened):
    app = opened("app.py")
    app.slider(key="score_threshold").set_value(0.62).run()
    app.switch_page(PAGE).run()
    assert kept(app, state.Thresholds).settings.score_threshold == 0.62
    app.slider(key="iou_threshold").set_value(0.7).run()
    app.switch_page("app.py").run()
    assert app.slider(key="score_threshold").value == 0.62
    assert app.slider(key="iou_threshold").value == 0.7


def test_moving_the_iou_says_what_appeared_and_what_vanished(opened):
    app = opened(score_threshold="0.02")
    assert "appeared" not in captions(app)
    app.slider(key="iou_threshold").set_value(0.9).run()
    assert "IoU 0.45 → 0.90" in captions(app)
    change = kept(app, state.NmsChange)
    appeared, vanished = change.appeared, change.vanished
    assert len(appeared) > 0
    assert f"**{len(appeared)} appeared**, **{len(vanished)} vanished**" in captions(app)


def test_what_the_iou_changed_is_told_until_something_else_moves(opened):
    app = opened(score_threshold="0.02")
    app.slider(key="iou_threshold").set_value(0.9).run()
    assert "appeared" in captions(app)
    app.pills(key="classes").set_value(["shoes", "audio"]).run()
    assert "appeared" not in captions(app)
    change = kept(app, state.NmsChange)
    assert (change.appeared, change.vanished) == ((), ())


def test_the_picked_box_lists_what_it_suppressed(opened, gallery_outputs):
    app = opened(tab="X-ray")
    first = json.loads((ROOT / "samples" / "annotations.json").read_text())["images"][0]
    raw, size = gallery_outputs[first["file_name"]]
    found = ssd.postprocess(raw, ssd.Settings(), size)
    keep(app, state.Pick(kept(app, state.Pick).digest, found.ids[0]))
    app.run()
    [table] = [frame.value for frame in app.dataframe if list(frame.value) == SUPPRESSED]
    floor = ssd.decode(raw.offsets, raw.priors, raw.variances) * np.array([*size, *size])
    same = np.flatnonzero(raw.scores[:, found.class_ids[0]] > 0.01)
    overlaps = [iou(floor[prior].tolist(), found.boxes[0].tolist()) for prior in same]
    expected = [prior for prior, value in zip(same, overlaps, strict=True) if value > 0.45]
    assert len(table) == len(expected) - 1  # without the box itself, which is the best of all


SUPPRESSED = ["class", "score", "iou", "box"]


def test_uploaded_images_without_truth_are_counted_and_not_judged(opened):
    app = uploaded(opened(tab="Operating point"), photo())
    assert errors(app) == []
    assert metrics(app) == {}
    assert any("No ground truth" in box.value for box in app.info)
    assert [button.key for button in app.button if button.key == "adopt"] == []


def test_truth_of_an_uploaded_image_is_used(opened):
    app = uploaded(opened(), photo())
    app.file_uploader(key="ground_truth").set_value([voc("a.jpg")]).run()
    assert errors(app) == []
    assert "1 image with ground truth (a.xml)" in captions(app)
    assert metrics(app)["Recall"] == "0.000"


def test_truth_that_matches_no_image_is_an_error_that_names_it_and_loses_nothing(opened):
    app = uploaded(opened(), photo())
    app.file_uploader(key="ground_truth").set_value([voc("other.jpg")]).run()
    [error] = errors(app)
    assert error.startswith("**other.xml: there is no image named 'other.jpg'**")
    assert not app.exception
    assert "scope" in app.session_state


def test_truth_that_can_be_used_in_part_is_used_and_the_rest_is_named(opened):
    app = uploaded(opened(), photo("a.jpg"), photo("b.jpg", 310))
    files = [voc("a.jpg"), ("b.xml", b"<annotation><size>", "text/xml")]
    app.file_uploader(key="ground_truth").set_value(files).run()
    assert "1 image with ground truth" in captions(app)
    [warning] = warnings(app)
    assert "\n- b.xml: broken XML" in warning


def test_what_was_not_understood_is_said_where_the_number_stands(opened):
    app = uploaded(opened(), photo("a.jpg"), photo("b.jpg", 310), photo("c.jpg", 320))
    files = [voc("a.jpg", "person"), ("b.txt", b"what is this", "text/plain"), ("c.txt", b"", "")]
    app.file_uploader(key="ground_truth").set_value(files).run()
    assert errors(app) == []
    assert "2 images with ground truth" in captions(app)
    assert "1 entry of the ground truth was not understood" in captions(app)
    assert "1 image does not count, for its ground truth was not understood" in captions(app)
    assert metrics(app)["Recall"] == "–"


def test_ground_truth_that_may_be_of_two_images_of_one_name_does_not_count(opened):
    app = uploaded(opened(), photo("a.jpg"), photo("a.jpg", 310), photo("b.jpg", 320))
    files = [voc("a.jpg"), voc("b.jpg", size=320)]
    app.file_uploader(key="ground_truth").set_value(files).run()
    assert "1 image with ground truth" in captions(app)
    assert "1 image does not count, for its ground truth was not understood" in captions(app)
    assert "a.jpg: does not count, for two images have this name" in warnings(app)[0]


def test_an_image_alone_is_judged_among_those_that_its_ground_truth_may_be_about(opened):
    app = uploaded(opened("app.py"), photo("A.jpg"), photo("a.jpg", 310))
    keep(app, state.GroundTruthFiles((("a.txt", b"0 0.5 0.5 0.5 0.5"),)))
    app.run()
    assert [toggle.key for toggle in app.toggle].count("true_boxes") == 1
    app.pills(key="picture").set_value("A.jpg").run()
    assert not app.exception
    assert [toggle.key for toggle in app.toggle].count("true_boxes") == 0


def test_two_files_of_one_name_are_both_used(opened):
    app = uploaded(opened(), photo("a.jpg"), photo("b.jpg", 310))
    files = [
        (f"{name}.xml", voc(f"{name}.jpg", size=side)[1]) for name, side in (("a", 300), ("b", 310))
    ]
    app.file_uploader(key="ground_truth").set_value(
        [("same.xml", content, "text/xml") for _name, content in files]
    ).run()
    assert "2 images with ground truth" in captions(app)


def test_a_class_name_that_is_no_label_is_mapped_and_the_choice_is_handed_on(opened):
    app = uploaded(opened(), photo())
    app.file_uploader(key="ground_truth").set_value([voc("a.jpg", "trousers")]).run()
    assert metrics(app)["Recall"] == "–"
    assert [box.key for box in app.get("download_button")].count("class_names_download") == 0
    assert app.selectbox(key="class_name trousers").value == class_names.UNKNOWN
    app.selectbox(key="class_name trousers").set_value("pants").run()
    assert errors(app) == []
    assert metrics(app)["Recall"] == "0.000"
    assert kept(app, state.GroundTruthFiles).class_names == {"trousers": "pants"}
    app.switch_page("app.py").run()
    app.switch_page(PAGE).run()
    assert app.selectbox(key="class_name trousers").value == "pants"
    app.selectbox(key="class_name trousers").set_value(class_names.NO_CLASS).run()
    assert kept(app, state.GroundTruthFiles).class_names == {"trousers": None}
    app.selectbox(key="class_name trousers").set_value(class_names.UNKNOWN).run()
    assert kept(app, state.GroundTruthFiles).class_names == {}


def test_class_names_are_taken_from_a_file_among_the_ground_truth(opened):
    app = uploaded(opened(), photo())
    mapping = ("class-names.json", write_class_mapping({"trousers": "pants"}), "application/json")
    app.file_uploader(key="ground_truth").set_value([voc("a.jpg", "trousers"), mapping]).run()
    assert errors(app) == []
    assert metrics(app)["Recall"] == "0.000"
    assert app.selectbox(key="class_name trousers").value == "pants"


def test_two_files_of_class_names_that_contradict_each_other_are_named(opened):
    app = uploaded(opened(), photo())
    mappings = [
        (f"{label}.json", write_class_mapping({"trousers": label}), "application/json")
        for label in ("pants", "shoes")
    ]
    app.file_uploader(key="ground_truth").set_value([voc("a.jpg", "trousers"), *mappings]).run()
    assert "pants.json (pants), shoes.json (shoes)" in warnings(app)[0]
    assert app.selectbox(key="class_name trousers").value == class_names.UNKNOWN


def test_class_names_that_the_model_has_not_are_named_and_spoil_no_other_file(opened):
    app = uploaded(opened(), photo())
    mapping = ("class-names.json", write_class_mapping({"trousers": "dog"}), "application/json")
    app.file_uploader(key="ground_truth").set_value([voc("a.jpg", "pants"), mapping]).run()
    assert "'trousers' is mapped to 'dog', which is no label of the model" in warnings(app)[0]
    assert metrics(app)["Recall"] == "0.000"


def test_a_zip_file_that_cannot_be_read_is_named_and_spoils_no_other_file(opened):
    app = uploaded(opened(), photo())
    files = [voc("a.jpg"), ("labels.zip", b"PK is not enough", "application/zip")]
    app.file_uploader(key="ground_truth").set_value(files).run()
    assert "labels.zip: this is not a ZIP file that can be read" in warnings(app)[0]
    assert "1 image with ground truth (a.xml, labels.zip)" in captions(app)


def test_a_thresholds_file_is_taken(opened):
    content = {
        "format": "commodity-lens-thresholds",
        "version": 1,
        "score_threshold": 0.4,
        "class_thresholds": {"shoes": 0.15},
    }
    app = opened(tab="Operating point")
    upload = ("mine.json", json.dumps(content).encode(), "application/json")
    app.file_uploader(key="thresholds_file").set_value(upload).run()
    assert kept(app, state.Thresholds).settings.score_threshold == 0.4
    assert dict(kept(app, state.Thresholds).settings.class_thresholds) == {SHOES: 0.15}


def test_a_broken_thresholds_file_is_an_error_and_changes_nothing(opened):
    app = opened(tab="Operating point", score_threshold="0.5")
    app.file_uploader(key="thresholds_file").set_value(
        ("mine.json", b"{", "application/json")
    ).run()
    [error] = errors(app)
    assert error.startswith("**mine.json**: broken JSON")
    assert kept(app, state.Thresholds).settings.score_threshold == 0.5


def test_images_in_a_zip_are_counted_with_their_truth(opened):
    data = BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for side in (300, 320):
            archive.writestr(f"photos/{side}.jpg", photo(side=side)[1])
    app = opened()
    app.segmented_control(key="scope").set_value("many").run()
    app.file_uploader(key="many").set_value([("set.zip", data.getvalue(), "application/zip")]).run()
    app.file_uploader(key="ground_truth").set_value([voc("320.jpg", size=320)]).run()
    assert errors(app) == []
    assert "1 image with ground truth (320.xml)" in captions(app)


def test_one_of_the_many_is_judged_among_them(opened):
    data, images = BytesIO(), {f"{folder}/1.jpg": photo()[1] for folder in ("one", "two")}
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in images.items():
            archive.writestr(name, content)
    with zipfile.ZipFile(truth := BytesIO(), "w") as archive:
        archive.writestr("two/1.txt", b"0 0.5 0.5 0.5 0.5")
    app = opened()
    app.segmented_control(key="scope").set_value("many").run()
    app.file_uploader(key="many").set_value([("set.zip", data.getvalue(), "application/zip")]).run()
    app.file_uploader(key="ground_truth").set_value([("t.zip", truth.getvalue(), "")]).run()
    assert "1 image with ground truth (t.zip)" in captions(app)
    first = ImageFile.of("set.zip/one/1.jpg", images["one/1.jpg"])
    keep(app, state.Choice(opened=first))
    app.segmented_control(key="scope").set_value("this").run()
    assert errors(app) == []
    assert any("None of these images has ground truth" in box.value for box in app.info)


def test_many_images_are_counted_once_and_a_bad_file_does_not_stop_them(opened):
    app = opened()
    app.segmented_control(key="scope").set_value("many").run()
    assert any("Nothing to count over yet" in box.value for box in app.info)
    files = [photo(f"{side}.jpg", side) for side in range(300, 312)]
    app.file_uploader(key="many").set_value([*files, ("bad.jpg", b"no image", "image/jpeg")]).run()
    assert not app.exception
    assert len(kept(app, state.ImageSets).many.images) == 12
    assert any("bad.jpg" in warning for warning in warnings(app))
    before = kept(app, state.ImageSets).many
    app.slider(key="iou_threshold").set_value(0.6).run()
    assert kept(app, state.ImageSets).many is before


def test_what_was_chosen_is_still_chosen_after_a_visit_to_another_page(opened):
    app = opened(tab="Operating point")
    app.segmented_control(key="scope").set_value("this").run()
    app.segmented_control(key="method").set_value("Least cost").run()
    app.slider(key="match_iou").set_value(0.75).run()
    app.switch_page("app.py").run()
    app.switch_page(PAGE).run()
    assert not app.exception
    assert app.segmented_control(key="scope").value == "this"
    assert app.segmented_control(key="method").value == "Least cost"
    assert app.slider(key="match_iou").value == 0.75
    assert "mAP@0.75" in metrics(app)


def test_colours_by_right_and_wrong_end_where_there_is_no_truth(opened):
    app = opened()
    app.segmented_control(key="viewer_mode").set_value("Right and wrong").run()
    app = uploaded(app, photo())
    assert not app.exception
    assert app.segmented_control(key="viewer_mode").value == "Classes"


def test_many_images_are_asked_again_by_a_new_version(monkeypatch):
    def output(version: int) -> np.ndarray:
        """One box a version in the middle, as sure as can be."""
        rows = np.zeros((1, 4, 21), np.float32)
        rows[:, :, 4], rows[0, 0, 4], rows[0, 0, 4 + version] = 1, 0, 1
        rows[:, :, -8:-4] = 0.25, 0.25, 0.75, 0.75
        rows[:, :, -4:] = 0.1, 0.1, 0.2, 0.2
        return rows

    def of(version: int) -> Foreign:
        tensor = encode_tensor(output(version))
        said = answer({"concat_3:0": tensor}, version=version)
        return Foreign(said, statuses((version, 30, "")))

    with serving(of(1)) as server:
        monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.switch_page(PAGE)
        app.query_params["tab"] = "Curves"
        app.run()
        app.segmented_control(key="scope").set_value("many").run()
        files = [photo(f"{side}.jpg", side) for side in (300, 301)]
        app.file_uploader(key="many").set_value([*files, ("bad.jpg", b"-", "image/jpeg")]).run()
        server.predict, server.status = of(2).predict, of(2).status
        ask_at_once(monkeypatch)
        app.run()
        assert errors(app) == []
        classes = [p.raw.scores[0].argmax() for p in kept(app, state.ImageSets).many.images]
        assert classes == [2, 2]
        assert len(warnings(app)) == 1


def test_all_errors_can_be_looked_at_a_page_of_them_at_a_time(opened, gallery_outputs):
    app = opened(tab="Errors", score_threshold="0.1")
    listed = kept(app, state.ListedBoxes).rows
    assert len(listed) > 2 * PAGE_SIZE
    assert f"1 to {PAGE_SIZE} of {len(listed)}" in captions(app)
    assert sum(button.key.startswith("open_box_") for button in app.button) == PAGE_SIZE
    for image, box_id in listed:
        raw, size = gallery_outputs[image.name]
        found = ssd.postprocess(raw, ssd.Settings(score_threshold=0.1), size).ids
        assert box_id in found or box_id.startswith("truth-")


def test_a_step_leads_from_error_to_error_and_turns_the_page(opened):
    app = opened(tab="Errors")
    listed = kept(app, state.ListedBoxes).rows
    assert app.button(key="previous_box").disabled is False  # to the last of them
    for place in (0, 1):
        app.button(key="next_box").click().run()
        image, box_id = listed[place]
        assert errors(app) == []
        assert kept(app, state.Pick) == state.Pick(image.digest, box_id)
        assert f"{place + 1} of {len(listed)}" in captions(app)
    assert app.segmented_control(key="viewer_mode").value == "Right and wrong"
    app.button(key=f"open_box_{PAGE_SIZE - 1}").click().run()
    app.button(key="next_box").click().run()
    assert kept(app, state.Pick).detection_id == listed[PAGE_SIZE][1]
    assert f"{PAGE_SIZE + 1} to " in captions(app)


def test_the_thresholds_of_the_selected_classes_alone_are_adopted(opened):
    app = opened(tab="Operating point")
    table = app.dataframe(key="proposal")
    shown = table.value
    assert list(shown["class"]) == list(LABELS[1:])
    assert shown["objects"].sum() == 140
    row = list(shown["class"]).index("audio")
    app.session_state["proposal"] = {"selection": {"rows": [row], "columns": []}}
    app.run()
    assert app.button(key="adopt").label.startswith("Adopt for audio: precision ")
    app.button(key="adopt").click().run()
    own = dict(kept(app, state.Thresholds).settings.class_thresholds)
    assert own == {AUDIO: shown["proposed"][row]}


def slices_of(app: AppTest) -> dict[str, list[str]]:
    """The cells of the table of slices, by its names."""
    [table] = [block.value for block in app.get("html") if "lens-slices" in block.value]
    return {
        row[0]: row[1:]
        for row in (re.findall(r"<t[hd][^>]*>([^<]*)</t", part) for part in table.split("<tr>")[2:])
    }


def test_slices_say_how_many_objects_they_rest_on_and_add_up(opened):
    app = opened(tab="Slices")
    assert errors(app) == []
    for dimension in app.selectbox(key="slice_by").options:
        app.selectbox(key="slice_by").set_value(dimension).run()
        assert errors(app) == []
        rows = slices_of(app)
        assert sum(int(cells[0].removesuffix(" *")) for cells in rows.values()) == 140
        assert all((" *" in cells[0]) is (int(cells[0].split()[0]) < 10) for cells in rows.values())


def test_a_slice_of_the_chosen_class_has_the_recall_that_its_table_says(opened):
    app = opened(tab="Slices")
    keep(app, state.ChosenClass(SHOES))
    app.selectbox(key="slice_by").set_value("Objects in the image").run()
    rows = slices_of(app)
    assert sum(int(cells[0].removesuffix(" *")) for cells in rows.values()) == 6
    right = sum(
        int(cells[0].removesuffix(" *")) * float(cells[4].replace("–", "0"))
        for cells in rows.values()
    )
    assert right == pytest.approx(round(right), abs=0.01)


def test_images_are_divided_by_what_their_ground_truth_says_of_them(opened, samples_dir):
    content = json.loads((samples_dir / "annotations.json").read_text())
    for place, entry in enumerate(content["images"]):
        entry["kind"] = "flat" if place % 2 else "deep"
    app = opened(tab="Slices")
    truth = ("truth.json", json.dumps(content).encode(), "application/json")
    app.file_uploader(key="ground_truth").set_value([truth]).run()
    app.selectbox(key="slice_by").set_value("kind").run()
    assert errors(app) == []
    assert list(slices_of(app)) == ["deep", "flat"]


@pytest.mark.parametrize(
    ("tab", "keys"),
    [
        ("Image", set()),
        ("X-ray", {"density"}),
        ("Curves", {"counts", "rates", "pr"}),
        ("Errors", {"confusion"}),
        ("Slices", {"slices"}),
        ("Operating point", set()),
    ],
)
def test_what_a_tab_does_not_show_is_not_made(opened, tab, keys):
    app = opened(tab=tab)
    assert errors(app) == []
    charts = {chart.proto.id.rpartition("-")[2] for chart in app.get("plotly_chart")}
    assert charts == keys
    assert bool(kept(app, state.ImageSets).sets) is (tab not in ("Image", "X-ray"))


def test_what_is_counted_without_an_upload_is_named(opened):
    app = opened()
    app.segmented_control(key="source").set_value("Upload").run()
    assert app.segmented_control(key="scope").options[1].startswith("The gallery (")
    app = uploaded(app, photo())
    assert app.segmented_control(key="scope").options[1] == "All uploads (1)"
    assert app.segmented_control(key="scope").options[2].startswith("The gallery (")
    app.segmented_control(key="scope").set_value("gallery").run()
    assert errors(app) == []
    assert any(box.value.startswith("17 images with ground truth") for box in app.caption)


def test_errors_of_a_image_are_listed_again_after_a_look_elsewhere(opened):
    """What was judged is kept by what the image and the answer are, not by who they are."""
    app = opened(tab="Errors", score_threshold="0.02")
    app.segmented_control(key="scope").set_value("this").run()
    listed = [box_id for _, box_id in kept(app, state.ListedBoxes).rows]
    keep(app, state.ImageSets())
    app.run()
    assert errors(app) == []
    assert [box_id for _, box_id in kept(app, state.ListedBoxes).rows] == listed


def test_the_errors_of_the_chosen_class_are_listed_alone(opened, gallery_outputs):
    app = opened(tab="Errors", score_threshold="0.1")
    keep(app, state.ChosenClass(AUDIO))
    app.run()
    assert errors(app) == []
    listed = kept(app, state.ListedBoxes).rows
    cards = [box.value for box in app.get("html") if "lens-card" in box.value]
    assert len(cards) == min(len(listed), PAGE_SIZE)
    assert all('<b title="audio' in card for card in cards)
    kinds = [option.split() for option in app.pills(key="error_kind").options]
    assert sum(int(count) for *_name, count in kinds) == len(listed)
    assert any("All errors of audio" in text.value for text in app.markdown)


def test_without_a_server_the_gallery_is_counted_by_its_recorded_answers(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
):
    live = metrics(opened())
    st.cache_data.clear()
    st.cache_resource.clear()
    monkeypatch.setenv("COMMODITY_LENS_SERVER", f"127.0.0.1:{free_port()}")
    page = opened()
    assert not page.exception
    assert live
    # Recorded in few digits: a box or two of the shelf's 40 books may come or go.
    recorded = {name: float(value) for name, value in metrics(page).items()}
    assert recorded == pytest.approx({n: float(v) for n, v in live.items()}, abs=0.03)
    assert captions(page).count("Recorded") == 2  # of the image, and of the charts
