"""Books, phones, laptops, monitors: things of the desk and the shelf.

Every function returns the root of a group that stands on z = 0, front towards -y, in metres.
"""

from __future__ import annotations

import math
import random

import bpy
import numpy as np

from studio import artwork, materials, meshes
from studio.materials import srgb


def book(
    rng: random.Random,
    *,
    height: float | None = None,
    thickness: float | None = None,
    hardcover: bool | None = None,
) -> bpy.types.Object:
    """A closed book lying on its back: cover up (+z), spine at -x, head at +y."""
    height = height or rng.uniform(0.18, 0.25)
    width = height * rng.uniform(0.64, 0.75)
    thickness = thickness or rng.uniform(0.014, 0.042)
    size = (width, height, thickness)
    hard = rng.random() < 0.5 if hardcover is None else hardcover
    board = 0.0028 if hard else 0.0006
    design = artwork.BookDesign(rng)
    cover = materials.printed(
        "Cover",
        materials.as_blender_image("Cover", design.cover(width / height)),
        roughness=rng.choice((0.25, 0.45, 0.6)),
    )
    spine = materials.printed(
        "Spine", materials.as_blender_image("Spine", design.spine(thickness / height)), 0.45
    )
    cloth = materials.plain("Boards", materials.from_bytes(design.ground), 0.5)
    pages = materials.paper_edges("Pages", srgb(rng.choice(("#f4ecd8", "#efe6cf", "#f6f2e8"))))
    parts = [_page_block(size, board, hard, pages)]
    for z, name in ((0.0, "Back"), (thickness - board, "Front")):
        fillet = min(board * 0.45, 0.001)
        parts.append(
            meshes.slab(
                name, width, height, board, cloth, corner=0.0012, fillet=fillet, centre=(0, 0, z)
            )
        )
    parts.append(
        meshes.sheet(
            "CoverPrint",
            width - 0.0012,
            height - 0.0012,
            cover,
            corner=0.001,
            centre=(0, 0, thickness + 0.00012),
        )
    )
    # Round for hard covers, nearly square for paperbacks.
    bow = rng.uniform(0.003, 0.006) if hard else 0.0008
    parts.append(_spine(size, board, bow, spine))
    root = meshes.group("Book", parts)
    root["size"] = size
    return root


def _page_block(
    size: tuple[float, float, float], board: float, hard: bool, pages: bpy.types.Material
) -> bpy.types.Object:
    """All pages as one body between boards of a thickness; a bound book's fore edge is hollow."""
    width, height, thickness = size
    lip, hollow = (0.0035, 0.0025) if hard else (0.0, 0.0)
    block_width, y = width - 2 * lip, (height - 2 * lip) / 2
    rings = []
    for t in np.linspace(0, 1, 9):
        pull = hollow * math.sin(math.pi * t)
        z = board + t * (thickness - 2 * board)
        left, right = -block_width / 2 - lip + board, block_width / 2 - pull
        rings.append([(left, -y, z), (right, -y, z), (right, y, z), (left, y, z)])
    return meshes.loft("PageBlock", rings, pages, sharp_degrees=30)


def _spine(
    size: tuple[float, float, float], board: float, bow: float, material: bpy.types.Material
) -> bpy.types.Object:
    """The printed back of a book, as round as `bow` is deep."""
    width, height, thickness = size
    angle = np.linspace(-math.pi / 2, math.pi / 2, 13)
    xs = -width / 2 - bow * np.cos(angle)
    zs = thickness / 2 + (thickness / 2) * np.sin(angle)
    low = np.column_stack([xs, np.full(13, -height / 2), zs])
    high = np.column_stack([xs, np.full(13, height / 2), zs])
    faces = [[i, i + 13, i + 14, i + 1] for i in range(12)]
    v = np.concatenate([np.zeros(13), np.ones(13)])
    u = np.concatenate([np.linspace(0, 1, 13)] * 2)
    back = meshes.mesh_object(
        "SpinePrint",
        np.concatenate([low, high]),
        faces,
        material,
        uvs=lambda _: np.column_stack([u, v]),
    )
    return meshes.solidify(back, board, offset=-1)


def stand_book(book_root: bpy.types.Object, *, lean_degrees: float = 0.0) -> bpy.types.Object:
    """`book_root` upright with its spine in the plane y = 0, as on a shelf; a group of its own."""
    width, height, thickness = book_root["size"]
    # Lying: spine -x, head +y, cover +z. Upright: spine -y, head +z, cover -x.
    book_root.rotation_euler = (math.radians(90), 0, math.radians(90))
    book_root.location = (-thickness / 2, width / 2, height / 2)
    root = meshes.group("UprightBook", [book_root])
    root.rotation_euler = (0, math.radians(lean_degrees), 0)
    root["size"] = (thickness, width, height)
    return root


