"""Watches: things to wear that are hard.

Every function returns the root of a group that lies on z = 0, in metres.
"""

from __future__ import annotations

import math
import random

import bpy
import numpy as np

from studio import artwork, materials, meshes
from studio.materials import srgb

_DIALS = (
    ((245, 243, 236), (25, 25, 28), (180, 40, 40)),
    ((20, 22, 26), (235, 232, 222), (220, 120, 40)),
    ((22, 44, 82), (236, 238, 240), (230, 190, 90)),
    ((24, 62, 50), (235, 230, 210), (225, 200, 120)),
    ((205, 190, 160), (50, 40, 30), (120, 40, 30)),
)


def _hand(
    length: float, width: float, z: float, degrees: float, material: bpy.types.Material
) -> bpy.types.Object:
    outline = [
        (-width * 0.5, -length * 0.18),
        (width * 0.5, -length * 0.18),
        (width * 0.62, length * 0.5),
        (0, length),
        (-width * 0.62, length * 0.5),
    ]
    hand = meshes.prism("Hand", outline, z, z + 0.0003, material)
    hand.rotation_euler = (0, 0, math.radians(-degrees))
    return hand


def _case_round(
    rng: random.Random, radius: float, metal: bpy.types.Material
) -> list[bpy.types.Object]:
    """Case, bezel, dial, hands, crystal and crown; the dial at z about 0.008, 12 o'clock at +y."""
    r = radius
    face, ink, accent = rng.choice(_DIALS)
    dial = _dial_material(rng, face, ink, accent)
    polished = materials.plain("Polished", (0.8, 0.8, 0.8), 0.08, 1.0)
    if metal.name.startswith("Gold"):
        polished = materials.plain("PolishedGold", srgb("#d9a866"), 0.1, 1.0)
    case = [
        (r * 0.8, 0.0),
        (r * 0.95, 0.0008),
        (r, 0.003),
        (r, 0.0068),
        (r * 0.985, 0.0076),
        (r * 0.93, 0.008),
    ]
    bezel = [
        (r * 0.965, 0.0076),
        (r * 0.955, 0.0092),
        (r * 0.9, 0.0102),
        (r * 0.855, 0.0101),
        (r * 0.835, 0.0086),
        (r * 0.82, 0.0079),
    ]
    disc = meshes.ellipse(r * 0.835, r * 0.835, 72)
    parts = [
        meshes.lathe("Case", case, metal, 96),
        meshes.lathe("Bezel", bezel, polished, 96),
        meshes.mesh_object(
            "Dial",
            np.column_stack([disc, np.full(72, 0.0080)]),
            [range(72)],
            dial,
            uvs=lambda v: np.column_stack([v[:, 0] / (r * 1.67) + 0.5, v[:, 1] / (r * 1.67) + 0.5]),
        ),
        *_hands(rng, r, ink, accent),
    ]
    crystal = [(r * 0.835, 0.0097), (r * 0.6, 0.0101), (0, 0.0103)]
    parts.append(meshes.lathe("Crystal", crystal, materials.glass("Crystal"), 72, 80))
    crown = []
    for index in range(48):
        radius_here = 0.0033 if index % 2 else 0.0030
        angle = index * 2 * math.pi / 48
        crown.append((radius_here * math.cos(angle), radius_here * math.sin(angle)))
    knob = meshes.prism("Crown", crown, 0.0, 0.0042, polished)
    parts.append(meshes.move(knob, (r + 0.0004, 0, 0.0046), (0, 90, 0)))
    return parts


def _dial_material(
    rng: random.Random, face: artwork.Color, ink: artwork.Color, accent: artwork.Color
) -> bpy.types.Material:
    image = materials.as_blender_image("Dial", artwork.watch_dial(rng, face, ink, accent))
    graph = materials.Graph("Dial")
    vector = graph.node("TexCoord").outputs["UV"]
    color = graph.node("TexImage", {"Vector": vector}, image=image).outputs[0]
    return graph.finish(Base_Color=color, Roughness=0.35, Metallic=0.25)


