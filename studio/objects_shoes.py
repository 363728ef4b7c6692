"""Shoes, lofted from a sole's outline up to the opening, with panels, laces and stitches.

A shoe stands on z = 0 with its toe towards -y. u runs around it (0 heel, 0.25 outer side, 0.5 toe,
0.75 inner side), v from the sole (0) up to the opening (1). Lengths in metres.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from studio import materials, meshes
from studio.materials import srgb
from studio.meshes import Points

# Stations from the heel along the outer side to the toe: share of the length from the heel, half
# width of the sole (outer, inner), and of the opening: share, half width, height above the sole.
_SOLE = (
    (0.0, 0.0, 0.0), (0.025, 0.021, 0.020), (0.11, 0.0325, 0.0310), (0.24, 0.0355, 0.0315),
    (0.38, 0.0385, 0.0300), (0.52, 0.0430, 0.0350), (0.65, 0.0470, 0.0430), (0.79, 0.0450, 0.0440),
    (0.925, 0.0300, 0.0330), (1.0, 0.0, 0.0),
)  # fmt: skip
_OPENING = (
    (0.030, 0.000, 0.068), (0.045, 0.017, 0.066), (0.120, 0.0285, 0.053), (0.220, 0.0315, 0.045),
    (0.315, 0.0300, 0.056), (0.390, 0.0235, 0.073), (0.480, 0.0190, 0.065), (0.570, 0.0155, 0.054),
    (0.645, 0.0090, 0.045), (0.660, 0.000, 0.043),
)  # fmt: skip
_STATIONS = 18
_AROUND, _UP = 288, 40


@dataclass(frozen=True)
class ShoeStyle:
    """What makes a trainer a trainer; heights in metres."""

    heel_sole: float
    toe_sole: float
    toe_box: float  # height of the toe above the sole
    opening_lift: float  # opening higher than the low shoe's
    flare: float  # how far the sole stands out
    laces: str  # flat, round, thin or none


STYLES = {
    "canvas": ShoeStyle(0.026, 0.024, 0.028, 0.000, 0.0030, "flat"),
    "runner": ShoeStyle(0.036, 0.025, 0.032, 0.004, 0.0050, "round"),
    "court": ShoeStyle(0.030, 0.027, 0.032, 0.003, 0.0035, "flat"),
    "oxford": ShoeStyle(0.024, 0.008, 0.026, 0.000, 0.0035, "thin"),
    "boot": ShoeStyle(0.030, 0.016, 0.034, 0.062, 0.0045, "round"),
}


class _Upper:
    """The curved surface of one shoe: points and outward normals at any (u, v)."""

    def __init__(self, style: ShoeStyle, length: float) -> None:
        self.style, self.length = style, length
        sole = self._around([(s, a, b, 0.0) for s, a, b in _SOLE])
        lift = style.opening_lift
        high = [
            # A higher shaft closes over the instep: its front rises and narrows less.
            (
                s - (0.0 if s < 0.3 else lift * 0.9),
                w,
                w,
                z + lift * (1.0 if s < 0.42 else 0.45 if s < 0.6 else 0.0),
            )
            for s, w, z in _OPENING
        ]
        opening = self._around(high)
        self.sole_outline = sole[:, :2]
        share = self.share(sole[:, 1])
        sole[:, 2] = self.sole_top(share) - 0.006
        opening[:, 2] += self.sole_top(self.share(opening[:, 1]))
        self.opening = opening
        out = outward(sole[:, :2])
        rise = opening[:, 2] - sole[:, 2]
        toe = np.exp(-(((np.arange(_AROUND) / _AROUND - 0.5) / 0.14) ** 2))[:, None]
        heel = np.exp(-((((np.arange(_AROUND) / _AROUND + 0.5) % 1 - 0.5) / 0.08) ** 2))[:, None]
        up = np.array([0.0, 0.0, 1.0])
        low = sole.copy()
        low[:, :2] += out * (0.005 + 0.002 * toe)
        low += up * (0.45 * rise[:, None] * (1 - toe) + style.toe_box * 1.25 * toe)
        across = sole - opening
        across[:, 2] = 0
        top = opening + across * (0.18 * (1 - toe) + 0.5 * toe) - up * (0.012 * (1 - toe))
        top[:, :2] += out * 0.006 * heel
        top += up * toe * 0.004
        t = np.linspace(0, 1, _UP)[:, None, None]
        self.grid = (
            (1 - t) ** 3 * sole
            + 3 * (1 - t) ** 2 * t * low
            + 3 * (1 - t) * t**2 * top
            + t**3 * opening
        )
        along_u = np.roll(self.grid, -1, axis=1) - np.roll(self.grid, 1, axis=1)
        along_v = np.gradient(self.grid, axis=0)
        normals = np.cross(along_u, along_v)
        self.normals = normals / (np.linalg.norm(normals, axis=2, keepdims=True) + 1e-12)

    def share(self, y: Points) -> Points:
        """Share of the length from the heel at y."""
        return np.clip(0.5 - y / self.length, 0, 1)

    def sole_bottom(self, share: Points) -> Points:
        """Height of the outsole: the toe springs up."""
        return 0.016 * np.clip((share - 0.72) / 0.28, 0, 1) ** 2

    def sole_top(self, share: Points) -> Points:
        style = self.style
        thick = np.interp(
            share,
            [0, 0.3, 0.65, 1],
            [
                style.heel_sole,
                style.heel_sole * 0.85 + style.toe_sole * 0.15,
                style.toe_sole,
                style.toe_sole,
            ],
        )
        return self.sole_bottom(share) + thick

    def _around(self, stations: list[tuple[float, float, float, float]]) -> Points:
        """Closed curve through (share, outer half width, inner half width, z) and its mirror."""
        points = [(-a, self.length * (0.5 - s), z) for s, a, _, z in stations]
        points += [(b, self.length * (0.5 - s), z) for s, _, b, z in stations[-2:0:-1]]
        return meshes.smooth_curve(points, _AROUND, closed=True)

    def at(self, u: Points, v: Points, offset: float | Points = 0.0) -> tuple[Points, Points]:
        """Points and normals, each (..., 3), `offset` above the surface."""
        u, v = np.broadcast_arrays(np.asarray(u, float) % 1.0, np.asarray(v, float))
        x, y = u * _AROUND, np.clip(v, 0, 1) * (_UP - 1)
        x0, y0 = np.floor(x).astype(int), np.minimum(np.floor(y).astype(int), _UP - 2)
        fx, fy = (x - x0)[..., None], (y - y0)[..., None]

        def blend(grid: Points) -> Points:
            a, b = grid[y0, x0 % _AROUND], grid[y0, (x0 + 1) % _AROUND]
            c, d = grid[y0 + 1, x0 % _AROUND], grid[y0 + 1, (x0 + 1) % _AROUND]
            return (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy

        normal = blend(self.normals)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        return blend(self.grid) + normal * np.asarray(offset)[..., None], normal

    def panel(
        self,
        name: str,
        first: float,
        last: float,
        low: Callable[[Points], Points],
        high: Callable[[Points], Points],
        material: bpy.types.Material,
        thickness: float = 0.0012,
        columns: int = 72,
        rows: int = 20,
    ) -> bpy.types.Object:
        """A piece sewn on: u from `first` to `last`, v between two functions of u."""
        u = np.linspace(first, last, columns)
        b = np.linspace(0, 1, rows)[:, None]
        v = low(u) * (1 - b) + high(u) * b
        points, _ = self.at(np.broadcast_to(u, v.shape), v, 0.0002)
        sheet = meshes.loft(name, list(points), material, closed=False, sharp_degrees=60)
        return meshes.solidify(sheet, thickness, offset=1)

    def seam(
        self, u: Points, v: Points, thread: bpy.types.Material, offset: float = 0.0014
    ) -> bpy.types.Object:
        points, normals = self.at(u, v, offset)
        return meshes.stitches(
            "Seam", points, normals, thread, pitch=0.003, length=0.0021, radius=0.00033
        )


def outward(outline: Points) -> Points:
    """(N, 2) unit normals of a closed counter-clockwise outline."""
    along = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0)
    normal = np.stack([along[:, 1], -along[:, 0]], axis=1)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    if (normal * (outline - outline.mean(axis=0))).sum() < 0:
        normal = -normal
    return normal


def _constant(value: float) -> Callable[[Points], Points]:
    return lambda u: np.full_like(u, value)


def shoe_pair(
    rng: random.Random, style: str | None = None, *, gap: float = 0.012, splay: float = 4.0
) -> bpy.types.Object:
    """Two shoes side by side, one product."""
    style = style or rng.choice(tuple(STYLES))
    state = rng.getstate()
    shoes = []
    for side in (1, -1):
        rng.setstate(state)
        shoe = _shoe(rng, style)
        holder = meshes.group("Side", [shoe])
        holder.scale = (-side, 1, 1)
        holder.location = (side * (0.049 + gap / 2), rng.uniform(-0.004, 0.004) * (side + 1), 0)
        holder.rotation_euler = (0, 0, math.radians(side * splay))
        shoes.append(holder)
    return meshes.group("Shoes", shoes)


def _shoe(rng: random.Random, style_name: str) -> bpy.types.Object:
    style = STYLES[style_name]
    upper = _Upper(style, 0.285)
    palette = _palette(rng, style_name)
    parts = [_body(upper, palette), *_sole(upper, style_name, palette), *_inside(upper, palette)]
    parts += _details(upper, style_name, palette)
    if style.laces != "none":
        parts += _laces(upper, style, palette)
    return meshes.group("Shoe", parts)


Palette = dict[str, bpy.types.Material]


def _palette(rng: random.Random, style: str) -> Palette:
    thread = materials.plain("Thread", srgb("#d9d4c6"), 0.8)
    white_rubber = materials.grained(
        "Rubber", srgb(rng.choice(("#e8e4da", "#f0eeea", "#ded6c4"))), 0.5
    )
    dark_rubber = materials.grained("Outsole", (0.03, 0.028, 0.026), 0.6)
    if style == "canvas":
        return _canvas_palette(rng, thread, white_rubber)
    if style in ("runner", "court"):
        return _sport_palette(rng, style, thread, white_rubber, dark_rubber)
    return _leather_palette(rng, style)


def _canvas_palette(
    rng: random.Random, thread: bpy.types.Material, white_rubber: bpy.types.Material
) -> Palette:
    color = srgb(rng.choice(("#1c1d20", "#27395c", "#8e2430", "#e6e1d6", "#56634a", "#c58a2b")))
    main = materials.fabric("Canvas", color, thread=0.0009, bump=0.7)
    return {
        "main": main,
        "panel": main,
        "lining": materials.fabric("Lining", srgb("#d8d2c4"), thread=0.001),
        "sole": white_rubber,
        "outsole": materials.grained("Gum", srgb("#a9774a"), 0.6),
        "thread": thread,
        "lace": materials.fabric("Lace", srgb("#efece4"), thread=0.0008, bump=0.8),
        "accent": materials.plain("Stripe", materials.shade_of(color, 0.9), 0.4),
        "metal": materials.plain("Eyelet", (0.75, 0.75, 0.76), 0.2, 1.0),
        "cap": white_rubber,
    }


# Colours of a trainer's upper and of the panels sewn on.
_SPORT = (
    ("#2b2d33", "#4a4d55"),
    ("#eeece6", "#d4d1c8"),
    ("#2e4a6b", "#1d2f47"),
    ("#8d939b", "#55595f"),
    ("#b34a32", "#5c2219"),
    ("#3c5a4a", "#223329"),
    ("#ece8df", "#2c4d74"),
)


def _sport_palette(
    rng: random.Random,
    style: str,
    thread: bpy.types.Material,
    white_rubber: bpy.types.Material,
    dark_rubber: bpy.types.Material,
) -> Palette:
    base, second = rng.choice(_SPORT)
    net = (
        materials.fabric("Mesh", srgb(base), thread=0.0019, bump=1.0)
        if style == "runner"
        else materials.leather("Smooth", srgb(base), roughness=0.4, grain=1500, bump=0.2)
    )
    return {
        "main": net,
        "panel": materials.leather("Overlay", srgb(second), roughness=0.45, grain=1300, bump=0.25),
        "lining": materials.fabric("Lining", materials.shade_of(srgb(second), 0.7), thread=0.0014),
        "sole": white_rubber
        if rng.random() < 0.75
        else materials.grained("Foam", srgb("#24262b"), 0.6),
        "outsole": dark_rubber,
        "thread": thread,
        "lace": materials.fabric(
            "Lace", srgb(rng.choice(("#efece4", base, "#222326"))), thread=0.0008, bump=0.8
        ),
        "accent": materials.plain(
            "Accent",
            materials.pick_color(rng, ("#e2542b", "#f0efe9", "#2f7fb0", "#e0b73a", "#2a2b30")),
            0.35,
        ),
        "metal": materials.plain("Eyelet", materials.shade_of(srgb(second), 0.6), 0.4),
        "cap": net,
    }


def _leather_palette(rng: random.Random, style: str) -> Palette:
    color = srgb(rng.choice(("#5a3018", "#2a1710", "#141313", "#8a5426", "#3d1d16")))
    fine = style == "oxford"
    hide = materials.leather(
        "Hide",
        color,
        roughness=0.22 if fine else 0.5,
        grain=1600 if fine else 700,
        bump=0.15 if fine else 0.35,
    )
    return {
        "main": hide,
        "panel": hide,
        "lining": materials.leather("Lining", srgb("#b08a5c"), roughness=0.6),
        "sole": materials.leather("Welt", materials.shade_of(color, 0.45), roughness=0.5),
        "outsole": materials.grained("Heel", (0.02, 0.017, 0.015), 0.5),
        "thread": materials.plain(
            "Thread", materials.shade_of(color, 1.6) if fine else srgb("#c9a25a"), 0.7
        ),
        "lace": materials.fabric("Lace", materials.shade_of(color, 0.6), thread=0.0006, bump=0.7),
        "accent": hide,
        "metal": materials.plain("Eyelet", (0.5, 0.42, 0.25), 0.25, 1.0),
        "cap": hide,
    }


def _body(upper: _Upper, palette: Palette) -> bpy.types.Object:
    body = meshes.loft(
        "Upper", list(upper.grid), palette["main"], caps=(False, False), sharp_degrees=None
    )
    body.data.materials.append(palette["lining"])
    shell = body.modifiers.new("Solidify", "SOLIDIFY")
    shell.thickness, shell.offset, shell.material_offset = 0.0032, -1, 1
    return body


class _Edge:
    """The rim of a shoe's sole: its outline, and rings about it between bottom and top."""

    def __init__(self, upper: _Upper) -> None:
        self.outline = upper.sole_outline
        self.out = outward(self.outline)
        self.share = upper.share(self.outline[:, 1])
        self.bottom, self.top = upper.sole_bottom(self.share), upper.sole_top(self.share)
        self.flare = upper.style.flare

    def ring(self, offset: float | Points, height: float) -> Points:
        """(N, 3) points `offset` outside the outline; height 0 is the bottom, 1 the top."""
        shift = np.broadcast_to(np.asarray(offset, float), self.share.shape)[:, None]
        level = self.bottom + (self.top - self.bottom) * height
        return np.column_stack([self.outline + self.out * shift, level])


