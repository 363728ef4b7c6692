"""The pages, run by Streamlit's app tester against a real model server."""

import json
import re
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import grpc
import numpy as np
import pandas as pd
import pillow_heif
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import images, state
from dashboard.files import ImageFile
from dashboard.images import MAX_UPLOADS
from detector.embedded import EmbeddedServer
from detector.wire.protos import get_model_metadata_pb2
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, serving, statuses
from tests.support.kept import ask_at_once, kept
from tests.support.paths import BEFORE, NEWEST, ROOT
from tests.support.running import free_port

PAGES = ["app.py", *(f"pages/{path.name}" for path in sorted((ROOT / "pages").glob("*.py")))]

pytestmark = pytest.mark.usefixtures("empty_caches")


@pytest.fixture
def opened(
    embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)

    def run(page: str = "app.py", **query: str) -> AppTest:
        # Links between pages are known to the home page only, so every page is reached from there.
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        for name, value in query.items():
            app.query_params[name] = value
        return app.run() if page == "app.py" else app.switch_page(page).run()

    return run


def by_class(app: AppTest) -> dict[str, dict[str, str]]:
    """The table by class: a row a class, a cell a column."""
    [table] = [block.value for block in app.get("html") if 'class="lens-classes">' in block.value]
    names = re.findall(r'scope="col">(\w+)', table)
    rows = re.findall(r"<tr[^>]*><th scope=.row.>(.*?)</tr>", table)
    cells = [re.split(r"</t[hd]>(?:<td>)?", re.sub(r"<i .*?</i>", "", row)) for row in rows]
    return {row[0]: dict(zip(names, row, strict=False)) for row in cells}


def counts(app: AppTest) -> dict[str, int]:
    return {label: int(row["Boxes"]) for label, row in by_class(app).items()}


def shown(app: AppTest) -> int:
    """How many boxes the table by class counts."""
    return sum(counts(app).values())


def problems(app: AppTest) -> list[str]:
    shown = [box.value for box in app.error] + [box.message for box in app.exception]
    return unescaped(shown)


def warnings(app: AppTest) -> list[str]:
    return unescaped([box.value for box in app.warning])


def unescaped(texts: list[str]) -> list[str]:
    """Markdown as a visitor reads it."""
    return [text.replace("\\", "") for text in texts]


def photo_is_shown(app: AppTest) -> bool:
    [chart] = app.get("plotly_chart")
    return bool(json.loads(chart.proto.spec)["layout"]["images"])


@pytest.mark.parametrize("page", PAGES)
def test_each_page_runs_alone(opened: Callable[..., AppTest], page: str):
    assert problems(opened(page)) == []


def test_the_first_sample_is_detected_on_opening(opened: Callable[..., AppTest]):
    assert shown(opened()) > 0


def test_a_threshold_of_a_class_takes_the_place_of_the_common_one(opened: Callable[..., AppTest]):
    app = opened(score_threshold="0.15")  # few enough for the cut at 200
    before = counts(app)
    label = max(before, key=before.__getitem__)
    app.button_group(key="own").select(label).run()
    assert app.slider(key=f"threshold_{label}").value == 0.15
    app.slider(key=f"threshold_{label}").set_value(1.0).run()
    assert counts(app) == before | {label: 0}
    assert by_class(app)[label]["Threshold"] == "1.00"


def test_a_class_that_is_not_shown_is_not_counted(opened: Callable[..., AppTest]):
    app = opened(score_threshold="0.15")  # few enough for the cut at 200
    before = counts(app)
    label = max(before, key=before.__getitem__)
    app.button_group(key="classes").unselect(label).run()
    assert counts(app) == before | {label: 0}
    assert by_class(app)[label]["Shown"] == "no"


def test_no_class_shown_is_no_box_and_no_error(opened: Callable[..., AppTest]):
    app = opened()
    app.button_group(key="classes").set_value([]).run()
    assert (shown(app), problems(app)) == (0, [])


def test_the_maximum_number_of_boxes_holds(opened: Callable[..., AppTest]):
    app = opened(score_threshold="0.01", top_k="3")
    assert shown(app) == 3


def test_reset_restores_every_knob(opened: Callable[..., AppTest]):
    app = opened(score_threshold="0.77", iou_threshold="0.9", top_k="5", class_agnostic="true")
    app.button_group(key="classes").unselect("watch").run()
    app.button_group(key="own").select("shoes").run()
    app.slider(key="threshold_shoes").set_value(0.9).run()
    app.button(key="reset").click().run()
    assert {row["Threshold"] for row in by_class(app).values()} == {"0.30"}
    assert {row["Shown"] for row in by_class(app).values()} == {"yes"}
    assert app.slider(key="score_threshold").value == 0.3
    assert app.slider(key="iou_threshold").value == 0.45
    assert app.slider(key="top_k").value == 200
    assert app.toggle(key="class_agnostic").value is False