def _hands(
    rng: random.Random, r: float, ink: artwork.Color, accent: artwork.Color
) -> list[bpy.types.Object]:
    """Hour, minute and second hand on a dial of radius `r`, and the cap over their axis."""
    bright = tuple(c / 255 for c in ink)
    hands = materials.plain(
        "Hands",
        (0.75, 0.75, 0.76) if sum(bright) > 1.5 else materials.shade_of(bright, 0.4),
        0.15,
        0.9,
    )
    red = materials.plain("Second", materials.from_bytes(accent), 0.4)
    minute = rng.choice((50, 52, 54, 8, 40))
    return [
        _hand(r * 0.46, r * 0.085, 0.0084, 300 + minute / 2 if minute > 30 else 65, hands),
        _hand(r * 0.68, r * 0.065, 0.0088, minute * 6, hands),
        _hand(r * 0.74, r * 0.022, 0.0092, rng.uniform(0, 360), red),
        meshes.lathe("Cap", [(r * 0.045, 0.0082), (r * 0.045, 0.0096), (0, 0.0098)], hands, 24),
    ]


def watch(rng: random.Random, *, strap: str | None = None, pose: str = "flat") -> bpy.types.Object:
    """A wrist watch, dial up, 12 o'clock towards +y.

    Args:
        strap: leather, metal or rubber; None = drawn.
        pose: flat (strap open on the ground) or worn (strap closed to a loop, as on a cushion; the
            dial then looks to -y and the loop stands on the ground).
    """
    strap = strap or rng.choice(("leather", "leather", "metal", "rubber"))
    radius = rng.uniform(0.0185, 0.0215)
    gold = rng.random() < 0.3
    tone = (
        srgb("#d3a05c") if gold else rng.choice((srgb("#c9cacc"), srgb("#c9cacc"), srgb("#3a3b3f")))
    )
    metal = materials.brushed("Gold" if gold else "Steel", tone, 0.22)
    square = strap == "rubber" and rng.random() < 0.6
    parts = _case_square(rng, metal) if square else _case_round(rng, radius, metal)
    if square:
        radius = 0.0215
    width = 0.020 if not square else 0.022
    lug_y = radius + 0.0035
    for sx in (-1, 1):
        for sy in (-1, 1):
            if square:
                continue
            path = meshes.smooth_curve(
                [
                    (sx * width * 0.56, sy * radius * 0.72, 0.0058),
                    (sx * width * 0.56, sy * (radius + 0.001), 0.0058),
                    (sx * width * 0.56, sy * (lug_y + 0.0025), 0.0025),
                ],
                12,
            )
            parts.append(
                meshes.sweep("Lug", path, meshes.rounded_rectangle(0.0032, 0.0048, 0.001, 3), metal)
            )
    make = {"leather": _leather_strap, "metal": _bracelet, "rubber": _rubber_strap}[strap]
    parts += make(rng, width, lug_y - 0.002, metal, pose)
    root = meshes.group("WatchFlat", parts)
    if pose == "worn":
        # The loop lies behind the dial: turn the dial to the front and lean it back.
        root.rotation_euler = (math.radians(62), 0, 0)
        root.location = (0, 0, 0.028)
    return meshes.group("Watch", [root])


def _case_square(rng: random.Random, metal: bpy.types.Material) -> list[bpy.types.Object]:
    body = meshes.slab("Case", 0.038, 0.044, 0.0105, metal, corner=0.011, fillet=0.0035, steps=6)
    black = materials.plain("Glass", (0.004, 0.004, 0.005), 0.05)
    glass = meshes.slab(
        "Glass", 0.036, 0.042, 0.002, black, corner=0.010, fillet=0.0015, centre=(0, 0, 0.0092)
    )
    shown = materials.screen(
        "Face", materials.as_blender_image("Face", artwork.smart_dial(rng)), 1.1
    )
    face = meshes.sheet("Face", 0.031, 0.037, shown, corner=0.008, centre=(0, 0, 0.01125))
    crown = meshes.lathe(
        "Crown", [(0.0032, 0), (0.0034, 0.001), (0.003, 0.0022), (0, 0.0024)], metal, 32
    )
    return [body, glass, face, meshes.move(crown, (0.0188, 0.008, 0.006), (0, 90, 0))]


