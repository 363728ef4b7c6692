"""The gallery's images: what stands where, in which light, seen from where."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import bpy

from studio import materials, meshes, scene
from studio import objects_audio as audio
from studio import objects_desk as desk
from studio import objects_garments as garments
from studio import objects_props as props
from studio import objects_shoes as shoes
from studio import objects_wear as wear
from studio.materials import srgb
from studio.scene import Stage


@dataclass(frozen=True)
class Composition:
    """One image of the gallery."""

    file: str  # without folder and ending
    title: str
    titles: dict[str, str]  # in other languages
    alt: str
    size: tuple[int, int]
    seed: int
    build: Callable[[Stage], None]
    samples: int = 5


GALLERY: list[Composition] = []


def composition(
    title: str,
    alt: str,
    *,
    zh: str,
    size: tuple[int, int] = (1280, 960),
    seed: int = 1,
    samples: int = 5,
    look: str = "AgX - Punchy",
) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Add the decorated function to the gallery under its own name."""

    def add(build: Callable[[Stage], None]) -> Callable[[Stage], None]:
        titles = {"zh": zh}
        GALLERY.append(Composition(build.__name__, title, titles, alt, size, seed, build, samples))
        return build

    return add


def put(
    stage: Stage,
    root: bpy.types.Object,
    category: str | None,
    x: float,
    y: float,
    turn: float = 0.0,
    z: float = 0.0,
) -> bpy.types.Object:
    """Place a product at (x, y, z), turned by `turn` degrees; category None = no box."""
    holder = meshes.group("Placed", [root])
    meshes.move(holder, (x, y, z), (0, 0, turn))
    if category is not None:
        stage.add(holder, category)
    return holder


def oak(seed: int = 0, plank: tuple[float, float] | None = (1.6, 0.14)) -> bpy.types.Material:
    return materials.wood(
        "Oak", srgb("#c9a77c"), srgb("#a07c52"), plank=plank, gloss=0.5, seed=seed
    )


def walnut(seed: int = 0, plank: tuple[float, float] | None = None) -> bpy.types.Material:
    return materials.wood(
        "Walnut", srgb("#7d5638"), srgb("#523520"), plank=plank, gloss=0.42, seed=seed
    )


def plaster(code: str) -> bpy.types.Material:
    graph = materials.Graph("Plaster")
    bumps = graph.noise(graph.coordinates(), 60, 6)
    tone = graph.mix(
        graph.noise(graph.coordinates(), 1.5, 3), materials.shade_of(srgb(code), 0.92), srgb(code)
    )
    return graph.finish(Base_Color=tone, Roughness=0.9, Normal=graph.bump(bumps, 0.12, 0.002))


def stack(stage: Stage, rng: random.Random, count: int, x: float, y: float, turn: float) -> float:
    """Books on top of each other, the largest below; returns the height of the pile."""
    z = 0.0
    height = 0.245
    for _ in range(count):
        item = desk.book(rng, height=height, thickness=rng.uniform(0.016, 0.034))
        put(
            stage,
            item,
            "books",
            x + rng.uniform(-0.006, 0.006),
            y + rng.uniform(-0.006, 0.006),
            turn + rng.uniform(-9, 9),
            z,
        )
        z += item["size"][2] + 0.0004
        height -= rng.uniform(0.006, 0.018)
    return z


def row_of_books(
    stage: Stage, rng: random.Random, left: float, right: float, y: float, z: float, tallest: float
) -> float:
    """Upright books from `left` until `right` is reached; returns where they end."""
    x = left
    while True:
        item = desk.book(
            rng, height=rng.uniform(0.72, 1.0) * tallest, thickness=rng.uniform(0.014, 0.045)
        )
        upright = desk.stand_book(item)
        thick = upright["size"][0]
        if x + thick > right:
            for obj in (upright, *upright.children_recursive):
                bpy.data.objects.remove(obj)
            return x
        put(stage, upright, "books", x + thick / 2, y + rng.uniform(0, 0.012), 0, z)
        x += thick + 0.0006