def open_book(rng: random.Random) -> bpy.types.Object:
    """A book lying open in the middle, its pages arched."""
    width, height, thick = 0.145, 0.215, 0.018
    paper = [
        materials.printed(
            "Page", materials.as_blender_image("Page", artwork.text_page(rng)), 0.8, wear=0.05
        )
        for _ in range(2)
    ]
    edges = materials.paper_edges("Pages", srgb("#f1e9d4"))
    cloth = materials.plain(
        "Boards", materials.pick_color(rng, ("#7a2230", "#1f3a4d", "#2f4a36")), 0.5
    )
    parts = [meshes.slab("Boards", 2 * width + 0.012, height + 0.008, 0.003, cloth, corner=0.002)]
    count = 28
    t = np.linspace(0, 1, count)
    for side, sheet in zip((-1, 1), paper, strict=True):
        x = side * width * t
        top = 0.003 + thick * (1 - t**3 * 0.35) * np.minimum(1, 0.25 + 4.5 * t) ** 0.5
        top[0] = 0.006
        rows = []
        for y in (-height / 2, height / 2):
            rows.append(np.column_stack([x, np.full(count, y), top]))
        uv_u = t if side > 0 else 1 - t
        faces = [[i, i + 1, count + i + 1, count + i] for i in range(count - 1)]
        if side < 0:
            faces = [face[::-1] for face in faces]
        uvs = np.column_stack(
            [np.concatenate([uv_u, uv_u]), np.concatenate([np.zeros(count), np.ones(count)])]
        )
        parts.append(
            meshes.mesh_object(
                "Page",
                np.concatenate(rows),
                faces,
                sheet,
                uvs=lambda _, uvs=uvs: uvs,  # type: ignore[misc]  # of a lambda's default
            )
        )
        rings = []
        for index in range(count):
            z0, z1 = 0.003, float(top[index]) - 0.0003
            y = height / 2 - 0.0005
            rings.append(
                [(x[index], -y, z0), (x[index], y, z0), (x[index], y, z1), (x[index], -y, z1)]
            )
        parts.append(
            meshes.loft("Block", rings if side < 0 else rings[::-1], edges, sharp_degrees=30)
        )
    return meshes.group("OpenBook", parts)


def phone(rng: random.Random, *, face_up: bool = True, lit: bool = True) -> bpy.types.Object:
    """A phone lying on the ground, its top towards +y."""
    size = width, height, thick = 0.0735, rng.uniform(0.148, 0.164), 0.0082
    corner = rng.uniform(0.008, 0.0125)
    hue = rng.choice(("#1b1c20", "#1b1c20", "#d8d9dc", "#27364d", "#c9b8d8", "#3a4a3f", "#e4cfc0"))
    metal = materials.plain("Frame", srgb(hue), 0.28, 0.9)
    parts = [
        meshes.slab("Frame", width, height, thick, metal, corner=corner, fillet=0.0022, steps=6)
    ]
    if face_up:
        image = materials.as_blender_image("Screen", artwork.phone_screen(rng)) if lit else None
        parts += _phone_front(rng, size, corner, image)
    else:
        parts += _phone_back(rng, size, corner, srgb(hue))
    for y, length in ((height * 0.16, 0.018), (height * 0.02, 0.009)):
        button = meshes.slab("Button", 0.0012, length, 0.0026, metal, corner=0.0005, fillet=0.0005)
        parts.append(meshes.move(button, (width / 2, y, thick / 2 - 0.0013)))
    root = meshes.group("Phone", parts)
    root["size"] = size
    return root


def _phone_front(
    rng: random.Random,
    size: tuple[float, float, float],
    corner: float,
    image: bpy.types.Image | None,
) -> list[bpy.types.Object]:
    """Glass, display and the camera's hole; without an image the display is dark."""
    width, height, thick = size
    black = materials.plain("Bezel", (0.004, 0.004, 0.005), 0.06)
    bezel = 0.0032
    glass = meshes.slab(
        "Glass",
        width - 0.002,
        height - 0.002,
        0.0009,
        black,
        corner=corner - 0.001,
        fillet=0.0006,
        centre=(0, 0, thick - 0.0006),
    )
    display = meshes.sheet(
        "Screen",
        width - 2 * bezel,
        height - 2 * bezel,
        materials.screen("Screen", image, rng.uniform(0.8, 1.3)),
        corner=max(corner - bezel, 0.003),
        centre=(0, 0, thick + 0.00036),
    )
    hole = meshes.ellipse(0.0016, 0.0016, 20) + np.array([0, height / 2 - 0.0075])
    camera = meshes.mesh_object(
        "Camera", np.column_stack([hole, np.full(20, thick + 0.0004)]), [range(20)], black
    )
    return [glass, display, camera]