def _strap_centre(pose: str, start: float, length: float, count: int, sign: int) -> np.ndarray:
    """Centre line of one half of the strap; sign 1 = the 12 o'clock half (+y)."""
    t = np.linspace(0, 1, count)
    if pose == "flat":
        y = start + length * t
        z = 0.0042 - 0.0026 * np.minimum(1, t * 4) + 0.0016 * np.sin(6 * t) ** 2 * t
    else:
        # Half an oval below the case: down from the lug and back under the dial.
        a, b = start + 0.006, 0.052
        angle = (math.pi / 2 + 0.02) * t
        y = (
            start
            + (a - start) * np.sin(angle * 2) ** 2
            - start * np.maximum(0, (t - 0.35) / 0.65) ** 1.6
        )
        z = 0.0042 - b * np.sin(angle) ** 1.15
    return np.column_stack([np.zeros(count), sign * y, z])


def _leather_strap(
    rng: random.Random, width: float, start: float, metal: bpy.types.Material, pose: str
) -> list[bpy.types.Object]:
    color = srgb(rng.choice(("#5a331c", "#2a1a12", "#141414", "#8a5a2f", "#1d2a44", "#6e2a20")))
    hide = materials.leather("Strap", color, grain=1400 if rng.random() < 0.5 else 500)
    thread = materials.plain(
        "Thread", materials.shade_of(color, 0.5) if rng.random() < 0.4 else srgb("#d8c9a8"), 0.8
    )
    parts: list[bpy.types.Object] = []
    for sign, length in ((1, 0.075), (-1, 0.115)):
        if pose == "worn":
            length = 0.08
        path = _strap_centre(pose, start, length, 50, sign)
        parts += _strap_half(path, width, sign, pose, hide, thread)
        if pose == "flat":
            parts += _strap_holes(path) if sign < 0 else _buckle(path[-1], width, hide, metal)
    return parts


def _strap_half(
    path: np.ndarray,
    width: float,
    sign: int,
    pose: str,
    hide: bpy.types.Material,
    thread: bpy.types.Material,
) -> list[bpy.types.Object]:
    """Leather along `path` (50, 3), thinner and narrower to its end, stitched along both edges."""
    t = np.linspace(0, 1, 50)
    half = np.interp(t, [0, 1], [width / 2, width * 0.42])
    if sign < 0 and pose == "flat":  # the pointed tip
        half = half * np.sqrt(np.clip((1.0 - t) / 0.07, 0.02, 1))
    thick = np.interp(t, [0, 0.3, 1], [0.0042, 0.003, 0.0022])
    rings, upper, normals = [], [], []
    tangents = np.gradient(path, axis=0)
    for point, tangent, h, k in zip(path, tangents, half, thick, strict=True):
        normal = np.cross([1.0 if sign > 0 else -1.0, 0, 0], tangent)
        normal /= np.linalg.norm(normal)
        if pose == "flat" and normal[2] < 0:
            normal = -normal
        section = meshes.rounded_rectangle(2 * h, k, k * 0.45, 3)
        rings.append(
            point
            + section[:, :1] * np.array([1, 0, 0])
            + section[:, 1:] * normal
            + normal * (k / 2 - 0.001)
        )
        upper.append(point + normal * (k - 0.001))
        normals.append(normal)
    parts = [meshes.loft("Strap", rings, hide, sharp_degrees=55)]
    for side in (-1, 1):
        edge = [
            point + np.array([side * (h - 0.0018), 0, 0])
            for point, h in zip(upper, half, strict=True)
        ]
        parts.append(
            meshes.stitches(
                "Stitches",
                edge[1:-4],
                normals[1:-4],
                thread,
                pitch=0.0032,
                length=0.0022,
                radius=0.00028,
            )
        )
    return parts


def _strap_holes(path: np.ndarray) -> list[bpy.types.Object]:
    """Seven holes along the half with the tip."""
    dark = materials.plain("Hole", (0.01, 0.008, 0.006), 0.9)
    hole = np.column_stack([meshes.ellipse(0.001, 0.0012, 14), np.zeros(14)])
    lift = np.array([0, 0, 0.0026 - 0.0009])
    return [
        meshes.mesh_object("Hole", hole + path[int(26 + i * 2.6)] + lift, [range(14)], dark)
        for i in range(7)
    ]