@composition(
    "Desk with laptop and books",
    "A wooden desk with an open laptop, a pile of books, a phone, headphones, a mug and a lamp",
    seed=11,
    zh="书桌、笔记本电脑和书",
)
def desk_laptop_books(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(oak(3, plank=None), 3.0)
    scene.wall(plaster("#b9c4c0"), 0.55)
    scene.daylight("interior", 0.42, 200)
    put(stage, desk.laptop(rng, open_degrees=112), "computer", -0.06, 0.12, 6)
    top = stack(stage, rng, 4, 0.36, 0.16, 14)
    put(stage, props.spectacles(rng), None, 0.35, 0.15, 30, top)
    put(stage, desk.phone(rng), "phone", 0.21, -0.1, -18)
    put(stage, audio.headphones(rng), "audio", -0.40, 0.06, 32)
    put(stage, props.mug(rng), None, 0.20, 0.30, -40)
    put(stage, props.lamp(rng), None, -0.42, 0.34, -20)
    put(stage, props.pencil(rng), None, -0.22, -0.12, -65)
    put(stage, props.pencil(rng), None, -0.18, -0.13, -72)
    scene.window((-2.7, -1.5, 2.3), (0.0, 0.25, 0.1), 200)
    scene.softbox((-1.6, -0.5, 1.3), (0, 0.1, 0), 14, 1.0, (1.0, 0.95, 0.88))
    scene.softbox((1.4, -1.2, 1.6), (0, 0.1, 0), 8, 1.4, (0.86, 0.93, 1.0))
    scene.camera((0.08, -0.82, 0.50), (-0.012, 0.13, 0.10), 35, 5.6)


@composition("Headphones", "Over-ear headphones on a warm studio backdrop", seed=4, zh="耳机")
def headphones_studio(stage: Stage) -> None:
    rng = stage.rng
    scene.backdrop(plaster("#d8b49a"))
    scene.daylight("studio", 0.45, 120)
    put(stage, audio.headphones(rng, lying=False), "audio", 0, 0, 34)
    scene.softbox((-0.9, -0.5, 0.9), (0, 0, 0.1), 16, 0.7)
    scene.softbox((0.9, 0.2, 0.7), (0, 0, 0.1), 6, 0.4, (1, 0.9, 0.8))
    scene.camera((0.0, -0.80, 0.30), (0, 0, 0.103), 62, 5.6)


@composition(
    "Bookshelf",
    "Three boards of a wooden shelf full of books, with a loudspeaker, a radio and a plant",
    seed=21,
    zh="书架",
)
def bookshelf(stage: Stage) -> None:
    rng = stage.rng
    scene.daylight("interior", 0.5, 60)
    scene.wall(plaster("#d9d4ca"), 0.16, 6, -3)
    scene.ground(oak(2), 8)
    rack = props.shelf(1.02, 0.28, (0.31, 0.31, 0.3), walnut(4), 0.022)
    put(stage, rack, None, 0, 0)
    first, second, third = rack["levels"][:3]
    end = row_of_books(stage, rng, -0.5, -0.05, -0.11, second, 0.265)
    pile = 0.0
    for _ in range(3):
        item = desk.book(rng, height=0.23 - pile, thickness=rng.uniform(0.02, 0.034))
        put(stage, item, "books", end + 0.14, -0.02, 90 + rng.uniform(-4, 4), second + pile)
        pile += item["size"][2] + 0.0004
    put(stage, props.pot_plant(rng), None, end + 0.13, -0.03, 0, second + pile)
    row_of_books(stage, rng, end + 0.28, 0.5, -0.11, second, 0.25)
    put(stage, audio.shelf_speaker(rng, finish="oak"), "audio", -0.39, -0.02, 6, first)
    row_of_books(stage, rng, -0.27, 0.30, -0.11, first, 0.27)
    lean = desk.stand_book(desk.book(rng, height=0.235, thickness=0.024), lean_degrees=-14)
    put(stage, lean, "books", 0.345, -0.1, 0, first)
    end = row_of_books(stage, rng, -0.5, 0.02, -0.11, third, 0.25)
    put(stage, audio.radio(rng), "audio", 0.27, -0.03, -6, third)
    scene.softbox((-1.7, -1.9, 2.0), (0, 0, 0.4), 120, 0.7, (1, 0.95, 0.88))
    scene.camera((0.14, -1.62, 0.62), (0.0, 0, 0.475), 43, 8.0)


@composition("Wrist watch", "A wrist watch with a leather strap on white marble", seed=8, zh="手表")
def watch_marble(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(materials.marble("Marble", srgb("#ece9e4"), srgb("#8d8a88"), 3), 3)
    scene.daylight("studio", 0.55, 250)
    put(stage, wear.watch(rng, strap="leather"), "watch", 0, 0.012, 28)
    scene.softbox((-0.5, 0.4, 0.6), (0, 0, 0), 8, 0.5, (1, 0.97, 0.92))
    scene.camera((0.02, -0.26, 0.33), (0.006, -0.022, 0.0), 52, 8)


@composition(
    "Pocket electronics from above",
    "Phone, headphones, watch, laptop and a book laid out on grey concrete, seen from above",
    seed=15,
    zh="俯拍的随身电子产品",
)
def electronics_flatlay(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(materials.concrete("Concrete", srgb("#b9b4ac"), 5), 4)
    scene.daylight("studio", 0.8, 20)
    put(stage, desk.laptop(rng, open_degrees=0), "computer", -0.15, 0.13, 4)
    put(stage, audio.headphones(rng), "audio", 0.22, 0.12, -24)
    put(stage, desk.phone(rng), "phone", 0.03, -0.16, 8)
    put(stage, desk.phone(rng, face_up=False), "phone", 0.15, -0.155, -5)
    put(stage, desk.book(rng, height=0.2), "books", -0.21, -0.145, -7)
    put(stage, wear.watch(rng, strap="metal"), "watch", 0.27, -0.155, 12)
    put(stage, props.pencil(rng), None, -0.09, -0.15, 12)
    scene.softbox((-1.0, 0.9, 1.5), (0, 0, 0), 48, 0.9, (1, 0.96, 0.9))
    scene.camera((0.0, -0.04, 0.92), (0.02, 0.0, 0.0), 42, 8, 1.2)


@composition(
    "Table radio",
    "A wooden table radio on a sideboard next to a vase with green twigs",
    seed=30,
    zh="台式收音机",
)
def radio_sideboard(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(walnut(9), 3)
    scene.wall(plaster("#8fa39a"), 0.32)
    scene.daylight("interior", 0.5, 140)
    put(stage, audio.radio(rng), "audio", -0.06, 0.06, 10)
    put(stage, props.vase(rng), None, 0.26, 0.12, 40)
    put(stage, props.mug(rng, coffee=True), None, 0.17, -0.08, -30)
    scene.softbox((-1.2, -0.7, 0.9), (0, 0, 0.1), 24, 0.8, (1, 0.93, 0.84))
    scene.camera((-0.02, -0.92, 0.30), (0.05, 0.05, 0.12), 44, 4.0)


@composition(
    "Kitchen still life (none of the classes)",
    "Fruit in a bowl, a vase and a mug on a wooden board: nothing that the detector knows",
    seed=17,
    zh="厨房静物（不含任何类别）",
)
def still_life_fruit(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(materials.marble("Marble", srgb("#d9d5cf"), srgb("#8b8581"), 8), 3)
    scene.wall(plaster("#c9c0b0"), 0.5)
    scene.daylight("interior", 0.5, 160)
    put(stage, props.bowl(rng), None, -0.05, 0.08)
    places = [(-0.10, 0.06), (-0.02, 0.03), (-0.06, 0.13), (0.01, 0.11)]
    for (x, y), kind in zip(places, ("orange", "lemon", "apple", "orange"), strict=True):
        root = put(stage, props.fruit(rng, kind), None, x, y, rng.uniform(0, 360), 0.030)
        root.rotation_euler.x = rng.uniform(-0.3, 0.3)
    put(stage, props.fruit(rng, "lemon"), None, -0.055, 0.075, 40, 0.085).rotation_euler.y = 0.4
    put(stage, props.board(rng), None, 0.17, -0.08, 18)
    put(stage, props.fruit(rng, "pear"), None, 0.13, -0.08, 30, 0.018)
    put(stage, props.fruit(rng, "apple"), None, 0.22, -0.05, 70, 0.018)
    put(stage, props.mug(rng), None, -0.25, -0.05, 150)
    put(stage, props.vase(rng), None, 0.20, 0.24, 10)
    scene.softbox((-1.2, -0.4, 1.0), (0, 0, 0), 24, 0.8, (1, 0.95, 0.88))
    scene.camera((0.02, -0.85, 0.48), (0.01, 0.05, 0.07), 42, 4.0)


@composition(
    "Canvas shoes",
    "A pair of canvas shoes with white laces on a wooden floor",
    seed=42,
    zh="帆布鞋",
)
def canvas_shoes(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(oak(7), 5, turn_degrees=20)
    scene.daylight("interior", 0.6, 90)
    put(stage, shoes.shoe_pair(rng, "canvas", splay=6), "shoes", 0, 0.0, 22)
    scene.softbox((-1.1, 0.35, 0.9), (0, 0, 0), 30, 0.25, (1, 0.94, 0.86))
    scene.camera((0.08, -0.50, 0.46), (0.0, -0.015, 0.035), 42, 8)


@composition("Leather shoes", "A pair of polished leather shoes on a grey rug", seed=43, zh="皮鞋")
def leather_shoes(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(materials.carpet("Rug", srgb("#8d8a86")), 5)
    scene.daylight("studio", 0.6, 200)
    put(stage, shoes.shoe_pair(rng, "oxford", splay=3), "shoes", 0, 0.0, -38)
    scene.softbox((-0.9, -0.3, 1.1), (0, 0, 0), 24, 0.9)
    scene.softbox((0.9, 0.6, 0.9), (0, 0, 0), 10, 0.5, (1, 0.9, 0.8))
    scene.camera((0.0, -0.58, 0.36), (0.0, 0.005, 0.035), 44, 8)


@composition(
    "T-shirt", "A T-shirt laid flat on a wooden floor, seen from above", seed=51, zh="T 恤"
)
def tshirt_flat(stage: Stage) -> None:
    rng = stage.rng
    item = garments.top(rng, "tshirt")
    scene.ground(oak(4, (1.4, 0.12)), 6, turn_degrees=90)
    scene.daylight("interior", 0.6, 30)
    put(stage, item, "clothes", 0, -0.32, 3)
    scene.softbox((-1.6, 0.8, 0.8), (0, 0, 0), 58, 0.4, (1, 0.96, 0.9))
    scene.camera((0.0, -0.10, 1.30), (0.0, 0.0, 0.0), 42, None)


@composition(
    "Jeans",
    "A pair of blue jeans laid flat on a dark wooden floor, seen from above",
    seed=52,
    zh="牛仔裤",
)
def jeans_flat(stage: Stage) -> None:
    rng = stage.rng
    item = garments.trousers(rng, "jeans")
    scene.ground(
        materials.wood(
            "Oak", srgb("#8d6a4a"), srgb("#5f4229"), plank=(1.5, 0.13), gloss=0.5, seed=5
        ),
        6,
        turn_degrees=90,
    )
    scene.daylight("studio", 0.7, 30)
    put(stage, item, "pants", 0, -0.5, -4)
    scene.softbox((1.6, 0.6, 0.9), (0, 0, 0), 52, 0.6, (1, 0.97, 0.93))
    scene.camera((0.0, -0.12, 1.84), (0.0, -0.01, 0.0), 42, None)


@composition(
    "An outfit from above",
    "Sweater, jeans, shoes, watch and phone laid out on the floor, seen from above; tall image",
    size=(960, 1280),
    seed=53,
    zh="俯拍的穿搭",
)
def outfit_flatlay(stage: Stage) -> None:
    rng = stage.rng
    shirt = garments.top(rng, "sweater")
    jeans = garments.trousers(rng, "jeans")
    scene.ground(materials.concrete("Floor", srgb("#c9c4bb"), 9), 6)
    scene.daylight("studio", 0.7, 70)
    put(stage, shirt, "clothes", -0.17, 0.10, 3)
    put(stage, jeans, "pants", 0.30, -0.84, -3)
    put(stage, shoes.shoe_pair(rng, "court"), "shoes", -0.26, -0.47, -14)
    put(stage, wear.watch(rng, strap="leather"), "watch", -0.04, -0.20, -20)
    put(stage, desk.phone(rng), "phone", -0.30, -0.18, 14)
    scene.softbox((-1.7, 0.8, 1.1), (0, 0, 0), 82, 0.45, (1, 0.96, 0.9))
    scene.camera((0.0, -0.20, 1.92), (0.0, -0.04, 0.0), 40, None)


@composition(
    "Clothes on pegs",
    "A shirt, a sweater and a dress on a wall, two pairs of shoes on the bench below",
    seed=54,
    zh="挂着的衣服",
)
def clothes_on_pegs(stage: Stage) -> None:
    rng = stage.rng
    hung = [garments.hanging_top(rng, kind) for kind in ("tshirt", "dress", "sweater")]
    scene.wall(plaster("#c3cdc8"), 0.0, 8, -2)
    scene.ground(oak(2), 8)
    scene.daylight("interior", 0.6, 160)
    board = meshes.slab("PegBoard", 2.3, 0.09, 0.022, oak(1, None), corner=0.004, fillet=0.002)
    meshes.move(board, (0, 0, 1.52), (90, 0, 0))
    for x, item in zip((-0.70, 0.0, 0.70), hung, strict=True):
        peg = meshes.lathe(
            "Peg",
            [(0.009, 0), (0.009, 0.06), (0.013, 0.066), (0.013, 0.074), (0.0, 0.078)],
            oak(1, None),
            32,
        )
        meshes.move(peg, (x, -0.02, 1.52), (90, 0, 0))
        # The hook's inside rests on the peg.
        put(stage, item, "clothes", x, -0.062, 0, 1.52 - 0.0905)
    bench = meshes.slab("Bench", 2.0, 0.34, 0.035, walnut(3), corner=0.006, fillet=0.003)
    meshes.move(bench, (0, -0.19, 0.27))
    put(stage, shoes.shoe_pair(rng, "runner"), "shoes", -0.48, -0.19, 8, 0.305)
    put(stage, shoes.shoe_pair(rng, "oxford"), "shoes", 0.50, -0.19, -10, 0.305)
    scene.softbox((-1.9, -1.7, 2.2), (0, 0, 1.0), 150, 0.5, (1, 0.95, 0.88))
    scene.camera((0.12, -2.55, 1.10), (0.0, 0, 0.93), 40, 8)


@composition(
    "A workplace",
    "A monitor, two loudspeakers, a laptop, headphones and a phone on a desk; wide image",
    size=(1600, 800),
    seed=61,
    zh="工作台",
)
def workplace_wide(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(walnut(6), 4)
    scene.wall(plaster("#a9b3bd"), 0.48)
    scene.daylight("interior", 0.45, 20)
    put(stage, desk.monitor(rng), "computer", 0.0, 0.16, 0)
    state = rng.getstate()
    for x, turn in ((-0.46, 14), (0.46, -14)):
        rng.setstate(state)
        put(stage, audio.shelf_speaker(rng, finish="walnut"), "audio", x, 0.18, turn)
    put(stage, desk.keyboard(rng), None, -0.02, -0.12, 0)
    put(stage, desk.mouse(rng), None, 0.26, -0.12, 6)
    put(stage, desk.laptop(rng, open_degrees=110), "computer", -0.72, 0.0, 24)
    put(stage, audio.headphones(rng), "audio", 0.62, -0.08, -30)
    put(stage, desk.phone(rng), "phone", 0.40, -0.13, -8)
    stack(stage, rng, 3, 0.78, 0.16, -20)
    put(stage, props.pot_plant(rng), None, 0.99, 0.22)
    put(stage, props.mug(rng), None, -0.36, -0.06, 200)
    scene.window((-3.0, -1.9, 2.4), (0.1, 0.3, 0.15), 300, pane=(0.42, 0.34))
    scene.softbox((-1.8, -0.8, 1.5), (0, 0.1, 0.1), 32, 1.1, (1, 0.95, 0.88))
    scene.softbox((1.6, -1.2, 1.4), (0, 0.1, 0.1), 12, 1.0, (0.86, 0.93, 1.0))
    scene.camera((0.04, -1.52, 0.58), (0.03, 0.06, 0.155), 30, 8)


@composition(
    "Book covers",
    "Four books with colourful covers side by side on a linen cloth, seen from above",
    seed=64,
    zh="书籍封面",
)
def book_covers(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(materials.fabric("Linen", srgb("#a79a86"), thread=0.0021, bump=0.9), 4)
    scene.daylight("studio", 0.65, 10)
    for x, y, turn in ((-0.21, 0.07, 5), (0.015, 0.095, -3), (0.22, 0.05, 8), (-0.10, -0.155, -12)):
        put(stage, desk.book(rng, height=rng.uniform(0.19, 0.22)), "books", x, y, turn)
    put(stage, props.spectacles(rng), None, 0.11, -0.15, 20)
    put(stage, props.pencil(rng), None, 0.23, -0.14, -30)
    scene.softbox((-1.1, 0.8, 0.9), (0, 0, 0), 36, 0.3, (1, 0.96, 0.9))
    scene.camera((0.01, -0.20, 0.82), (0.005, -0.035, 0.0), 42, 11)


@composition(
    "Flea market table",
    "A table crowded with radios, loudspeakers, books, headphones, phones, watches and shoes",
    seed=71,
    zh="跳蚤市场的桌子",
)
def crowded_table(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(oak(8, (1.9, 0.17)), 5)
    scene.wall(plaster("#b59f86"), 0.85)
    scene.daylight("courtyard", 0.35, 40)
    put(stage, audio.shelf_speaker(rng, finish="walnut"), "audio", -0.62, 0.42, 10)
    put(stage, audio.radio(rng), "audio", -0.31, 0.42, 4)
    stack(stage, rng, 5, 0.02, 0.42, 78)
    put(stage, audio.radio(rng), "audio", 0.33, 0.44, -8)
    put(stage, audio.shelf_speaker(rng, grille=True), "audio", 0.66, 0.40, -12)
    put(stage, shoes.shoe_pair(rng, "canvas"), "shoes", -0.62, 0.08, 16)
    put(stage, audio.headphones(rng), "audio", -0.36, 0.10, 20)
    put(stage, desk.book(rng), "books", -0.12, 0.12, -8)
    put(stage, desk.laptop(rng, open_degrees=104), "computer", 0.16, 0.17, -6)
    put(stage, audio.portable_speaker(rng), "audio", 0.40, 0.22, 12)
    put(stage, shoes.shoe_pair(rng, "boot"), "shoes", 0.66, 0.08, -14)
    for x, turn, up in ((-0.60, 10, True), (-0.50, -6, False), (-0.40, 14, True)):
        put(stage, desk.phone(rng, face_up=up), "phone", x, -0.18, turn)
    for x, strap in ((-0.29, "leather"), (-0.22, "metal"), (-0.15, "rubber")):
        put(stage, wear.watch(rng, strap=strap), "watch", x, -0.15, rng.uniform(-12, 12))
    put(stage, desk.book(rng), "books", 0.01, -0.17, 9)
    put(stage, desk.book(rng), "books", 0.20, -0.18, -10)
    put(stage, audio.headphones(rng), "audio", 0.42, -0.08, -18)
    put(stage, desk.book(rng), "books", 0.64, -0.19, 18)
    scene.softbox((-1.8, -0.9, 1.7), (0, 0.1, 0), 110, 0.45, (1, 0.95, 0.88))
    scene.camera((0.05, -1.18, 0.98), (0.02, 0.11, 0.06), 36, 11)


@composition(
    "Wireless speaker outdoors",
    "A small wireless speaker on a stone table in a garden",
    seed=83,
    zh="户外无线音箱",
)
def speaker_garden(stage: Stage) -> None:
    rng = stage.rng
    slab = meshes.slab(
        "Table",
        1.6,
        0.9,
        0.05,
        materials.concrete("Stone", srgb("#a8a196"), 3),
        corner=0.02,
        fillet=0.006,
    )
    meshes.move(slab, (0, 0.2, -0.05))
    scene.daylight("forest", 1.0, 130)
    put(stage, audio.portable_speaker(rng), "audio", -0.02, 0.0, 12)
    put(stage, props.mug(rng), None, 0.17, 0.12, -30)
    scene.softbox((-0.9, -0.6, 1.0), (0, 0, 0.05), 9, 0.5, (1, 0.95, 0.86))
    scene.camera((0.0, -0.55, 0.18), (0.035, 0, 0.065), 52, 2.8)


@composition(
    "Laptop", "An open laptop on a white table in front of a pale wall", seed=85, zh="笔记本电脑"
)
def laptop_studio(stage: Stage) -> None:
    rng = stage.rng
    scene.backdrop(plaster("#dfe3e6"))
    scene.daylight("studio", 0.7, 30)
    put(stage, desk.laptop(rng, open_degrees=106), "computer", 0, 0.02, -24)
    scene.softbox((-1.0, -0.4, 1.2), (0, 0, 0.1), 24, 0.9)
    scene.camera((0.0, -0.74, 0.33), (0.0, 0.02, 0.10), 46, 8)


@composition(
    "Phones and a watch",
    "Two phones and a metal watch on a dark slate, seen at an angle",
    seed=88,
    zh="手机和手表",
)
def phones_watch(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(materials.concrete("Slate", srgb("#4a4d52"), 7), 3)
    scene.daylight("studio", 0.7, 150)
    put(stage, desk.phone(rng), "phone", -0.075, 0.01, 10)
    put(stage, desk.phone(rng, face_up=False), "phone", 0.03, 0.035, -6)
    put(stage, wear.watch(rng, strap="metal"), "watch", 0.135, -0.01, -16)
    scene.softbox((-0.6, 0.6, 0.8), (0, 0, 0), 15, 0.6)
    scene.camera((0.02, -0.25, 0.31), (0.028, 0.005, 0.0), 44, 8)


@composition(
    "A quiet hour with a book",
    "An open book, reading glasses, a mug and a phone on a wooden table by a plant",
    seed=91,
    zh="静静读书的时光",
)
def reading_table(stage: Stage) -> None:
    rng = stage.rng
    scene.ground(walnut(12), 3)
    scene.wall(plaster("#cfc3b2"), 0.55)
    scene.daylight("interior", 0.6, 250)
    put(stage, desk.open_book(rng), "books", -0.05, 0.0, -10)
    put(stage, props.spectacles(rng), None, 0.14, -0.09, 35)
    put(stage, props.mug(rng), None, 0.22, 0.12, -50)
    put(stage, props.pot_plant(rng), None, -0.28, 0.24)
    stack(stage, rng, 3, 0.03, 0.30, 84)
    put(stage, desk.phone(rng, lit=False), "phone", -0.31, -0.05, 22)
    scene.window((-2.4, -0.9, 1.8), (0.0, 0.2, 0.06), 150, pane=(0.24, 0.28), bar=0.028)
    scene.softbox((-1.2, 0.3, 1.0), (0, 0, 0), 10, 0.7, (1, 0.94, 0.85))
    scene.camera((0.02, -0.70, 0.52), (-0.02, 0.05, 0.03), 38, 5.6)