def _sole(upper: _Upper, style: str, palette: Palette) -> list[bpy.types.Object]:
    edge = _Edge(upper)
    if style in ("oxford", "boot"):
        return _welted_sole(upper.style, edge, palette)
    if style == "runner":
        return _runner_sole(edge, palette)
    trim = _canvas_stripes if style == "canvas" else _cup_seam
    return [*_cup_sole(edge, palette), *trim(edge, palette)]


def _welted_sole(style: ShoeStyle, edge: _Edge, palette: Palette) -> list[bpy.types.Object]:
    """A leather sole, a heel under it, and the seam on the welt."""
    flare, thick = edge.flare, style.toe_sole
    under = np.maximum(edge.top - thick, 0)
    rings = [
        np.column_stack([edge.outline + edge.out * offset, under + z])
        for offset, z in (
            (-0.004, 0.0),
            (flare - 0.001, 0.0),
            (flare, 0.001),
            (flare, thick - 0.001),
            (flare - 0.001, thick),
            (-0.012, thick),
        )
    ]
    welt = meshes.loft("Welt", rings, palette["sole"], sharp_degrees=35)
    back = edge.outline[edge.share < 0.27]
    back = back[np.argsort(np.arctan2(back[:, 1] - back[:, 1].mean(), back[:, 0]))]
    heel = meshes.prism(
        "Heel",
        back * (1.04, 1.0) + (0, 0.001),
        0.0,
        style.heel_sole - thick + 0.001,
        palette["outsole"],
        fillet=0.0008,
    )
    line = np.column_stack([edge.outline + edge.out * (flare - 0.0016), under + thick])
    front = edge.share > 0.25
    start = -int(np.argmin(front))
    line = np.roll(line, start, axis=0)[np.roll(front, start)]
    seam = meshes.stitches(
        "WeltSeam",
        line,
        np.tile([0, 0, 1.0], (len(line), 1)),
        palette["thread"],
        pitch=0.0034,
        length=0.0026,
        radius=0.0004,
    )
    return [welt, heel, seam]


