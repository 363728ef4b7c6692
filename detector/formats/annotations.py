"""Ground truth in files of any format, joined with the images at hand."""

from collections.abc import Mapping, Sequence

from detector.errors import GroundTruthError
from detector.evaluation.ground_truth import GroundTruth, GroundTruths
from detector.formats.coco import read_coco
from detector.formats.reading import Report, Sizes, as_text, folded_path
from detector.formats.voc import read_voc
from detector.formats.yolo import read_yolo


def read_ground_truth(
    files: Mapping[str, bytes], labels: Sequence[str], sizes: Sizes
) -> GroundTruths:
    """The ground truth in files of any of the formats, told apart by their endings.

    Args:
        files: file name -> content: .json is COCO, .xml is Pascal VOC, .txt is YOLO; classes.txt
            (or a .names file) holds the names of YOLO's classes, one a line.
        labels: the model's; index = class id, background first.
        sizes: the images at hand.

    Raises:
        GroundTruthError: nothing in the files can be used.
    """
    report = Report()
    images: dict[str, GroundTruth] = {}
    lists = {name: data for name, data in files.items() if _is_class_list(name)}
    class_names = None
    for name, data in lists.items():
        class_names = [line.strip() for line in as_text(data, name).rstrip().splitlines()]
    for name, data in files.items():
        if name in lists:
            continue
        try:
            found = _read_file(name, data, labels, sizes, class_names)
        except GroundTruthError as error:
            message = str(error)
            report.add("file", message if message.startswith(name) else f"{name}: {message}")
            continue
        for problem in found.problems:
            report.add(problem.kind, problem.first, problem.more)
        for image in found.images:
            if image.file_name in images:
                report.add(
                    "image twice",
                    f"{name}: {image.file_name} has its ground truth from an earlier file",
                )
            else:
                images[image.file_name] = image
    if images:
        for name in sizes:
            if name not in images:
                report.add("no ground truth", f"{name}: no ground truth for this image")
    return report.result(images.values(), "there is no ground truth in the files")


def _read_file(
    name: str,
    data: bytes,
    labels: Sequence[str],
    sizes: Sizes,
    class_names: Sequence[str] | None,
) -> GroundTruths:
    ending = folded_path(name).suffix
    if ending == ".json":
        return read_coco(data, labels, sizes)
    if ending == ".xml":
        return read_voc(data, labels, sizes, name)
    if ending == ".txt":
        return read_yolo(data, labels, sizes, name, class_names)
    raise GroundTruthError("not a .json, .xml or .txt file")


def _is_class_list(name: str) -> bool:
    path = folded_path(name)
    return path.name == "classes.txt" or path.suffix == ".names"
