"""Count false alarms: phones, computers and books that a served model sees where there are none:

    python -m training.alarms --background FOLDER [--model models/commodity] [--version N]

Asks as the product does, through the model server and the client, for the 300 background images
that training never sees (`training.data.held_out`) and counts what is shown at a threshold.
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from detector.answers import SSDModel
from detector.embedded import EmbeddedServer
from detector.serving import ModelSpec, ServingClient
from training.evaluate import measure
from training.score import Split, held_out, marks


def alarms(counted: np.ndarray, labels: tuple[str, ...], images: int) -> dict[str, float]:
    """Detections an image by class that are wrong, of the rows of `marks`."""
    wrong = counted[counted[:, 1] == 0, 2].astype(int)
    found = np.bincount(wrong, minlength=len(labels))
    return {name: round(float(found[i]) / images, 3) for i, name in enumerate(labels) if found[i]}


def main() -> None:
    parser = argparse.ArgumentParser(description="Count false alarms on background images.")
    parser.add_argument("--background", type=Path, required=True, help="COCO folder")
    parser.add_argument("--model", type=Path, default=Path("models/commodity"))
    parser.add_argument("--version", type=int, help="none: the newest")
    parser.add_argument("--threshold", type=float, default=0.3)
    args = parser.parse_args()
    labels = tuple((args.model / "labels.txt").read_text().split())
    content = json.loads((args.background / "annotations.json").read_text())
    apart = held_out([entry["id"] for entry in content["images"]])
    content["images"] = [entry for entry in content["images"] if entry["id"] in apart]
    split = Split.of(content, "train", labels)
    numbers = [int(p.name) for p in args.model.iterdir() if p.name.isdigit()]
    version = str(args.version or max(numbers))
    with ExitStack() as stack:
        alone = Path(stack.enter_context(TemporaryDirectory()))
        (alone / version).symlink_to((args.model / version).resolve())
        server = stack.enter_context(EmbeddedServer("commodity", alone))
        client = stack.enter_context(ServingClient(server.address))
        served = client.model(ModelSpec("commodity"))
        served.wait_until_ready(60)
        model = SSDModel(served, "images", "concat_3:0", len(labels))
        found, _ = measure(model, split, args.background)
    rows = marks(split.compared(found))
    rows = rows[rows[:, 0] >= args.threshold]
    print(json.dumps(alarms(rows, labels, len(split.images))))


if __name__ == "__main__":
    main()