def _runner_sole(edge: _Edge, palette: Palette) -> list[bpy.types.Object]:
    """A wavy midsole that stands out at the heel, and the outsole under it."""
    flare = edge.flare
    wave = 0.0016 * np.sin(edge.share * 40)
    profile: list[tuple[float | Points, float]] = [
        (-0.006, 0.10),
        (flare * 0.6, 0.10),
        (flare * 0.9, 0.16),
        (flare * 0.85 + wave, 0.4),
        (flare * 0.35, 0.62),
        (flare * 0.7 - wave * 0.6, 0.82),
        (flare * 0.55, 0.97),
        (flare * 0.3, 1.04),
        (-0.004, 1.04),
    ]
    heel_out = np.clip((0.12 - edge.share) / 0.12, 0, 1) * 0.006
    rings = [edge.ring(np.asarray(o) + heel_out * (0.3 + 0.7 * (1 - h)), h) for o, h in profile]
    midsole = meshes.loft("Midsole", rings, palette["sole"], sharp_degrees=50)
    rings = [
        edge.ring(-0.006, 0.0),
        edge.ring(flare * 0.5 + heel_out * 0.8, 0.0),
        edge.ring(flare * 0.75 + heel_out, 0.05),
        edge.ring(flare * 0.75 + heel_out, 0.13),
    ]
    return [midsole, meshes.loft("Outsole", rings, palette["outsole"], sharp_degrees=40)]