def _phone_back(
    rng: random.Random,
    size: tuple[float, float, float],
    corner: float,
    color: tuple[float, float, float],
) -> list[bpy.types.Object]:
    """Glass and three cameras on an island in the corner."""
    width, height, thick = size
    back = materials.plain("Back", color, rng.choice((0.12, 0.4)), 0.0, Coat_Weight=0.5)
    glass = meshes.slab(
        "BackGlass",
        width - 0.0016,
        height - 0.0016,
        0.0009,
        back,
        corner=corner - 0.001,
        fillet=0.0006,
        centre=(0, 0, thick - 0.0006),
    )
    top = thick + 0.0003
    island = materials.plain("Island", materials.shade_of(color, 0.75), 0.2)
    metal = materials.plain("LensRing", (0.35, 0.35, 0.37), 0.2, 1.0)
    lens = materials.plain("Lens", (0.004, 0.004, 0.012), 0.02, Coat_Weight=1.0)
    square = rng.random() < 0.6
    wide, tall = (0.034, 0.036) if square else (0.02, 0.052)
    cx, cy = -width / 2 + wide / 2 + 0.006, height / 2 - tall / 2 - 0.006
    parts = [
        glass,
        meshes.slab(
            "Island", wide, tall, 0.0018, island, corner=0.008, fillet=0.0008, centre=(cx, cy, top)
        ),
    ]
    spots = (
        [(-0.0085, 0.009), (-0.0085, -0.009), (0.0085, 0.0)]
        if square
        else [(0, 0.016), (0, 0.0), (0, -0.016)]
    )
    for dx, dy in spots:
        parts += _phone_lens((cx + dx, cy + dy, top), metal, lens)
    return parts


def _phone_lens(
    at: tuple[float, float, float], metal: bpy.types.Material, lens: bpy.types.Material
) -> list[bpy.types.Object]:
    profile = [
        (0.0062, 0),
        (0.0066, 0.0006),
        (0.0066, 0.0016),
        (0.0062, 0.002),
        (0.0056, 0.002),
        (0.0053, 0.0014),
        (0, 0.0014),
    ]
    x, y, z = at
    ring = meshes.lathe("LensRing", profile, metal, 40)
    glass = meshes.lathe(
        "Lens", [(0.0053, 0), (0.0053, 0.0006), (0.003, 0.0008), (0, 0.0009)], lens, 32
    )
    return [meshes.move(ring, (x, y, z + 0.0016)), meshes.move(glass, (x, y, z + 0.0026))]


def _keyboard(
    width: float, depth: float, z: float, material: bpy.types.Material, y: float
) -> list[bpy.types.Object]:
    """Rows of keys as one mesh, centred at (0, y)."""
    rows = [
        [1.0] * 14,
        [1.0] * 13 + [1.6],
        [1.5] + [1.0] * 12 + [1.1],
        [1.8] + [1.0] * 11 + [1.9],
        [2.3] + [1.0] * 10 + [2.3],
        [1.1, 1.1, 1.1, 1.3, 5.6, 1.3, 1.1, 1.0, 1.0, 1.0],
    ]
    vertices: list[np.ndarray] = []
    faces: list[list[int]] = []
    pitch = depth / len(rows)
    for row, keys in enumerate(rows):
        unit = width / sum(keys)
        x = -width / 2
        tall = pitch * (0.62 if row == 0 else 0.84)
        for key in keys:
            w = key * unit - pitch * 0.14
            cx, cy = x + key * unit / 2, y + depth / 2 - (row + 0.5) * pitch
            base = 8 * len(vertices)
            low = [(-w / 2, -tall / 2), (w / 2, -tall / 2), (w / 2, tall / 2), (-w / 2, tall / 2)]
            shrink = 0.0007
            box = [(cx + a, cy + b, z) for a, b in low]
            box += [
                (cx + a - math.copysign(shrink, a), cy + b - math.copysign(shrink, b), z + 0.0014)
                for a, b in low
            ]
            vertices.append(np.array(box))
            for side in range(4):
                right = (side + 1) % 4
                faces.append([base + side, base + right, base + 4 + right, base + 4 + side])
            faces.append([base + 4, base + 5, base + 6, base + 7])
            x += key * unit
    keys_object = meshes.mesh_object("Keys", np.concatenate(vertices), faces, material)
    bevel = keys_object.modifiers.new("Bevel", "BEVEL")
    bevel.width, bevel.segments = 0.0005, 2
    return [keys_object]


