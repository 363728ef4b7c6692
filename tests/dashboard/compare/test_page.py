"""The Compare page, run by Streamlit's app tester against real gRPC servers."""

import json
import re
from collections.abc import Callable
from io import BytesIO

import grpc
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from dashboard import state
from dashboard.compare.page import OPENS_ON
from detector.embedded import EmbeddedServer
from detector.formats.thresholds import write_thresholds
from detector.images import read_image
from detector.serving import ServingClient
from detector.ssd import Detections, RawPrediction, Settings, postprocess, preprocess
from detector.wire.protos import get_model_metadata_pb2
from detector.wire.tensors import encode_tensor
from tests.support.foreign import Foreign, answer, serving, statuses
from tests.support.kept import keep
from tests.support.paths import BEFORE, NEWEST, ROOT
from tests.support.running import free_port

LABELS = ("background", "clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")
AVAILABLE, LOADING = 30, 20
SAMPLE = "Flea market table"
FILE = "crowded_table.jpg"

pytestmark = pytest.mark.usefixtures("empty_caches")


@pytest.fixture
def opened(
    embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AppTest]:
    """Both sides ask the newest version, unless `query` has others or None: as the page opens."""
    monkeypatch.setenv("COMMODITY_LENS_SERVER", embedded_server.address)

    def run(servers: str = "", **query: str | list[str] | None) -> AppTest:
        monkeypatch.setenv("COMMODITY_LENS_SERVERS", servers)
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        app.switch_page("pages/2_Compare.py")
        for name, value in {"version_a": "newest", **query}.items():
            if value is not None:
                app.query_params[name] = value
        return app.run()

    return run


@pytest.fixture
def output(client: ServingClient):
    """The raw output of the shipped model for a sample, as a tensor."""
    image = read_image((ROOT / "samples" / FILE).read_bytes())
    return client.predict({"images": preprocess(image)}).outputs["concat_3:0"]


def problems(app: AppTest) -> list[str]:
    found = [box.value for box in app.error] + [box.message for box in app.exception]
    return [text.replace("\\", "") for text in found]


def differences(app: AppTest) -> pd.DataFrame:
    return app.dataframe[0].value


def spec(app: AppTest) -> dict:
    [chart] = app.get("plotly_chart")
    return json.loads(chart.proto.spec)


def panel_boxes(app: AppTest, axis: str) -> int:
    """How many clickable boxes a panel has."""
    return sum(
        len(trace["x"])
        for trace in spec(app)["data"]
        if trace["type"] == "bar" and "customdata" in trace and trace.get("xaxis", "x") == axis
    )


def detected(output, **settings: float) -> Detections:
    return postprocess(RawPrediction.of_single(output), Settings(**settings), (1280, 960))


def rows_by_hand(a: Detections, b: Detections, threshold: float) -> set[tuple]:
    """The difference table from a matching of its own: every pair in one list, best first."""

    def iou(p: list[float], q: list[float]) -> float:
        wide = min(p[2], q[2]) - max(p[0], q[0])
        high = min(p[3], q[3]) - max(p[1], q[1])
        shared = wide * high if wide > 0 and high > 0 else 0.0
        total = (p[2] - p[0]) * (p[3] - p[1]) + (q[2] - q[0]) * (q[3] - q[1])
        return shared / (total - shared)

    boxes_a, boxes_b = a.boxes.tolist(), b.boxes.tolist()
    pairs = sorted(
        (a.class_ids[i] != b.class_ids[j], -iou(p, q), i, j)
        for i, p in enumerate(boxes_a)
        for j, q in enumerate(boxes_b)
        if iou(p, q) >= threshold
    )
    partner: dict[int, int] = {}
    for _, _, i, j in pairs:
        if i not in partner and j not in partner.values():
            partner[i] = j
    rows = set()
    for i in range(len(a)):
        j = partner.get(i)
        told = (LABELS[a.class_ids[i]], round(float(a.scores[i]), 4))
        if j is None:
            rows.add(("Only in A", *told, None, None))
        else:
            same = a.class_ids[i] == b.class_ids[j]
            kind = "In both" if same else "Same box, another class"
            rows.add((kind, *told, LABELS[b.class_ids[j]], round(float(b.scores[j]), 4)))
    for j in set(range(len(b))) - set(partner.values()):
        rows.add(("Only in B", None, None, LABELS[b.class_ids[j]], round(float(b.scores[j]), 4)))
    return rows