def _cup_sole(edge: _Edge, palette: Palette) -> list[bpy.types.Object]:
    """A rubber band around the shoe, and the outsole under it."""
    flare = edge.flare
    foxing = (
        (-0.004, 0.06),
        (flare * 0.9, 0.06),
        (flare, 0.12),
        (flare * 1.05, 0.55),
        (flare * 0.95, 0.96),
        (flare * 0.75, 1.0),
        (-0.006, 1.0),
    )
    outsole = ((-0.005, 0.0), (flare * 0.9, 0.0), (flare * 0.98, 0.03), (flare * 0.98, 0.09))
    return [
        meshes.loft(name, [edge.ring(o, h) for o, h in profile], palette[part], sharp_degrees=40)
        for name, profile, part in (("Foxing", foxing, "sole"), ("Outsole", outsole, "outsole"))
    ]


def _canvas_stripes(edge: _Edge, palette: Palette) -> list[bpy.types.Object]:
    """Two lines around the band, and the bumper at the toe."""
    high = meshes.sweep(
        "Stripe",
        edge.ring(edge.flare * 1.02, 0.80),
        meshes.rounded_rectangle(0.0008, 0.0018, 0.0003, 2),
        palette["accent"],
        closed=True,
    )
    low = meshes.sweep(
        "LowStripe",
        edge.ring(edge.flare * 1.03, 0.18),
        meshes.rounded_rectangle(0.0012, 0.0010, 0.0003, 2),
        palette["sole"],
        closed=True,
    )
    bumper = meshes.sweep(
        "Bumper",
        edge.ring(edge.flare + 0.0012, 0.5)[edge.share > 0.80],
        meshes.rounded_rectangle(0.0022, 0.013, 0.0009, 3),
        palette["sole"],
    )
    return [high, low, bumper]


