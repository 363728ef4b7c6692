"""Mesh building blocks: outlines, slabs, lathed and swept bodies.

Lengths are metres. Objects stand on z = 0 with their front towards -y.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import bmesh
import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


def mesh_object(
    name: str,
    vertices: ArrayLike,
    faces: Sequence[Sequence[int]],
    material: bpy.types.Material | None = None,
    *,
    sharp_degrees: float | None = 40.0,
    uvs: Callable[[Points], Points] | None = None,
) -> bpy.types.Object:
    """New object in the scene, smooth except at edges sharper than `sharp_degrees`.

    Args:
        vertices: (N, 3).
        faces: vertex indices, counter-clockwise seen from outside.
        uvs: from (N, 3) vertices to (N, 2) texture coordinates; None = no texture coordinates.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices.tolist(), [], [list(map(int, face)) for face in faces])
    mesh.validate()
    if uvs is not None:
        set_uvs(mesh, uvs(vertices))
    shade(mesh, sharp_degrees)
    return link(name, mesh, material)


def set_uvs(mesh: bpy.types.Mesh, per_vertex: Points) -> None:
    """Give each corner the (u, v) of its vertex."""
    layer = mesh.uv_layers.new(name="UVMap")
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    layer.data.foreach_set("uv", np.asarray(per_vertex, np.float32)[corners].ravel())


def shade(mesh: bpy.types.Mesh, sharp_degrees: float | None) -> None:
    mesh.shade_smooth()
    if sharp_degrees is not None:
        mesh.set_sharp_from_angle(angle=math.radians(sharp_degrees))


def link(name: str, mesh: bpy.types.Mesh, material: bpy.types.Material | None) -> bpy.types.Object:
    if material is not None:
        mesh.materials.append(material)
    obj = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(obj)
    return obj


def from_bmesh(
    name: str,
    bm: bmesh.types.BMesh,
    material: bpy.types.Material | None,
    sharp_degrees: float | None = 40.0,
) -> bpy.types.Object:
    mesh = bpy.data.meshes.new(name)
    bm.to_mesh(mesh)
    bm.free()
    shade(mesh, sharp_degrees)
    return link(name, mesh, material)


def group(name: str, parts: Iterable[bpy.types.Object]) -> bpy.types.Object:
    """An empty that carries `parts`; move it and they follow."""
    root = bpy.data.objects.new(name, None)
    bpy.context.scene.collection.objects.link(root)
    for part in parts:
        part.parent = root
    return root


def move(
    obj: bpy.types.Object,
    location: Sequence[float] = (0, 0, 0),
    degrees: Sequence[float] = (0, 0, 0),
    scale: float | Sequence[float] = 1.0,
) -> bpy.types.Object:
    """`obj` itself, placed."""
    obj.location = location
    obj.rotation_euler = [math.radians(angle) for angle in degrees]
    obj.scale = (scale,) * 3 if isinstance(scale, (int, float)) else scale
    return obj


def subdivide(obj: bpy.types.Object, levels: int = 2) -> bpy.types.Object:
    modifier = obj.modifiers.new("Subdivision", "SUBSURF")
    modifier.levels = modifier.render_levels = levels
    return obj


def solidify(obj: bpy.types.Object, thickness: float, offset: float = -1.0) -> bpy.types.Object:
    """Thicken a surface; offset -1 grows inwards, 1 outwards."""
    modifier = obj.modifiers.new("Solidify", "SOLIDIFY")
    modifier.thickness = thickness
    modifier.offset = offset
    return obj


def displace(
    obj: bpy.types.Object, strength: float, size: float, depth: int = 2
) -> bpy.types.Object:
    """Uneven surface from Blender's cloud noise of feature size `size`."""
    texture = bpy.data.textures.new("Clouds", "CLOUDS")
    texture.noise_scale = size
    texture.noise_depth = depth
    modifier = obj.modifiers.new("Displace", "DISPLACE")
    modifier.texture = texture
    modifier.strength = strength
    modifier.texture_coords = "GLOBAL"
    return obj


# Outlines -----------------------------------------------------------------------------------


def rounded_rectangle(width: float, height: float, radius: float, per_corner: int = 8) -> Points:
    """(N, 2) counter-clockwise outline around the origin, N = 4 (per_corner + 1)."""
    radius = min(radius, width / 2, height / 2)
    corners = []
    for quarter, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        angles = np.linspace(0, math.pi / 2, per_corner + 1) + quarter * math.pi / 2
        centre = np.array([sx * (width / 2 - radius), sy * (height / 2 - radius)])
        corners.append(centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    return np.concatenate(corners)


def ellipse(rx: float, ry: float, count: int = 48, power: float = 2.0) -> Points:
    """(count, 2) outline; power > 2 gives a squircle."""
    angles = np.linspace(0, 2 * math.pi, count, endpoint=False)
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack(
        [
            rx * np.sign(cos) * np.abs(cos) ** (2 / power),
            ry * np.sign(sin) * np.abs(sin) ** (2 / power),
        ],
        axis=1,
    )


def smooth_curve(points: ArrayLike, count: int, *, closed: bool = False) -> Points:
    """(count, D) points on the Catmull-Rom curve through `points`, evenly spaced in parameter."""
    points = np.asarray(points, dtype=np.float64)
    size = len(points)
    spans = size if closed else size - 1
    at = np.linspace(0, spans, count, endpoint=not closed)
    index = np.minimum(at.astype(int), spans - 1)
    t = (at - index)[:, None]

    def pick(shift: int) -> Points:
        if closed:
            return points[(index + shift) % size]
        return points[np.clip(index + shift, 0, size - 1)]

    p0, p1, p2, p3 = pick(-1), pick(0), pick(1), pick(2)
    return 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )


def even_spacing(points: ArrayLike, count: int, *, closed: bool = False) -> Points:
    """(count, D) points at equal steps of length along the polyline `points`."""
    points = np.asarray(points, dtype=np.float64)
    if closed:
        points = np.concatenate([points, points[:1]])
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, length[-1], count, endpoint=not closed)
    return np.stack([np.interp(at, length, column) for column in points.T], axis=1)


# Bodies -------------------------------------------------------------------------------------


def loft(
    name: str,
    rings: Sequence[ArrayLike],
    material: bpy.types.Material | None,
    *,
    closed: bool = True,
    caps: tuple[bool, bool] = (True, True),
    sharp_degrees: float | None = 40.0,
    with_uvs: bool = False,
) -> bpy.types.Object:
    """Surface through `rings`, each (N, 3) with the same N; u runs around, v from first to last."""
    grid = np.stack([np.asarray(ring, dtype=np.float64) for ring in rings])
    rows, columns, _ = grid.shape
    faces: list[list[int]] = []
    for row in range(rows - 1):
        base = row * columns
        for column in range(columns if closed else columns - 1):
            right = (column + 1) % columns
            faces.append(
                [base + column, base + right, base + columns + right, base + columns + column]
            )
    if closed and caps[0]:
        faces.append(list(range(columns - 1, -1, -1)))
    if closed and caps[1]:
        faces.append(list(range((rows - 1) * columns, rows * columns)))
    uvs = None
    if with_uvs:
        v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
        flat = np.stack([u.ravel(), v.ravel()], axis=1)

        def uvs(_: Points) -> Points:
            return flat

    return mesh_object(
        name, grid.reshape(-1, 3), faces, material, sharp_degrees=sharp_degrees, uvs=uvs
    )


def slab(
    name: str,
    width: float,
    depth: float,
    height: float,
    material: bpy.types.Material | None,
    *,
    corner: float = 0.002,
    fillet: float = 0.001,
    steps: int = 4,
    centre: Sequence[float] = (0, 0, 0),
) -> bpy.types.Object:
    """Box on z = 0 with round vertical corners and filleted top and bottom edges."""
    fillet = min(fillet, height / 2 - 1e-6)
    angles = np.linspace(0, math.pi / 2, steps + 1)
    bottom = [(fillet * (1 - math.sin(a)), fillet * (1 - math.cos(a))) for a in angles]
    profile = bottom + [(inset, height - z) for inset, z in reversed(bottom)]
    rings = []
    for inset, z in profile:
        outline = rounded_rectangle(
            width - 2 * inset, depth - 2 * inset, max(corner - inset, 1e-5), 7
        )
        rings.append(np.column_stack([outline, np.full(len(outline), z)]) + np.asarray(centre))
    return loft(name, rings, material, sharp_degrees=35)


def prism(
    name: str,
    outline: ArrayLike,
    bottom: float,
    top: float,
    material: bpy.types.Material | None,
    *,
    fillet: float = 0.0,
    steps: int = 3,
) -> bpy.types.Object:
    """Convex `outline` (N, 2) extruded from z = bottom to top, its rims rounded by `fillet`."""
    outline = np.asarray(outline, dtype=np.float64)
    centre = outline.mean(axis=0)
    reach = np.linalg.norm(outline - centre, axis=1, keepdims=True)
    direction = (outline - centre) / reach
    angles = np.linspace(0, math.pi / 2, steps + 1) if fillet else [math.pi / 2]
    low = [(fillet * (1 - math.sin(a)), fillet * (1 - math.cos(a))) for a in angles]
    profile = [(i, bottom + z) for i, z in low] + [(i, top - z) for i, z in reversed(low)]
    rings = [
        np.column_stack([outline - direction * inset, np.full(len(outline), z)])
        for inset, z in profile
    ]
    return loft(name, rings, material, sharp_degrees=35)