def rows_shown(app: AppTest) -> set[tuple]:
    def told(value: object) -> object:
        if pd.isna(value):
            return None
        return round(value, 4) if isinstance(value, float) else value

    columns = ["difference", "A", "score_A", "B", "score_B"]
    return {tuple(map(told, row)) for row in differences(app)[columns].itertuples(index=False)}


def test_two_thresholds_differ(opened: Callable[..., AppTest]):
    app = opened(score_b="0.5")
    assert problems(app) == []
    assert len(spec(app)["layout"]["images"]) == 2
    assert set(differences(app)["difference"]) == {"Only in A", "In both"}
    assert "right" in differences(app)
    assert len(app.info) == 0


def test_it_opens_with_the_version_before_against_the_newest(opened: Callable[..., AppTest]):
    app = opened(version_a=None)
    assert problems(app) == []
    assert (knobs(app, "a")[-1], knobs(app, "b")[-1]) == (BEFORE, "newest")
    headings = [note["text"] for note in spec(app)["layout"]["annotations"]]
    assert [f"commodity {v} " in headings[side] for side, v in enumerate((BEFORE, NEWEST))]
    assert "Both sides are the same" not in "".join(box.value for box in app.info)


def test_both_sides_open_with_the_settings_that_hold_on_all_pages(opened: Callable[..., AppTest]):
    app = opened(score_threshold="0.4", iou_threshold="0.6", own="shoes", threshold_shoes="0.9")
    assert knobs(app, "a") == knobs(app, "b") == (0.4, 0.6, False, "newest")
    assert "Both sides are the same" in app.info[0].value
    texts = json.dumps(spec(app)["layout"]["annotations"])
    assert texts.count("1 own threshold") == 2
    shoes = differences(app).query("A == 'shoes'")
    assert (shoes["score_A"] >= 0.9).all()
    app.toggle(key="own_b").set_value(False).run()
    assert len(app.info) == 0
    assert json.dumps(spec(app)["layout"]["annotations"]).count("1 own threshold") == 1


def test_a_side_takes_thresholds_from_a_file(opened: Callable[..., AppTest]):
    app = opened()
    content = write_thresholds(Settings(0.2, class_thresholds={3: 0.8, 4: 0.7}), LABELS)
    app.file_uploader(key="thresholds_b").upload("t.json", content, "application/json").run()
    assert problems(app) == []
    assert knobs(app, "b") == (0.2, 0.45, False, "newest")
    assert "2 own thresholds" in json.dumps(spec(app)["layout"]["annotations"])
    assert app.query_params["thresholds_b"] == ["shoes:0.8", "watch:0.7"]
    app.button(key="swap").click().run()
    assert knobs(app, "a") == (0.2, 0.45, False, "newest")
    app.button(key="reset_sides").click().run()
    assert "own threshold" not in json.dumps(spec(app)["layout"]["annotations"])
    assert "thresholds_a" not in app.query_params


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["shoes:0.8", "watch:0.7"], ["shoes:0.8", "watch:0.7"]),
        (["none"], ["none"]),
        (["shoes:0.8", "hats:0.5", "watch:2", "phone", "books:nan", ":", "background:0.1"],
         ["shoes:0.8"]),
    ],
)  # fmt: skip
def test_the_address_has_the_thresholds_of_a_sides_file(
    opened: Callable[..., AppTest], given: list[str], taken: list[str]
):
    app = opened(thresholds_a=given)
    assert problems(app) == []
    app.button(key="swap").click().run()
    said = app.query_params["thresholds_b"]
    assert (said if isinstance(said, list) else [said]) == taken
    headings = json.dumps(spec(app)["layout"]["annotations"])
    assert ("own threshold" in headings) == (taken != ["none"])


@pytest.mark.parametrize(
    ("a", "b", "same_iou"),
    [
        ((0.3, 0.45), (0.5, 0.45), 0.5),
        ((0.05, 0.3), (0.1, 0.7), 0.5),
        ((0.05, 0.3), (0.05, 0.9), 0.75),
        ((0.2, 0.45), (0.03, 0.6), 0.1),
    ],
)
def test_the_table_is_that_of_an_independent_matching(
    opened: Callable[..., AppTest], output, a: tuple, b: tuple, same_iou: float
):
    app = opened(
        sample=SAMPLE,
        score_a=str(a[0]),
        iou_a=str(a[1]),
        score_b=str(b[0]),
        iou_b=str(b[1]),
        same_box_iou=str(same_iou),
    )
    of_a = detected(output, score_threshold=a[0], iou_threshold=a[1])
    of_b = detected(output, score_threshold=b[0], iou_threshold=b[1])
    assert rows_shown(app) == rows_by_hand(of_a, of_b, same_iou)
    assert (panel_boxes(app, "x"), panel_boxes(app, "x2")) == (len(of_a), len(of_b))