def _cup_seam(edge: _Edge, palette: Palette) -> list[bpy.types.Object]:
    seam = meshes.stitches(
        "CupSeam",
        edge.ring(edge.flare * 1.02, 0.86),
        np.column_stack([edge.out, np.zeros(len(edge.out))]),
        palette["thread"],
        pitch=0.0038,
        length=0.0028,
        radius=0.0004,
    )
    return [seam]


def _inside(upper: _Upper, palette: Palette) -> list[bpy.types.Object]:
    outline = upper.sole_outline * 0.9
    insole = np.column_stack([outline, upper.sole_top(upper.share(outline[:, 1])) + 0.001])
    parts = [meshes.mesh_object("Insole", insole, [range(len(insole))], palette["lining"])]
    # Padded collar round the ankle.
    u = np.linspace(-0.275, 0.275, 90)
    path, _ = upper.at(u, np.full(90, 0.985), -0.0022)
    swell = np.clip(np.sin(np.linspace(0, math.pi, 90)) * 3, 0.35, 1)
    radius = 0.0022 if palette["main"].name.startswith("Hide") else 0.0042
    parts.append(
        meshes.sweep(
            "Collar",
            path,
            meshes.ellipse(radius, radius, 14),
            palette["lining"],
            scale=swell,
            sharp_degrees=None,
        )
    )
    # Tongue under the laces.
    rows = []
    lift = upper.style.opening_lift
    n = 26
    left, _ = upper.at(np.linspace(0.47, 0.275, n), np.full(n, 0.99))
    right, _ = upper.at(np.linspace(0.53, 0.725, n), np.full(n, 0.99))
    middle = (left + right) / 2
    slope = middle[-1] - middle[-6]
    slope /= np.linalg.norm(slope)
    extra = middle[-1] + slope * np.linspace(0.004, 0.024 + lift * 0.1, 8)[:, None]
    centre = np.concatenate([middle, extra])
    half = np.concatenate(
        [np.abs(left[:, 0] - right[:, 0]) / 2 + 0.006, np.linspace(0.029, 0.022, 8)]
    )
    for index, (point, h) in enumerate(zip(centre, half, strict=True)):
        x = np.linspace(-1, 1, 15)
        drop = 0.011 * np.abs(x) ** 2.2
        rise = 0.0025 if index < n else 0.003
        rows.append(
            np.column_stack(
                [point[0] + x * h, np.full(15, point[1]) + 0.002 * x**2, point[2] + rise - drop]
            )
        )
    tongue = meshes.loft(
        "Tongue",
        rows[::-1],
        palette["panel"] if "Overlay" not in palette["panel"].name else palette["main"],
        closed=False,
        sharp_degrees=None,
    )
    meshes.solidify(tongue, 0.0045, offset=-1)
    bevel = tongue.modifiers.new("Bevel", "BEVEL")
    bevel.width, bevel.segments = 0.0016, 3
    parts.append(tongue)
    return parts


