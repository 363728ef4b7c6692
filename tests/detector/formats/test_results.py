"""Other detectors' results: what our own writers write is read back, and what strangers write is
read where it is plain and refused by name where it is not."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from detector.errors import ResultsError
from detector.formats.bundle import to_zip
from detector.formats.coco import to_coco, to_coco_results
from detector.formats.detected import DetectedImage
from detector.formats.result_files import ReadResults, read_results
from detector.formats.results import Joined, Legend, Results
from detector.formats.tables import to_csv
from detector.formats.yolo import to_yolo
from detector.ssd import Settings
from tests.support.detected import LABELS, NONE, TWO, detections

SIZES = {TWO.file_name: TWO.size, NONE.file_name: NONE.size}
ALL = Settings(score_threshold=0.0, iou_threshold=1.0)
SMALL = {"a.jpg": (200, 100)}
CLASSES = ("classes.txt", "\n".join(LABELS[1:]).encode())


def read(*files: tuple[str, bytes]) -> ReadResults:
    return read_results(files, LABELS)


def only(*files: tuple[str, bytes]) -> Results:
    found = read(*files)
    if found.refused:
        raise found.refused[0][1]
    [results] = found.results
    return results


def join(results: Results, sizes: dict[str, tuple[int, int]] = SIZES, **more: Any) -> Joined:
    return results.joined(sizes, LABELS, **more)


def same(joined: Joined, images: Sequence[DetectedImage], pixels: float) -> None:
    for image in images:
        found, expected = joined.answers[image.file_name].detections(ALL), image.detections
        assert found.class_ids.tolist() == expected.class_ids.tolist()
        assert found.scores == pytest.approx(expected.scores, abs=1e-6)
        assert found.boxes == pytest.approx(expected.boxes, abs=pixels)


def results_json(*entries: dict[str, Any]) -> tuple[str, bytes]:
    return "results.json", json.dumps(entries).encode()


def entry(**fields: Any) -> dict[str, Any]:
    usual = {"image_id": "a", "category_id": 3, "bbox": [10, 20, 30, 40], "score": 0.5}
    return usual | fields


def told(joined: Joined) -> str:
    return "\n".join(map(str, joined.problems))


# --- our own exports


def test_a_coco_data_set_with_scores_is_read_back() -> None:
    joined = join(only(("ours.json", to_coco([TWO, NONE], LABELS))))
    same(joined, [TWO, NONE], 1e-3)
    assert (joined.problems, joined.unspoken) == ((), ())


def test_a_coco_list_of_results_is_read_back_with_the_data_sets_annotations() -> None:
    annotations = json.loads(to_coco([TWO, NONE], LABELS))
    annotations["annotations"] = []
    found = read(
        ("results.json", to_coco_results([TWO, NONE])),
        ("annotations.json", json.dumps(annotations).encode()),
    )
    [results] = found.results
    joined = join(results, legend=found.legend)
    same(joined, [TWO, NONE], 1e-3)
    assert joined.unspoken == (NONE.file_name,)


def test_a_csv_is_read_back_and_an_image_without_a_line_has_nothing() -> None:
    joined = join(only(("ours.csv", to_csv([TWO, NONE], LABELS))))
    same(joined, [TWO, NONE], 1e-3)
    assert joined.unspoken == (NONE.file_name,)
    assert "empty.jpg: not in the file" in told(joined)


def test_a_csvs_name_that_was_kept_from_being_a_formula_is_the_images() -> None:
    image = DetectedImage("=1+1.jpg", (200, 100), detections((0, 0, 50, 50, 1, 0.9)))
    joined = join(only(("ours.csv", to_csv([image], LABELS))), {"=1+1.jpg": (200, 100)})
    same(joined, [image], 1e-3)


@pytest.mark.parametrize("is_zip", [False, True])
def test_yolo_texts_with_confidences_are_read_back(is_zip: bool) -> None:
    files = {
        "labels/shelf.txt": to_yolo(TWO, with_scores=True),
        "labels/empty.txt": to_yolo(NONE, with_scores=True),
        CLASSES[0]: CLASSES[1],
    }
    given = [("all.zip", to_zip(files))] if is_zip else list(files.items())
    joined = join(only(*given))
    same(joined, [TWO, NONE], 1e-2)
    assert (joined.problems, joined.unspoken) == ((), ())


# --- strangers' files


def test_an_image_id_is_the_files_name_as_a_number_or_a_text() -> None:
    sizes = {"000000000139.jpg": (200, 100), "7.png": (200, 100)}
    joined = join(only(results_json(entry(image_id=139), entry(image_id="7"))), sizes)
    assert [len(joined.answers[name].raw.scores) for name in sizes] == [1, 1]


def test_ids_as_texts_are_those_of_the_annotations() -> None:
    legend = Legend({5: "a.jpg"}, {90: "shoes"})
    results = only(results_json(entry(image_id="5", category_id="90")))
    found = join(results, SMALL, legend=legend).answers["a.jpg"].detections(ALL)
    assert found.class_ids.tolist() == [LABELS.index("shoes")]


def test_class_numbers_without_a_list_are_said_to_be_taken_as_the_models() -> None:
    joined = join(only(results_json(entry(category_id=3))), SMALL)
    assert "class numbers are taken as this model's: 1 = clothes" in told(joined)


def test_class_numbers_that_the_model_has_not_are_refused() -> None:
    with pytest.raises(ResultsError, match="class number 44, and the model's are 1 to 8"):
        join(only(results_json(entry(), entry(category_id=44))), SMALL)


def test_a_class_that_the_model_has_not_is_left_out_and_said() -> None:
    lines = "image,label,score,xmin,ymin,xmax,ymax\n{}\n{}\n"
    data = lines.format("a.jpg,zebra,0.9,1,2,30,40", "a.jpg,Shoes,0.8,1,2,30,40").encode()
    joined = join(only(("x.csv", data)), SMALL)
    assert joined.answers["a.jpg"].detections(ALL).class_ids.tolist() == [LABELS.index("shoes")]
    assert "1 detection of 'zebra' is left out" in told(joined)
    assert joined.foreign == ("zebra",)


def test_a_mapping_says_what_a_class_stands_for() -> None:
    data = b"image,label,score,xmin,ymin,xmax,ymax\na.jpg,sneaker,0.9,1,2,30,40\n"
    with pytest.raises(ResultsError, match="none of its classes"):
        join(only(("x.csv", data)), SMALL)
    joined = join(only(("x.csv", data)), SMALL, mapping={"sneaker": "shoes"})
    assert joined.used == 1


@pytest.mark.parametrize(
    ("header", "line"),
    [
        ("filename;class;confidence;x1;y1;x2;y2", "a.jpg;shoes;0.5;20;10;60;50"),
        ("Image ID,Label Name,Confidence,X,Y,W,H", "a,shoes,0.5,20,10,40,40"),
        ("image,label,score,cx,cy,width,height", "a.jpg,shoes,0.5,40,30,40,40"),
        ("ImageID,LabelName,Confidence,XMin,YMin,XMax,YMax", "a,shoes,0.5,0.1,0.1,0.3,0.5"),
        ("xmin,ymin,xmax,ymax,confidence,class,name,file", "20,10,60,50,0.5,2,shoes,a.jpg"),
    ],
)
def test_a_csv_of_other_columns_says_the_same(header: str, line: str) -> None:
    joined = join(only(("x.csv", f"{header}\n{line}\n".encode())), SMALL)
    found = joined.answers["a.jpg"].detections(ALL)
    assert found.boxes.round(3).tolist() == [[20, 10, 60, 50]]
    assert found.class_ids.tolist() == [LABELS.index("shoes")]


def test_a_csv_without_a_score_column_says_which_is_missing() -> None:
    with pytest.raises(ResultsError, match="there is no column score; its first line is"):
        only(("x.csv", b"image,label,xmin,ymin,xmax,ymax\na.jpg,shoes,1,2,30,40\n"))


def test_corners_in_place_of_width_and_height_are_refused_by_name() -> None:
    entries = [entry(bbox=[100 + i, 40, 190, 90]) for i in range(5)]
    with pytest.raises(ResultsError, match=r"5 of 5 boxes reach out .* fit as corners"):
        join(only(results_json(*entries)), SMALL)


def test_width_and_height_in_place_of_corners_are_refused() -> None:
    data = b"image,label,score,xmin,ymin,xmax,ymax\n" + 3 * b"a.jpg,shoes,0.5,100,40,30,20\n"
    with pytest.raises(ResultsError, match="3 of 3 boxes do not fit their images"):
        join(only(("x.csv", data)), SMALL)


@pytest.mark.parametrize(
    ("score", "hint"), [(97.0, "percent"), (5.5e3, "not logits"), (-3.0, "not logits")]
)
def test_scores_that_are_no_probabilities_are_refused(score: float, hint: str) -> None:
    with pytest.raises(ResultsError, match=f"a score of {score:g}, expected 0 to 1") as refused:
        only(results_json(entry(), entry(score=score)))
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"score": float("nan")}, "the score is nan, expected a number"),
        ({"score": None}, "there is no score"),
        ({"bbox": [1, 2, float("nan"), 4]}, "is not four numbers"),
        ({"bbox": [10, 20, 0, 4]}, "has no area"),
        ({"bbox": [500, 20, 10, 10]}, "lies outside the image"),
        ({"image_id": None}, "image_id is None"),
    ],
)
def test_one_bad_detection_is_named_and_spoils_no_other(fault: dict[str, Any], said: str) -> None:
    joined = join(only(results_json(entry(), entry(), entry(**fault))), SMALL)
    assert joined.used == 2
    assert said in told(joined)


def test_ground_truth_is_not_taken_for_results() -> None:
    with pytest.raises(ResultsError, match="this is ground truth, not results"):
        only(("a.txt", b"2 0.5 0.5 0.2 0.2\n"), CLASSES)


def test_pixels_in_a_yolo_text_are_refused() -> None:
    with pytest.raises(ResultsError, match=r"a.txt, line 1: expected a class number.*fractions"):
        only(("a.txt", b"2 100 50 40 40 0.9\n"), CLASSES)


def test_a_trackers_number_and_an_outline_are_understood() -> None:
    lines = b"2 0.5 0.5 0.2 0.2 0.9 17\n2 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5 0.8\n"
    found = join(only(("a.txt", lines), CLASSES), SMALL).answers["a.jpg"].detections(ALL)
    assert found.scores.tolist() == pytest.approx([0.9, 0.8])
    assert found.boxes.round(2).tolist() == [[80, 40, 120, 60], [20, 10, 60, 50]]


def test_results_for_an_image_of_another_size_are_no_answer() -> None:
    data = to_coco([TWO, NONE], LABELS)
    joined = join(only(("ours.json", data)), SIZES | {TWO.file_name: (64, 48)})
    assert list(joined.answers) == [NONE.file_name]
    assert "its boxes are for 640 x 480 pixels" in joined.lacking[TWO.file_name]


def test_an_image_that_a_complete_file_does_not_list_has_no_answer() -> None:
    joined = join(only(("ours.json", to_coco([TWO], LABELS))))
    assert joined.lacking == {NONE.file_name: "ours.json does not list this image"}


def test_results_of_other_images_are_refused() -> None:
    with pytest.raises(ResultsError, match="none of its 1 images is among those at hand") as found:
        join(only(results_json(entry(image_id=12))), SMALL)
    assert "annotations file" in found.value.hint


def test_what_is_below_the_floor_is_said() -> None:
    joined = join(only(results_json(entry(), entry(score=0.005))), SMALL)
    assert len(joined.answers["a.jpg"].detections(ALL)) == 1
    assert "1 detection has a score of 0.01 or less" in told(joined)


def test_each_json_is_a_detector_and_a_bad_file_spoils_no_other() -> None:
    found = read(
        results_json(entry()), ("other.json", results_json(entry())[1]), ("bad.json", b"{")
    )
    assert [results.name for results in found.results] == ["results.json", "other.json"]
    [(name, error)] = found.refused
    assert name == "bad.json"
    assert "broken JSON" in str(error)


def test_the_boxes_of_an_answer_suppress_each_other_as_a_models_do() -> None:
    entries = [entry(score=0.9), entry(score=0.8, bbox=[11, 20, 30, 40])]
    answer = join(only(results_json(*entries)), SMALL).answers["a.jpg"]
    assert len(answer.detections(ALL)) == 2
    assert answer.detections(Settings(0.0, 0.5)).scores.tolist() == [np.float32(0.9)]