def test_the_score_change_is_shown_with_its_sign(opened: Callable[..., AppTest]):
    rows = differences(opened(sample=SAMPLE, score_a="0.05", iou_b="0.9"))
    paired = rows[rows["A"].notna() & rows["B"].notna()]
    assert (paired["change"] - (paired["score_B"] - paired["score_A"])).abs().max() < 1e-6
    assert rows[rows["A"].isna() | rows["B"].isna()]["change"].isna().all()


def test_a_kind_that_is_filtered_out_is_not_listed(opened: Callable[..., AppTest]):
    app = opened(score_b="0.5")
    app.button_group(key="kinds").unselect("In both").run()
    assert set(differences(app)["difference"]) == {"Only in A"}


def test_a_side_can_be_class_agnostic(opened: Callable[..., AppTest], output):
    app = opened(sample=SAMPLE, score_a="0.05", score_b="0.05", agnostic_b="true")
    assert panel_boxes(app, "x") == len(detected(output, score_threshold=0.05))
    agnostic = detected(output, score_threshold=0.05, class_agnostic=True)
    assert panel_boxes(app, "x2") == len(agnostic) < panel_boxes(app, "x")


def knobs(app: AppTest, letter: str) -> tuple:
    return (
        app.slider(key=f"score_{letter}").value,
        app.slider(key=f"iou_{letter}").value,
        app.toggle(key=f"agnostic_{letter}").value,
        app.selectbox(key=f"version_{letter}").value,
    )


def test_swap_exchanges_the_sides(opened: Callable[..., AppTest]):
    app = opened(score_a="0.2", agnostic_a="true", version_b=NEWEST)
    a, b = knobs(app, "a"), knobs(app, "b")
    shown = (panel_boxes(app, "x"), panel_boxes(app, "x2"))
    app.button(key="swap").click().run()
    assert (knobs(app, "a"), knobs(app, "b")) == (b, a)
    assert (panel_boxes(app, "x2"), panel_boxes(app, "x")) == shown


def test_copy_makes_b_what_a_is_and_nothing_differs(opened: Callable[..., AppTest]):
    app = opened(score_a="0.2", iou_a="0.6", version_a=NEWEST)
    app.button(key="copy").click().run()
    assert knobs(app, "b") == knobs(app, "a") == (0.2, 0.6, False, NEWEST)
    assert set(differences(app)["difference"]) == {"In both"}


def test_reset_brings_back_what_the_page_opens_with(opened: Callable[..., AppTest]):
    app = opened(
        score_a="0.2", iou_b="0.6", agnostic_b="true", version_b=BEFORE, same_box_iou="0.9"
    )
    app.button(key="reset_sides").click().run()
    assert knobs(app, "a") == (0.3, 0.45, False, BEFORE)
    assert knobs(app, "b") == (0.3, 0.45, False, "newest")
    assert app.slider(key="same_box_iou").value == 0.5


def test_the_knobs_stay_through_another_page(opened: Callable[..., AppTest]):
    app = opened()
    app.slider(key="score_b").set_value(0.77).run()
    app.switch_page("pages/4_Server.py").run()
    app.switch_page("pages/2_Compare.py").run()
    assert app.slider(key="score_b").value == 0.77


# Servers, versions, labels.


def versions_of(output, *versions: int, labels: dict[str, int] | None = None) -> Foreign:
    """A server with these versions ready, the odd ones without any detection."""
    empty = output.copy()
    empty[..., 5:13] = 0

    def predict(request, context):
        version = request.model_spec.version.value or max(versions)
        tensor = encode_tensor(empty if version % 2 else output, "concat_3:0")
        return answer({"concat_3:0": tensor}, version=version)(request, context)

    def metadata(request, context):
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        label = request.model_spec.version_label
        if label not in (labels or {}):
            message = f"Unrecognized servable version label: {label}"
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
        response.model_spec.version.value = labels[label]
        return response

    ready = [(version, AVAILABLE, "") for version in sorted(versions, reverse=True)]
    return Foreign(predict, statuses((9, LOADING, ""), *ready), metadata)


