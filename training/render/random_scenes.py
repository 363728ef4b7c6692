"""Random pictures for training: many kinds, grounds, lights and views, every box known."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from training.render import gallery, materials, meshes, scene
from training.render import objects_audio as audio
from training.render import objects_desk as desk
from training.render import objects_garments as garments
from training.render import objects_props as props
from training.render import objects_shoes as shoes
from training.render import objects_wear as wear
from training.render.gallery import plaster, put, row_of_books, stack
from training.render.materials import srgb
from training.render.scene import Stage

# Close to what the detector sees (300 x 300): larger pictures would only cost time.
SIZES = ((400, 300), (400, 300), (300, 400), (340, 340))


def _phone(rng: random.Random) -> bpy.types.Object:
    return desk.phone(rng, face_up=rng.random() < 0.7, lit=rng.random() < 0.75)


def _laptop(rng: random.Random) -> bpy.types.Object:
    return desk.laptop(rng, open_degrees=rng.choice((0, 95, 105, 115, 125)), lit=rng.random() < 0.8)


# Builder, category (None = a distractor), radius of its footprint in metres, how often drawn.
# What the photographs lack is drawn most: speakers, radios, covers, monitors, watches.
KINDS: tuple[tuple[Callable[[random.Random], bpy.types.Object], str | None, float, float], ...] = (
    (desk.book, "books", 0.13, 5.0),
    (desk.open_book, "books", 0.17, 0.8),
    (_phone, "phone", 0.085, 3.5),
    (_laptop, "computer", 0.26, 1.4),
    (desk.monitor, "computer", 0.3, 1.2),
    (lambda rng: audio.headphones(rng, lying=rng.random() < 0.7), "audio", 0.13, 1.6),
    (lambda rng: audio.shelf_speaker(rng, grille=rng.random() < 0.3), "audio", 0.13, 2.2),
    (audio.portable_speaker, "audio", 0.1, 1.6),
    (audio.radio, "audio", 0.17, 2.2),
    (wear.watch, "watch", 0.10, 2.6),
    (lambda rng: wear.watch(rng, pose="worn"), "watch", 0.05, 1.2),
    (shoes.shoe_pair, "shoes", 0.17, 1.4),
    (props.mug, None, 0.06, 0.8),
    (props.pot_plant, None, 0.06, 0.5),
    (props.vase, None, 0.08, 0.3),
    (props.bowl, None, 0.12, 0.3),
    (desk.keyboard, None, 0.18, 0.4),
    (desk.mouse, None, 0.06, 0.4),
    (props.pencil, None, 0.08, 0.5),
    (props.spectacles, None, 0.09, 0.4),
    (
        lambda rng: props.fruit(rng, rng.choice(("lemon", "orange", "apple", "pear"))),
        None,
        0.04,
        0.6,
    ),
)

# What lies on the ground, looks well from above and may point anywhere.
LYING = (desk.book, desk.open_book, _phone, wear.watch, shoes.shoe_pair, props.pencil)


def draw_many(folder: Path, count: int, first_seed: int, samples: int) -> None:
    """Pictures of seeds first_seed .. first_seed + count - 1 in FOLDER/images.

    FOLDER/annotations.json is complete after every picture; a picture that is there is kept.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    path = folder / "annotations.json"
    data = json.loads(path.read_text()) if path.exists() else _empty()
    done = {image["file_name"] for image in data["images"]}
    for seed in range(first_seed, first_seed + count):
        name = f"render_{seed:05d}.jpg"
        if name in done:
            continue
        rng = random.Random(seed * 7919 + 5)
        stage = scene.new_stage(seed, rng.choice(SIZES))
        scene.settle_for_speed()
        draft(stage)
        scene.render(folder / "images" / name, samples, quality=rng.randint(72, 92))
        found, slivers = scene.annotate(stage)
        _record(data, name, seed, stage.size, found, slivers)
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(data) + "\n")
        temporary.replace(path)
        print(f"{name}: {len(found)} boxes", flush=True)


def draft(stage: Stage) -> None:
    """Build one random scene: things on a ground (mostly), a shelf, or a garment from above."""
    rng = stage.rng
    layout = rng.choices((_scattered, _shelf, _garment, _single), weights=(6, 1.3, 1.4, 1.6))[0]
    layout(stage)


