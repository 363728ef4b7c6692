"""Random images for training: many kinds, grounds, lights and views, every box known."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import bpy

from studio import gallery, materials, meshes, scene
from studio import objects_audio as audio
from studio import objects_desk as desk
from studio import objects_garments as garments
from studio import objects_props as props
from studio import objects_shoes as shoes
from studio import objects_wear as wear
from studio.gallery import plaster, put, row_of_books, stack
from studio.materials import srgb
from studio.scene import Stage

# Close to what the detector sees (300 x 300): larger images would only cost time.
SIZES = ((400, 300), (400, 300), (300, 400), (340, 340))


def _phone(rng: random.Random) -> bpy.types.Object:
    return desk.phone(rng, face_up=rng.random() < 0.7, lit=rng.random() < 0.75)


def _laptop(rng: random.Random) -> bpy.types.Object:
    return desk.laptop(rng, open_degrees=rng.choice((0, 95, 105, 115, 125)), lit=rng.random() < 0.8)


def _propped(build: Callable[[random.Random], bpy.types.Object], length: float) -> Any:
    """`build`, but leaning back with its face to the viewer, as in a shop's display."""

    def stand(rng: random.Random) -> bpy.types.Object:
        item = build(rng)
        angle = math.radians(rng.uniform(62, 84))
        half = item["size"][1] / 2 if "size" in item else length / 2
        holder = meshes.group("Propped", [item])
        holder.rotation_euler = (angle, 0, 0)
        holder.location = (0, 0, half * math.sin(angle))
        return meshes.group("Standing", [holder])

    return stand


# Builder, category (None = a distractor), radius of its footprint in metres, how often drawn.
# What the photographs lack is drawn most: speakers, radios, covers, monitors, watches.
KINDS: tuple[tuple[Callable[[random.Random], bpy.types.Object], str | None, float, float], ...] = (
    (desk.book, "books", 0.13, 4.2),
    (_propped(desk.book, 0.22), "books", 0.11, 1.8),
    (desk.open_book, "books", 0.17, 0.8),
    (_phone, "phone", 0.085, 4.8),
    (_propped(_phone, 0.16), "phone", 0.07, 0.8),
    (_laptop, "computer", 0.24, 3.0),
    (desk.monitor, "computer", 0.27, 2.4),
    (lambda rng: audio.headphones(rng, lying=rng.random() < 0.7), "audio", 0.13, 1.8),
    (lambda rng: audio.shelf_speaker(rng, grille=rng.random() < 0.3), "audio", 0.13, 2.6),
    (audio.portable_speaker, "audio", 0.1, 1.8),
    (audio.radio, "audio", 0.17, 2.6),
    (wear.watch, "watch", 0.08, 4.4),
    (lambda rng: wear.watch(rng, pose="worn"), "watch", 0.05, 1.2),
    (shoes.shoe_pair, "shoes", 0.17, 3.2),
    # Round ceramics and lamps were taken for speakers.
    (props.mug, None, 0.06, 2.2),
    (props.pot_plant, None, 0.06, 1.0),
    (props.vase, None, 0.08, 1.8),
    (props.bowl, None, 0.12, 1.0),
    (props.lamp, None, 0.12, 1.2),
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
    """Images of seeds first_seed .. first_seed + count - 1 in FOLDER/images.

    FOLDER/annotations.json is complete after every image; an image that is there is kept.
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
        garments.coarseness = 1.5
        draft(stage)
        target = folder / "images" / name
        scene.render(target, samples, rng.randint(72, 92), developed=rng.random() < 0.6)
        found, slivers = scene.annotate(stage)
        _record(data, name, seed, stage.size, found, slivers)
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(data) + "\n")
        temporary.replace(path)
        print(f"{name}: {len(found)} boxes", flush=True)


def draft(stage: Stage) -> None:
    """Build one random scene: things on a ground (mostly), garments, a shelf, one product."""
    rng = stage.rng
    layout = rng.choices((_scattered, _shelf, _garments, _single), weights=(5.5, 3.0, 2.4, 0.8))[0]
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
    reach = rng.choice((0.28, 0.36, 0.45, 0.58, 0.75, 0.95, 1.2))
    taken: list[tuple[float, float, float]] = []
    wanted = rng.randint(8, 12 + int(reach * 22))
    fitting = [kind for kind in KINDS if kind[2] < reach * 0.7]
    chosen = rng.choices(fitting, weights=[kind[3] for kind in fitting], k=wanted)
    # The large ones first, while there is room.
    for build, category, radius, _ in sorted(chosen, key=lambda kind: -kind[2]):
        for _ in range(25):
            x, y = rng.uniform(-reach, reach), rng.uniform(-reach, reach) * 0.9
            if all(math.hypot(x - a, y - b) > (radius + r) * 0.8 for a, b, r in taken):
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
    """One product, large, as in a shop's photo."""
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
        (x + rng.uniform(-0.4, 0.4), -rng.uniform(0.8, 2.4), z + rng.uniform(-0.1, 0.3)),
        (x, 0, z),
        38,
        rng.choice((5.6, None)),
        rng.gauss(0, 3),
    )


# Width and height in metres of what lies flat.
GARMENTS = {
    "tshirt": ("clothes", 0.75, 0.67),
    "sweater": ("clothes", 0.85, 0.67),
    "dress": ("clothes", 0.70, 0.99),
    "jeans": ("pants", 0.47, 1.00),
    "chinos": ("pants", 0.47, 1.00),
    "shorts": ("pants", 0.58, 0.50),
}


def _garments(stage: Stage) -> None:
    """Garments on the floor from above, or on hangers, with shoes and small things about."""
    (_hung if stage.rng.random() < 0.3 else _laid)(stage)