def test_a_useless_value_in_a_link_is_ignored(opened: Callable[..., AppTest]):
    app = opened(score_threshold="many", sample="no such sample", top_k="-4")
    assert app.slider(key="score_threshold").value == 0.3
    assert problems(app) == []


def test_uploads_of_the_same_name_are_both_kept(opened: Callable[..., AppTest]):
    app = opened(source="Upload")
    app.file_uploader(key="upload").set_value(
        [("a.png", png("red"), "image/png"), ("a.png", png("blue"), "image/png")]
    ).run()
    assert problems(app) == []
    assert unescaped(app.button_group(key="picture").options) == ["a.png", "a.png (2)"]


def test_uploads_outlive_a_change_of_source_and_can_be_removed(opened: Callable[..., AppTest]):
    app = opened(source="Upload")
    app.file_uploader(key="upload").set_value([("a.png", png("red"), "image/png")]).run()
    app.button_group(key="source").set_value("Samples").run()
    app.button_group(key="source").set_value("Upload").run()
    app.file_uploader(key="upload").set_value([("b.png", png("blue"), "image/png")]).run()
    assert unescaped(app.button_group(key="picture").options) == ["a.png", "b.png"]
    app.button(key="remove_earlier").click().run()
    assert problems(app) == []
    assert [group.key for group in app.button_group].count("picture") == 0


def test_more_images_than_a_session_keeps_are_refused(opened: Callable[..., AppTest]):
    app = opened(source="Upload")
    files = [(f"{n}.png", png((n, 0, 0)), "image/png") for n in range(MAX_UPLOADS + 1)]
    app.file_uploader(key="upload").set_value(files).run()
    assert len(app.button_group(key="picture").options) == MAX_UPLOADS
    assert f"{MAX_UPLOADS}.png" in problems(app)[0]


def test_the_round_trip_is_measured(opened: Callable[..., AppTest]):
    app = opened("pages/4_Server.py")
    app.button(key="measure").click().run()
    assert problems(app) == []
    rates = frame_of(app, "Callers")
    assert list(rates["Callers"]) == [1, 2, 4, 8]
    assert (rates["Rate"] > 0).all()
    assert (rates["Median"] <= rates["p95"]).all()
    assert any("request of 1,080 kB" in box.value for box in app.caption)


def frame_of(app: AppTest, column: str) -> pd.DataFrame:
    """The table that has this column."""
    [found] = [each.value for each in app.dataframe if column in each.value]
    return found


def test_each_replica_is_told_by_itself(monkeypatch: pytest.MonkeyPatch, embedded_server):
    dead = f"127.0.0.1:{free_port()}"
    address = f"ipv4:{embedded_server.address},{dead}"
    monkeypatch.setenv("COMMODITY_LENS_SERVER", address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
    app.switch_page("pages/4_Server.py").run()
    app.run()
    assert problems(app) == []
    replicas = frame_of(app, "Replica").set_index("Replica")
    assert replicas["State"][embedded_server.address] == f"ready: {NEWEST}, {BEFORE}"
    assert "can't be reached" in replicas["State"][dead]
    assert replicas["Median"][embedded_server.address] > 0
    assert np.isnan(replicas["Median"][dead])


def test_the_versions_of_a_further_server_are_its_own(monkeypatch: pytest.MonkeyPatch):
    ready, ended = 30, 50  # as TensorFlow Serving numbers its states
    with serving(Foreign(status=statuses((7, ready, ""), (6, ended, "out of memory")))) as other:
        monkeypatch.setenv("COMMODITY_LENS_SERVERS", f"next={other.address}")
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        app.switch_page("pages/4_Server.py").run()
        assert list(frame_of(app, "Version")["Version"]) == [int(NEWEST), int(BEFORE)]
        app.button_group(key="shown_server").set_value("next").run()
        versions = frame_of(app, "Version")
        assert list(versions["Version"]) == [7, 6]
        assert list(versions["Message"]) == ["OK", "out of memory"]
        assert list(frame_of(app, "Replica")["Replica"]) == [other.address]
        assert not [each for each in app.subheader if each.value == "Model card"]


@pytest.mark.parametrize("data", [b"", b"not an image", b"\xff\xd8\xff\xe0 cut off"])
def test_a_file_that_is_no_image_is_named_and_the_page_goes_on(
    opened: Callable[..., AppTest], data: bytes
):
    app = opened(source="Upload")
    app.file_uploader(key="upload").set_value([("bad.jpg", data, "image/jpeg")]).run()
    assert len(problems(app)) == 1
    assert "bad.jpg" in problems(app)[0]
    assert shown(app) > 0


@pytest.mark.parametrize(
    ("setting", "value", "named"),
    [
        ("MODEL_NAME", "no_such_model", "no_such_model"),
        ("SIGNATURE_NAME", "no_such_signature", "no_such_signature"),
        ("OUTPUT_NAME", "no_such_output", "no_such_output"),
        ("INPUT_NAME", "no_such_input", "no_such_input"),
        ("LABELS", "background,one,two", "expected"),
        ("MODEL_VERSION", "77", "77"),
    ],
)
def test_a_wrong_setting_is_named_and_the_photo_is_still_there(
    opened: Callable[..., AppTest],
    monkeypatch: pytest.MonkeyPatch,
    setting: str,
    value: str,
    named: str,
):
    monkeypatch.setenv(f"COMMODITY_LENS_{setting}", value)
    app = opened()
    assert len(problems(app)) == 1
    assert named in problems(app)[0]
    assert not app.exception
    assert photo_is_shown(app)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("SERVER", "http://localhost:8500"), ("SAMPLES_PATH", "no/such/folder"), ("COLOUR", "red")],
)
def test_a_setting_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, setting: str, value: str
):
    monkeypatch.setenv(f"COMMODITY_LENS_{setting}", value)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    assert value in problems(app)[0] or setting in problems(app)[0]
    assert not app.exception