def _ground_material(rng: random.Random) -> bpy.types.Material:
    seed = rng.randint(0, 99)
    kind = rng.choice(
        ("oak", "walnut", "planks", "concrete", "marble", "tiles", "carpet", "cloth", "plain")
    )
    warm = ("#c9a77c", "#b88f60", "#d8bd96", "#8d6a4a")
    any_color = (
        "#b9b4ac",
        "#8f9094",
        "#d9d5cf",
        "#5a5d63",
        "#a8927a",
        "#7f8f86",
        "#c7b7a6",
        "#3f4650",
        "#b04a3a",
        "#d8cfa8",
        "#46607a",
        "#eceae6",
    )
    if kind in ("oak", "planks"):
        light = materials.pick_color(rng, warm)
        plank = (rng.uniform(0.8, 2.0), rng.uniform(0.07, 0.2)) if kind == "planks" else None
        return materials.wood(
            "Wood",
            light,
            materials.shade_of(light, 0.6),
            plank=plank,
            gloss=rng.uniform(0.25, 0.6),
            seed=seed,
        )
    if kind == "walnut":
        return gallery.walnut(seed)
    color = materials.pick_color(rng, any_color)
    if kind == "concrete":
        return materials.concrete("Concrete", color, seed)
    if kind == "marble":
        return materials.marble(
            "Marble",
            materials.pick_color(rng, ("#ece9e4", "#d9d5cf", "#3a3b3f")),
            srgb("#8d8a88"),
            seed,
        )
    if kind == "tiles":
        return materials.tiles(
            "Tiles", color, materials.shade_of(color, 0.6), rng.choice((0.1, 0.2, 0.33)), seed
        )
    if kind == "carpet":
        return materials.carpet("Carpet", color, seed)
    if kind == "cloth":
        return materials.fabric(
            "Cloth", color, thread=rng.uniform(0.0012, 0.003), bump=0.8, seed=seed
        )
    return materials.plain("Plain", color, rng.uniform(0.3, 0.8))


def _light(rng: random.Random, target: tuple[float, float, float], reach: float) -> None:
    """Surroundings and one or two soft lights, from dim lamp light to a bright window."""
    scene.daylight(
        rng.choice(
            ("interior", "interior", "studio", "studio", "courtyard", "city", "forest", "sunset")
        ),
        rng.uniform(0.25, 0.9),
        rng.uniform(0, 360),
    )
    for _ in range(rng.choice((1, 1, 2))):
        angle = rng.uniform(0, 2 * math.pi)
        distance, height = reach * rng.uniform(1.5, 3), reach * rng.uniform(1.2, 3)
        warm = rng.uniform(-0.12, 0.2)
        at = (distance * math.cos(angle), distance * math.sin(angle), height)
        power = rng.uniform(9, 26) * (distance**2 + height**2)
        scene.softbox(
            at,
            target,
            power,
            reach * rng.uniform(0.3, 1.6),
            (1.0, 1 - max(0, warm) * 0.5, 1 - warm),
        )
    bpy.context.scene.view_settings.exposure += rng.uniform(-0.5, 0.4)


def _view(
    rng: random.Random,
    target: tuple[float, float, float],
    reach: float,
    size: tuple[int, int],
    low: float = 12,
    high: float = 62,
) -> None:
    """A camera that sees about `reach` metres around the target; elevations in degrees."""
    elevation = math.radians(rng.uniform(low, high))
    azimuth = rng.uniform(-0.6, 0.6)
    lens = rng.choice((28, 35, 42, 50))
    distance = reach * lens / 18.0 * rng.uniform(0.85, 1.2)
    x, y, z = target
    at = (
        x + distance * math.cos(elevation) * math.sin(azimuth),
        y - distance * math.cos(elevation) * math.cos(azimuth),
        z + distance * math.sin(elevation),
    )
    scene.camera(at, target, lens, rng.choice((2.8, 4, 8, None, None)), rng.gauss(0, 4))