def laptop(
    rng: random.Random, *, open_degrees: float = 108.0, lit: bool = True
) -> bpy.types.Object:
    """A laptop, its keyboard towards -y; open_degrees 0 = closed."""
    width = rng.uniform(0.30, 0.345)
    depth = width * rng.uniform(0.66, 0.70)
    tint = rng.choice(("#b9bbbf", "#8c8f94", "#2a2b2f", "#c8c5bf", "#45484e"))
    metal = (
        materials.brushed("Body", srgb(tint), 0.32)
        if rng.random() < 0.4
        else materials.plain("Body", srgb(tint), 0.42, 0.75)
    )
    base_height = 0.0145
    top = base_height + 0.002
    parts = _laptop_base(width, depth, base_height, srgb(tint), metal)
    lid = _laptop_lid(rng, width, depth, metal, lit)
    # Lying it shows its screen (open 180 degrees); about x it turns down to closed (0).
    meshes.move(lid, (0, depth / 2 - 0.004, top + 0.003), (180 - open_degrees, 0, 0))
    hinge = materials.plain("Hinge", (0.03, 0.03, 0.032), 0.4, 0.5)
    ends = [(sx * width * 0.36, depth / 2 - 0.004, top + 0.001) for sx in (-1, 1)]
    bar = meshes.tube("Hinge", ends, 0.0045, hinge, sides=16)
    root = meshes.group("Laptop", [*parts, lid, bar])
    root["size"] = (width, depth, top)
    return root


def _laptop_base(
    width: float,
    depth: float,
    height: float,
    tint: tuple[float, float, float],
    metal: bpy.types.Material,
) -> list[bpy.types.Object]:
    """The lower half: body, keys in their well, pad and feet."""
    dark = materials.grained("Keys", (0.012, 0.012, 0.013), 0.5)
    well = materials.plain("Well", materials.shade_of(tint, 0.55), 0.5, 0.5)
    body = meshes.slab(
        "Base", width, depth, height, metal, corner=0.011, fillet=0.0022, centre=(0, 0, 0.002)
    )
    top = height + 0.002
    key_depth = depth * 0.46
    key_well = meshes.sheet(
        "KeyWell",
        width * 0.9,
        key_depth + 0.006,
        well,
        corner=0.004,
        centre=(0, depth * 0.14, top + 0.0001),
    )
    keys = _keyboard(width * 0.885, key_depth, top + 0.0002, dark, depth * 0.14)
    pad = meshes.slab(
        "Pad",
        width * 0.36,
        depth * 0.29,
        0.0006,
        materials.plain("Pad", materials.shade_of(tint, 0.9), 0.35, 0.5),
        corner=0.004,
        fillet=0.0002,
        centre=(0, -depth * 0.3, top - 0.0003),
    )
    rubber = materials.plain("Feet", (0.02, 0.02, 0.02), 0.8)
    feet = [
        meshes.slab(
            "Foot",
            0.02,
            0.008,
            0.003,
            rubber,
            corner=0.003,
            centre=(sx * width * 0.4, sy * depth * 0.42, 0),
        )
        for sx in (-1, 1)
        for sy in (-1, 1)
    ]
    return [body, key_well, *keys, pad, *feet]


def _laptop_lid(
    rng: random.Random, width: float, depth: float, metal: bpy.types.Material, lit: bool
) -> bpy.types.Object:
    """The lid lying, screen up, its hinge along its lower edge at y = 0."""
    shell = meshes.slab(
        "Lid",
        width,
        depth,
        0.0062,
        metal,
        corner=0.011,
        fillet=0.0018,
        centre=(0, depth / 2, -0.0062),
    )
    black = materials.plain("Bezel", (0.005, 0.005, 0.006), 0.12)
    bezel = meshes.sheet(
        "Bezel",
        width - 0.006,
        depth - 0.012,
        black,
        corner=0.008,
        centre=(0, depth / 2 + 0.003, 0.0001),
    )
    image = materials.as_blender_image("Display", artwork.desktop_screen(rng)) if lit else None
    shown = materials.screen("Display", image, rng.uniform(0.85, 1.25), 0.18)
    display = meshes.sheet(
        "Display", width - 0.018, depth - 0.03, shown, centre=(0, depth / 2 + 0.004, 0.0003)
    )
    return meshes.group("LidGroup", [shell, bezel, display])