def test_every_version_that_a_server_has_ready_is_offered(opened: Callable[..., AppTest], output):
    with serving(versions_of(output, 1, 2)) as foreign:
        app = opened(f"second={foreign.address}", server_b="second")
        assert app.selectbox(key="server_b").options[1:] == ["second"]
        assert app.selectbox(key="version_b").options == ["newest", "2", "1"]
        assert app.selectbox(key="version_a").options == ["newest", NEWEST, BEFORE]


def test_sides_by_two_versions_of_one_server_differ(opened: Callable[..., AppTest], output):
    with serving(versions_of(output, 1, 2)) as foreign:
        both = {"server_a": "second", "server_b": "second", "sample": SAMPLE}
        app = opened(f"second={foreign.address}", version_a="1", version_b="2", **both)
        assert problems(app) == []
        assert (panel_boxes(app, "x"), panel_boxes(app, "x2") > 0) == (0, True)
        assert [r.model_spec.version.value for r in foreign.requests] == [1, 2]
        headings = [note["text"] for note in spec(app)["layout"]["annotations"]]
        assert headings[0].startswith("A · commodity 1 · score")
        assert headings[1].startswith("B · commodity 2 · score")


def test_a_label_that_is_typed_is_asked(opened: Callable[..., AppTest], output):
    with serving(versions_of(output, 1, 2, labels={"canary": 1})) as foreign:
        servers = f"second={foreign.address}"
        app = opened(servers, server_b="second", version_b="canary", sample=SAMPLE)
        assert problems(app) == []
        assert spec(app)["layout"]["annotations"][1]["text"].startswith("B · commodity 1 ·")
        assert panel_boxes(app, "x2") == 0