def _details(upper: _Upper, style: str, palette: Palette) -> list[bpy.types.Object]:
    """Panels and seams."""

    def low(u: Points) -> Points:
        return np.interp(np.abs(u - 0.5), [0, 0.05, 0.12, 0.235], [0.83, 0.80, 0.70, 0.66])

    stay = upper.panel(
        "Eyestay", 0.265, 0.735, low, _constant(0.985), palette["panel"], columns=140
    )
    u = np.linspace(0.27, 0.73, 160)
    parts = [
        stay,
        upper.seam(u, low(u) + 0.022, palette["thread"]),
        upper.seam(u, np.full_like(u, 0.955), palette["thread"]),
    ]
    if style == "canvas":
        return parts + _canvas_details(upper, palette)
    if style in ("oxford", "boot"):
        return parts + _leather_details(upper, style, palette)
    return parts + _sport_details(upper, style, palette)


def _canvas_details(upper: _Upper, palette: Palette) -> list[bpy.types.Object]:
    """The rubber toe cap, the strip at the heel, and double seams on the sides."""
    width = 0.088

    def cap_high(u: Points) -> Points:
        return 0.60 * np.sqrt(np.clip(1 - ((u - 0.5) / width) ** 2, 0, 1)) + 0.002

    first, last = 0.5 - width, 0.5 + width
    cap = upper.panel(
        "ToeCap", first, last, _constant(0.0), cap_high, palette["cap"], 0.0018, 100, 26
    )
    heel, _ = upper.at(np.zeros(20), np.linspace(0, 1, 20) * 0.95, 0.0008)
    section = meshes.rounded_rectangle(0.014, 0.0014, 0.0005, 2)
    parts = [cap, meshes.sweep("HeelStrip", heel, section, palette["panel"], up=(0, 1, 0))]
    for side in (1, -1):
        u = np.full(30, 0.5 - side * 0.265)
        v = np.linspace(0.22, 0.92, 30)
        parts.append(upper.seam(u, v, palette["thread"], 0.0003))
        parts.append(upper.seam(u - side * 0.006, v, palette["thread"], 0.0003))
    return parts