def monitor(rng: random.Random, *, lit: bool = True) -> bpy.types.Object:
    """A flat display on its stand."""
    width = rng.uniform(0.5, 0.62)
    height = width * 0.575
    lift = rng.uniform(0.09, 0.14)
    silver = rng.random() < 0.4
    body = materials.grained(
        "Housing", (0.02, 0.02, 0.022) if not silver else (0.5, 0.5, 0.52), 0.45
    )
    stand = materials.plain(
        "Stand", (0.025, 0.025, 0.027) if not silver else (0.6, 0.6, 0.62), 0.35, 0.8
    )
    parts: list[bpy.types.Object] = []
    case = [
        meshes.slab("Case", width, height, 0.022, body, corner=0.006, fillet=0.003),
        meshes.slab(
            "Bulge",
            width * 0.6,
            height * 0.55,
            0.03,
            body,
            corner=0.03,
            fillet=0.012,
            centre=(0, -height * 0.03, -0.022),
        ),
    ]
    black = materials.plain("Bezel", (0.006, 0.006, 0.007), 0.2)
    case.append(
        meshes.sheet(
            "Bezel", width - 0.003, height - 0.003, black, corner=0.004, centre=(0, 0, 0.0222)
        )
    )
    image = None
    if lit:
        image = materials.as_blender_image("Display", artwork.desktop_screen(rng, 1280, 720))
    shown = materials.screen("Display", image, rng.uniform(0.85, 1.25), 0.22)
    chin = 0.014
    case.append(
        meshes.sheet(
            "Display", width - 0.014, height - 0.014 - chin, shown, centre=(0, chin / 2, 0.0224)
        )
    )
    panel = meshes.group("Panel", case)
    meshes.move(panel, (0, 0.0, lift + height / 2), (87, 0, 0))
    neck_path = meshes.smooth_curve(
        [(0, 0.06, 0.01), (0, 0.062, lift * 0.6), (0, 0.05, lift + height * 0.35)], 16
    )
    neck = meshes.sweep(
        "Neck", neck_path, meshes.rounded_rectangle(0.05, 0.016, 0.006, 4), stand, up=(0, -1, 0)
    )
    foot = meshes.slab(
        "Foot", 0.26, 0.17, 0.009, stand, corner=0.03, fillet=0.003, centre=(0, 0.03, 0)
    )
    return meshes.group("Monitor", [*parts, panel, neck, foot])


def keyboard(rng: random.Random) -> bpy.types.Object:
    """A separate keyboard (no class of its own)."""
    light = rng.random() < 0.5
    body = materials.plain("Body", (0.55, 0.55, 0.57) if light else (0.03, 0.03, 0.032), 0.4, 0.3)
    keys = materials.grained("Keys", (0.75, 0.75, 0.76) if light else (0.02, 0.02, 0.021), 0.5)
    parts = [meshes.slab("Body", 0.36, 0.125, 0.010, body, corner=0.008, fillet=0.002)]
    parts += _keyboard(0.35, 0.115, 0.0102, keys, 0.0)
    return meshes.group("Keyboard", parts)


def mouse(rng: random.Random) -> bpy.types.Object:
    """A computer mouse (no class of its own), its cable-less nose towards +y."""
    body = materials.grained("Shell", rng.choice(((0.02, 0.02, 0.022), (0.7, 0.7, 0.7))), 0.4)
    rings = []
    for t in np.linspace(0.0, 1.0, 14):
        shrink = math.sqrt(max(0.0, 1 - t**2.6)) * 0.92 + 0.08
        outline = meshes.ellipse(0.031 * shrink, 0.055 * shrink, 48, 2.6)
        rings.append(
            np.column_stack(
                [outline[:, 0], outline[:, 1] - 0.006 * t, np.full(48, 0.002 + 0.034 * t)]
            )
        )
    shell = meshes.loft("Shell", rings, body, sharp_degrees=60)
    wheel = meshes.lathe(
        "Wheel", [(0.0, -0.003), (0.007, -0.003), (0.008, 0), (0.007, 0.003), (0, 0.003)], body, 32
    )
    meshes.move(wheel, (0, 0.028, 0.031), (0, 90, 0))
    return meshes.group("Mouse", [shell, wheel])