def test_no_knob_calls_a_server_again(opened: Callable[..., AppTest], output):
    with serving(versions_of(output, 1, 2)) as foreign:
        app = opened(f"second={foreign.address}", server_b="second")
        asked = len(foreign.requests)
        for key, value in (("score_b", 0.11), ("iou_b", 0.8), ("score_a", 0.6)):
            app.slider(key=key).set_value(value).run()
        app.slider(key="same_box_iou").set_value(0.9).run()
        app.toggle(key="agnostic_b").set_value(True).run()
        assert (asked, len(foreign.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("version", "told"),
    [("7", "ersion 7 of the model 'commodity' is not available"), ("canary", "'canary'")],
)
def test_a_version_or_label_that_is_not_there_is_named_on_its_side(
    opened: Callable[..., AppTest], output, version: str, told: str
):
    with serving(versions_of(output, 1, 2)) as foreign:
        app = opened(f"second={foreign.address}", server_b="second", version_b=version)
        [message] = problems(app)
        assert told in message
        assert panel_boxes(app, "x") > 0 == panel_boxes(app, "x2")


def test_a_dead_server_is_named_on_its_side_and_the_other_side_stays(
    opened: Callable[..., AppTest], output
):
    port = free_port()
    app = opened(f"gone=127.0.0.1:{port}", server_a="gone", sample=SAMPLE)
    [message] = problems(app)
    assert str(port) in message
    assert panel_boxes(app, "x") == 0
    assert panel_boxes(app, "x2") == len(detected(output, score_threshold=0.3))
    assert not spec(app)["layout"]["showlegend"]  # there are no differences to tell
    assert len(app.dataframe) == 0


def test_without_a_server_both_sides_are_recorded_and_said_to_be(
    opened: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COMMODITY_LENS_SERVER", f"127.0.0.1:{free_port()}")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/2_Compare.py").run()
    assert problems(app) == []
    assert len(app.warning) == 2
    assert panel_boxes(app, "x") > 0 < panel_boxes(app, "x2")
    headings = [note["text"] for note in spec(app)["layout"]["annotations"]]
    for version in (BEFORE, NEWEST):
        assert any(f"commodity {version} " in said and "recorded on" in said for said in headings)


def test_an_answer_of_another_shape_is_an_error_of_its_side(opened: Callable[..., AppTest], output):
    tensor = encode_tensor(output[..., 1:], "concat_3:0")
    foreign = Foreign(answer({"concat_3:0": tensor}), statuses((3, AVAILABLE, "")))
    with serving(foreign):
        app = opened(f"second={foreign.address}", server_b="second")
        [message] = problems(app)
        assert "expected (P, 21)" in message
        assert panel_boxes(app, "x") > 0


# Ground-truth boxes.


def standings(app: AppTest) -> dict[str, list[str]]:
    [table] = [b.value for b in app.get("html") if "By the ground truth" in b.value]
    rows = re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', table)
    return {name: re.findall(r"<td[^>]*>([^<]*)", cells) for name, cells in rows}


def test_the_better_side_of_each_measure_stands_out(opened: Callable[..., AppTest]):
    app = opened(sample=SAMPLE)
    [table] = [b.value for b in app.get("html") if "By the ground truth" in b.value]
    for name, cells in re.findall(r'<th scope="row">([^<]+)</th>(.*?)</tr>', table):
        a, b = (float(value) for value in standings(app)[name][:2])
        better = [bool(said) for said in re.findall(r"<td( class=better)?>", cells)][:2]
        assert better == ([a < b, b < a] if name in ("Wrong", "Missed") else [a > b, b > a]), name


def test_the_measures_of_each_side_are_by_the_gallerys_true_boxes(opened: Callable[..., AppTest]):
    shown = standings(opened())
    right, wrong, missed = (list(map(int, shown[n][:2])) for n in ("Right", "Wrong", "Missed"))
    gallery = json.loads((ROOT / "samples" / "annotations.json").read_text())
    [image_id] = [i["id"] for i in gallery["images"] if i["file_name"] == OPENS_ON]
    there = sum(note["image_id"] == image_id for note in gallery["annotations"])
    for side in (0, 1):
        assert right[side] + missed[side] == there
        precision = right[side] / (right[side] + wrong[side])
        recall = right[side] / there
        assert shown["Precision"][side] == f"{precision:.2f}"
        assert shown["Recall"][side] == f"{recall:.2f}"
        assert shown["F1"][side] == f"{2 * precision * recall / (precision + recall):.2f}"
    # The average precision asks all boxes, so that the score threshold changes nothing.
    assert shown["AP@0.5"][0] == shown["AP@0.5"][1]


def test_another_image_with_a_samples_name_has_no_true_boxes(opened: Callable[..., AppTest]):
    data = BytesIO()
    Image.open(ROOT / "samples" / FILE).rotate(180).save(data, "JPEG")
    app = opened(source="Upload")
    app.file_uploader(key="upload").upload(FILE, data.getvalue(), "image/jpeg").run()
    assert problems(app) == []
    assert "right" not in differences(app).columns


def test_an_upload_is_judged_by_true_boxes_that_were_given_for_it(opened: Callable[..., AppTest]):
    data = BytesIO()
    Image.open(ROOT / "samples" / FILE).rotate(180).save(data, "JPEG")
    app = opened(source="Upload")
    truth = {
        "images": [{"id": 1, "file_name": "mine.jpg", "width": 1280, "height": 960}],
        "categories": [{"id": 1, "name": "shoes"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 90, 90]}],
    }
    keep(app, state.GroundTruthFiles((("mine.json", json.dumps(truth).encode()),)))
    app.file_uploader(key="upload").upload("mine.jpg", data.getvalue(), "image/jpeg").run()
    assert problems(app) == []
    assert "right" in differences(app).columns
    assert [int(said) for said in standings(app)["Missed"][:2]] == [1, 1]
    assert not any("not understood" in caption.value for caption in app.caption)
    truth["annotations"].append({"image_id": 1, "category_id": 9, "bbox": [200, 10, 90, 90]})
    keep(app, state.GroundTruthFiles((("mine.json", json.dumps(truth).encode()),)))
    app.run()
    assert any("1 entry of the ground truth was not understood" in c.value for c in app.caption)


# Images side by side.


def test_two_or_three_images_are_there_at_once(opened: Callable[..., AppTest], output):
    app = opened(compare_mode="Images")
    assert problems(app) == []
    assert 2 <= len(app.multiselect(key="pictures").value) <= 3
    [grid] = [b.value for b in app.get("html") if '<div class="lens-grid' in b.value]
    assert grid.count("<figure") == len(app.multiselect(key="pictures").value)


