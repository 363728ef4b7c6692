"""Headphones, speakers and radios.

Every function returns the root of a group that stands on z = 0, front towards -y, in metres.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import bpy
import numpy as np

from studio import artwork, materials, meshes
from studio.materials import srgb


def headphones(rng: random.Random, *, lying: bool = True) -> bpy.types.Object:
    """Over-ear headphones, flat on the ground or standing on their cups."""
    shell_color = srgb(
        rng.choice(("#17181b", "#17181b", "#e9e7e2", "#2b3a55", "#8a2f34", "#c7b29a", "#4a4f4c"))
    )
    shell = materials.plain("Shell", shell_color, rng.choice((0.3, 0.5)), 0.0, Coat_Weight=0.2)
    pad = materials.leather(
        "Pads",
        rng.choice(
            ((0.015, 0.014, 0.014), (0.16, 0.08, 0.045), materials.shade_of(shell_color, 0.8))
        ),
        grain=1500,
    )
    metal = materials.brushed(
        "Metal", rng.choice(((0.6, 0.6, 0.62), (0.05, 0.05, 0.055), (0.75, 0.6, 0.42))), 0.28
    )
    mesh_cloth = materials.fabric("Grille", (0.01, 0.01, 0.01), thread=0.0008)
    parts: list[bpy.types.Object] = []
    half, rise = 0.082, 0.165
    # Band: over the head in the xz plane, cups at x = +-half, z = 0.
    angles = np.linspace(0, math.pi, 49)
    shape = [
        (
            -half * math.cos(a) * (1 + 0.10 * math.sin(a)),
            0.0,
            0.035 + (rise - 0.035) * math.sin(a) ** 0.85,
        )
        for a in angles
    ]
    band = meshes.even_spacing(shape, 60)
    parts.append(
        meshes.sweep(
            "Band",
            band,
            meshes.rounded_rectangle(0.026, 0.0035, 0.0016, 4),
            metal,
            up=(0, 0, 1) if False else (0, 1e-3, 1),
        )
    )
    middle = band[11:49]
    swell = 0.55 + 0.45 * np.sin(np.linspace(0, math.pi, len(middle))) ** 0.4
    section = meshes.ellipse(0.017, 0.0075, 24, 2.6)
    centre = np.array([0, 0, 0.06])
    inner = middle - 0.004 * (middle - centre) / np.linalg.norm(
        middle - centre, axis=1, keepdims=True
    )
    parts.append(meshes.sweep("BandPad", inner, section, pad, scale=swell, sharp_degrees=70))
    for side in (-1, 1):
        cup_parts: list[bpy.types.Object] = []
        oval = 1.18
        # Lathed along z (outwards), then turned to face the head.
        outer = [
            (0.034, -0.004),
            (0.0375, -0.003),
            (0.039, 0.0),
            (0.0392, 0.008),
            (0.0375, 0.0155),
            (0.0335, 0.0205),
            (0.0295, 0.0222),
            (0.0285, 0.0212),
            (0.027, 0.0212),
            (0.018, 0.0236),
            (0.0, 0.0246),
        ]
        cup_parts.append(meshes.lathe("Cup", outer, shell, 72, 25))
        trim = meshes.ellipse(0.0278, 0.0278, 72)
        cup_parts.append(
            meshes.tube(
                "Trim", np.column_stack([trim, np.full(72, 0.0219)]), 0.0011, metal, closed=True
            )
        )
        ring = meshes.ellipse(0.0285, 0.0285, 72)
        cushion = meshes.sweep(
            "Cushion",
            np.column_stack([ring, np.full(72, -0.013)]),
            meshes.ellipse(0.0115, 0.0105, 24, 2.4),
            pad,
            closed=True,
            sharp_degrees=70,
        )
        cup_parts.append(cushion)
        seam = meshes.ellipse(0.0285, 0.0285, 90)
        cup_parts.append(
            meshes.tube(
                "Seam",
                np.column_stack([seam * 1.385, np.full(90, -0.010)]),
                0.0006,
                pad,
                closed=True,
                sides=6,
            )
        )
        cup_parts.append(meshes.lathe("Baffle", [(0.026, -0.009), (0.0, -0.007)], mesh_cloth, 48))
        cup = meshes.group("CupGroup", cup_parts)
        cup.scale = (1.0, oval, 1.0)
        tilt = rng.uniform(-4, 10)
        meshes.move(cup, (side * (half - 0.004), 0, 0.0), (0, side * 90, 0), (1.0, 1.0, 1.0))
        cup.scale = (oval, 1.0, 1.0)
        cup.rotation_euler = (0, math.radians(side * (90 - tilt)), 0)
        parts.append(cup)
        # Yoke: a fork round the cup, hanging from the band's end.
        fork = []
        for a in np.linspace(-0.5 * math.pi, 0.5 * math.pi, 25):
            fork.append((side * (half + 0.010), 0.0435 * math.sin(a) * 1.02, 0.048 * math.cos(a)))
        parts.append(
            meshes.sweep(
                "Yoke",
                fork,
                meshes.rounded_rectangle(0.0045, 0.008, 0.0018, 4),
                shell,
                up=(1, 0, 0),
            )
        )
        post = [
            (side * (half + 0.009), 0, 0.044),
            (side * (half + 0.004), 0, 0.075),
            (side * half * 1.06, 0, 0.09),
        ]
        parts.append(
            meshes.sweep(
                "Slider",
                meshes.smooth_curve(post, 12),
                meshes.rounded_rectangle(0.022, 0.0055, 0.002, 4),
                shell,
                up=(side, 0, 0.2),
            )
        )
        for y in (-0.0445, 0.0445):
            screw = meshes.lathe(
                "Hinge", [(0.0042, -0.003), (0.0046, 0), (0.0042, 0.003), (0, 0.003)], metal, 24
            )
            meshes.move(screw, (side * (half + 0.006), y, 0), (90, 0, 0))
            parts.append(screw)
    root = meshes.group("HeadphonesUpright", parts)
    if lying:
        root.rotation_euler = (math.radians(-90), 0, 0)
        root.location = (0, -0.08, 0.043)
    else:
        root.location = (0, 0, 0.047)
    return meshes.group("Headphones", [root])


def _driver(
    radius: float, cone: bpy.types.Material, rubber: bpy.types.Material, metal: bpy.types.Material
) -> bpy.types.Object:
    """A loudspeaker chassis facing +z, centred on z = 0."""
    r = radius
    parts = [
        meshes.lathe(
            "Basket",
            [
                (r * 1.16, -0.001),
                (r * 1.17, 0.001),
                (r * 1.15, 0.0035),
                (r * 1.04, 0.004),
                (r * 1.02, 0.001),
            ],
            metal,
            72,
        ),
        meshes.lathe(
            "Surround",
            [(r * 1.02, 0.0008)]
            + [
                (r * (0.93 + 0.09 * math.cos(a)), 0.0008 + 0.006 * math.sin(a) * r / 0.06)
                for a in np.linspace(0, math.pi, 12)
            ],
            rubber,
            72,
        ),
        meshes.lathe(
            "Cone",
            [(r * 0.85, 0.0008), (r * 0.6, -r * 0.14), (r * 0.32, -r * 0.3), (r * 0.28, -r * 0.31)],
            cone,
            72,
            60,
        ),
        meshes.lathe(
            "Cap",
            [
                (r * 0.31 * math.cos(a), -r * 0.3 + r * 0.17 * math.sin(a))
                for a in np.linspace(0, math.pi / 2, 10)
            ],
            rubber,
            48,
            60,
        ),
    ]
    for index in range(6):
        angle = index * math.pi / 3
        screw = meshes.lathe(
            "Screw", [(0.0028, 0.0035), (0.0028, 0.005), (0.0018, 0.0056), (0, 0.0056)], metal, 16
        )
        parts.append(meshes.move(screw, (r * 1.1 * math.cos(angle), r * 1.1 * math.sin(angle), 0)))
    return meshes.group("Driver", parts)


def shelf_speaker(
    rng: random.Random, *, grille: bool = False, finish: str | None = None
) -> bpy.types.Object:
    """A two-way loudspeaker box; `finish` walnut, oak, black, white or None = drawn."""
    width, depth, height = 0.17, 0.21, rng.uniform(0.27, 0.32)
    drawn = rng.choice(("walnut", "black", "white", "oak"))
    finish = finish or drawn
    box = {
        "walnut": lambda: materials.wood(
            "Walnut", srgb("#8a5a3a"), srgb("#4a2c1b"), gloss=0.3, seed=rng.randint(0, 99)
        ),
        "oak": lambda: materials.wood(
            "Oak", srgb("#c79f6b"), srgb("#93693c"), gloss=0.4, seed=rng.randint(0, 99)
        ),
        "black": lambda: materials.grained("Black", (0.018, 0.018, 0.019), 0.4),
        "white": lambda: materials.plain("White", (0.75, 0.75, 0.74), 0.3, 0.0, Coat_Weight=0.3),
    }[finish]()
    front = materials.grained("Front", (0.015, 0.015, 0.016), 0.45)
    cone = materials.plain(
        "Cone", rng.choice(((0.10, 0.10, 0.105), (0.55, 0.45, 0.12), (0.35, 0.35, 0.36))), 0.6
    )
    rubber = materials.plain("Rubber", (0.012, 0.012, 0.012), 0.55)
    metal = materials.plain("Chassis", rng.choice(((0.30, 0.30, 0.31), (0.6, 0.6, 0.62))), 0.3, 0.9)
    cabinet = meshes.slab("Cabinet", height, depth, width, box, corner=0.003, fillet=0.003)
    meshes.move(cabinet, (width / 2, 0, height / 2), (0, -90, 0))
    parts = [cabinet]
    baffle = meshes.slab(
        "Baffle", width - 0.008, height - 0.008, 0.006, front, corner=0.006, fillet=0.002
    )
    meshes.move(baffle, (0, -depth / 2 + 0.002, height / 2), (90, 0, 0))
    parts.append(baffle)
    face = -depth / 2 - 0.0045
    if grille:
        cloth = materials.fabric(
            "GrilleCloth",
            rng.choice(((0.02, 0.02, 0.021), (0.25, 0.23, 0.2))),
            thread=0.0011,
            bump=0.8,
        )
        cover = meshes.slab(
            "Grille", width - 0.014, height - 0.014, 0.010, cloth, corner=0.01, fillet=0.004
        )
        parts.append(meshes.move(cover, (0, face, height / 2), (90, 0, 0)))
    else:
        port_radius = 0.016
        for radius, x, z in (
            (width * 0.36, 0.0, height * 0.33),
            (width * 0.15, 0.0, height * 0.76),
            (port_radius, width * 0.3, height * 0.56),
        ):
            _cut_hole((cabinet, baffle), parts, radius, (x, face, z))
        for solid in (cabinet, baffle):
            # Large faces keep their own normals, or light runs towards the holes.
            split = solid.modifiers.new("Split", "EDGE_SPLIT")
            split.split_angle = math.radians(30)
            solid.modifiers.new("Normals", "WEIGHTED_NORMAL").weight = 100
        woofer = _driver(width * 0.36, cone, rubber, metal)
        parts.append(meshes.move(woofer, (0, face, height * 0.33), (90, 0, 0)))
        tweeter = _driver(width * 0.15, rubber, rubber, metal)
        parts.append(meshes.move(tweeter, (0, face, height * 0.76), (90, 0, 0)))
        port = meshes.lathe(
            "Port",
            [(0.018, 0.002), (0.0165, 0.003), (0.013, 0.0), (0.012, -0.03), (0, -0.03)],
            rubber,
            40,
        )
        parts.append(meshes.move(port, (width * 0.3, face, height * 0.56), (90, 0, 0)))
    return meshes.group("Speaker", parts)


def _cut_hole(
    solids: Sequence[bpy.types.Object],
    parts: list[bpy.types.Object],
    radius: float,
    centre: tuple[float, float, float],
) -> None:
    """Drill a round hole along y, as deep as a driver, into each of `solids`."""
    circle = meshes.ellipse(radius, radius, 48)
    drill = meshes.prism("Drill", circle, -0.06, 0.02, None)
    meshes.move(drill, centre, (90, 0, 0))
    drill.hide_render = True
    parts.append(drill)
    for solid in solids:
        cut = solid.modifiers.new("Hole", "BOOLEAN")
        cut.operation, cut.object, cut.solver = "DIFFERENCE", drill, "EXACT"


def portable_speaker(rng: random.Random) -> bpy.types.Object:
    """A small wireless speaker: upright cylinder or lying roll, covered with cloth."""
    color = srgb(rng.choice(("#23262b", "#2f4a63", "#a33a34", "#4d5a4a", "#c9c4ba", "#d98a2b")))
    cloth = materials.fabric("SpeakerCloth", color, thread=0.0016, bump=0.9, kind="knit")
    rubber = materials.grained("Rubber", materials.shade_of(color, 0.35), 0.55)
    light = materials.plain("Sign", (0.8, 0.8, 0.8), 0.4)
    radius, length = rng.uniform(0.036, 0.046), rng.uniform(0.15, 0.2)
    rim = 0.008
    parts = [
        meshes.lathe("Cloth", [(radius, 0.014), (radius, length - 0.014)], cloth, 96),
        meshes.lathe(
            "Bottom",
            [
                (0, 0),
                (radius - rim, 0),
                (radius - 0.002, 0.003),
                (radius + 0.001, 0.008),
                (radius + 0.0008, 0.016),
                (radius - 0.002, 0.017),
            ],
            rubber,
            96,
        ),
        meshes.lathe(
            "Top",
            [
                (radius - 0.002, length - 0.017),
                (radius + 0.0008, length - 0.016),
                (radius + 0.001, length - 0.006),
                (radius - 0.003, length),
                (radius - rim, length),
                (radius - rim - 0.002, length - 0.003),
                (0, length - 0.003),
            ],
            rubber,
            96,
        ),
    ]
    strip = meshes.slab("Strip", 0.016, length - 0.03, 0.003, rubber, corner=0.006, fillet=0.0012)
    parts.append(meshes.move(strip, (0, -radius + 0.0018, length / 2), (90, 0, 0)))
    for index, kind in enumerate(("plus", "dot", "minus")):
        z = length / 2 + (index - 1) * 0.03
        if kind == "dot":
            sign = meshes.slab("Sign", 0.006, 0.006, 0.0006, light, corner=0.003, fillet=0.0002)
            parts.append(meshes.move(sign, (0, -radius - 0.0008, z), (90, 0, 0)))
        else:
            for turn in (0, 90) if kind == "plus" else (0,):
                sign = meshes.slab(
                    "Sign", 0.0075, 0.0014, 0.0006, light, corner=0.0004, fillet=0.0002
                )
                parts.append(meshes.move(sign, (0, -radius - 0.0008, z), (90, turn, 0)))
    root = meshes.group("SpeakerUpright", parts)
    if rng.random() < 0.5:
        root.rotation_euler = (0, math.radians(90), 0)
        root.location = (-length / 2, 0, radius + 0.001)
    return meshes.group("PortableSpeaker", [root])


def radio(rng: random.Random) -> bpy.types.Object:
    """A table radio in the style of the sixties: wooden box, cloth front, dial and knobs."""
    width, depth, height = rng.uniform(0.28, 0.34), 0.13, rng.uniform(0.16, 0.19)
    modern = rng.random() < 0.4
    color = rng.choice(("#b5483a", "#3f7f7a", "#e8dcc2", "#30353d", "#d9a13b"))
    case = (
        materials.plain("Case", srgb(color), 0.3, 0.0, Coat_Weight=0.4)
        if modern
        else materials.wood(
            "Case", srgb("#9a6238"), srgb("#4f2d18"), gloss=0.25, seed=rng.randint(0, 99)
        )
    )
    gold = materials.brushed("Brass", rng.choice(((0.78, 0.6, 0.33), (0.7, 0.7, 0.72))), 0.25)
    cloth = materials.fabric(
        "Front", srgb(rng.choice(("#c8b48c", "#6b5a48", "#3b3a3a"))), thread=0.0018, bump=0.9
    )
    parts = []
    body = meshes.slab("Body", width, height, depth, case, corner=0.022, fillet=0.006)
    parts.append(meshes.move(body, (0, depth / 2, 0.008 + height / 2), (90, 0, 0)))
    face = -depth / 2
    mid = 0.008 + height / 2
    panel = meshes.slab(
        "Panel", width - 0.03, height - 0.03, 0.003, gold, corner=0.014, fillet=0.001
    )
    parts.append(meshes.move(panel, (0, face + 0.001, mid), (90, 0, 0)))
    grille_width = width * 0.46
    grille = meshes.slab(
        "Grille", grille_width, height - 0.04, 0.004, cloth, corner=0.01, fillet=0.0015
    )
    left = -width / 2 + 0.021 + grille_width / 2
    parts.append(meshes.move(grille, (left, face, mid), (90, 0, 0)))
    bars = rng.choice((0, 5, 7))
    for index in range(bars):
        x = left + (index - (bars - 1) / 2) * grille_width / (bars + 1)
        bar = meshes.slab("Bar", 0.004, height - 0.05, 0.004, gold, corner=0.0015, fillet=0.001)
        parts.append(meshes.move(bar, (x, face - 0.003, mid), (90, 0, 0)))
    dial_width, dial_height = width * 0.38, height * 0.3
    right = width / 2 - 0.024 - dial_width / 2
    dial = materials.screen(
        "Dial", materials.as_blender_image("Dial", artwork.radio_scale(rng)), 0.5, 0.1
    )
    sheet = meshes.picture("Dial", dial_width, dial_height, dial, corner=0.005)
    parts.append(meshes.move(sheet, (right, face - 0.0022, mid + height * 0.2), (90, 0, 0)))
    frame = meshes.rounded_rectangle(dial_width, dial_height, 0.006)
    path = np.column_stack(
        [frame[:, 0] + right, np.full(len(frame), face - 0.0022), frame[:, 1] + mid + height * 0.2]
    )
    parts.append(meshes.tube("DialFrame", path, 0.0016, gold, closed=True))
    knob_material = materials.plain(
        "Knob", rng.choice(((0.02, 0.018, 0.016), (0.7, 0.66, 0.56))), 0.3
    )
    for dx in (-0.3, 0.3):
        r = height * 0.12
        knob = meshes.lathe(
            "Knob",
            [
                (r * 1.1, 0),
                (r * 1.1, 0.003),
                (r, 0.004),
                (r * 0.96, 0.016),
                (r * 0.85, 0.019),
                (r * 0.4, 0.018),
                (0, 0.018),
            ],
            knob_material,
            48,
        )
        parts.append(
            meshes.move(
                knob, (right + dx * dial_width, face - 0.001, mid - height * 0.2), (90, 0, 0)
            )
        )
        ring = meshes.lathe(
            "KnobRing", [(r * 0.5, 0.0182), (r * 0.48, 0.0195), (0, 0.0195)], gold, 40
        )
        parts.append(
            meshes.move(
                ring, (right + dx * dial_width, face - 0.001, mid - height * 0.2), (90, 0, 0)
            )
        )
    for sx in (-1, 1):
        foot = meshes.lathe("Foot", [(0.008, 0), (0.010, 0.009)], knob_material, 24)
        parts.append(meshes.move(foot, (sx * width * 0.36, -0.03, 0)))
        foot = meshes.lathe("Foot", [(0.008, 0), (0.010, 0.009)], knob_material, 24)
        parts.append(meshes.move(foot, (sx * width * 0.36, 0.03, 0)))
    if rng.random() < 0.6:
        top = 0.008 + height
        arch = meshes.smooth_curve(
            [
                (-width * 0.4, 0, top - 0.004),
                (-width * 0.39, 0, top + 0.026),
                (-width * 0.3, 0, top + 0.034),
                (width * 0.3, 0, top + 0.034),
                (width * 0.39, 0, top + 0.026),
                (width * 0.4, 0, top - 0.004),
            ],
            40,
        )
        strap = materials.leather("Handle", (0.14, 0.06, 0.03))
        parts.append(
            meshes.sweep(
                "Handle",
                arch,
                meshes.rounded_rectangle(0.018, 0.005, 0.002, 4),
                strap,
                up=(0, 0, 1),
            )
        )
    if rng.random() < 0.5:
        chrome = materials.plain("Chrome", (0.75, 0.75, 0.76), 0.1, 1.0)
        start = np.array([width * 0.42, 0.03, 0.008 + height])
        tip = start + np.array([rng.uniform(-0.12, 0.06), 0.0, 0.2])
        parts.append(meshes.tube("Antenna", [start, start + (tip - start) * 0.5], 0.0024, chrome))
        parts.append(meshes.tube("AntennaThin", [start + (tip - start) * 0.5, tip], 0.0016, chrome))
    return meshes.group("Radio", parts)
