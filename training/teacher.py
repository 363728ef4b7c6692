"""Labels by a teacher for what nobody labelled:

    python -m training.teacher --model yolox.onnx --data FOLDER --out runs/annotations.json

Looks at the train scenes in which phones, computers or books are not labelled, never at val, and
writes the folder's annotations with the answers added. A detection of SURE or more becomes a box,
one of DOUBTFUL or more a region in which the category may be; elsewhere there is none. A television
may be a monitor or not: a region always.

The teacher is a YOLOX of 80 COCO classes: input (1, 3, 416, 416) BGR 0..255, output (1, 3549, 85)
with raw boxes on grids of stride 8, 16 and 32. Its weights are no part of the result.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, GREY = 416, 114
TAUGHT = {62: "computer", 63: "computer", 67: "phone", 73: "books"}
TELEVISION = 62
SURE, DOUBTFUL = 0.5, 0.05


def letterboxed(image: Image.Image) -> tuple[NDArray[np.float32], float]:
    """The network's input, and by what the image was scaled into its upper left corner."""
    scale = SIDE / max(image.size)
    small = image.resize((round(image.width * scale), round(image.height * scale)))
    canvas = np.full((SIDE, SIDE, 3), GREY, np.float32)
    canvas[: small.height, : small.width] = np.asarray(small)
    return np.ascontiguousarray(canvas[..., ::-1].transpose(2, 0, 1)[None]), scale


def decoded(output: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (A, 4) xyxy in pixels of the input and scores (A, 80), from (A, 85) raw."""
    cells, strides = [], []
    for step in (8, 16, 32):
        side = SIDE // step
        y, x = np.mgrid[0:side, 0:side]
        cells.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full((side * side, 1), step))
    stride = np.concatenate(strides)
    centre = (output[:, :2] + np.concatenate(cells)) * stride
    half = np.exp(output[:, 2:4]) * stride / 2
    return np.concatenate([centre - half, centre + half], 1), output[:, 4:5] * output[:, 5:]


def kept(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> list[int]:
    """Indices of boxes after hard non-maximum suppression at an IoU of 0.5, best first."""
    order, chosen = list(np.argsort(-scores)), []
    while order:
        best = order.pop(0)
        chosen.append(int(best))
        b, o = boxes[best], boxes[order]
        corner = np.minimum(b[2:], o[:, 2:]) - np.maximum(b[:2], o[:, :2])
        inter = corner.clip(0).prod(1)
        union = (b[2:] - b[:2]).prod() + (o[:, 2:] - o[:, :2]).prod(1) - inter
        order = [i for i, near in zip(order, inter / union > 0.5, strict=True) if not near]
    return chosen


def answers(run: Any, image: Image.Image) -> list[tuple[int, float, list[float]]]:
    """(COCO id, score, bbox x y w h in pixels of the image) of all that is DOUBTFUL or better."""
    batch, scale = letterboxed(image)
    boxes, scores = decoded(run(batch)[0][0])
    found = []
    for coco in TAUGHT:
        column = scores[:, coco]
        likely = np.flatnonzero(column >= DOUBTFUL)
        corners = (boxes[likely] / scale).clip(0, (*image.size, *image.size))
        for i in kept(corners, column[likely]):
            x0, y0, x1, y1 = (float(v) for v in corners[i])
            if x1 - x0 >= 2 and y1 - y0 >= 2:
                found.append((coco, float(column[likely][i]), [x0, y0, x1 - x0, y1 - y0]))
    return found


def taught(content: dict[str, Any], folder: Path, run: Any) -> dict[str, int]:
    """Add the teacher's answers to the content of an annotations file; counts of what was added."""
    ids = {category["name"]: category["id"] for category in content["categories"]}
    counts = {"images": 0, "boxes": 0, "regions": 0}
    next_id = max(note["id"] for note in content["annotations"]) + 1
    for entry in content["images"]:
        missing = set(TAUGHT.values()) - set(entry["labelled"])
        if entry["split"] != "train" or entry["kind"] != "scene" or not missing:
            continue
        image = Image.open(folder / "images" / entry["file_name"]).convert("RGB")
        counts["images"] += 1
        for coco, score, bbox in answers(run, image):
            name = TAUGHT[coco]
            if name not in missing:
                continue
            if score >= SURE and coco != TELEVISION:
                note = {"id": next_id, "image_id": entry["id"], "category_id": ids[name]}
                content["annotations"].append({**note, "bbox": bbox, "boxes_from": "teacher"})
                next_id += 1
                counts["boxes"] += 1
            else:
                entry["ignore_regions"].append({"categories": [name], "bbox": bbox})
                counts["regions"] += 1
        entry["labelled"] = [*entry["labelled"], *sorted(missing)]
    return counts


def main() -> None:
    import openvino

    parser = argparse.ArgumentParser(description="Label by a teacher what nobody labelled.")
    parser.add_argument("--model", type=Path, required=True, help="a YOLOX in ONNX")
    parser.add_argument("--data", type=Path, required=True, help="folder with annotations.json")
    parser.add_argument("--out", type=Path, required=True, help="the annotations to train on")
    args = parser.parse_args()
    content = json.loads((args.data / "annotations.json").read_text())
    counts = taught(content, args.data, openvino.Core().compile_model(args.model, "CPU"))
    args.out.write_text(json.dumps(content))
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
