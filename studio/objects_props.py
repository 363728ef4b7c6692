"""Things without a class of their own: crockery, fruit, plants, pens, furniture."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import bpy
import numpy as np

from studio import materials, meshes
from studio.materials import srgb


def glaze(name: str, color: Sequence[float]) -> bpy.types.Material:
    """Glazed stoneware with specks."""
    graph = materials.Graph(name)
    vector = graph.coordinates()
    specks = graph.node("TexVoronoi", {"Vector": vector, "Scale": 260.0}).outputs["Distance"]
    dot = graph.node("MapRange", {0: specks, 1: 0.08, 2: 0.14, 3: 0.5, 4: 0.0}).outputs[0]
    cloud = graph.noise(vector, 25, 4)
    tone = graph.mix(cloud, materials.shade_of(color, 0.85), materials.shade_of(color, 1.08))
    tone = graph.mix(dot, tone, (0.12, 0.08, 0.05))
    return graph.finish(
        Base_Color=tone, Roughness=0.22, Coat_Weight=0.3, Normal=graph.bump(cloud, 0.1, 0.001)
    )


def mug(rng: random.Random, *, coffee: bool = True) -> bpy.types.Object:
    clay = glaze("Mug", srgb(rng.choice(("#e8e2d6", "#5f7f8f", "#33383d", "#b9563f", "#8a9a7b"))))
    r, h = 0.041, 0.092
    parts = [
        meshes.lathe(
            "Mug",
            [
                (0.0, 0.0),
                (r * 0.78, 0.0),
                (r * 0.92, 0.005),
                (r, 0.02),
                (r, h - 0.002),
                (r - 0.0015, h),
                (r - 0.0035, h - 0.002),
                (r - 0.0035, 0.02),
                (r * 0.7, 0.008),
                (0, 0.007),
            ],
            clay,
            80,
        )
    ]
    loop = meshes.smooth_curve(
        [
            (r - 0.003, 0, h * 0.82),
            (r + 0.02, 0, h * 0.85),
            (r + 0.032, 0, h * 0.55),
            (r + 0.02, 0, h * 0.25),
            (r - 0.003, 0, h * 0.22),
        ],
        30,
    )
    parts.append(
        meshes.sweep(
            "Handle", loop, meshes.ellipse(0.0085, 0.005, 16), clay, up=(0, 1, 0), sharp_degrees=70
        )
    )
    if coffee:
        drink = materials.plain("Coffee", (0.035, 0.014, 0.006), 0.06)
        parts.append(meshes.lathe("Coffee", [(r - 0.0034, h - 0.014), (0, h - 0.014)], drink, 48))
    return meshes.group("Mug", parts)


def vase(rng: random.Random, *, branches: int = 7) -> bpy.types.Object:
    """A stoneware vase with leafy twigs."""
    clay = glaze("Vase", srgb(rng.choice(("#d8cfc0", "#7c8a86", "#40464a", "#c08a64"))))
    h = 0.21
    outline = [
        (0.0, 0.0),
        (0.035, 0.0),
        (0.055, 0.03),
        (0.066, 0.085),
        (0.055, 0.14),
        (0.026, 0.178),
        (0.024, 0.2),
        (0.029, h),
    ]
    profile = meshes.smooth_curve(outline[1:], 40)
    inner = [(max(0.001, x - 0.004), z) for x, z in profile[::-1] if z > 0.05]
    parts = [meshes.lathe("Vase", [(0, 0), *profile.tolist(), *inner], clay, 80, 60)]
    parts += twigs(rng, (0, 0, h - 0.03), branches, 0.32)
    return meshes.group("VaseGroup", parts)


def twigs(
    rng: random.Random, start: Sequence[float], count: int, length: float
) -> list[bpy.types.Object]:
    """Branches with paired leaves, growing upwards from `start`."""
    bark = materials.plain("Twig", srgb("#6b5236"), 0.8)
    green = rng.choice(("#5c7a4d", "#6f8466", "#47683f"))
    leaf_material = materials.plain("Leaf", srgb(green), 0.55)
    parts = []
    vertices: list[np.ndarray] = []
    faces: list[list[int]] = []
    for index in range(count):
        angle = index * 2.4 + rng.uniform(-0.4, 0.4)
        lean = rng.uniform(0.15, 0.6)
        tip = (
            np.array([math.cos(angle) * lean, math.sin(angle) * lean, 1.0])
            * length
            * rng.uniform(0.7, 1.0)
        )
        points = meshes.smooth_curve(
            [np.array(start), np.array(start) + tip * [0.35, 0.35, 0.55], np.array(start) + tip], 20
        )
        parts.append(meshes.tube("Twig", points, 0.0013, bark, sides=6))
        for step in range(4, 20, 2):
            for side in (-1, 1):
                heading = angle + side * rng.uniform(0.9, 1.7)
                size = rng.uniform(0.022, 0.036)
                out = np.array([math.cos(heading), math.sin(heading), rng.uniform(0.1, 0.7)])
                out /= np.linalg.norm(out)
                across = np.cross(out, [0, 0, 1])
                across /= np.linalg.norm(across)
                droop = np.array([0, 0, -0.25])
                base = len(vertices) * 7
                t = [
                    (0, 0),
                    (0.3, 0.22),
                    (0.65, 0.24),
                    (1.0, 0),
                    (0.65, -0.24),
                    (0.3, -0.22),
                    (0.5, 0.0),
                ]
                leaf = np.array(
                    [
                        points[step]
                        + size
                        * (a * out + b * across + a * a * droop - abs(b) * np.array([0, 0, -0.3]))
                        for a, b in t
                    ]
                )
                vertices.append(leaf)
                for corner in range(6):
                    faces.append([base + 6, base + corner, base + (corner + 1) % 6])
    leaves = meshes.mesh_object(
        "Leaves", np.concatenate(vertices), faces, leaf_material, sharp_degrees=None
    )
    parts.append(leaves)
    return parts


def pot_plant(rng: random.Random) -> bpy.types.Object:
    """A small succulent in a pot."""
    clay = materials.plain("Pot", srgb(rng.choice(("#c4693f", "#e6e2da", "#54595c"))), 0.75)
    soil = materials.carpet("Soil", (0.03, 0.02, 0.014))
    green = materials.plain("Succulent", srgb(rng.choice(("#6f9a6a", "#7fa58c", "#4f7d4c"))), 0.45)
    parts = [
        meshes.lathe(
            "Pot",
            [
                (0, 0),
                (0.033, 0),
                (0.044, 0.062),
                (0.048, 0.062),
                (0.049, 0.078),
                (0.044, 0.078),
                (0.042, 0.066),
            ],
            clay,
            64,
        ),
        meshes.lathe("Soil", [(0.043, 0.068), (0, 0.070)], soil, 32),
    ]
    for ring, (count, lean, size) in enumerate(
        ((9, 1.15, 0.062), (8, 0.8, 0.056), (6, 0.42, 0.045), (3, 0.15, 0.03))
    ):
        for index in range(count):
            angle = 2 * math.pi * (index + 0.5 * (ring % 2)) / count + rng.uniform(-0.1, 0.1)
            length = size * rng.uniform(0.9, 1.1)
            rings = []
            for t in np.linspace(0, 1, 8):
                wide = 0.011 * (math.sin(math.pi * (0.15 + 0.85 * t)) ** 0.8) + 0.0004
                bend = lean * (0.75 + 0.35 * t)
                x, z = length * t * math.sin(bend), length * t * math.cos(bend)
                outline = meshes.ellipse(wide, wide * 0.35, 12)
                rings.append(
                    np.column_stack(
                        [
                            x * math.cos(angle)
                            - outline[:, 0] * math.sin(angle)
                            - outline[:, 1] * math.cos(lean) * math.cos(angle),
                            x * math.sin(angle)
                            + outline[:, 0] * math.cos(angle)
                            - outline[:, 1] * math.cos(lean) * math.sin(angle),
                            0.072 + z + outline[:, 1] * math.sin(lean),
                        ]
                    )
                )
            parts.append(meshes.loft("Leaf", rings, green, sharp_degrees=70))
    return meshes.group("Plant", parts)


def fruit(rng: random.Random, kind: str) -> bpy.types.Object:
    """A lemon, an orange, an apple or a pear."""
    color = {"lemon": "#f0c419", "orange": "#e8821e", "apple": "#b3262a", "pear": "#b7b045"}[kind]
    graph = materials.Graph(kind)
    vector = graph.coordinates()
    pores = graph.node("TexVoronoi", {"Vector": vector, "Scale": 420.0}).outputs["Distance"]
    cloud = graph.noise(vector, 22, 5)
    second = {"apple": srgb("#d8b04a"), "pear": srgb("#8f7a30")}.get(
        kind, materials.shade_of(srgb(color), 0.8)
    )
    tone = graph.mix(graph.math("MULTIPLY", cloud, 0.7), srgb(color), second)
    rough = 0.25 if kind == "apple" else 0.42
    strength = 0.04 if kind in ("apple", "pear") else 0.3
    skin = graph.finish(
        Base_Color=tone,
        Roughness=rough,
        Subsurface_Weight=0.08,
        Normal=graph.bump(pores, strength, 0.002),
    )
    angles = np.linspace(-math.pi / 2, math.pi / 2, 26)
    r = {"lemon": 0.029, "orange": 0.037, "apple": 0.036, "pear": 0.034}[kind]
    profile = []
    for a in angles:
        x, z = r * math.cos(a), r * math.sin(a)
        if kind == "lemon":
            z *= 1.2 + 0.25 * abs(math.sin(a)) ** 9
        elif kind == "apple":
            z = (
                z * 0.92
                - (0.012 if a > 0 else 0.008)
                * math.copysign(max(0, abs(math.sin(a)) - 0.75) / 0.25, a) ** 1
            )
            x *= 1 + 0.06 * math.sin(a)
        elif kind == "pear" and a > 0:
            z *= 1.75
            x *= 1 - 0.42 * math.sin(a) ** 0.8 * (1 - 0.25 * math.sin(a) ** 6)
        profile.append((x, z + r))
    parts = [meshes.lathe(kind, profile, skin, 64, 80)]
    meshes.displace(parts[0], 0.003, 0.04)
    if kind in ("apple", "pear"):
        stem = materials.plain("Stem", srgb("#4a3722"), 0.8)
        top = max(z for _, z in profile) - 0.008
        parts.append(
            meshes.tube(
                "Stem",
                [(0, 0, top), (0.001, 0.001, top + 0.012), (0.004, 0.001, top + 0.022)],
                0.0014,
                stem,
                sides=6,
            )
        )
    root = meshes.group(kind, parts)
    return meshes.group(kind, [root])


def bowl(rng: random.Random, radius: float = 0.12) -> bpy.types.Object:
    clay = glaze("Bowl", srgb(rng.choice(("#e9e4da", "#46545c", "#a9b3a3"))))
    outer = meshes.smooth_curve(
        [(0.04, 0.0), (0.045, 0.004), (radius * 0.75, 0.03), (radius, 0.075)], 24
    )
    inner = [(x - 0.004, z + 0.003) for x, z in outer[::-1][1:-3]]
    return meshes.group(
        "Bowl",
        [
            meshes.lathe(
                "Bowl",
                [(0, 0), *outer.tolist(), (radius - 0.002, 0.077), *inner, (0, 0.012)],
                clay,
                96,
                60,
            )
        ],
    )


def board(rng: random.Random, width: float = 0.36, depth: float = 0.22) -> bpy.types.Object:
    """A wooden cutting board."""
    timber = materials.wood(
        "Board", srgb("#c08a54"), srgb("#7d4d29"), gloss=0.5, seed=rng.randint(0, 99)
    )
    return meshes.group(
        "Board", [meshes.slab("Board", width, depth, 0.018, timber, corner=0.025, fillet=0.004)]
    )


def pencil(rng: random.Random) -> bpy.types.Object:
    """A pencil lying along y."""
    paint = materials.plain(
        "Paint", srgb(rng.choice(("#d9a62e", "#2c2c30", "#30609a", "#b03a34"))), 0.3
    )
    timber = materials.plain("Timber", srgb("#d8b27c"), 0.7)
    lead = materials.plain("Lead", (0.02, 0.02, 0.022), 0.35)
    hexagon = meshes.ellipse(0.0037, 0.0037, 6)
    parts = [
        meshes.sweep(
            "Shaft", [(0, -0.08, 0.0037), (0, 0.07, 0.0037)], hexagon, paint, sharp_degrees=20
        ),
        meshes.sweep(
            "Cone",
            [(0, 0.07, 0.0037), (0, 0.084, 0.0037)],
            meshes.ellipse(0.0036, 0.0036, 24),
            timber,
            scale=[1, 0.3],
        ),
        meshes.sweep(
            "Lead",
            [(0, 0.084, 0.0037), (0, 0.089, 0.0037)],
            meshes.ellipse(0.0011, 0.0011, 12),
            lead,
            scale=[1, 0.2],
        ),
    ]
    return meshes.group("Pencil", parts)


def spectacles(rng: random.Random) -> bpy.types.Object:
    """Glasses lying folded open, lenses towards -y."""
    frame = materials.plain(
        "Frame", rng.choice(((0.02, 0.018, 0.016), (0.2, 0.09, 0.03), (0.5, 0.42, 0.25))), 0.2
    )
    clear = materials.glass("Lens")
    parts = []
    for side in (-1, 1):
        rim = meshes.rounded_rectangle(0.05, 0.04, 0.018, 10)
        path = np.column_stack([rim[:, 0] + side * 0.034, np.zeros(len(rim)), rim[:, 1] + 0.0225])
        parts.append(meshes.tube("Rim", path, 0.0019, frame, closed=True))
        parts.append(meshes.mesh_object("Lens", path, [range(len(path))], clear))
        temple = meshes.smooth_curve(
            [
                (side * 0.062, 0, 0.035),
                (side * 0.064, 0.06, 0.034),
                (side * 0.062, 0.105, 0.03),
                (side * 0.06, 0.135, 0.004),
            ],
            24,
        )
        parts.append(meshes.tube("Temple", temple, 0.0018, frame))
    bridge = meshes.smooth_curve([(-0.0105, 0, 0.028), (0, -0.003, 0.033), (0.0105, 0, 0.028)], 10)
    parts.append(meshes.tube("Bridge", bridge, 0.0018, frame))
    return meshes.group("Spectacles", parts)


def lamp(rng: random.Random) -> bpy.types.Object:
    """A desk lamp with a metal shade."""
    metal = materials.plain(
        "Lamp", srgb(rng.choice(("#2a2d30", "#d8d4ca", "#3f6a63", "#c9a14a"))), 0.35, 0.2
    )
    inside = materials.plain("Inside", (0.85, 0.83, 0.78), 0.5)
    parts = [
        meshes.lathe(
            "Foot",
            [(0, 0), (0.075, 0), (0.077, 0.004), (0.074, 0.012), (0.012, 0.017), (0, 0.018)],
            metal,
            72,
        ),
        meshes.tube(
            "Arm",
            meshes.smooth_curve(
                # Leaning a little: an upright start leaves the tube's sides undecided.
                [
                    (-0.02, 0, 0.012),
                    (-0.012, 0, 0.13),
                    (0.0, 0, 0.25),
                    (0.03, 0, 0.35),
                    (0.1, 0, 0.39),
                ],
                32,
            ),
            0.006,
            metal,
        ),
    ]
    shade = [
        meshes.lathe(
            "Shade",
            [(0.08, 0.0), (0.081, 0.001), (0.07, 0.035), (0.035, 0.085), (0.02, 0.1), (0, 0.101)],
            metal,
            72,
            50,
        ),
        meshes.lathe(
            "Inner", [(0, 0.095), (0.033, 0.08), (0.068, 0.033), (0.079, 0.001)], inside, 72, 50
        ),
    ]
    head = meshes.move(meshes.group("Head", shade), (0.13, 0, 0.31), (0, -25, 0))
    return meshes.group("Lamp", [*parts, head])


def shelf(
    width: float,
    depth: float,
    gaps: Sequence[float],
    timber: bpy.types.Material,
    thick: float = 0.02,
) -> bpy.types.Object:
    """An open shelf: boards at the bottom and above every gap, cheeks at both sides.

    `root["levels"]` lists the height of each board's top.
    """
    parts = []
    z = 0.0
    levels = []
    for gap in (*gaps, 0.0):
        parts.append(
            meshes.slab(
                "Board", width, depth, thick, timber, corner=0.002, fillet=0.0015, centre=(0, 0, z)
            )
        )
        levels.append(z + thick)
        z += thick + gap
    total = z
    for side in (-1, 1):
        cheek = meshes.slab("Cheek", total, depth, thick, timber, corner=0.002, fillet=0.0015)
        meshes.move(cheek, (side * (width / 2 + thick / 2) + thick / 2, 0, total / 2), (0, -90, 0))
        parts.append(cheek)
    root = meshes.group("Shelf", parts)
    root["levels"] = levels
    return root