def ssd_output(columns: int = 21, score: float = 0.9) -> np.ndarray:
    """One image's answer with one sure box, of class 1, in the middle."""
    output = np.zeros((1, 4, columns), np.float32)
    output[:, :, 4] = 1.0
    output[0, 0, 4:6] = 1 - score, score
    output[:, :, -8:-4] = 0.25, 0.25, 0.75, 0.75
    output[:, :, -4:] = 0.1, 0.1, 0.2, 0.2
    return output


def answering(output: np.ndarray, version: int = 1) -> Foreign:
    tensor = encode_tensor(output)
    return Foreign(answer({"concat_3:0": tensor}, version=version), statuses((version, 30, "")))


def opened_at(server: Foreign, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("COMMODITY_LENS_SERVER", server.address)
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()


def test_moving_a_knob_never_calls_the_server(monkeypatch: pytest.MonkeyPatch):
    with serving(answering(ssd_output())) as server:
        app = opened_at(server, monkeypatch)
        app.slider(key="score_threshold").set_value(0.95).run()
        assert shown(app) == 0
        app.slider(key="iou_threshold").set_value(0.9).run()
        app.slider(key="score_threshold").set_value(0.5).run()
        assert shown(app) == 1
        assert len(server.requests) == 1


def test_a_new_version_detects_anew(monkeypatch: pytest.MonkeyPatch):
    with serving(answering(ssd_output())) as server:
        app = opened_at(server, monkeypatch)
        newer = answering(ssd_output(score=0.6), version=2)
        server.predict, server.status = newer.predict, newer.status
        ask_at_once(monkeypatch)
        app.run()
        assert by_class(app)["clothes"]["Best"] == "0.60"


def test_a_failing_server_leaves_the_earlier_boxes(monkeypatch: pytest.MonkeyPatch):
    with serving(answering(ssd_output())) as server:
        app = opened_at(server, monkeypatch)
        server.status = None
        ask_at_once(monkeypatch)
        app.run()
        assert len(problems(app)) == 1
        assert shown(app) == 1


def test_without_a_server_the_gallerys_answers_are_recorded_ones_and_said_to_be(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", f"127.0.0.1:{free_port()}")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30).run()
    [warning] = warnings(app)
    assert "can't be reached. Check the address" in warning
    assert problems(app) == []
    assert shown(app) > 0
    assert any(f"by commodity {NEWEST} on 20" in said for said in recorded_words(app))
    before = counts(app)
    app.slider(key="score_threshold").set_value(0.95).run()
    assert counts(app) != before
    app.segmented_control(key="source").set_value("Upload").run()
    app.file_uploader(key="upload").upload("mine.png", png("red"), "image/png").run()
    assert recorded_words(app) == []
    app.switch_page("pages/1_Thresholds.py").run()
    app.segmented_control(key="source").set_value("Samples").run()
    assert recorded_words(app)


def recorded_words(app: AppTest) -> list[str]:
    return [box.value for box in app.caption if "Recorded" in box.value]


def test_a_slow_server_is_named_with_its_time_limit(monkeypatch: pytest.MonkeyPatch):
    done = threading.Event()
    monkeypatch.setenv("COMMODITY_LENS_TIMEOUT_S", "2")
    slow = answering(ssd_output())
    at_once = slow.predict
    slow.predict = lambda request, context: done.wait(30) and at_once(request, context)
    with serving(slow) as server:
        app = opened_at(server, monkeypatch)
        assert "2 s" in warnings(app)[0]
        assert recorded_words(app)
        done.set()
        assert (warnings(app.run()), shown(app)) == ([], 1)


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (ssd_output(columns=33), "33"),
        (ssd_output()[0], "(4, 21)"),
        (np.zeros((), np.float32), "()"),
        (np.full_like(ssd_output(), np.nan), "nan"),
    ],
)
def test_an_output_of_another_shape_is_named(
    monkeypatch: pytest.MonkeyPatch, output: np.ndarray, named: str
):
    with serving(answering(output)) as server:
        app = opened_at(server, monkeypatch)
        assert named in problems(app)[0].lower()
        assert photo_is_shown(app)
        assert recorded_words(app) == []  # a server that answers wrongly is to be mended


