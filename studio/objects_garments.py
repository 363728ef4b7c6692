"""Garments: flat patterns that Blender's cloth simulation lays down or hangs up.

A flat garment lies on z = 0, its neck or waist towards +y. A hanging one hangs in the xz plane,
its front towards -y, its shoulders or waist at z = 0.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import bpy
import numpy as np
from mathutils import Vector, noise
from mathutils.bvhtree import BVHTree
from mathutils.geometry import barycentric_transform, delaunay_2d_cdt
from PIL import Image, ImageDraw

from studio import artwork, materials, meshes
from studio.materials import srgb
from studio.meshes import Points

Line = Sequence[tuple[float, float]] | Points

# Of the cloth's triangles: larger is faster and less fine; training images are small.
coarseness = 1.0


# Right half (x >= 0) of a front's outline, from the middle of the top round to the hem.
TSHIRT_HALF = (
    (0.0, 0.585), (0.035, 0.592), (0.066, 0.617), (0.084, 0.662), (0.160, 0.640), (0.225, 0.612),
    (0.300, 0.535), (0.372, 0.452), (0.286, 0.385), (0.243, 0.430), (0.236, 0.340), (0.238, 0.180),
    (0.246, 0.0), (0.120, -0.006), (0.0, -0.008),
)  # fmt: skip
SWEATER_HALF = (
    (0.0, 0.598), (0.035, 0.604), (0.064, 0.626), (0.082, 0.662), (0.160, 0.642), (0.228, 0.612),
    (0.305, 0.470), (0.370, 0.290), (0.422, 0.105), (0.352, 0.082), (0.300, 0.240), (0.245, 0.405),
    (0.250, 0.300), (0.252, 0.120), (0.236, 0.0), (0.120, -0.002), (0.0, -0.003),
)  # fmt: skip
DRESS_HALF = (
    (0.0, 0.85), (0.04, 0.857), (0.075, 0.885), (0.095, 0.955), (0.135, 0.945), (0.170, 0.925),
    (0.158, 0.850), (0.205, 0.775), (0.180, 0.640), (0.172, 0.560), (0.230, 0.360), (0.300, 0.150),
    (0.345, 0.0), (0.180, -0.022), (0.0, -0.030),
)  # fmt: skip
TROUSERS_HALF = (
    (0.0, 0.985), (0.095, 0.990), (0.188, 1.0), (0.205, 0.930), (0.228, 0.800), (0.230, 0.640),
    (0.214, 0.420), (0.196, 0.200), (0.186, 0.0), (0.130, -0.004), (0.074, 0.0), (0.066, 0.200),
    (0.052, 0.420), (0.024, 0.640), (0.0, 0.705),
)  # fmt: skip
SHORTS_HALF = (
    (0.0, 0.475), (0.095, 0.480), (0.195, 0.490), (0.218, 0.420), (0.255, 0.250), (0.285, 0.02),
    (0.165, -0.012), (0.040, 0.0), (0.018, 0.14), (0.0, 0.185),
)  # fmt: skip
# Outline and cloth.
TOPS = {
    "tshirt": (TSHIRT_HALF, "jersey"),
    "sweater": (SWEATER_HALF, "knit"),
    "dress": (DRESS_HALF, "woven"),
}
_CLOTH = (
    "#e9e6de", "#22252b", "#2c3e5d", "#7d2f35", "#5f6f58", "#b98f4a", "#8f9aa3", "#c9b7a2",
    "#3f6f78", "#d6a39b",
)  # fmt: skip


class Cloth:
    """A simulated sheet and the way from its flat pattern to where it lies now."""

    def __init__(self, obj: bpy.types.Object, flat: Points, faces: list[list[int]]) -> None:
        self.obj, self.flat, self.faces = obj, flat, faces
        self.placed = np.array([vertex.co for vertex in obj.data.vertices])
        self._tree = BVHTree.FromPolygons([(x, y, 0) for x, y in flat], faces)

    def drape(self, points: Points, lift: float = 0.0) -> tuple[Points, Points]:
        """Points (N, 2) of the pattern as (N, 3) points on the cloth and their normals."""
        found, normals = [], []
        for x, y in np.asarray(points, float):
            at, _, index, _ = self._tree.find_nearest(Vector((x, y, 0)))
            corners = self.faces[index]
            here = [Vector((*self.flat[c], 0)) for c in corners]
            there = [Vector(self.placed[c]) for c in corners]
            normal = (there[1] - there[0]).cross(there[2] - there[0]).normalized()
            point = barycentric_transform(at, *here, *there)
            found.append(np.array(point + normal * lift))
            normals.append(np.array(normal))
        return np.array(found), np.array(normals)

    def strip(
        self,
        name: str,
        inner: Line,
        outer: Line,
        material: bpy.types.Material,
        lift: float = 0.0020,
        thick: float = 0.0016,
        count: int = 90,
        rows: int = 5,
    ) -> bpy.types.Object:
        """A band between two lines of the pattern, lying on the cloth."""
        a = meshes.even_spacing(inner, count)
        b = meshes.even_spacing(outer, count)
        rings = []
        for t in np.linspace(0, 1, rows):
            ring, _ = self.drape(a * (1 - t) + b * t, lift)
            # A sewn band is stiffer than the cloth: it bridges the small wrinkles.
            padded = np.concatenate([ring[:1]] * 3 + [ring] + [ring[-1:]] * 3)
            rings.append(np.mean([padded[k : k + len(ring)] for k in range(7)], axis=0))
        band = meshes.loft(name, rings, material, closed=False, sharp_degrees=None)
        meshes.solidify(band, thick, 0.0)
        bevel = band.modifiers.new("Bevel", "BEVEL")
        bevel.width, bevel.segments = thick * 0.45, 2
        return band

    def stitch(
        self, line: Line, thread: bpy.types.Material, lift: float = 0.0009, spacing: float = 0.006
    ) -> bpy.types.Object:
        line = np.asarray(line, float)
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        path, normals = self.drape(meshes.even_spacing(line, max(6, int(length / spacing))), lift)
        return meshes.stitches(
            "Stitch", path, normals, thread, pitch=0.0042, length=0.0031, radius=0.00045
        )

    def seam(
        self, line: Line, material: bpy.types.Material, radius: float = 0.0011
    ) -> bpy.types.Object:
        line = np.asarray(line, float)
        length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
        path, _ = self.drape(meshes.even_spacing(line, max(6, int(length / 0.008))), 0.0002)
        return meshes.tube("SeamLine", path, radius, material, sides=8)


def both_sides(half: Line) -> Points:
    """(N, 2) closed outline from a right half that starts and ends at x = 0."""
    half_points = np.asarray(half, float)
    mirrored = half_points[-2:0:-1] * (-1, 1)
    return np.concatenate([half_points, mirrored])


def round_off(half: Line, count: int = 120) -> Points:
    """The half outline with soft corners: a curve through points cut close to each corner."""
    points = np.asarray(half, float)
    cut: list[Points] = [points[0]]
    for before, here, after in zip(points, points[1:], points[2:], strict=False):
        for other in (before, after):
            step = other - here
            length = np.linalg.norm(step)
            cut.append(here + step / length * min(0.012, 0.3 * length))
    cut.append(points[-1])
    return meshes.even_spacing(np.array(cut), count)


def _sheet(half: Line, spacing: float, rng: random.Random) -> tuple[Points, list[list[int]]]:
    """Evenly triangulated pattern: (N, 2) points and triangles."""
    spacing *= coarseness
    outline = both_sides(round_off(half))
    length = np.linalg.norm(np.diff(np.concatenate([outline, outline[:1]]), axis=0), axis=1).sum()
    outline = meshes.even_spacing(outline, int(length / spacing), closed=True)
    low, high = outline.min(axis=0), outline.max(axis=0)
    inside = []
    for row, y in enumerate(np.arange(low[1], high[1], spacing * 0.87)):
        for x in np.arange(low[0] + spacing * 0.5 * (row % 2), high[0], spacing):
            inside.append(
                (x + rng.uniform(-0.15, 0.15) * spacing, y + rng.uniform(-0.15, 0.15) * spacing)
            )
    points = np.array(inside)
    points = points[_contains(outline, points)]
    distance = np.min(np.linalg.norm(points[:, None] - outline[None], axis=2), axis=1)
    points = points[distance > spacing * 0.55]
    everything = np.concatenate([outline, points])
    count = len(outline)
    edges = [(i, (i + 1) % count) for i in range(count)]
    vertices, _, faces, *_ = delaunay_2d_cdt(
        [Vector(p) for p in everything], edges, [list(range(count))], 1, 1e-6
    )
    flat = np.array([(v.x, v.y) for v in vertices])
    triangles = []
    for face in faces:
        a, b, c = flat[face]
        turn = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        triangles.append(list(face) if turn > 0 else list(face)[::-1])
    return flat, triangles


def _contains(outline: Points, points: Points) -> np.ndarray:
    """Which points lie inside the polygon (even-odd rule)."""
    x, y = points[:, 0], points[:, 1]
    result = np.zeros(len(points), dtype=bool)
    for (x0, y0), (x1, y1) in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        crosses = (y0 > y) != (y1 > y)
        with np.errstate(divide="ignore", invalid="ignore"):
            result ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return result


def _simulate(
    obj: bpy.types.Object,
    frames: int,
    *,
    stiffness: float,
    grow: float,
    pins: str = "",
    on_ground: bool = True,
) -> None:
    """Run the cloth simulation and keep its last frame as the mesh of `obj`."""
    scene = bpy.context.scene
    modifier = obj.modifiers.new("Cloth", "CLOTH")
    settings = modifier.settings
    settings.quality = 4
    settings.mass = 0.25
    settings.tension_stiffness = settings.compression_stiffness = 12
    settings.shear_stiffness = 6
    settings.bending_stiffness = stiffness
    settings.air_damping = 2.5
    settings.shrink_min = -grow
    if pins:
        settings.vertex_group_mass = pins
    floor = None
    if on_ground:
        floor = meshes.mesh_object(
            "Floor", [(-3, -3, 0), (3, -3, 0), (3, 3, 0), (-3, 3, 0)], [(0, 1, 2, 3)]
        )
        floor.modifiers.new("Collision", "COLLISION")
        floor.collision.thickness_outer = 0.001
        floor.collision.cloth_friction = 25
        modifier.collision_settings.distance_min = 0.0015
        modifier.collision_settings.collision_quality = 2
    else:
        modifier.collision_settings.use_collision = False
    modifier.point_cache.frame_end = frames
    for frame in range(1, frames + 1):
        scene.frame_set(frame)
    graph = bpy.context.evaluated_depsgraph_get()
    moved = np.array([v.co for v in obj.evaluated_get(graph).data.vertices])
    obj.modifiers.remove(modifier)
    obj.data.vertices.foreach_set("co", moved.ravel())
    obj.data.update()
    scene.frame_set(1)
    if floor is not None:
        bpy.data.objects.remove(floor)


def _lay(
    rng: random.Random,
    half: Line,
    material: bpy.types.Material,
    *,
    wrinkle: float,
    spacing: float = 0.0105,
    frames: int = 30,
) -> tuple[Cloth, bpy.types.Object]:
    """Front of a garment dropped on the ground, and the flat back under it."""
    flat, faces = _sheet(half, spacing, rng)
    shift = Vector((rng.uniform(0, 99), rng.uniform(0, 99), 0))
    angle = rng.uniform(0, math.pi)
    rim = flat[sorted(_boundary(faces))]
    inward = np.min(np.linalg.norm(flat[:, None] - rim[None], axis=2), axis=1)
    height = []
    for (x, y), edge in zip(flat, inward, strict=True):
        # Folds run mostly one way, as when a hand has smoothed the cloth; rims lie flat.
        along = x * math.cos(angle) + y * math.sin(angle)
        across = -x * math.sin(angle) + y * math.cos(angle)
        wide = noise.noise(Vector((along * 2.6, across * 9.0, 0)) + shift)
        fine = noise.noise(Vector((x * 15, y * 15, 3)) + shift)
        rise = max(0.0, 0.35 + wide + 0.4 * fine) * min(1.0, 0.25 + edge / 0.06)
        height.append(0.006 + wrinkle * rise)
    low, high = flat.min(axis=0), flat.max(axis=0)

    def uvs(_: Points) -> Points:
        return (flat - low) / (high - low)

    start = np.column_stack([flat, height])
    obj = meshes.mesh_object("Front", start, faces, material, sharp_degrees=None, uvs=uvs)
    _simulate(obj, frames, stiffness=rng.uniform(0.1, 0.3), grow=rng.uniform(0.010, 0.018))
    shade_cloth(obj)
    cloth = Cloth(obj, flat, faces)
    back = meshes.mesh_object(
        "Back",
        np.column_stack([flat * 0.995, np.full(len(flat), 0.0009)]),
        faces,
        material,
        sharp_degrees=None,
        uvs=uvs,
    )
    return cloth, back


def shade_cloth(obj: bpy.types.Object) -> None:
    meshes.solidify(obj, 0.0012, 1.0)
    meshes.subdivide(obj, 1)


def _mirror(line: Line) -> list[tuple[float, float]]:
    return [(-x, y) for x, y in line]


def _cloth_material(
    rng: random.Random, kind: str, size: tuple[float, float]
) -> tuple[bpy.types.Material, tuple[float, float, float]]:
    """Plain, striped or printed fabric for a front of `size` (width, height in metres)."""
    color_code = rng.choice(_CLOTH)
    color = srgb(color_code)
    knit = kind == "knit"
    pattern = (
        rng.choice(("plain", "plain", "stripes", "print"))
        if kind == "jersey"
        else rng.choice(("plain", "stripes"))
        if knit
        else "flowers"
    )
    image = None
    if pattern != "plain":
        page = Image.new(
            "RGB", (round(size[0] * 1400), round(size[1] * 1400)), artwork.rgb(color_code)
        )
        other = artwork.rgb(rng.choice(("#f2efe8", "#1f2228", "#c4572f", "#31507c")))
        if pattern == "stripes":
            _draw_stripes(rng, page, other)
        elif pattern == "print":
            _draw_badge(rng, page)
        else:
            _draw_flowers(rng, page)
        image = materials.as_blender_image("Print", page)
    material = materials.fabric(
        "Cloth",
        color,
        thread=0.0024 if knit else 0.0011,
        bump=0.22 if knit else 0.5,
        fade=0.12,
        kind="knit" if knit else "plain",
        image=image,
    )
    return material, color


def _draw_stripes(rng: random.Random, page: Image.Image, color: artwork.Color) -> None:
    draw = ImageDraw.Draw(page)
    step = rng.choice((26, 40, 64))
    for y in range(0, page.height, step):
        draw.rectangle((0, y, page.width, y + step * rng.choice((0.3, 0.3, 0.45))), fill=color)


def _draw_badge(rng: random.Random, page: Image.Image) -> None:
    """A print on the chest, drawn as a book's cover is."""
    design = artwork.BookDesign(rng)
    side = round(page.width * 0.26)
    badge = design.cover(0.8, round(side / 0.8))
    page.paste(badge, ((page.width - badge.width) // 2, round(page.height * 0.27)))


def _draw_flowers(rng: random.Random, page: Image.Image) -> None:
    draw = ImageDraw.Draw(page)

    def disc(x: float, y: float, r: float, color: artwork.Color) -> None:
        draw.ellipse((x - r, y - r, x + r, y + r), fill=color)

    for _ in range(520):
        x, y, r = rng.uniform(0, page.width), rng.uniform(0, page.height), rng.uniform(5, 13)
        petal = artwork.rgb(rng.choice(("#f4efe6", "#d9785f", "#e0b24f", "#8fb0a0")))
        for k in range(5):
            a = k * 2 * math.pi / 5
            disc(x + r * math.cos(a), y + r * math.sin(a), r * 0.7, petal)
        disc(x, y, r * 0.5, (240, 205, 90))


def _top_material(
    rng: random.Random, kind: str
) -> tuple[bpy.types.Material, tuple[float, float, float]]:
    half, cloth = TOPS[kind]
    points = np.asarray(half)
    size = (2 * float(points[:, 0].max()), float(np.ptp(points[:, 1])))
    return _cloth_material(rng, cloth, size)


def top(rng: random.Random, kind: str | None = None) -> bpy.types.Object:
    """A T-shirt, sweater or dress laid flat."""
    kind = kind or rng.choice(("tshirt", "tshirt", "sweater", "dress"))
    half, _ = TOPS[kind]
    points = np.asarray(half)
    material, color = _top_material(rng, kind)
    rib = materials.fabric("Rib", materials.shade_of(color, 0.88), thread=0.0013, bump=0.6)
    thread = materials.plain("Thread", materials.shade_of(color, 0.7), 0.8)
    cloth, back = _lay(rng, half, material, wrinkle=rng.uniform(0.018, 0.032))
    parts = [cloth.obj, back, _neck_rib(cloth, points, rib, 0.021, 80)]
    parts += _back_of_neck(points, rib, color)
    hem = float(points[-1, 1])
    if kind == "tshirt":
        parts += _tshirt_seams(cloth, hem, material, thread)
    elif kind == "sweater":
        seam = meshes.smooth_curve([(0.228, 0.612), (0.205, 0.53), (0.245, 0.405)], 24)
        parts += [cloth.seam(side, material, 0.002) for side in (seam, _mirror(seam))]
        parts += _sweater_ribs(cloth, rib, inset=0.0, lift=0.0032)
    else:
        belt = [(-0.172, 0.575), (0, 0.570), (0.172, 0.575)]
        low = [(x * 1.01, y - 0.03) for x, y in belt]
        upper, lower = (meshes.smooth_curve(line, 40) for line in (belt, low))
        parts.append(cloth.strip("Belt", upper, lower, rib, 0.002, 0.002))
        line = [(-0.335, hem + 0.055), (0, hem + 0.02), (0.335, hem + 0.055)]
        parts.append(cloth.stitch(line, thread))
    return meshes.group("Top", parts)


def _neck_rib(
    cloth: Cloth, points: Points, rib: bpy.types.Material, width: float, count: int
) -> bpy.types.Object:
    """A band of `width` around the neck of a pattern's right half, `points`."""
    neck = np.concatenate([points[:4][::-1] * (-1, 1), points[1:4]])
    centre = np.array([0.0, points[3, 1] + 0.015])
    away = (neck - centre) / np.linalg.norm(neck - centre, axis=1, keepdims=True)
    inner, outer = (meshes.smooth_curve(line, count) for line in (neck, neck + away * width))
    return cloth.strip("NeckRib", inner, outer, rib)


def _back_of_neck(
    points: Points, rib: bpy.types.Material, color: tuple[float, float, float]
) -> list[bpy.types.Object]:
    """What closes the neck: a band behind, the inside of the back below it, and the label."""
    neck = points[:4]
    x, y = points[3]
    behind = meshes.smooth_curve(
        [(-x, y), (-0.04, y - 0.014), (0, y - 0.018), (0.04, y - 0.014), (x, y)], 60
    )
    rings = [
        np.column_stack([behind[:, 0], behind[:, 1] - d, np.full(60, 0.003)]) for d in (0.0, 0.02)
    ]
    band = meshes.loft("BackRib", rings, rib, closed=False, sharp_degrees=None)
    meshes.solidify(band, 0.0015, 1)
    front = meshes.smooth_curve(np.concatenate([neck[::-1], (neck * (-1, 1))[1:]]), 60)
    fill = np.concatenate([behind, front])
    inside = meshes.mesh_object(
        "Inside",
        np.column_stack([fill, np.full(len(fill), 0.0022)]),
        [range(len(fill))[::-1]],
        materials.fabric("Inner", materials.shade_of(color, 0.8)),
    )
    label = meshes.slab(
        "Label",
        0.034,
        0.022,
        0.0008,
        materials.fabric("Label", srgb("#f0eee8"), thread=0.0008),
        corner=0.001,
        fillet=0.0003,
        centre=(0, y - 0.034, 0.0035),
    )
    return [band, inside, label]


def _tshirt_seams(
    cloth: Cloth, hem: float, material: bpy.types.Material, thread: bpy.types.Material
) -> list[bpy.types.Object]:
    """The sleeves' seams, the stitches at their ends, and two rows above the hem."""
    seam = meshes.smooth_curve([(0.225, 0.612), (0.212, 0.52), (0.243, 0.430)], 20)
    parts = [cloth.seam(side, material, 0.0012) for side in (seam, _mirror(seam))]
    end = [(0.358, 0.468), (0.274, 0.402)]
    parts += [cloth.stitch(side, thread) for side in (end, _mirror(end))]
    for lift in (0.0, 0.004):
        line = [(x, hem + y + lift) for x, y in ((-0.240, 0.030), (0, 0.023), (0.240, 0.030))]
        parts.append(cloth.stitch(line, thread))
    return parts


def _sweater_ribs(
    cloth: Cloth, rib: bpy.types.Material, *, inset: float, lift: float
) -> list[bpy.types.Object]:
    """Ribs at hem and cuffs, their rims `inset` inside the pattern's."""
    low, high = 0.238 - inset, 0.250 - inset
    hem = cloth.strip(
        "HemRib",
        [(-low, 0.002 + inset), (0, inset - 0.001), (low, 0.002 + inset)],
        [(-high, 0.062), (0, 0.06), (high, 0.062)],
        rib,
        lift,
        0.003,
    )
    cuffs = [
        cloth.strip(
            "Cuff",
            [(sign * 0.420, 0.107 + inset), (sign * 0.354, 0.085 + inset)],
            [(sign * 0.403, 0.165), (sign * 0.334, 0.140)],
            rib,
            lift,
            0.003,
            30,
        )
        for sign in (1, -1)
    ]
    return [hem, *cuffs]


def trousers(rng: random.Random, kind: str | None = None) -> bpy.types.Object:
    """Jeans, chinos or shorts laid flat."""
    kind = kind or rng.choice(("jeans", "jeans", "chinos", "shorts"))
    half = SHORTS_HALF if kind == "shorts" else TROUSERS_HALF
    denim = kind == "jeans" or (kind == "shorts" and rng.random() < 0.5)
    code = (
        rng.choice(("#2f466b", "#27364f", "#5b7aa3", "#20242c", "#7d97b5"))
        if denim
        else rng.choice(("#b59a72", "#3d4436", "#2a2d34", "#8c8478", "#5a3f30", "#c9bfae"))
    )
    color = srgb(code)
    material = (
        _denim(color, rng.randint(0, 99))
        if denim
        else materials.fabric("Twill", color, thread=0.0013, kind="plain", fade=0.12)
    )
    thread = materials.plain(
        "Thread", srgb("#c98a3a") if denim else materials.shade_of(color, 1.35), 0.7
    )
    brass = materials.plain("Brass", srgb("#b98a4a"), 0.3, 1.0)
    cloth, back = _lay(rng, half, material, wrinkle=rng.uniform(0.018, 0.030), spacing=0.0115)
    parts = [
        cloth.obj,
        back,
        *_waistband(cloth, half, material, thread),
        *_fly(cloth, half, material, thread),
    ]
    for side in (1, -1):
        parts += _pocket(cloth, half, side, material, thread)
        parts += [
            _belt_loop(cloth, half, side * x, material)
            for x in ((0.115, 0.02) if side > 0 else (0.115,))
        ]
        parts += _leg_stitches(cloth, half, side, thread, long=kind != "shorts")
    spot, _ = cloth.drape(np.array([(0.012, float(half[0][1]) - 0.02)]), 0.0045)
    button = meshes.lathe(
        "Button",
        [(0.0085, 0), (0.0088, 0.0012), (0.007, 0.0022), (0.0055, 0.0016), (0, 0.0016)],
        brass,
        32,
    )
    return meshes.group("Trousers", [*parts, meshes.move(button, spot[0])])


def _waistband(
    cloth: Cloth, half: Line, material: bpy.types.Material, thread: bpy.types.Material
) -> list[bpy.types.Object]:
    """A band along the waist with stitches at its rims."""
    waist = [(x, y) for x, y in half[:3]]
    line = meshes.smooth_curve([*_mirror(waist)[::-1], *waist[1:]], 60)
    lower = line - (0, 0.042)
    lower[:, 0] *= 1.03
    return [
        cloth.strip("Waistband", line - (0, 0.002), lower, material, 0.0022, 0.0028),
        *(
            cloth.stitch(rim * (0.98, 1), thread, 0.0042)
            for rim in (line - (0, 0.006), lower + np.array([0, 0.004]))
        ),
    ]


def _fly(
    cloth: Cloth, half: Line, material: bpy.types.Material, thread: bpy.types.Material
) -> list[bpy.types.Object]:
    """The seam in the middle of the front, and the double stitches beside it."""
    upper, rise = float(half[0][1]), float(half[-1][1])
    parts = [
        cloth.seam([(0, upper - 0.042), (0, rise + 0.01)], material, 0.0016),
        cloth.stitch([(0.004, upper - 0.044), (0.004, rise + 0.01)], thread),
    ]
    stations = ((0.040, 0.044), (0.040, 0.13), (0.034, 0.165), (0.006, 0.19))
    line = meshes.smooth_curve([(x, upper - down) for x, down in stations], 40)
    return [*parts, cloth.stitch(line, thread), cloth.stitch(line - (0.006, -0.002), thread)]


def _pocket(
    cloth: Cloth, half: Line, side: int, material: bpy.types.Material, thread: bpy.types.Material
) -> list[bpy.types.Object]:
    """The mouth of a slanted pocket with two rows of stitches."""
    upper = float(half[0][1])
    stations = ((0.082, 0.042), (0.098, 0.085), (0.135, 0.115), (0.205, 0.125))
    mouth = meshes.smooth_curve([(side * x, upper - down) for x, down in stations], 40)
    rows = [cloth.seam(mouth, material, 0.0016)]
    return rows + [cloth.stitch(mouth - (0, down), thread) for down in (0.007, 0.013)]


def _belt_loop(
    cloth: Cloth, half: Line, x: float, material: bpy.types.Material
) -> bpy.types.Object:
    upper = float(half[0][1])
    path, _ = cloth.drape(np.array([(x, upper - down) for down in (0.001, 0.025, 0.052)]), 0.0056)
    return meshes.sweep(
        "BeltLoop",
        meshes.smooth_curve(path, 12),
        meshes.rounded_rectangle(0.011, 0.0022, 0.0008, 3),
        material,
        up=(0, 0, 1),
    )


def _leg_stitches(
    cloth: Cloth, half: Line, side: int, thread: bpy.types.Material, *, long: bool
) -> list[bpy.types.Object]:
    """Two rows above a leg's hem; a long leg has its inner seam stitched too."""
    hem = float(min(y for _, y in half))
    ends = [p for p in half if p[1] < hem + 0.03]
    first, last = max(ends), min(ends)
    parts = []
    for lift in (0.016, 0.020):
        line = [
            (side * (first[0] - 0.004), first[1] + lift),
            (side * (last[0] + 0.004), last[1] + lift),
        ]
        parts.append(cloth.stitch(line, thread))
    if long:
        stations = ((0.010, 0.69), (0.032, 0.62), (0.060, 0.42), (0.074, 0.2), (0.082, 0.02))
        inner = meshes.smooth_curve([(side * x, y) for x, y in stations], 60)
        parts.append(cloth.stitch(inner, thread))
    return parts


def _denim(color: Sequence[float], seed: int) -> bpy.types.Material:
    """Blue twill, washed out on the thighs and knees."""
    graph = materials.Graph("Denim")
    vector = graph.coordinates(shift=(seed * 0.7, seed * 0.2, 0))
    turned = graph.node("VectorRotate", {"Vector": vector, "Angle": 0.95}).outputs[0]
    twill = graph.node(
        "TexWave",
        {"Vector": turned, "Scale": 420.0, "Distortion": 1.2, "Detail": 1.0},
        bands_direction="X",
    ).outputs[1]
    slub = graph.noise(graph.coordinates((1400, 90, 1)), 1, 3)
    stretch = graph.noise(graph.coordinates((6.0, 2.2, 1.0), shift=(seed, 0, 0)), 1.0, 3)
    crease = graph.noise(graph.coordinates((9, 40, 1), shift=(seed, 3, 0)), 1.0, 3)
    where = graph.node("SeparateXYZ", {0: graph.node("TexCoord").outputs["UV"]})
    middle = graph.math(
        "SUBTRACT",
        0.5,
        graph.math(
            "ABSOLUTE", graph.math("SUBTRACT", graph.math("PINGPONG", where.outputs[0], 0.5), 0.25)
        ),
    )
    wash = graph.node(
        "MapRange", {0: graph.math("MULTIPLY", stretch, middle), 1: 0.16, 2: 0.34, 3: 0.0, 4: 0.75}
    ).outputs[0]
    tone = graph.mix(wash, tuple(color), materials.shade_of([c * 0.6 + 0.14 for c in color], 1.5))
    tone = graph.mix(graph.math("MULTIPLY", slub, 0.35), tone, (0.5, 0.55, 0.62))
    tone = graph.mix(graph.math("MULTIPLY", crease, 0.25), tone, materials.shade_of(color, 0.5))
    tone = graph.mix(graph.math("MULTIPLY", twill, 0.30), tone, materials.shade_of(color, 0.45))
    return graph.finish(
        Base_Color=tone,
        Roughness=0.9,
        Specular_IOR_Level=0.2,
        Sheen_Weight=0.1,
        Normal=graph.bump(twill, 0.5, 0.0006),
    )


def hanging_top(rng: random.Random, kind: str = "tshirt") -> bpy.types.Object:
    """A shirt, sweater or dress on a wooden hanger; the hook's top is at z = 0.12."""
    half, _ = TOPS[kind]
    points = np.asarray(half)
    material, color = _top_material(rng, kind)
    flat, faces = _sheet(half, 0.012, rng)
    obj = _hung_cloth(kind, flat, faces, rng.uniform(0, 99), material)
    cloth = Cloth(obj, flat, faces)
    rib = materials.fabric("Rib", materials.shade_of(color, 0.88), thread=0.0013, bump=0.6)
    parts = [obj, _neck_rib(cloth, points, rib, 0.02, 60)]
    if kind == "sweater":
        parts += _sweater_ribs(cloth, rib, inset=0.002, lift=0.0018)
    elif kind == "tshirt":
        thread = materials.plain("Thread", materials.shade_of(color, 0.7), 0.8)
        hem = float(points[-1, 1])
        line = [(-0.238, hem + 0.030), (0, hem + 0.023), (0.238, hem + 0.030)]
        parts.append(cloth.stitch(line, thread, 0.0016))
    return meshes.group("Hung", [*parts, *_hanger(points)])


def _hung_cloth(
    kind: str, flat: Points, faces: list[list[int]], shift: float, material: bpy.types.Material
) -> bpy.types.Object:
    """Front and back sewn together and let down from the shoulders, in the xz plane facing -y.

    Args:
        flat, faces: the front's pattern, triangulated; its vertices are the first of the object's.
        shift: which part of the noise makes the front uneven.
    """
    points = np.asarray(TOPS[kind][0])
    vertices, behind = _front_and_back(kind, flat, _boundary(faces), shift)
    low, high = flat.min(axis=0), flat.max(axis=0)
    uv = np.zeros((len(vertices), 2))
    uv[: len(flat)] = (flat - low) / (high - low)
    for front, back in behind.items():
        uv[back] = uv[front]
    obj = meshes.mesh_object(
        "Hanging",
        vertices,
        [list(f) for f in faces] + [[behind[i] for i in f][::-1] for f in faces],
        material,
        sharp_degrees=None,
        uvs=lambda _: uv,
    )
    pins = obj.vertex_groups.new(name="Pins")
    held = [
        index
        for index, (x, y) in enumerate(uv * (high - low) + low)
        if y > _shoulder_line(points, abs(x)) - 0.022 and abs(x) < points[5, 0] * 0.93
    ]
    pins.add(held, 1.0, "REPLACE")
    _simulate(obj, 36, stiffness=0.08, grow=0.008, pins="Pins", on_ground=False)
    shade_cloth(obj)
    return obj


def _front_and_back(
    kind: str, flat: Points, rim: set[int], shift: float
) -> tuple[Points, dict[int, int]]:
    """(N, 3) vertices, the front's first, and for each of the front's the one behind it.

    On the rim that is the same one, except at neck, hem and cuffs, where front and back part.
    """
    points = np.asarray(TOPS[kind][0])
    shoulder, neck_low = points[3, 1], points[0, 1]
    body = float(points[9, 0]) if kind != "dress" else 0.17
    squeeze = 0.90 if kind != "dress" else 0.86

    def placed(x: float, y: float, bulge: float, lift: float = 0.0) -> tuple[float, float, float]:
        """Below the shoulders the cloth is narrower than the pattern and stands off further."""
        drop = min(1.0, max(0.0, (shoulder - y) / 0.15))
        return (
            x * (1 - (1 - squeeze) * drop),
            bulge * (0.3 + 0.7 * drop),
            y - shoulder + lift * 0.9,
        )

    def roundness(x: float) -> float:
        return math.sqrt(max(0.0, 1 - min(1.0, abs(x) / (body * 1.15)) ** 2))

    vertices: list[tuple[float, float, float]] = []
    for x, y in flat:
        bulge = 0.035 * roundness(x) + 0.006
        bulge += 0.012 * noise.noise(Vector((x * 14, y * 3, shift)))
        vertices.append(placed(x, y, -bulge))
    behind: dict[int, int] = {}
    for index, (x, y) in enumerate(flat):
        if index in rim and not _is_open(kind, x, y):
            behind[index] = index
            px, _, pz = vertices[index]
            vertices[index] = (px, 0.0, pz)
            continue
        behind[index] = len(vertices)
        # The back's neckline is higher than the front's.
        lift = (
            0.045
            * max(0.0, 1 - abs(x) / points[3, 0])
            * (1.0 if y > neck_low - 0.06 else 0.0)
            * min(1.0, max(0.0, (y - neck_low + 0.06) / 0.06))
        )
        vertices.append(placed(x, y, 0.03 * roundness(x) + 0.006, lift))
    return np.array(vertices), behind


def _is_open(kind: str, x: float, y: float) -> bool:
    """Whether front and back part at (x, y) of the pattern's rim: at neck, hem and cuffs."""
    points = np.asarray(TOPS[kind][0])
    at_neck = abs(x) < points[3, 0] - 0.004 and y > points[0, 1] - 0.01
    at_hem = y < points[-1, 1] + 0.035 and abs(x) < points[:, 0].max()
    if kind == "sweater":
        return at_neck or (abs(x) < 0.245 and y < 0.02) or (abs(x) > 0.34 and y < 0.125)
    if kind == "tshirt":
        return at_neck or at_hem or (abs(x) > 0.28 and y < 0.47)
    return at_neck or at_hem


def _hanger(points: Points) -> list[bpy.types.Object]:
    """A wooden bow under the shoulders of a pattern's right half, `points`, and its steel hook."""
    timber = materials.wood("Hanger", srgb("#c79a63"), srgb("#8f6236"), gloss=0.35)
    steel = materials.plain("Hook", (0.7, 0.7, 0.72), 0.15, 1.0)
    arm, end = points[5, 0] * 0.93, points[5, 1] - points[3, 1] - 0.012
    stations = ((-arm, end), (-arm * 0.5, -0.012), (0, 0.022), (arm * 0.5, -0.012), (arm, end))
    bow = meshes.sweep(
        "Hanger",
        meshes.smooth_curve([(x, 0, z) for x, z in stations], 50),
        meshes.ellipse(0.007, 0.011, 16, 2.6),
        timber,
        up=(0, 0, 1),
        sharp_degrees=None,
    )
    hook = [(0, 0, 0.025), (0, 0, 0.062)] + [
        (0.019 * math.sin(a), 0, 0.082 - 0.019 * math.cos(a))
        for a in np.linspace(0.0, 1.45 * math.pi, 20)
    ]
    return [bow, meshes.tube("Hook", hook, 0.0018, steel)]


def _shoulder_line(points: Points, x: float) -> float:
    """Height of the shoulder above |x|."""
    return float(np.interp(x, points[3:6, 0], points[3:6, 1]))


def _boundary(faces: list[list[int]]) -> set[int]:
    """Vertices on the rim of a triangulated sheet."""
    seen: dict[tuple[int, int], int] = {}
    for face in faces:
        for a, b in zip(face, face[1:] + face[:1], strict=True):
            key = (min(a, b), max(a, b))
            seen[key] = seen.get(key, 0) + 1
    return {v for edge, times in seen.items() if times == 1 for v in edge}
