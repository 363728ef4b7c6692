"""Images, their partial labels, and the augmentation that makes a small data set go far.

What may be present and unlabelled travels with each image as *regions*: a rectangle and a set of
categories. A category that is not in `labelled` is a region as large as the image. Crops, mosaics
and pasting move the regions along with the boxes, so no place is ever wrongly called background.
Of these categories some are *unlikely*: a street photo in which nobody labelled watches shows few.
They are marked a second time, UNLIKELY bits higher, and the loss leans on that a little.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from training.config import INPUT_SIDE, LABELS, Config, cell_centres
from training.loss import UNLIKELY, Targets
from training.score import held_out

MAX_BOXES = 48
CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68], np.float32)
LOOKALIKE = 3.0
ALL = frozenset(range(1, len(LABELS)))
GOODS = frozenset(LABELS.index(n) for n in ("watch", "phone", "audio", "computer", "books"))


@dataclass
class Scene:
    """An image with its truth, in pixels of that image."""

    image: Image.Image
    boxes: NDArray[np.float32]  # (B, 4) xyxy
    classes: NDArray[np.int64]  # (B,)
    regions: list[tuple[tuple[float, float, float, float], int]]  # xyxy, bits of the categories
    kind: str = "scene"
    cutout: Image.Image | None = None  # mask of the one product of a plain-ground image
    image_id: int = 0
    weight: float = 1.0  # how much more often than others of its folder it is drawn


@dataclass
class Canvas:
    """The image being composed: 300 x 300, with its truth."""

    image: Image.Image
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)
    classes: list[int] = field(default_factory=list)
    regions: list[tuple[tuple[float, float, float, float], int]] = field(default_factory=list)


def bits(categories: frozenset[int] | set[int]) -> int:
    return sum(1 << c for c in categories)


def load(
    folder: Path,
    split: str | None,
    max_side: int = 512,
    masks: bool = False,
    annotations: Path | None = None,
) -> list[Scene]:
    """All images of a COCO folder (annotations.json and images/), decoded into memory.

    Plain COCO files (no `labelled`, no `ignore_regions`) count as fully labelled; `iscrowd` boxes
    become regions. `masks` adds the cut-out of products on plain ground. `annotations` is another
    file to take instead of the folder's, such as training.teacher writes.
    """
    truth = json.loads((annotations or folder / "annotations.json").read_text())
    ids = {c["id"]: LABELS.index(c["name"]) for c in truth["categories"] if c["name"] in LABELS}
    boxes_of: dict[int, list] = {}
    for note in truth["annotations"]:
        if note["category_id"] in ids:
            boxes_of.setdefault(note["image_id"], []).append(note)
    scenes = []
    for entry in truth["images"]:
        if split is not None and entry.get("split", "train") != split:
            continue
        image = _open(folder, entry["file_name"], max_side)
        sx, sy = image.width / entry["width"], image.height / entry["height"]
        regions = _unlabelled(entry, image.size)
        boxes, classes = [], []
        for note in boxes_of.get(entry["id"], []):
            x, y, w, h = note["bbox"]
            box = (x * sx, y * sy, (x + w) * sx, (y + h) * sy)
            if note.get("iscrowd"):
                regions.append((box, 1 << ids[note["category_id"]]))
                continue
            boxes.append(box)
            classes.append(ids[note["category_id"]])
        scene = Scene(
            image,
            np.array(boxes, np.float32).reshape(-1, 4),
            np.array(classes, np.int64),
            regions,
            entry.get("kind", "render"),
            image_id=entry["id"],
        )
        if masks and scene.kind == "product" and len(boxes) == 1:
            scene.cutout = cutout_mask(scene)
        scenes.append(scene)
    return scenes


def _open(folder: Path, file_name: str, max_side: int) -> Image.Image:
    """An image of a COCO folder, no longer than `max_side`."""
    path = folder / "images" / file_name
    image = Image.open(path if path.exists() else folder / file_name).convert("RGB")
    scale = min(1.0, max_side / max(image.size))
    if scale < 1:
        side = (round(image.width * scale), round(image.height * scale))
        image = image.resize(side, Image.Resampling.BILINEAR)
    return image


def _unlabelled(
    entry: dict, size: tuple[int, int]
) -> list[tuple[tuple[float, float, float, float], int]]:
    """Where in an image of `size` categories may be present without a label: `Scene.regions`."""
    names = {LABELS[i]: i for i in ALL}
    regions = []
    missing = ALL - {names[n] for n in entry.get("labelled", names)}
    if missing:
        # Who labelled clothes looked at people; elsewhere goods may lie about, bar watches.
        worn = LABELS.index("clothes") not in missing
        rare = missing & (GOODS if worn else {LABELS.index("watch")})
        marked = bits(missing) | bits(rare) << UNLIKELY
        regions.append(((0.0, 0.0, float(size[0]), float(size[1])), marked))
    sx, sy = size[0] / entry["width"], size[1] / entry["height"]
    for region in entry.get("ignore_regions", []):
        x, y, w, h = region["bbox"]
        marked = bits({names[n] for n in region["categories"]})
        regions.append(((x * sx, y * sy, (x + w) * sx, (y + h) * sy), marked))
    return regions


def load_background(folder: Path) -> list[Scene]:
    """Images without a phone, computer or book, but for those that `held_out` names.

    Their people are regions in which clothes, pants, shoes, watches and audio may be; elsewhere
    clothes, pants and shoes count as labelled, and watches and audio as unlikely. What is easily
    taken for one of the eight is drawn LOOKALIKE times as often.
    """
    entries = json.loads((folder / "annotations.json").read_text())["images"]
    likes = {entry["id"]: bool(entry.get("looks_like")) for entry in entries}
    apart = held_out(list(likes))
    scenes = [scene for scene in load(folder, "train", 400) if scene.image_id not in apart]
    rare = bits({LABELS.index(name) for name in ("watch", "audio")})
    for scene in scenes:
        scene.weight = LOOKALIKE if likes[scene.image_id] else 1.0
        whole = (0.0, 0.0, *map(float, scene.image.size))
        scene.regions = [
            (box, rare | rare << UNLIKELY if box == whole else marked)
            for box, marked in scene.regions
        ]
    return scenes


def cutout_mask(scene: Scene) -> Image.Image | None:
    """Mask of the product, or None where it does not part cleanly from its ground."""
    pixels = np.asarray(scene.image, np.int16)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(rim, 0)
    if np.abs(rim - ground).max(1).mean() > 24:
        return None
    plain = np.abs(pixels - ground).max(2) < 18
    parts, _ = ndimage.label(plain)
    outer = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    mask = ~np.isin(parts, outer[outer > 0])
    mask = ndimage.binary_opening(mask, iterations=1)
    rows, columns = np.nonzero(mask.any(1))[0], np.nonzero(mask.any(0))[0]
    if not len(rows):
        return None
    found = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    x0, y0, x1, y1 = scene.boxes[0]
    inter = max(0, min(x1, found[2]) - max(x0, found[0])) * max(
        0, min(y1, found[3]) - max(y0, found[1])
    )
    union = (x1 - x0) * (y1 - y0) + (found[2] - found[0]) * (found[3] - found[1]) - inter
    filled = mask.sum() / ((found[2] - found[0]) * (found[3] - found[1]))
    if inter / union < 0.85 or filled < 0.25:
        return None
    mask = ndimage.binary_erosion(mask, iterations=1)
    return Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))


class Composer:
    """Makes training images from scenes: crop, zoom-out, mosaic, pasting, colour."""

    def __init__(
        self,
        scenes: list[Scene],
        renders: list[Scene],
        config: Config,
        seed: int | np.random.SeedSequence,
        background: list[Scene] | None = None,
    ) -> None:
        self.config = config
        self.rng = np.random.default_rng(seed)
        self.scenes, self.renders = scenes, renders
        self.background = background or []
        odds = np.array([scene.weight for scene in self.background])
        self.background_weight = odds / odds.sum() if len(odds) else odds
        self.centres = cell_centres()
        count = np.bincount(np.concatenate([s.classes for s in scenes]), minlength=len(LABELS))
        rarity = (count.sum() / np.maximum(count, 1)) ** config.repeat
        weight = np.array([rarity[s.classes].max() if len(s.classes) else 1.0 for s in scenes])
        is_scene = np.array([s.kind != "product" for s in scenes])
        for group, share in ((is_scene, config.scene_share), (~is_scene, 1 - config.scene_share)):
            if group.any():
                weight[group] *= share / weight[group].sum()
        self.weight = weight / weight.sum()
        self.cutouts = [s for s in scenes if s.cutout is not None]
        odds = np.array([1 / count[s.classes[0]] ** 0.7 for s in self.cutouts])
        self.cutout_weight = odds / odds.sum() if len(odds) else odds

    def draw(self) -> Scene:
        if self.renders and self.rng.random() < self.config.render_share:
            return self.renders[self.rng.integers(len(self.renders))]
        if self.background and self.rng.random() < self.config.background_share:
            weight = self.background_weight
            return self.background[self.rng.choice(len(self.background), p=weight)]
        return self.scenes[self.rng.choice(len(self.scenes), p=self.weight)]

    def compose(self, calm: bool) -> tuple[NDArray, NDArray, NDArray, NDArray]:
        """One image (3, 300, 300) float32, boxes (48, 4), classes (48,), unlabelled (cells,)."""
        canvas = self.arrange(calm)
        if not calm and self.rng.random() < self.config.mix:
            other = self.arrange(calm)
            canvas.image = Image.blend(canvas.image, other.image, self.rng.beta(8, 8))
            canvas.boxes += other.boxes
            canvas.classes += other.classes
            canvas.regions += other.regions
        return (self.recolour(canvas.image), *self.pack(canvas))

    def arrange(self, calm: bool) -> Canvas:
        """One to four images on a canvas, and cut-out products laid on it."""
        rng, config = self.rng, self.config
        canvas = Canvas(Image.new("RGB", (INPUT_SIDE, INPUT_SIDE), self.colour()))
        roll = rng.random()
        if not calm and roll < config.mosaic:
            mx, my = (int(v) for v in rng.uniform(0.3, 0.7, 2) * INPUT_SIDE)
            side = INPUT_SIDE
            for tile in (
                (0, 0, mx, my),
                (mx, 0, side, my),
                (0, my, mx, side),
                (mx, my, side, side),
            ):
                self.place(canvas, self.draw(), tile, rng.random() < config.crop)
        elif roll > 1 - config.zoom_out * (0.5 if calm else 1):
            side = INPUT_SIDE * rng.uniform(0.35, 0.95, 2).mean()
            w, h = side * np.exp(rng.uniform(-0.2, 0.2)), side * np.exp(rng.uniform(-0.2, 0.2))
            w, h = min(int(w), INPUT_SIDE), min(int(h), INPUT_SIDE)
            x, y = (
                int(rng.integers(0, INPUT_SIDE - w + 1)),
                int(rng.integers(0, INPUT_SIDE - h + 1)),
            )
            self.place(canvas, self.draw(), (x, y, x + w, y + h), False)
        else:
            whole = (0, 0, INPUT_SIDE, INPUT_SIDE)
            self.place(
                canvas, self.draw(), whole, rng.random() < config.crop * (0.7 if calm else 1)
            )
        if self.cutouts and rng.random() < config.paste * (0.4 if calm else 1):
            for _ in range(rng.integers(1, 5)):
                self.paste(canvas)
        return canvas

    def colour(self) -> tuple[int, int, int]:
        base = self.rng.uniform(60, 255)
        red, green, blue = np.clip(base + self.rng.normal(0, 20, 3), 0, 255)
        return int(red), int(green), int(blue)

    def window(self, scene: Scene) -> tuple[float, float, float, float]:
        """A part of the image that keeps a box of it, mostly whole."""
        rng, (width, height) = self.rng, scene.image.size
        for _ in range(12):
            scale = (
                np.sqrt(rng.uniform(0.06, 1.0)) if scene.kind != "product" else rng.uniform(0.6, 1)
            )
            ratio = np.exp(rng.uniform(-0.35, 0.35))
            w, h = min(width, width * scale * ratio), min(height, height * scale / ratio)
            x, y = rng.uniform(0, width - w), rng.uniform(0, height - h)
            if not len(scene.boxes):
                return x, y, x + w, y + h
            b = scene.boxes
            seen = np.clip(np.minimum(b[:, 2], x + w) - np.maximum(b[:, 0], x), 0, None)
            seen = seen * np.clip(np.minimum(b[:, 3], y + h) - np.maximum(b[:, 1], y), 0, None)
            part = seen / ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]))
            if part.max() > rng.choice([0.5, 0.75, 0.95]):
                return x, y, x + w, y + h
        return 0.0, 0.0, float(width), float(height)

    def place(
        self, canvas: Canvas, scene: Scene, tile: tuple[int, int, int, int], crop: bool
    ) -> None:
        """Draw (a window of) the image into the tile of the canvas and carry its truth along."""
        x0, y0, x1, y1 = self.window(scene) if crop else (0.0, 0.0, *map(float, scene.image.size))
        tx, ty, tw, th = tile[0], tile[1], tile[2] - tile[0], tile[3] - tile[1]
        piece = scene.image.resize((tw, th), Image.Resampling.BILINEAR, box=(x0, y0, x1, y1))
        flip = self.rng.random() < 0.5
        if flip:
            piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        canvas.image.paste(piece, (tx, ty))
        sx, sy = tw / (x1 - x0), th / (y1 - y0)

        def move(box: tuple[float, ...]) -> tuple[float, float, float, float]:
            a, b = np.clip([(box[0] - x0) * sx, (box[2] - x0) * sx], 0, tw)
            c, d = np.clip([(box[1] - y0) * sy, (box[3] - y0) * sy], 0, th)
            a, b = (tw - b, tw - a) if flip else (a, b)
            return a + tx, c + ty, b + tx, d + ty

        for box, marked in scene.regions:
            at = move(box)
            if at[2] > at[0] and at[3] > at[1]:
                canvas.regions.append((at, marked))
        for box, label in zip(scene.boxes, scene.classes, strict=True):
            at = move(box)
            seen = (at[2] - at[0]) * (at[3] - at[1])
            whole = (box[2] - box[0]) * (box[3] - box[1]) * sx * sy
            if seen <= 0:
                continue
            if seen < 0.35 * whole or min(at[2] - at[0], at[3] - at[1]) < 5:
                canvas.regions.append((at, 1 << int(label)))  # too little left to ask for it
            else:
                canvas.boxes.append(at)
                canvas.classes.append(int(label))

    def paste(self, canvas: Canvas) -> None:
        """Lay a cut-out product on the canvas, where it hides no other box for the most part."""
        rng = self.rng
        scene = self.cutouts[rng.choice(len(self.cutouts), p=self.cutout_weight)]
        x0, y0, x1, y1 = (float(v) for v in scene.boxes[0])
        side = np.exp(rng.uniform(np.log(22), np.log(150)))
        ratio = np.sqrt((x1 - x0) / (y1 - y0)) * np.exp(rng.uniform(-0.15, 0.15))
        w, h = max(8, int(side * ratio)), max(8, int(side / ratio))
        if w > 260 or h > 260:
            return
        x, y = int(rng.integers(0, INPUT_SIDE - w)), int(rng.integers(0, INPUT_SIDE - h))
        new = (x, y, x + w, y + h)
        for box in canvas.boxes:
            inter = max(0, min(box[2], new[2]) - max(box[0], new[0]))
            inter *= max(0, min(box[3], new[3]) - max(box[1], new[1]))
            area = (box[2] - box[0]) * (box[3] - box[1])
            if inter > 0.3 * area or inter > 0.6 * w * h:
                return
        part = (x0, y0, x1, y1)
        piece = scene.image.resize((w, h), Image.Resampling.BILINEAR, box=part)
        assert scene.cutout is not None  # as of all cutouts
        mask = scene.cutout.resize((w, h), Image.Resampling.BILINEAR, box=part)
        if rng.random() < 0.5:
            piece = piece.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        canvas.image.paste(self.tint(piece), (x, y), mask)
        canvas.boxes.append(new)
        canvas.classes.append(int(scene.classes[0]))

    def tint(self, image: Image.Image) -> Image.Image:
        """Colours turned, bleached or warmed by one matrix, then contrast and gamma by a table."""
        rng = self.rng
        luma = np.array([0.299, 0.587, 0.114], np.float32)
        saturation = rng.uniform(0.0, 0.3) if rng.random() < 0.07 else rng.uniform(0.5, 1.6)
        matrix = np.eye(3) * saturation + np.outer(np.ones(3), luma) * (1 - saturation)
        if rng.random() < 0.4:  # hue: a turn about the grey axis
            angle = rng.normal(0, 0.25)
            k = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
            turn = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)
            matrix = turn @ matrix
        matrix = matrix * rng.uniform(0.85, 1.15, (3, 1))
        rows = np.concatenate([matrix, np.zeros((3, 1))], 1)
        image = image.convert("RGB", tuple(rows.ravel().tolist()))
        ramp = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.25))
        ramp = (ramp - 0.5) * rng.uniform(0.65, 1.35) + 0.5 + rng.uniform(-0.12, 0.12)
        table = np.clip(ramp * 255, 0, 255).astype(np.uint8).tolist()
        return image.point(table * 3)

    def recolour(self, image: Image.Image) -> NDArray[np.float32]:
        """The finished canvas as the network's input, with the wear of real images."""
        rng = self.rng
        if rng.random() < 0.8:
            image = self.tint(image)
        if rng.random() < 0.12:
            image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.6)))
        if rng.random() < 0.15:
            side = int(INPUT_SIDE * rng.uniform(0.35, 0.8))
            image = image.resize((side, side), Image.Resampling.BILINEAR)
            image = image.resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR)
        if rng.random() < 0.2:
            store = BytesIO()
            image.save(store, "JPEG", quality=int(rng.integers(25, 85)))
            image = Image.open(store).convert("RGB")
        pixels = np.asarray(image, np.float32)
        if rng.random() < 0.1:
            pixels = pixels + rng.normal(0, rng.uniform(2, 10), pixels.shape).astype(np.float32)
        return network_input(pixels)

    def batch(self, calm: bool) -> tuple[torch.Tensor, Targets]:
        """Images (N, 3, 300, 300) float32 and their truth; `calm` without mosaic."""
        rows = [self.compose(calm) for _ in range(self.config.batch)]
        images, boxes, classes, unlabelled = (
            torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)
        )
        return images, Targets(boxes, classes, unlabelled)

    def pack(self, canvas: Canvas) -> tuple[NDArray, NDArray, NDArray]:
        boxes = np.zeros((MAX_BOXES, 4), np.float32)
        classes = np.zeros(MAX_BOXES, np.int64)
        count = min(len(canvas.boxes), MAX_BOXES)
        if count:
            boxes[:count] = np.array(canvas.boxes[:count], np.float32) / INPUT_SIDE
            classes[:count] = canvas.classes[:count]
        for box, label in zip(canvas.boxes[count:], canvas.classes[count:], strict=True):
            canvas.regions.append((box, 1 << label))
        x, y = self.centres[:, 0] * INPUT_SIDE, self.centres[:, 1] * INPUT_SIDE
        unlabelled = np.zeros(len(x), np.int64)
        for (a, b, c, d), marked in canvas.regions:
            unlabelled[(x > a) & (x < c) & (y > b) & (y < d)] |= marked
        return boxes, classes, unlabelled


def network_input(pixels: NDArray) -> NDArray[np.float32]:
    """(3, 300, 300) float32, BGR minus the ImageNet means, from RGB (300, 300, 3) in 0..255."""
    flat = pixels[..., ::-1].astype(np.float32) - CAFFE_MEAN_BGR
    return np.ascontiguousarray(flat.transpose(2, 0, 1))