def _scattered(stage: Stage) -> None:
    """Several things on a table or the floor, none inside another."""
    rng = stage.rng
    scene.ground(_ground_material(rng), 12, turn_degrees=rng.uniform(0, 360))
    if rng.random() < 0.5:
        scene.wall(
            plaster(rng.choice(("#b9c4c0", "#d9d4ca", "#a9b3bd", "#cfc3b2", "#7d8a86", "#e6e4df"))),
            rng.uniform(0.7, 1.2),
            10,
            -2,
        )
    reach = rng.choice((0.2, 0.28, 0.36, 0.45, 0.58))
    taken: list[tuple[float, float, float]] = []
    wanted = rng.randint(5, 9 + int(reach * 18))
    for _ in range(wanted):
        build, category, radius, _ = rng.choices(KINDS, weights=[kind[3] for kind in KINDS])[0]
        for _ in range(25):
            x, y = rng.uniform(-reach, reach) * 1.15, rng.uniform(-reach, reach)
            if all(math.hypot(x - a, y - b) > (radius + r) * 0.86 for a, b, r in taken):
                break
        else:
            continue
        taken.append((x, y, radius))
        # Things that stand face the viewer; what lies may point anywhere.
        turn = rng.uniform(-180, 180) if build in LYING and rng.random() < 0.6 else rng.gauss(0, 28)
        if build is desk.book and rng.random() < 0.2:
            stack(stage, rng, rng.randint(2, 4), x, y, turn)
        else:
            put(stage, build(rng), category, x, y, turn)
    _light(rng, (0, 0, 0), max(reach, 0.3))
    from_above = rng.random() < 0.25
    low, high = (62, 89) if from_above else (14, 60)
    _view(rng, (rng.uniform(-0.1, 0.1) * reach, 0, 0.05), reach, stage.size, low, high)


def _single(stage: Stage) -> None:
    """One product, large, as in a shop's picture."""
    rng = stage.rng
    if rng.random() < 0.5:
        scene.backdrop(
            plaster(rng.choice(("#eceae6", "#dfe3e6", "#d8b49a", "#b9c4c0", "#f4f3f0", "#6d747c")))
        )
    else:
        scene.ground(_ground_material(rng), 10, turn_degrees=rng.uniform(0, 360))
    named = [kind for kind in KINDS if kind[1] is not None]
    build, category, radius, _ = rng.choices(named, weights=[kind[3] for kind in named])[0]
    put(stage, build(rng), category, 0, 0, rng.gauss(0, 35))
    _light(rng, (0, 0, 0.05), max(radius * 2, 0.25))
    low, high = (25, 88) if build in LYING else (6, 42)
    _view(rng, (0, 0, radius * 0.35), radius * rng.uniform(1.15, 1.9), stage.size, low, high)


def _shelf(stage: Stage) -> None:
    """Boards with books upright and lying, speakers, radios and trinkets between."""
    rng = stage.rng
    scene.wall(plaster(rng.choice(("#d9d4ca", "#b9c4c0", "#a9b3bd"))), 0.17, 8, -3)
    timber = rng.choice((gallery.walnut, gallery.oak))(rng.randint(0, 50))
    width = rng.uniform(0.8, 1.2)
    rack = props.shelf(width, 0.28, (0.3, 0.3, 0.3), timber, 0.02)
    for level in rack["levels"][:3]:
        x = -width / 2 + 0.01
        while x < width / 2 - 0.08:
            what = rng.random()
            room = width / 2 - x
            if what < 0.62 or room < 0.24:
                x = row_of_books(
                    stage,
                    rng,
                    x,
                    min(width / 2, x + rng.uniform(0.1, 0.5)),
                    -0.11,
                    level,
                    rng.uniform(0.2, 0.27),
                ) + rng.uniform(0, 0.04)
                if room < 0.24:
                    break
            elif what < 0.74:
                put(
                    stage, audio.shelf_speaker(rng), "audio", x + 0.1, -0.02, rng.gauss(0, 8), level
                )
                x += 0.21
            elif what < 0.84 and room > 0.4:
                put(stage, audio.radio(rng), "audio", x + 0.19, -0.03, rng.gauss(0, 5), level)
                x += 0.38
            else:
                build = rng.choice((props.mug, props.pot_plant, audio.portable_speaker))
                put(
                    stage,
                    build(rng),
                    "audio" if build is audio.portable_speaker else None,
                    x + 0.11,
                    -0.05,
                    0,
                    level,
                )
                x += 0.22
    _light(rng, (0, -0.3, 0.5), 0.8)
    x, z = rng.uniform(-0.2, 0.2), rng.uniform(0.3, 0.7)
    scene.camera(
        (x + rng.uniform(-0.4, 0.4), -rng.uniform(0.8, 1.6), z + rng.uniform(-0.1, 0.3)),
        (x, 0, z),
        38,
        rng.choice((5.6, None)),
        rng.gauss(0, 3),
    )