def test_the_table_counts_each_image_and_tells_the_difference_from_the_first(
    opened: Callable[..., AppTest], output, client: ServingClient
):
    titles = {"Desk with laptop and books": "desk_laptop_books.jpg", SAMPLE: FILE}
    app = opened(compare_mode="Images", pictures=list(titles), score_all="0.1")
    counts = []
    for name in titles.values():
        image = read_image((ROOT / "samples" / name).read_bytes())
        raw = RawPrediction.of_single(
            client.predict({"images": preprocess(image)}).outputs["concat_3:0"]
        )
        counts.append(postprocess(raw, Settings(score_threshold=0.1), (1280, 960)).class_ids)
    [table] = [b.value for b in app.get("html") if "<table" in b.value]
    for class_id, label in enumerate(LABELS[1:], start=1):
        first, second = (int((ids == class_id).sum()) for ids in counts)
        [row] = re.findall(rf"</i>{label}</th>(.*?)</tr>", table)
        change = f"{second - first:+d}" if second != first else ""
        cells = re.findall(r"<b>(\d+)</b><small>([^<]*)</small></td>", row)
        assert cells == [(str(first), ""), (str(second), change)]


def test_one_image_asks_for_another(opened: Callable[..., AppTest]):
    app = opened(compare_mode="Images", pictures=[SAMPLE])
    assert [box.value for box in app.info] == ["Pick 2 to 12 images to compare."]
    assert problems(app) == []


def test_an_upload_joins_the_images_and_a_broken_one_is_named(opened: Callable[..., AppTest]):
    data = BytesIO()
    Image.new("RGB", (40, 30), "red").save(data, "PNG")
    app = opened(compare_mode="Images")
    uploader = app.file_uploader(key="compare_upload")
    uploader.upload("<b>red.png", data.getvalue(), "image/png")
    uploader.upload("broken.png", data.getvalue()[:50], "image/png").run()
    assert app.multiselect(key="pictures").value[-1] == "<b>red.png"
    assert "<b>red.png" in app.multiselect(key="pictures").options  # read as text, never Markdown
    [message] = problems(app)
    assert "broken.png" in message
    [grid] = [b.value for b in app.get("html") if '<div class="lens-grid' in b.value]
    assert "&lt;b&gt;red.png" in grid
    assert "<b>red.png" not in grid


def test_images_beyond_the_most_are_named(opened: Callable[..., AppTest]):
    app = opened(compare_mode="Images")
    uploader = app.file_uploader(key="compare_upload")
    for number in range(11):
        data = BytesIO()
        Image.new("RGB", (40, 30), (20 * number, 0, 0)).save(data, "PNG")
        uploader.upload(f"{number}.png", data.getvalue(), "image/png")
    uploader.run()
    assert len(app.multiselect(key="pictures").value) == 12
    [warning] = [box.value.replace("\\", "") for box in app.warning]
    assert "Left out: 9.png, 10.png." in warning
    chosen = app.multiselect(key="pictures").value
    app.multiselect(key="pictures").set_value([*chosen[2:], "9.png", "10.png"]).run()
    assert len(app.warning) == 0
    strip = app.button_group(key="picture_strip")
    assert len(strip.value) == 12
    strip.set_value([*strip.value, chosen[0]]).run()
    [warning] = [box.value.replace("\\", "") for box in app.warning]
    assert f"Left out: {chosen[0]}." in warning
    assert chosen[0] not in app.button_group(key="picture_strip").value


def test_a_server_that_has_the_name_of_the_dashboards_own_is_refused(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("COMMODITY_LENS_SERVER", raising=False)
    monkeypatch.setenv("COMMODITY_LENS_SERVERS", "embedded=127.0.0.1:1")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.switch_page("pages/2_Compare.py").run()
    [problem] = problems(app)
    assert not app.exception
    assert "Two servers are named 'embedded'" in problem
    assert "COMMODITY_LENS_SERVERS another name" in problem


def test_the_images_with_most_of_a_class_come_first(opened):
    def seen(app: AppTest) -> list[tuple[str, int]]:
        [grid] = [b.value for b in app.get("html") if '<div class="lens-grid' in b.value]
        captions = re.findall(r"<figcaption><b>(.*?)</b><br>(.*?)</figcaption>", grid)
        found = [re.search(r"audio(?: × (\d+))?", summary) for _name, summary in captions]
        return [
            (name, int(each[1] or 1) if each else 0)
            for (name, _summary), each in zip(captions, found, strict=True)
        ]

    app = opened(compare_mode="Images")
    as_chosen = seen(app)
    app.pills(key="most_of").set_value("audio").run()
    assert not app.exception
    assert seen(app) == sorted(as_chosen, key=lambda each: -each[1])
    assert seen(app)[0][1] > as_chosen[0][1]
    [table] = [b.value for b in app.get("html") if "lens-pictures" in b.value]
    assert table.count('style="width:100%;') >= 1
    app.pills(key="most_of").set_value("As chosen").run()
    assert seen(app) == as_chosen