def png(color: str | tuple[int, int, int]) -> bytes:
    data = BytesIO()
    Image.new("RGB", (320, 240), color).save(data, "PNG")
    return data.getvalue()


def test_a_server_that_is_configured_with_tls_is_called_with_tls(opened, monkeypatch):
    # The server of the tests has none: only a call without TLS would get an answer.
    monkeypatch.setenv("COMMODITY_LENS_TLS", "true")
    monkeypatch.setenv("COMMODITY_LENS_TIMEOUT_S", "2")
    [warning] = warnings(opened())
    assert "TLS" in warning


@pytest.fixture
def own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the shipped model behind an embedded server, and no card yet."""
    (tmp_path / "1").mkdir()
    shipped = ROOT / "models" / "commodity" / "1" / "saved_model.pb"
    (tmp_path / "1" / "saved_model.pb").symlink_to(shipped)
    monkeypatch.delenv("COMMODITY_LENS_SERVER", raising=False)
    monkeypatch.setenv("COMMODITY_LENS_MODEL_BASE_PATH", str(tmp_path))
    return tmp_path


@pytest.mark.server
def test_of_a_model_card_what_it_has_is_shown(own_model: Path):
    figures = {
        "all": {"mAP50": None},
        "scene": {"mAP50": 0.5},
        "classes": {"shoes": {"AP50": None, "best_F1": 0.4}, "watch": {"AP50": 0.25}},
    }
    cards = [{}, {"figures": None, "data": None}, {"figures": figures}]
    for card in cards:
        (own_model / "1" / "card.json").write_text(json.dumps(card))
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        app.switch_page("pages/4_Server.py").run()
        assert problems(app) == []
    assert {m.label: m.value for m in app.metric} == {"mAP@0.5, all": "–", "mAP@0.5, scene": "0.50"}
    table = app.dataframe[-1].value
    assert table["AP@0.5"].isna().tolist() == [True, False]
    assert table["Best F1"].isna().tolist() == [False, True]


@pytest.mark.server
def test_a_model_card_of_another_form_is_one_clear_message(own_model: Path):
    for text in ("[1, 2]", "{", '{"figures": {"classes": {"shoes": {"AP50": "good"}}}}'):
        (own_model / "1" / "card.json").write_text(text)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=30)
        app.switch_page("pages/4_Server.py").run()
        assert not app.exception
        [problem] = problems(app)
        assert "card.json cannot be read" in problem


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gallery of two images: a good one, and one whose file is not there yet."""
    listed = [{"title": "Good", "file_name": "a.png"}, {"title": "Other", "file_name": "b.heic"}]
    (tmp_path / "annotations.json").write_text(json.dumps({"images": listed}))
    (tmp_path / "a.png").write_bytes(png("red"))
    monkeypatch.setenv("COMMODITY_LENS_SAMPLES_PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("page", ["app.py", "pages/1_Thresholds.py", "pages/2_Compare.py"])
@pytest.mark.parametrize("data", [None, b"no image"])
def test_a_sample_that_cannot_be_read_is_named(
    opened: Callable[..., AppTest], gallery: Path, page: str, data: bytes | None
):
    if data is not None:
        (gallery / "b.heic").write_bytes(data)
    app = opened(page)
    assert not app.exception
    assert "b.heic" in problems(app)[0]


def test_a_sample_that_is_missing_does_not_end_the_uploads(
    opened: Callable[..., AppTest], gallery: Path
):
    app = opened(source="Upload")
    app.file_uploader(key="upload").set_value([("mine.png", png("blue"), "image/png")]).run()
    assert problems(app) == []
    app.switch_page("pages/1_Thresholds.py").run()
    app.segmented_control(key="source").set_value("Upload").run()
    assert problems(app) == []


def test_a_sample_that_cannot_be_counted_over_is_named(
    opened: Callable[..., AppTest], gallery: Path
):
    app = opened("pages/1_Thresholds.py", tab="Curves")
    app.segmented_control(key="source").set_value("Upload").run()  # nothing is uploaded yet
    assert not app.exception
    assert "b.heic" in problems(app)[0]


def test_a_sample_may_be_a_heic_image(opened: Callable[..., AppTest], gallery: Path):
    pillow_heif.from_pillow(Image.new("RGB", (64, 48), "blue")).save(gallery / "b.heic")
    app = opened(sample="Other")
    assert problems(app) == []
    assert photo_is_shown(app)


def test_a_file_that_was_uploaded_twice_stays_when_one_is_taken_out(opened: Callable[..., AppTest]):
    app = opened(source="Upload")
    uploader = app.file_uploader(key="upload")
    uploader.upload("a.png", png("red"), "image/png").upload("a.png", png("red"), "image/png").run()
    uploader = app.file_uploader(key="upload")
    uploader._files = uploader._get_files_to_register()[:1]  # of the same id, as in a browser
    uploader.run()
    assert list(kept(app, state.Uploads).files) == ["a.png"]


def switching() -> Foreign:
    """A server that says that it has version 1, and answers by 2, which is less sure, whoever asks
    for no number."""
    outputs = {
        version: answer({"concat_3:0": encode_tensor(ssd_output(score=sure))}, version=version)
        for version, sure in ((1, 0.9), (2, 0.6))
    }
    return Foreign(
        lambda request, context: outputs[request.model_spec.version.value or 2](request, context),
        statuses((1, 30, "")),
    )


def test_what_is_kept_of_a_version_is_what_that_version_said(monkeypatch: pytest.MonkeyPatch):
    with serving(switching()) as server:
        app = opened_at(server, monkeypatch)
        assert by_class(app)["clothes"]["Best"] == "0.90"
        app.switch_page("pages/1_Thresholds.py").run()
        assert {request.model_spec.version.value for request in server.requests} == {1}


def test_a_version_that_was_unloaded_a_moment_ago_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
):
    with serving(switching()) as server:
        app = opened_at(server, monkeypatch)
        at_once = server.predict

        def predict(request, context):
            if request.model_spec.version.value == 1:
                context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")
            return at_once(request, context)

        server.predict, server.status = predict, statuses((2, 30, ""))
        app.button_group(key="sample").set_value(app.button_group(key="sample").options[1]).run()
        assert (problems(app), by_class(app)["clothes"]["Best"]) == ([], "0.60")