def _garment(rng: random.Random, kind: str) -> bpy.types.Object:
    """A garment lying flat, its middle at the origin."""
    category, _, height = GARMENTS[kind]
    item = garments.top(rng, kind) if category == "clothes" else garments.trousers(rng, kind)
    return meshes.move(item, (0, -height / 2, 0))


def _laid(stage: Stage) -> None:
    """One to six garments side by side on the ground, seen from above."""
    rng = stage.rng
    scene.ground(_ground_material(rng), 16, turn_degrees=rng.uniform(0, 360))
    count = rng.choice((1, 3, 4, 5, 6))
    names = [
        rng.choice(("jeans", "chinos", "shorts") if rng.random() < 0.5 else tuple(GARMENTS)[:3])
        for _ in range(count)
    ]
    a_row = rng.choice((2, 3)) if count > 2 else count
    holders, taken = [], []
    y = 0.0
    for start in range(0, count, a_row):
        row = names[start : start + a_row]
        x = -sum(GARMENTS[name][1] for name in row) / 2
        for name in row:
            category, width, height = GARMENTS[name]
            at = (x + width / 2 + rng.gauss(0, 0.01), y - height / 2 + rng.gauss(0, 0.02))
            turn = rng.gauss(0, 4) + rng.choice((0, 0, 0, 180))
            holders.append(put(stage, _garment(rng, name), category, *at, turn))
            taken.append((*at, width / 2, height / 2))
            x += width + rng.uniform(0.02, 0.12)
        y -= max(GARMENTS[name][2] for name in row) + 0.05
    half_x = max(abs(x) + w for x, _, w, _ in taken)
    middle, half_y = y / 2, -y / 2
    named = [(build, name, radius, often) for build, name, radius, often in KINDS if name]
    for _ in range(rng.randint(2, 9)):
        build, product, radius, _ = rng.choices(
            named, weights=[kind[3] * (3 if kind[1] == "shoes" else 1) for kind in named]
        )[0]
        for _ in range(40):
            x = rng.uniform(-half_x - 0.4, half_x + 0.4)
            y = middle + rng.uniform(-half_y - 0.35, half_y + 0.35)
            if all(abs(x - a) > w + radius or abs(y - b) > h + radius for a, b, w, h in taken):
                break
        else:
            continue
        taken.append((x, y, radius, radius))
        holders.append(put(stage, build(rng), product, x, y, rng.uniform(-180, 180)))
    pivot = meshes.group("Pivot", holders)
    turn = math.radians(rng.choice((0, 0, 0, 90, -90, 180)) + rng.gauss(0, 12))
    pivot.rotation_euler = (0, 0, turn)
    pivot.location = (middle * math.sin(turn), -middle * math.cos(turn), 0)
    reach = max(half_x, half_y, 0.45)
    _light(rng, (0, 0, 0), reach)
    _view(rng, (0, 0, 0), reach * rng.choice((0.9, 1.1, 1.3, 1.7)), stage.size, 50, 89)


def _hung(stage: Stage) -> None:
    """Tops on hangers along a rail, trousers pinned to the wall, shoes below."""
    rng = stage.rng
    scene.wall(
        plaster(rng.choice(("#c3cdc8", "#e2ddd4", "#8b9096", "#cfc3b2", "#5f6b70"))),
        rng.uniform(0.3, 0.6),
        10,
        -2,
    )
    scene.ground(_ground_material(rng), 12)
    turned = rng.random() < 0.4
    turn = rng.choice((-1, 1)) * rng.uniform(50, 72) if turned else rng.gauss(0, 10)
    step = rng.uniform(0.2, 0.32) if turned else rng.uniform(0.68, 0.8)
    count = rng.randint(3, 6) if turned else rng.randint(2, 4)
    left = -step * (count - 1) / 2
    trousers = rng.random() < 0.6
    steel = materials.plain("Rail", (0.4, 0.4, 0.42), 0.25, 1.0)
    height = 1.5
    meshes.tube("Rail", [(-2.4, 0, height), (2.4, 0, height)], 0.010, steel)
    x = left
    for _ in range(count):
        if trousers and rng.random() < 0.45 and not turned:
            item = _garment(rng, rng.choice(("jeans", "chinos", "shorts")))
            up = meshes.group("Up", [item])
            up.rotation_euler = (math.pi / 2, 0, 0)
            put(stage, up, "pants", x, 0.0, turn, height - 0.55)
        else:
            kind = rng.choice(("tshirt", "sweater", "dress"))
            put(
                stage,
                garments.hanging_top(rng, kind),
                "clothes",
                x,
                0,
                turn + rng.gauss(0, 4),
                height - 0.1,
            )
        x += step
    span = max(abs(left) + 0.35, 0.45)
    x = -span
    while x < span:
        if rng.random() < 0.55:
            put(stage, shoes.shoe_pair(rng), "shoes", x, rng.uniform(-0.3, 0), rng.gauss(0, 40))
        x += rng.uniform(0.3, 0.5)
    _light(rng, (0, -0.2, 1.0), 0.9)
    reach = span * rng.uniform(0.95, 1.7)
    low = rng.random() < 0.5
    target = (rng.uniform(-0.1, 0.1), 0, 0.7 if low else 1.05)
    _view(rng, target, max(reach, 0.95) if low else reach, stage.size, 0, 14)


def _empty() -> dict[str, Any]:
    categories = [{"id": i, "name": n} for i, n in enumerate(scene.CATEGORIES, start=1)]
    return {
        "info": {"description": "Random images from studio; boxes from the meshes"},
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
    """Add one image in the format of the photographs' annotations."""
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
            "source_repo": "studio",
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