def _leather_details(upper: _Upper, style: str, palette: Palette) -> list[bpy.types.Object]:
    """An oxford's toe cap, the quarters' seams, and the counter at the heel."""
    thread = palette["thread"]

    def arc(u: Points) -> Points:
        return 0.46 * np.sqrt(np.clip(1 - ((u - 0.5) / 0.145) ** 2, 0, 1))

    parts = []
    if style == "oxford":
        u = np.linspace(0.5 - 0.14, 0.5 + 0.14, 80)
        parts += [
            upper.panel("ToeCap", 0.36, 0.64, _constant(0.0), arc, palette["cap"], 0.0008, 90),
            upper.seam(u, arc(u) - 0.02, thread, 0.0012),
            upper.seam(u, arc(u) - 0.045, thread, 0.0012),
        ]
    for side in (1, -1):
        bend = np.linspace(0, 1, 50)
        u = 0.5 - side * (0.235 - 0.13 * bend)
        parts.append(upper.seam(u, 0.64 - 0.60 * bend**1.6, thread, 0.0004))

    def counter(u: Points) -> Points:
        return 0.62 + 0.2 * np.cos(u / 0.075 * math.pi / 2)

    parts.append(
        upper.panel("Counter", -0.075, 0.075, _constant(0.0), counter, palette["panel"], 0.0007)
    )
    return parts


def _sport_details(upper: _Upper, style: str, palette: Palette) -> list[bpy.types.Object]:
    """Counter, toe guard and the flashes on the sides; a court shoe has holes over the toe."""

    def counter(u: Points) -> Points:
        return 0.4 * np.cos(u / 0.10 * math.pi / 2) ** 2

    guard = 0.13 if style == "runner" else 0.15

    def guard_high(u: Points) -> Points:
        return 0.12 + 0.16 * np.cos((u - 0.5) / guard * math.pi / 2)

    panel, thread = palette["panel"], palette["thread"]
    u = np.linspace(-0.095, 0.095, 70)
    first, last = 0.5 - guard, 0.5 + guard
    parts = [
        upper.panel("Counter", -0.10, 0.10, _constant(0.02), lambda u: 0.42 + counter(u), panel),
        upper.seam(u, 0.40 + counter(u) - 0.03, thread),
        upper.panel("ToeGuard", first, last, _constant(0.02), guard_high, panel, 0.0009),
        *(_flash(upper, side, palette["accent"]) for side in (1, -1)),
    ]
    return parts + _vents(upper) if style == "court" else parts


def _flash(upper: _Upper, side: int, material: bpy.types.Material) -> bpy.types.Object:
    """The accent on one side: a band that rises towards the heel."""
    middle = 0.5 - side * 0.26

    def low(u: Points) -> Points:
        t = (u - middle) / 0.085 * side
        return 0.26 + 0.20 * t + 0.08 * np.cos(t * 2)

    def high(u: Points) -> Points:
        t = (u - middle) / 0.085 * side
        return low(u) + 0.13 * np.sqrt(np.clip(1 - t**2, 0, 1)) + 0.004

    return upper.panel("Flash", middle - 0.085, middle + 0.085, low, high, material, 0.0011)