def test_a_server_that_does_not_tell_the_version_of_a_label_is_asked_by_it(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("COMMODITY_LENS_VERSION_LABEL", "canary")
    tensor = encode_tensor(ssd_output())
    silent = Foreign(answer({"concat_3:0": tensor}, version=None))
    silent.metadata = lambda request, context: get_model_metadata_pb2.GetModelMetadataResponse()
    with serving(silent) as server:
        app = opened_at(server, monkeypatch)
        assert (problems(app), shown(app)) == ([], 1)
        assert [request.model_spec.version_label for request in server.requests] == ["canary"]


@pytest.mark.server
def test_own_thresholds_are_told_at_the_slider_that_does_not_move_them(
    embedded_server, monkeypatch
):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["own"] = ["shoes", "watch"]
    app.query_params["threshold_shoes"] = "0.6"
    app.run()
    told = "2 classes have thresholds of their own, which this one does not move."
    assert told in [caption.value for caption in app.caption]
    app.button(key="clear_own").click().run()
    assert told not in [caption.value for caption in app.caption]
    assert kept(app, state.Thresholds).settings.class_thresholds == {}


def test_a_page_whose_first_run_was_cut_off_is_still_new(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
):
    """Else its address would lack the settings that hold: they are put there by a new page."""
    app = opened()
    assert not app.session_state[state._key(state.Visit)].is_new
    with monkeypatch.context() as cut_off:
        cut_off.setattr(images, "choose", st.stop)
        app.switch_page("pages/1_Thresholds.py").run()
    seen = []
    choose = images.choose

    def noted() -> ImageFile:
        seen.append(state.read(state.Visit).is_new)
        return choose()

    monkeypatch.setattr(images, "choose", noted)
    app.run()
    app.run()
    assert seen == [True, False]