def _buckle(
    end: np.ndarray, width: float, hide: bpy.types.Material, metal: bpy.types.Material
) -> list[bpy.types.Object]:
    """Frame and pin at the strap's `end`, and two loops of leather before them."""
    y = end[1]
    frame = meshes.rounded_rectangle(width + 0.003, 0.013, 0.004, 6)
    ring = np.column_stack([frame[:, 0], frame[:, 1] + y + 0.003, np.full(len(frame), 0.0028)])
    parts = [
        meshes.tube("Buckle", ring, 0.0013, metal, closed=True),
        meshes.tube("Pin", [(0, y - 0.003, 0.004), (0, y + 0.0095, 0.0038)], 0.0008, metal),
    ]
    for back in (0.013, 0.021):
        parts.append(
            meshes.slab(
                "Loop",
                width * 0.95,
                0.0055,
                0.0046,
                hide,
                corner=0.001,
                fillet=0.001,
                centre=(0, y - back, 0.0002),
            )
        )
    return parts


def _rubber_strap(
    rng: random.Random, width: float, start: float, metal: bpy.types.Material, pose: str
) -> list[bpy.types.Object]:
    color = srgb(rng.choice(("#1b1c1e", "#24364f", "#d9d4c8", "#c2452f", "#3d5a46")))
    rubber = materials.grained("Rubber", color, 0.55)
    parts: list[bpy.types.Object] = []
    for sign, length in ((1, 0.08), (-1, 0.11)):
        path = _strap_centre(pose, start - 0.001, 0.08 if pose == "worn" else length, 40, sign)
        t = np.linspace(0, 1, 40)
        scale = np.interp(t, [0, 0.12, 0.93, 1], [1.1, 1.0, 0.95, 0.55])
        section = meshes.rounded_rectangle(width, 0.0026, 0.0011, 4)
        parts.append(meshes.sweep("Band", path, section, rubber, scale=scale))
        if pose == "flat":
            dark = materials.plain("Hole", (0.005, 0.005, 0.005), 0.9)
            for index in range(6):
                hole = meshes.ellipse(0.0016, 0.0011, 14)
                at = path[int(18 + index * 3)]
                parts.append(
                    meshes.mesh_object(
                        "Hole",
                        np.column_stack([hole, np.zeros(14)]) + at + np.array([0, 0, 0.00145]),
                        [range(14)],
                        dark,
                    )
                )
    return parts


def _bracelet(
    rng: random.Random, width: float, start: float, metal: bpy.types.Material, pose: str
) -> list[bpy.types.Object]:
    polished = materials.plain(
        "LinkPolished",
        (0.78, 0.78, 0.79) if not metal.name.startswith("Gold") else tuple(srgb("#d9a866")),
        0.12,
        1.0,
    )
    parts: list[bpy.types.Object] = []
    for sign in (1, -1):
        length = 0.08
        path = meshes.even_spacing(_strap_centre(pose, start - 0.001, length, 200, sign), 15)
        for index in range(len(path) - 1):
            low, high = path[index], path[index + 1]
            middle, direction = (low + high) / 2, high - low
            step = float(np.linalg.norm(direction))
            pitch = math.degrees(math.atan2(direction[2], direction[1]))
            taper = 1 - 0.16 * index / len(path)
            for offset, share, material in (
                (-0.345, 0.29, metal),
                (0.0, 0.37, polished),
                (0.345, 0.29, metal),
            ):
                link = meshes.slab(
                    "Link",
                    width * share * taper,
                    step * 1.02,
                    0.0034,
                    material,
                    corner=0.001,
                    fillet=0.0009,
                    steps=3,
                )
                shift = 0.5 * step if offset == 0 else 0.0
                at = middle + direction / step * shift
                meshes.move(link, (offset * width * taper, at[1], at[2] - 0.0012), (pitch, 0, 0))
                parts.append(link)
    return parts
