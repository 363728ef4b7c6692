"""Command line of the renderer.

    python -m studio.render gallery [--only NAME ...] [--scale 0.3] [--samples 12]
    python -m studio.render training FOLDER --count 200 --seed 1

`gallery` writes samples/*.jpg and samples/annotations.json; `training` draws random images for
the detector's training into FOLDER/images with FOLDER/annotations.json beside.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from studio import scene
from studio.gallery import GALLERY, Composition

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
AT_A_TIME = 16  # Blender keeps some 100 MB of each image: a process draws no more than these
OPENING = "outfit_flatlay.jpg"


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    gallery = commands.add_parser("gallery", help="the images in samples/")
    gallery.add_argument("--only", nargs="*", help="names of images; default all")
    gallery.add_argument("--scale", type=float, default=1.0, help="of the final size, for drafts")
    gallery.add_argument("--samples", type=int, help="light paths a pixel; default each image's")
    gallery.add_argument("--boxes", action="store_true", help="only the boxes, keep the images")
    gallery.add_argument("--out", type=Path, default=SAMPLES)
    training = commands.add_parser("training", help="random images for training")
    training.add_argument("folder", type=Path)
    training.add_argument("--count", type=int, default=200)
    training.add_argument("--seed", type=int, default=1, help="of the first image")
    training.add_argument("--samples", type=int, default=6)
    arguments = parser.parse_args(argv)
    if arguments.command == "gallery":
        chosen = [c for c in GALLERY if not arguments.only or c.file in arguments.only]
        if arguments.only and len(chosen) < len(set(arguments.only)):
            names = ", ".join(c.file for c in GALLERY)
            parser.error(f"unknown image in {arguments.only}, expected some of {names}")
        for composition in chosen:
            samples = 0 if arguments.boxes else arguments.samples or composition.samples
            draw_composition(composition, arguments.out, arguments.scale, samples)
    elif arguments.count > AT_A_TIME:
        for done in range(0, arguments.count, AT_A_TIME):
            part = [
                *("training", str(arguments.folder), "--samples", str(arguments.samples)),
                *("--count", str(min(AT_A_TIME, arguments.count - done))),
                *("--seed", str(arguments.seed + done)),
            ]
            subprocess.run([sys.executable, "-m", "studio.render", *part], check=True)
    else:
        from studio import random_scenes

        random_scenes.draw_many(
            arguments.folder, arguments.count, arguments.seed, arguments.samples
        )


def draw_composition(composition: Composition, folder: Path, scale: float, samples: int) -> None:
    """Render one image into `folder` and put it into the folder's annotations.json.

    Args:
        samples: light paths a pixel; 0 = leave the image as it is, write only its boxes.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    size = (round(composition.size[0] * scale), round(composition.size[1] * scale))
    stage = scene.new_stage(composition.seed, size)
    composition.build(stage)
    path = folder / f"{composition.file}.jpg"
    if samples:
        scene.render(path, samples)
    found, _ = scene.annotate(stage)
    entry = {
        "file_name": path.name,
        "width": size[0],
        "height": size[1],
        "title": composition.title,
        "titles": composition.titles,
        "alt": composition.alt,
    }
    write_entry(folder / "annotations.json", entry, found)
    print(f"{path.name}: {len(found)} boxes, {time.monotonic() - started:.0f} s", flush=True)


def write_entry(path: Path, entry: dict[str, Any], found: list[scene.Annotation]) -> None:
    """Add or replace one image in a COCO file; ids follow the order of the file names."""
    known: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {}
    if path.exists():
        data = json.loads(path.read_text("utf-8"))
        for image in data["images"]:
            boxes = [a for a in data["annotations"] if a["image_id"] == image["id"]]
            known[image["file_name"]] = (image, boxes)
    boxes = [
        {
            "category_id": item["category_id"],
            "bbox": list(item["box"]),
            "area": item["area"],
            "iscrowd": 0,
        }
        for item in map(asdict, found)
    ]
    known[entry["file_name"]] = (entry, boxes)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    # The page opens on the first one.
    order = sorted(known, key=lambda name: (name != OPENING, name))
    for image_id, name in enumerate(order, start=1):
        image, boxes = known[name]
        images.append({**image, "id": image_id})
        for box in boxes:
            annotations.append({**box, "id": len(annotations) + 1, "image_id": image_id})
    categories = [{"id": i, "name": n} for i, n in enumerate(scene.CATEGORIES, start=1)]
    data = {
        "info": {"description": "Images made by studio; boxes from the scenes' meshes"},
        "categories": categories,
        "images": images,
        "annotations": annotations,
    }
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")


def show(path: Path) -> Image.Image:
    """The image at `path` with its true boxes drawn, to look at."""
    from PIL import ImageDraw

    data = json.loads((path.parent / "annotations.json").read_text())
    image_id = next(i["id"] for i in data["images"] if i["file_name"] == path.name)
    image = Image.open(path).convert("RGB")
    draw = ImageDraw.Draw(image)
    for annotation in data["annotations"]:
        if annotation["image_id"] == image_id:
            x, y, width, height = annotation["bbox"]
            draw.rectangle((x, y, x + width, y + height), outline="red", width=2)
            draw.text((x + 3, y + 2), scene.CATEGORIES[annotation["category_id"] - 1], fill="red")
    return image


if __name__ == "__main__":
    main()