def _vents(upper: _Upper) -> list[bpy.types.Object]:
    """Fifteen punched holes over the toe."""
    across, along = (-0.055, -0.0275, 0, 0.0275, 0.055), (0.50, 0.58, 0.66)
    holes = np.array([(0.5 + du, v) for du in across for v in along])
    points, normals = upper.at(holes[:, 0], holes[:, 1], 0.0003)
    dark = materials.plain("Hole", (0.01, 0.01, 0.01), 0.9)
    parts = []
    for point, normal in zip(points, normals, strict=True):
        disc = meshes.lathe("Hole", [(0.0011, 0), (0, 0.0001)], dark, 12)
        disc.rotation_euler = _towards(normal)
        disc.location = point
        parts.append(disc)
    return parts


def _towards(normal: Points) -> tuple[float, float, float]:
    euler = Vector(normal).to_track_quat("Z", "Y").to_euler()
    return (euler.x, euler.y, euler.z)


def _laces(upper: _Upper, style: ShoeStyle, palette: Palette) -> list[bpy.types.Object]:
    """Eyelets, the laces crossed between them, and the bow."""
    rows = 7 if style.opening_lift > 0.03 else 4 if style.laces == "thin" else 6
    d = np.linspace(0.048, 0.215, rows)
    left, left_normal = upper.at(0.5 - d, np.full(rows, 0.90), 0.0018)
    right, right_normal = upper.at(0.5 + d, np.full(rows, 0.90), 0.0018)
    parts = _eyelets(left, left_normal, palette) + _eyelets(right, right_normal, palette)
    section = {
        "flat": meshes.rounded_rectangle(0.0068, 0.0015, 0.0007, 3),
        "round": meshes.ellipse(0.0021, 0.0017, 12),
        "thin": meshes.ellipse(0.0012, 0.0012, 10),
    }[style.laces]

    def over(a: Points, b: Points, arch: float) -> None:
        t = np.linspace(0, 1, 21)[:, None]
        path = a * (1 - t) + b * t
        path[:, 2] += arch * np.sin(math.pi * t[:, 0]) ** 0.7
        parts.append(meshes.sweep("Lace", path, section, palette["lace"], sharp_degrees=None))

    over(left[0], right[0], 0.0045)
    for index in range(rows - 1):
        over(left[index], right[index + 1], 0.0062)
        over(right[index], left[index + 1], 0.0085)
    centre = (left[-1] + right[-1]) / 2 + np.array([0, 0, 0.0125])
    return parts + _bow(upper, centre, section, palette["lace"])


def _eyelets(points: Points, normals: Points, palette: Palette) -> list[bpy.types.Object]:
    parts = []
    for point, normal in zip(points, normals, strict=True):
        ring = np.column_stack([meshes.ellipse(0.0025, 0.0025, 16), np.zeros(16)])
        eyelet = meshes.tube("Eyelet", ring, 0.0007, palette["metal"], closed=True, sides=8)
        eyelet.rotation_euler = _towards(normal)
        eyelet.location = point
        parts.append(eyelet)
    return parts


def _bow(
    upper: _Upper, centre: Points, section: Points, lace: bpy.types.Material
) -> list[bpy.types.Object]:
    """The knot at `centre`, and two loops and two tails that lie on the quarters."""
    knot = meshes.lathe(
        "Knot",
        [(0.0005, -0.004), (0.0042, -0.002), (0.0046, 0.001), (0.0028, 0.0035), (0.0, 0.004)],
        lace,
        24,
        80,
    )
    parts = [meshes.move(knot, tuple(centre), (90, 0, 0))]
    for side in (-1, 1):

        def along(*stations: tuple[float, float, float], side: int = side) -> Points:
            """From the knot through (distance in u, v, offset)."""
            points = [upper.at(np.array(0.5 + side * d), np.array(v), o)[0] for d, v, o in stations]
            return np.stack([centre, *points])

        loop = along(
            (0.205, 0.86, 0.012),
            (0.212, 0.66, 0.006),
            (0.190, 0.50, 0.005),
            (0.160, 0.58, 0.006),
            (0.165, 0.80, 0.012),
        )
        tail = along((0.135, 0.84, 0.012), (0.110, 0.64, 0.005), (0.118, 0.44, 0.0035))
        loop = meshes.smooth_curve(np.concatenate([loop, centre[None]]), 60)
        for name, path in (("Loop", loop), ("Tail", meshes.smooth_curve(tail, 30))):
            parts.append(meshes.sweep(name, path, section, lace, sharp_degrees=None))
    return parts
