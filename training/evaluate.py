"""Measure the exported model as its users meet it, through the model server and the client:

    python -m training.evaluate --data FOLDER [--split val] [--model models/commodity] [--card]

Reads each image, preprocesses, calls Predict, post-processes and scores as the product does.
Prints mAP@0.5 and mAP@[.5:.95] for all, product and scene images, and figures a class. `--card`
writes them to MODEL/VERSION/card.json. Any other COCO folder (annotations.json, images/) can be
measured.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from tqdm import tqdm

from detector import ssd
from detector.answers import SSDModel, load
from detector.embedded import EmbeddedServer
from detector.images import ImageLimits
from detector.serving import ModelSpec, ServingClient
from training.score import Figures, Split, figures, held_out

SETTINGS = ssd.Settings(score_threshold=0.01, top_k=100)  # COCO looks at 100 boxes an image

WEAKNESSES = (
    "Street photos were never searched for watches and audio: in scenes it may see these two too "
    "readily, and the figures cannot show it. Raise their thresholds there.",
    "Small objects: books on far shelves, phones in hands, worn shoes under about 20 px of 300.",
    "Audio was learnt almost only from headphones; speakers and radios are rare in the photos.",
    "Watches were learnt mostly from studio shots; a watch on a wrist is found less often.",
    "Books were learnt mostly from covers and spines in everyday scenes.",
    "A pair of shoes may come back as one box or as two: the ground truth does both.",
    "The image is squeezed to 300 x 300 without keeping its aspect: long strips lose detail.",
)


def measure(
    model: SSDModel, split: Split, folder: Path
) -> tuple[list[ssd.Detections], list[float]]:
    """Detections of each image of the split, and the milliseconds of each call."""
    found, times = [], []
    for image in tqdm(split.images, unit=" images", disable=None):
        answer = model.ask(load(split.path(folder, image).read_bytes(), ImageLimits()))
        found.append(answer.detections(SETTINGS))
        times.append(answer.timings_s["call"] * 1000)
    return found, times


def engine_ms(model: Path, runs: int = 50) -> dict[str, float]:
    """Milliseconds of one run of the SavedModel in OpenVINO, in process, as the server runs it.

    The processor time of one thread hardly depends on what else the machine does; the time by the
    clock on two threads does.
    """
    import openvino

    found = {}
    for name, threads, clock in (
        ("engine", 2, time.perf_counter),
        ("engine_cpu_one_thread", 1, time.process_time),
    ):
        hints = {
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        request = openvino.Core().compile_model(str(model), "CPU", hints).create_infer_request()
        batch, times = np.zeros((1, 300, 300, 3), np.float32), []
        for _ in range(runs + 10):
            begun = clock()
            request.infer({0: batch})
            times.append((clock() - begun) * 1000)
        found[f"{name}_median"] = round(float(np.median(times[10:])), 1)
        found[f"{name}_p95"] = round(float(np.quantile(times[10:], 0.95)), 1)
    return found


def print_table(all_kinds: dict[str, Figures]) -> None:
    for kind, result in all_kinds.items():
        print(f"{kind:8s} mAP@0.5 {result.ap50:.3f}  mAP@[.5:.95] {result.ap:.3f}")
    whole = all_kinds["all"]
    print(
        f"\n{'class':10s} {'AP50':>6s} {'best F1':>8s} {'at':>6s}  "
        + "  ".join(f"{kind} AP50" for kind in all_kinds if kind != "all")
    )
    for name, value in whole.ap50_of.items():
        others = "  ".join(
            f"{r.ap50_of[name]:>{len(kind) + 5}.3f}"
            for kind, r in all_kinds.items()
            if kind != "all"
        )
        print(
            f"{name:10s} {value:6.3f} {whole.f1_of[name]:8.3f} "
            f"{whole.threshold_of[name]:6.2f}  {others}"
        )
    print(
        f"\nF1 over all classes: {whole.f1_at[0.3]:.3f} at 0.30, best "
        f"{max(whole.f1_at.values()):.3f} at {whole.best_threshold:.2f}; "
        f"expected calibration error {whole.calibration_error:.3f}"
    )


def clean(value: float) -> float | None:
    """Three decimals; None for NaN, which JSON does not know."""
    return None if math.isnan(value) else round(value, 3)


def card(
    folder: Path,
    data: Path,
    split: Split,
    results: dict[str, Figures],
    times: list[float],
    command: str | None,
    machine: str,
    background: Path | None = None,
) -> dict[str, object]:
    """The model card: what the model is, what it learnt from, how good it is, where it fails."""
    version = max((p for p in folder.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))
    record = json.loads((version / "assets.extra" / "training.json").read_text())
    return {
        "name": folder.name,
        "version": int(version.name),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip(),
        "labels": list(split.labels),
        "task": f"Boxes of {len(split.labels) - 1} classes in photos; SSD300, 7308 default boxes.",
        "figures": figures_record(split, results),
        "calibration": {
            **record["calibration"],
            "served_error": clean(results["all"].calibration_error),
            "note": "fitted on the same val split that the figures are of",
        },
        "known_weaknesses": list(WEAKNESSES),
        "began_from": record.get("began_from", []),
        "data": data_record(data, background),
        "training": {
            "command": command or record.get("command"),
            "seed": record["config"]["seed"],
            "samples": record["samples"],
            "config": record["config"],
        },
        "parameters": record["parameters"],
        "size_mb": round((version / "saved_model.pb").stat().st_size / 1e6, 1),
        "ms_per_image": {
            **engine_ms(version),
            "call_median": round(float(np.median(times)), 1),
            "call_p95": round(float(np.quantile(times, 0.95)), 1),
            "note": f"OpenVINO, float32, {machine}; engine in process on two threads, call through "
            "gRPC on loopback",
        },
    }


def data_record(data: Path, background: Path | None) -> dict[str, object]:
    """What the model learnt from, counted, as the card has it."""
    images = _images_of(data)
    empty = _images_of(background) if background else []

    def counted(field: str, images: list[dict] = images) -> dict[str, int]:
        found = Counter(str(image[field]) for image in images if field in image)
        return dict(found.most_common())

    return {
        "pictures": counted("split"),
        "kinds": counted("kind"),
        "partial_labels": "Most everyday scenes are labelled for some categories only; loss "
        "and scoring take the others, and marked regions, as unknown.",
        "licences": "They vary from source to source and for many images none is stated. No "
        "image is part of this project.",
        "licence_classes": counted("licence_class"),
        "sources": counted("source_repo"),
        "background": {
            "pictures": len(empty),
            "held_out": len(held_out([image["id"] for image in empty])),
            "licences": counted("licence", empty),
            "sources": counted("source_repo", empty),
        },
    }


def _images_of(folder: Path) -> list[dict]:
    images: list[dict] = json.loads((folder / "annotations.json").read_text())["images"]
    return images


def figures_record(split: Split, results: dict[str, Figures]) -> dict[str, object]:
    """The figures by kind of image and by class, as the card has them."""
    whole = results["all"]
    return {
        "data": f"val split, {len(split.images)} images, through the model server and client",
        **{kind: {"mAP50": clean(r.ap50), "mAP50_95": clean(r.ap)} for kind, r in results.items()},
        "classes": {
            name: {
                "AP50": clean(whole.ap50_of[name]),
                **{
                    f"AP50_{kind}": clean(r.ap50_of[name])
                    for kind, r in results.items()
                    if kind != "all"
                },
                "best_F1": clean(whole.f1_of[name]),
                "best_F1_threshold": clean(whole.threshold_of[name]),
            }
            for name in whole.ap50_of
        },
        "F1_at_0.30": clean(whole.f1_at[0.3]),
        "best_F1": clean(max(whole.f1_at.values())),
        "best_F1_threshold": whole.best_threshold,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Measure the exported model through the model server."
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--model", type=Path, default=Path("models/commodity"))
    parser.add_argument("--server", help="HOST:PORT of a running server; none: the embedded one")
    parser.add_argument("--card", action="store_true", help="write MODEL/VERSION/card.json")
    parser.add_argument("--background", type=Path, help="trained with it, for the card")
    parser.add_argument("--command", help="the training command, for the card")
    parser.add_argument(
        "--machine", default=f"{os.cpu_count()} cores, {platform.machine()}", help="for the card"
    )
    args = parser.parse_args()
    labels = tuple((args.model / "labels.txt").read_text().split())
    split = Split.load(args.data, args.split, labels)
    with ExitStack() as stack:
        address = args.server
        if address is None:
            address = stack.enter_context(EmbeddedServer("commodity", args.model)).address
        served = stack.enter_context(ServingClient(address)).model(ModelSpec("commodity"))
        version = served.wait_until_ready(60).version
        model = SSDModel(served, "images", "concat_3:0", len(labels))
        found, times = measure(model, split, args.data)
    results = {"all": figures(split, found)}
    results |= {kind: figures(split, found, kind) for kind in split.kinds}
    print_table(results)
    print(f"call: median {np.median(times):.1f} ms, p95 {np.quantile(times, 0.95):.1f} ms")
    if args.card:
        told = (args.command, args.machine, args.background)
        content = card(args.model, args.data, split, results, times, *told)
        (args.model / str(version) / "card.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