def _garment(stage: Stage) -> None:
    """A garment on the floor from above, or on a hanger, sometimes with shoes and small things."""
    rng = stage.rng
    hanging = rng.random() < 0.3
    trousers = not hanging and rng.random() < 0.5
    if hanging:
        item = garments.hanging_top(rng, rng.choice(("tshirt", "sweater", "dress")))
    else:
        item = garments.trousers(rng) if trousers else garments.top(rng)
    category = "pants" if trousers else "clothes"
    if hanging:
        scene.wall(
            plaster(rng.choice(("#c3cdc8", "#e2ddd4", "#8b9096"))), rng.uniform(0.08, 0.3), 8, -3
        )
        put(stage, item, category, 0, 0, rng.gauss(0, 12), 1.2)
        _light(rng, (0, -0.2, 1.0), 0.8)
        scene.camera(
            (rng.uniform(-0.4, 0.4), -rng.uniform(1.1, 1.8), rng.uniform(0.7, 1.2)),
            (0, 0, 0.88),
            38,
            None,
            rng.gauss(0, 4),
        )
        return
    scene.ground(_ground_material(rng), 12, turn_degrees=rng.uniform(0, 360))
    holder = put(stage, item, category, 0, -0.5 if trousers else -0.32, 0)
    turn = rng.choice((0, 0, 90, -90, 180)) + rng.gauss(0, 12)
    pivot = meshes.group("Pivot", [holder])
    pivot.rotation_euler = (0, 0, math.radians(turn))
    reach = 0.62 if trousers else 0.48
    if rng.random() < 0.5:
        for build, name in rng.sample(
            (
                (shoes.shoe_pair, "shoes"),
                (wear.watch, "watch"),
                (_phone, "phone"),
                (desk.book, "books"),
            ),
            rng.randint(1, 3),
        ):
            angle = rng.uniform(0, 2 * math.pi)
            far = reach * rng.uniform(1.0, 1.25)
            put(
                stage,
                build(rng),
                name,
                far * math.cos(angle),
                far * math.sin(angle),
                rng.uniform(-180, 180),
            )
    _light(rng, (0, 0, 0), reach)
    _view(rng, (0, 0, 0), reach * 1.1, stage.size, 55, 89)


def _empty() -> dict[str, Any]:
    categories = [{"id": i, "name": n} for i, n in enumerate(scene.CATEGORIES, start=1)]
    return {
        "info": {"description": "Random pictures from training/render; boxes from the meshes"},
        "categories": categories,
        "images": [],
        "annotations": [],
    }


def _record(
    data: dict[str, Any],
    name: str,
    seed: int,
    size: tuple[int, int],
    found: list[scene.Annotation],
    slivers: list[scene.Annotation],
) -> None:
    """Add one picture in the format of the photographs' annotations."""
    image_id = len(data["images"]) + 1
    ignored = [
        {"categories": [scene.CATEGORIES[s.category_id - 1]], "bbox": list(s.box)} for s in slivers
    ]
    data["images"].append(
        {
            "id": image_id,
            "file_name": name,
            "width": size[0],
            "height": size[1],
            "split": "train",
            "kind": "product" if len(found) == 1 else "scene",
            "boxes_from": "render",
            "box_method": "visible pixels of the mesh",
            "labelled": list(scene.CATEGORIES),
            "ignore_regions": ignored,
            "source_repo": "training/render",
            "group": 10_000_000 + seed,
        }
    )
    for item in map(asdict, found):
        data["annotations"].append(
            {
                "id": len(data["annotations"]) + 1,
                "image_id": image_id,
                "category_id": item["category_id"],
                "bbox": [float(v) for v in item["box"]],
                "area": float(item["area"]),
                "iscrowd": 0,
            }
        )
