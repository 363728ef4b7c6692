"""Headphones, speakers and radios.

Every function returns the root of a group that stands on z = 0, front towards -y, in metres.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from studio import artwork, materials, meshes
from studio.materials import srgb

# Of headphones upright: half the distance between the cups, and the band's height above them.
_HALF, _RISE = 0.082, 0.165


@dataclass(frozen=True)
class _Finish:
    """What a pair of headphones is made of."""

    shell: bpy.types.Material
    pad: bpy.types.Material
    metal: bpy.types.Material
    grille: bpy.types.Material


def headphones(rng: random.Random, *, lying: bool = True) -> bpy.types.Object:
    """Over-ear headphones, flat on the ground or standing on their cups."""
    color = srgb(
        rng.choice(("#17181b", "#17181b", "#e9e7e2", "#2b3a55", "#8a2f34", "#c7b29a", "#4a4f4c"))
    )
    finish = _Finish(
        shell=materials.plain("Shell", color, rng.choice((0.3, 0.5)), 0.0, Coat_Weight=0.2),
        pad=materials.leather(
            "Pads",
            rng.choice(
                ((0.015, 0.014, 0.014), (0.16, 0.08, 0.045), materials.shade_of(color, 0.8))
            ),
            grain=1500,
        ),
        metal=materials.brushed(
            "Metal", rng.choice(((0.6, 0.6, 0.62), (0.05, 0.05, 0.055), (0.75, 0.6, 0.42))), 0.28
        ),
        grille=materials.fabric("Grille", (0.01, 0.01, 0.01), thread=0.0008),
    )
    parts = _headband(finish)
    for side in (-1, 1):
        cup = _ear_cup(finish)
        tilt = rng.uniform(-4, 10)
        meshes.move(cup, (side * (_HALF - 0.004), 0, 0.0), (0, side * (90 - tilt), 0))
        cup.scale = (1.18, 1.0, 1.0)  # oval: longer towards the band than across
        parts += [cup, *_yoke(side, finish)]
    root = meshes.group("HeadphonesUpright", parts)
    if lying:
        root.rotation_euler = (math.radians(-90), 0, 0)
        root.location = (0, -0.08, 0.043)
    else:
        root.location = (0, 0, 0.047)
    return meshes.group("Headphones", [root])


def _headband(finish: _Finish) -> list[bpy.types.Object]:
    """The band over the head in the xz plane, its ends at x = +-_HALF, and the pad below it."""
    arch = [
        (
            -_HALF * math.cos(a) * (1 + 0.10 * math.sin(a)),
            0.0,
            0.035 + (_RISE - 0.035) * math.sin(a) ** 0.85,
        )
        for a in np.linspace(0, math.pi, 49)
    ]
    path = meshes.even_spacing(arch, 60)
    section = meshes.rounded_rectangle(0.026, 0.0035, 0.0016, 4)
    band = meshes.sweep("Band", path, section, finish.metal, up=(0, 1e-3, 1))
    middle = path[11:49]
    swell = 0.55 + 0.45 * np.sin(np.linspace(0, math.pi, len(middle))) ** 0.4
    inwards = middle - np.array([0, 0, 0.06])
    inner = middle - 0.004 * inwards / np.linalg.norm(inwards, axis=1, keepdims=True)
    section = meshes.ellipse(0.017, 0.0075, 24, 2.6)
    pad = meshes.sweep("BandPad", inner, section, finish.pad, scale=swell, sharp_degrees=70)
    return [band, pad]


def _ear_cup(finish: _Finish) -> bpy.types.Object:
    """Shell, trim, cushion and grille, turned around z, which points away from the head."""
    shell = [
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

    def ring(radius: float, z: float, count: int = 72) -> np.ndarray:
        return np.column_stack([meshes.ellipse(radius, radius, count), np.full(count, z)])

    section = meshes.ellipse(0.0115, 0.0105, 24, 2.4)
    parts = [
        meshes.lathe("Cup", shell, finish.shell, 72, 25),
        meshes.tube("Trim", ring(0.0278, 0.0219), 0.0011, finish.metal, closed=True),
        meshes.sweep(
            "Cushion", ring(0.0285, -0.013), section, finish.pad, closed=True, sharp_degrees=70
        ),
        meshes.tube(
            "Seam", ring(0.0285 * 1.385, -0.010, 90), 0.0006, finish.pad, closed=True, sides=6
        ),
        meshes.lathe("Baffle", [(0.026, -0.009), (0.0, -0.007)], finish.grille, 48),
    ]
    return meshes.group("CupGroup", parts)


def _yoke(side: int, finish: _Finish) -> list[bpy.types.Object]:
    """What holds a cup: a fork round it, a slider up to the band, and two hinges."""
    fork = [
        (side * (_HALF + 0.010), 0.0435 * math.sin(a) * 1.02, 0.048 * math.cos(a))
        for a in np.linspace(-0.5 * math.pi, 0.5 * math.pi, 25)
    ]
    post = [
        (side * (_HALF + 0.009), 0, 0.044),
        (side * (_HALF + 0.004), 0, 0.075),
        (side * _HALF * 1.06, 0, 0.09),
    ]
    parts = [
        meshes.sweep(
            "Yoke",
            fork,
            meshes.rounded_rectangle(0.0045, 0.008, 0.0018, 4),
            finish.shell,
            up=(1, 0, 0),
        ),
        meshes.sweep(
            "Slider",
            meshes.smooth_curve(post, 12),
            meshes.rounded_rectangle(0.022, 0.0055, 0.002, 4),
            finish.shell,
            up=(side, 0, 0.2),
        ),
    ]
    for y in (-0.0445, 0.0445):
        profile = [(0.0042, -0.003), (0.0046, 0), (0.0042, 0.003), (0, 0.003)]
        hinge = meshes.lathe("Hinge", profile, finish.metal, 24)
        parts.append(meshes.move(hinge, (side * (_HALF + 0.006), y, 0), (90, 0, 0)))
    return parts


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
    box = _cabinet_material(rng, finish or drawn)
    front = materials.grained("Front", (0.015, 0.015, 0.016), 0.45)
    cone = materials.plain(
        "Cone", rng.choice(((0.10, 0.10, 0.105), (0.55, 0.45, 0.12), (0.35, 0.35, 0.36))), 0.6
    )
    rubber = materials.plain("Rubber", (0.012, 0.012, 0.012), 0.55)
    metal = materials.plain("Chassis", rng.choice(((0.30, 0.30, 0.31), (0.6, 0.6, 0.62))), 0.3, 0.9)
    cabinet = meshes.slab("Cabinet", height, depth, width, box, corner=0.003, fillet=0.003)
    meshes.move(cabinet, (width / 2, 0, height / 2), (0, -90, 0))
    baffle = meshes.slab(
        "Baffle", width - 0.008, height - 0.008, 0.006, front, corner=0.006, fillet=0.002
    )
    meshes.move(baffle, (0, -depth / 2 + 0.002, height / 2), (90, 0, 0))
    parts = [cabinet, baffle]
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
        woofer = (0.0, face, height * 0.33)
        tweeter = (0.0, face, height * 0.76)
        port = (width * 0.3, face, height * 0.56)
        parts += _cut_holes(
            (cabinet, baffle), ((width * 0.36, woofer), (width * 0.15, tweeter), (0.016, port))
        )
        large = _driver(width * 0.36, cone, rubber, metal)
        parts.append(meshes.move(large, woofer, (90, 0, 0)))
        small = _driver(width * 0.15, rubber, rubber, metal)
        parts.append(meshes.move(small, tweeter, (90, 0, 0)))
        profile = [(0.018, 0.002), (0.0165, 0.003), (0.013, 0.0), (0.012, -0.03), (0, -0.03)]
        tunnel = meshes.lathe("Port", profile, rubber, 40)
        parts.append(meshes.move(tunnel, port, (90, 0, 0)))
    return meshes.group("Speaker", parts)


def _cabinet_material(rng: random.Random, finish: str) -> bpy.types.Material:
    if finish == "black":
        return materials.grained("Black", (0.018, 0.018, 0.019), 0.4)
    if finish == "white":
        return materials.plain("White", (0.75, 0.75, 0.74), 0.3, 0.0, Coat_Weight=0.3)
    light, dark, gloss = {
        "walnut": ("#8a5a3a", "#4a2c1b", 0.3),
        "oak": ("#c79f6b", "#93693c", 0.4),
    }[finish]
    return materials.wood(
        finish.capitalize(), srgb(light), srgb(dark), gloss=gloss, seed=rng.randint(0, 99)
    )


def _cut_holes(
    solids: Sequence[bpy.types.Object],
    holes: Sequence[tuple[float, tuple[float, float, float]]],
) -> list[bpy.types.Object]:
    """Drill holes (radius, centre) along y, as deep as a driver, into each of `solids`.

    Returns:
        The drills, which the solids need and no rendering shows.
    """
    drills = []
    for radius, centre in holes:
        circle = meshes.ellipse(radius, radius, 48)
        drill = meshes.prism("Drill", circle, -0.06, 0.02, None)
        meshes.move(drill, centre, (90, 0, 0))
        drill.hide_render = True
        drills.append(drill)
        for solid in solids:
            cut = solid.modifiers.new("Hole", "BOOLEAN")
            cut.operation, cut.object, cut.solver = "DIFFERENCE", drill, "EXACT"
    for solid in solids:
        # Large faces keep their own normals, or light runs towards the holes.
        split = solid.modifiers.new("Split", "EDGE_SPLIT")
        split.split_angle = math.radians(30)
        solid.modifiers.new("Normals", "WEIGHTED_NORMAL").weight = 100
    return drills


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
    face = -depth / 2
    mid = 0.008 + height / 2
    body = meshes.slab("Body", width, height, depth, case, corner=0.022, fillet=0.006)
    panel = meshes.slab(
        "Panel", width - 0.03, height - 0.03, 0.003, gold, corner=0.014, fillet=0.001
    )
    parts = [
        meshes.move(body, (0, depth / 2, mid), (90, 0, 0)),
        meshes.move(panel, (0, face + 0.001, mid), (90, 0, 0)),
        *_radio_grille(rng, width, height, face, cloth, gold),
        *_radio_dial(rng, width, height, face, gold),
    ]
    knob = materials.plain("Knob", rng.choice(((0.02, 0.018, 0.016), (0.7, 0.66, 0.56))), 0.3)
    parts += _radio_knobs(width, height, face, knob, gold)
    for sx in (-1, 1):
        for y in (-0.03, 0.03):
            foot = meshes.lathe("Foot", [(0.008, 0), (0.010, 0.009)], knob, 24)
            parts.append(meshes.move(foot, (sx * width * 0.36, y, 0)))
    top = 0.008 + height
    if rng.random() < 0.6:
        parts.append(_radio_handle(width, top))
    if rng.random() < 0.5:
        chrome = materials.plain("Chrome", (0.75, 0.75, 0.76), 0.1, 1.0)
        start = np.array([width * 0.42, 0.03, top])
        tip = start + np.array([rng.uniform(-0.12, 0.06), 0.0, 0.2])
        joint = start + (tip - start) * 0.5
        parts.append(meshes.tube("Antenna", [start, joint], 0.0024, chrome))
        parts.append(meshes.tube("AntennaThin", [joint, tip], 0.0016, chrome))
    return meshes.group("Radio", parts)


def _radio_grille(
    rng: random.Random,
    width: float,
    height: float,
    face: float,
    cloth: bpy.types.Material,
    metal: bpy.types.Material,
) -> list[bpy.types.Object]:
    """The cloth on the left of the front, which lies at y = `face`, mostly behind bars."""
    wide, mid = width * 0.46, 0.008 + height / 2
    left = -width / 2 + 0.021 + wide / 2
    sheet = meshes.slab("Grille", wide, height - 0.04, 0.004, cloth, corner=0.01, fillet=0.0015)
    parts = [meshes.move(sheet, (left, face, mid), (90, 0, 0))]
    count = rng.choice((0, 5, 7))
    for index in range(count):
        x = left + (index - (count - 1) / 2) * wide / (count + 1)
        bar = meshes.slab("Bar", 0.004, height - 0.05, 0.004, metal, corner=0.0015, fillet=0.001)
        parts.append(meshes.move(bar, (x, face - 0.003, mid), (90, 0, 0)))
    return parts


def _radio_dial(
    rng: random.Random, width: float, height: float, face: float, metal: bpy.types.Material
) -> list[bpy.types.Object]:
    """The lit scale on the upper right of the front, and the frame about it."""
    wide, tall = width * 0.38, height * 0.3
    x, y, z = width / 2 - 0.024 - wide / 2, face - 0.0022, 0.008 + height / 2 + height * 0.2
    image = materials.as_blender_image("Dial", artwork.radio_scale(rng))
    sheet = meshes.sheet(
        "Dial", wide, tall, materials.screen("Dial", image, 0.5, 0.1), corner=0.005
    )
    frame = meshes.rounded_rectangle(wide, tall, 0.006)
    path = np.column_stack([frame[:, 0] + x, np.full(len(frame), y), frame[:, 1] + z])
    return [
        meshes.move(sheet, (x, y, z), (90, 0, 0)),
        meshes.tube("DialFrame", path, 0.0016, metal, closed=True),
    ]


def _radio_knobs(
    width: float,
    height: float,
    face: float,
    material: bpy.types.Material,
    metal: bpy.types.Material,
) -> list[bpy.types.Object]:
    """Two knobs with a bright ring each, below the dial."""
    dial, r = width * 0.38, height * 0.12
    right = width / 2 - 0.024 - dial / 2
    profile = [
        (r * 1.1, 0),
        (r * 1.1, 0.003),
        (r, 0.004),
        (r * 0.96, 0.016),
        (r * 0.85, 0.019),
        (r * 0.4, 0.018),
        (0, 0.018),
    ]
    parts = []
    for dx in (-0.3, 0.3):
        at = (right + dx * dial, face - 0.001, 0.008 + height / 2 - height * 0.2)
        knob = meshes.lathe("Knob", profile, material, 48)
        parts.append(meshes.move(knob, at, (90, 0, 0)))
        ring = [(r * 0.5, 0.0182), (r * 0.48, 0.0195), (0, 0.0195)]
        bright = meshes.lathe("KnobRing", ring, metal, 40)
        parts.append(meshes.move(bright, at, (90, 0, 0)))
    return parts


def _radio_handle(width: float, top: float) -> bpy.types.Object:
    """A leather strap along the upper side, which is at z = `top`."""
    half = [(0.4, -0.004), (0.39, 0.026), (0.3, 0.034)]
    stations = [(-x, z) for x, z in half] + half[::-1]
    arch = meshes.smooth_curve([(width * x, 0, top + z) for x, z in stations], 40)
    strap = materials.leather("Handle", (0.14, 0.06, 0.03))
    section = meshes.rounded_rectangle(0.018, 0.005, 0.002, 4)
    return meshes.sweep("Handle", arch, section, strap, up=(0, 0, 1))