def lathe(
    name: str,
    profile: ArrayLike,
    material: bpy.types.Material | None,
    segments: int = 64,
    sharp_degrees: float = 30.0,
) -> bpy.types.Object:
    """Body of revolution around z from (radius, z) pairs, outside up; open where radius > 0."""
    angles = np.linspace(0, 2 * math.pi, segments, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = [
        np.column_stack([max(radius, 1e-5) * circle, np.full(segments, z)])
        for radius, z in np.asarray(profile, dtype=np.float64)
    ]
    return loft(name, rings, material, caps=(False, False), sharp_degrees=sharp_degrees)


def sweep(
    name: str,
    path: ArrayLike,
    section: ArrayLike,
    material: bpy.types.Material | None,
    *,
    closed: bool = False,
    up: Sequence[float] = (0, 0, 1),
    scale: Sequence[float] | NDArray[np.float64] | None = None,
    sharp_degrees: float | None = 40.0,
) -> bpy.types.Object:
    """`section` (M, 2) carried along `path` (N, 3); its second axis keeps close to `up`.

    Args:
        scale: (N,) factor of the section at each point of the path.
    """
    path = np.asarray(path, dtype=np.float64)
    section = np.asarray(section, dtype=np.float64)
    if closed:
        tangents = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        tangents = np.gradient(path, axis=0)
    rings = []
    reference = Vector(up)
    previous: Vector | None = None
    for index, (point, tangent) in enumerate(zip(path, tangents, strict=True)):
        forward = Vector(tangent).normalized()
        side = forward.cross(reference)
        if previous is not None and (side.length < 0.2 or side.dot(previous) < 0):
            # Near `up` the cross product turns at random: carry the last frame on instead.
            side = previous - forward * forward.dot(previous)
        if side.length < 1e-4:
            side = forward.cross(Vector((0.577, 0.577, 0.577)))
        side.normalize()
        previous = side
        normal = side.cross(forward)
        factor = 1.0 if scale is None else scale[index]
        rings.append(
            point
            + factor * section[:, :1] * np.asarray(side)
            + factor * section[:, 1:] * np.asarray(normal)
        )
    if closed:
        rings.append(rings[0])
    ends = (not closed, not closed)
    return loft(name, rings, material, caps=ends, sharp_degrees=sharp_degrees)


def tube(
    name: str,
    path: ArrayLike,
    radius: float,
    material: bpy.types.Material | None,
    *,
    closed: bool = False,
    sides: int = 10,
) -> bpy.types.Object:
    return sweep(name, path, ellipse(radius, radius, sides), material, closed=closed)


def sheet(
    name: str,
    width: float,
    height: float,
    material: bpy.types.Material,
    *,
    corner: float = 0.0,
    centre: Sequence[float] = (0, 0, 0),
) -> bpy.types.Object:
    """Flat sheet in the xy plane facing +z, its texture coordinates 0..1 over the whole sheet."""
    outline = rounded_rectangle(width, height, max(corner, 1e-5), 6)
    vertices = np.column_stack([outline, np.zeros(len(outline))]) + np.asarray(centre)

    def uvs(_: Points) -> Points:
        return np.column_stack([outline[:, 0] / width + 0.5, outline[:, 1] / height + 0.5])

    return mesh_object(name, vertices, [range(len(outline))], material, uvs=uvs)


def stitches(
    name: str,
    path: ArrayLike,
    normals: ArrayLike,
    material: bpy.types.Material,
    *,
    pitch: float = 0.0035,
    length: float = 0.0024,
    radius: float = 0.00035,
) -> bpy.types.Object:
    """A seam: short threads along `path` (N, 3), lifted a little along `normals` (N, 3)."""
    both = np.concatenate([np.asarray(path), np.asarray(normals)], axis=1)
    steps = np.linalg.norm(np.diff(both[:, :3], axis=0), axis=1)
    distance = np.concatenate([[0.0], np.cumsum(steps)])
    starts = np.arange(pitch / 2, max(distance[-1] - length, pitch), pitch)
    section = ellipse(1.0, 1.0, 6)
    vertices: list[Points] = []
    faces: list[list[int]] = []
    for start in starts:
        at = start + length * np.array([0.0, 0.2, 0.8, 1.0])
        points = np.stack([np.interp(at, distance, column) for column in both.T], axis=1)
        normal = points[:, 3:] / (np.linalg.norm(points[:, 3:], axis=1, keepdims=True) + 1e-9)
        forward = points[-1, :3] - points[0, :3]
        forward = forward / (np.linalg.norm(forward) + 1e-9)
        for point, up, thick in zip(points[:, :3], normal, (0.3, 1.0, 1.0, 0.3), strict=True):
            side = np.cross(forward, up)
            ring = section * radius * thick
            vertices.append(
                point + ring[:, :1] * side + ring[:, 1:] * up + up * radius * 0.4 * thick
            )
        base = 6 * (len(vertices) - 4)
        for row in range(3):
            for column in range(6):
                right = (column + 1) % 6
                low, high = base + 6 * row, base + 6 * (row + 1)
                faces.append([low + column, low + right, high + right, high + column])
    return mesh_object(name, np.concatenate(vertices), faces, material, sharp_degrees=None)
