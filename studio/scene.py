"""One image: lights, ground, camera, rendering, and the true boxes of what is seen."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix, Vector
from numpy.typing import NDArray
from PIL import Image

CATEGORIES = ("clothes", "pants", "shoes", "watch", "phone", "audio", "computer", "books")
# Of an object that is hidden by more than this, a person would draw no box. Books in a pile or a
# row hide each other's covers and are still told apart by their spines.
MIN_VISIBLE = 0.25
MIN_VISIBLE_BOOK = 0.05
# Of an object that the frame cuts off, this much must be inside.
MIN_INSIDE = 0.12
MIN_SIDE_PX = 8


@dataclass(frozen=True)
class Annotation:
    """What is seen of one object."""

    category_id: int  # 1..8
    box: tuple[float, float, float, float]  # x, y, width, height in pixels
    area: int  # visible pixels
    visible: float  # 0..1, not covered, of its surface inside the frame


@dataclass
class Stage:
    """The scene being built: products, which get boxes, and everything else."""

    rng: random.Random
    size: tuple[int, int]
    products: list[tuple[bpy.types.Object, int]] = field(default_factory=list)

    def add(self, root: bpy.types.Object, category: str) -> bpy.types.Object:
        """Count `root` and all its parts as one product of `category`."""
        self.products.append((root, CATEGORIES.index(category) + 1))
        for part in (root, *root.children_recursive):
            part.pass_index = len(self.products)
        return root


def new_stage(seed: int, size: tuple[int, int]) -> Stage:
    """An empty scene and everything random that follows fixed by `seed`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.seed = seed & 0x7FFFFFFF
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.adaptive_threshold = 0.02
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.max_bounces = 5
    scene.cycles.diffuse_bounces = 2
    scene.cycles.glossy_bounces = 3
    scene.cycles.caustics_reflective = False
    scene.cycles.caustics_refractive = False
    scene.cycles.sample_clamp_indirect = 4.0
    scene.view_settings.view_transform = "AgX"
    # The boxes' render finds everything in place: it costs a tenth of the rendering, not the same.
    scene.render.use_persistent_data = True
    bpy.context.view_layer.use_pass_object_index = True
    bpy.context.view_layer.update_render_passes()
    # A phone's contrast; the look darkens, the exposure makes up for it (chosen by eye).
    scene.view_settings.look = "AgX - Punchy"
    scene.view_settings.exposure = 0.65
    return Stage(random.Random(seed), size)


def settle_for_speed() -> None:
    """Trade fine light for time: for images that are only trained on."""
    cycles = bpy.context.scene.cycles
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 3, 1, 2
    cycles.denoising_prefilter = "FAST"
    cycles.denoising_quality = "BALANCED"


# Light, ground, camera ----------------------------------------------------------------------


def daylight(
    name: str, strength: float = 1.0, turn_degrees: float = 0.0, color: Sequence[float] = (1, 1, 1)
) -> None:
    """Light and reflections of a place: one of Blender's own surroundings (CC0, Poly Haven).

    Args:
        name: city, courtyard, forest, interior, night, studio, sunrise or sunset.
    """
    folder = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
    world = bpy.data.worlds.new("World")
    bpy.context.scene.world = world
    tree = world.node_tree
    if tree is None:
        world.use_nodes = True
        tree = world.node_tree
    tree.nodes.clear()
    coordinates = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Rotation"].default_value[2] = math.radians(turn_degrees)
    photo = tree.nodes.new("ShaderNodeTexEnvironment")
    photo.image = bpy.data.images.load(str(folder / f"{name}.exr"), check_existing=True)
    tint = tree.nodes.new("ShaderNodeMix")
    tint.data_type, tint.blend_type = "RGBA", "MULTIPLY"
    tint.inputs[0].default_value = 1.0
    tint.inputs[7].default_value = (*color, 1.0)
    background = tree.nodes.new("ShaderNodeBackground")
    background.inputs["Strength"].default_value = strength
    output = tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(coordinates.outputs["Generated"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs[0], photo.inputs["Vector"])
    tree.links.new(photo.outputs[0], tint.inputs[6])
    tree.links.new(tint.outputs[2], background.inputs["Color"])
    tree.links.new(background.outputs[0], output.inputs[0])


def softbox(
    location: Sequence[float],
    target: Sequence[float],
    power_w: float,
    size: float | tuple[float, float] = 1.0,
    color: Sequence[float] = (1, 1, 1),
) -> bpy.types.Object:
    """Rectangular light at `location` that looks at `target`."""
    light = bpy.data.lights.new("Softbox", "AREA")
    light.shape = "RECTANGLE"
    light.size, light.size_y = (size, size) if isinstance(size, (int, float)) else size
    light.energy = power_w
    light.color = color
    obj = bpy.data.objects.new("Softbox", light)
    obj.location = location
    obj.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(obj)
    return obj


def window(
    location: Sequence[float],
    target: Sequence[float],
    power_w: float,
    color: Sequence[float] = (1.0, 0.93, 0.82),
    *,
    size: float = 0.16,
    pane: tuple[float, float] = (0.30, 0.34),
    bar: float = 0.035,
) -> None:
    """Sun through a window of 3 x 3 panes: a small light, its bars half way, unseen themselves."""
    softbox(location, target, power_w, size, color)
    wide, high = 3 * pane[0], 3 * pane[1]
    rims = [(-3 * wide, -wide / 2, -3 * high, 3 * high), (wide / 2, 3 * wide, -3 * high, 3 * high)]
    rims += [(-wide, wide, -3 * high, -high / 2), (-wide, wide, high / 2, 3 * high)]
    for edge in (-0.5, 0.5):
        x, y = edge * pane[0], edge * pane[1]
        rims.append((x - bar / 2, x + bar / 2, -high, high))
        rims.append((-wide, wide, y - bar / 2, y + bar / 2))
    corners = [(x, y, 0) for a, b, c, d in rims for x, y in ((a, c), (b, c), (b, d), (a, d))]
    mesh = bpy.data.meshes.new("Window")
    mesh.from_pydata(corners, [], [range(k, k + 4) for k in range(0, len(corners), 4)])
    obj = bpy.data.objects.new("Window", mesh)
    obj.location = Vector(target).lerp(Vector(location), 0.5)
    obj.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    obj.visible_camera = obj.visible_diffuse = obj.visible_glossy = False
    obj.visible_transmission = False
    bpy.context.scene.collection.objects.link(obj)


def ground(
    material: bpy.types.Material, size: float = 8.0, height: float = 0.0, turn_degrees: float = 0.0
) -> bpy.types.Object:
    half = size / 2
    mesh = bpy.data.meshes.new("Ground")
    mesh.from_pydata(
        [(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)]
    )
    mesh.materials.append(material)
    obj = bpy.data.objects.new("Ground", mesh)
    obj.location = (0, 0, height)
    obj.rotation_euler = (0, 0, math.radians(turn_degrees))
    bpy.context.scene.collection.objects.link(obj)
    return obj


def wall(
    material: bpy.types.Material, y: float, size: float = 8.0, bottom: float = 0.0
) -> bpy.types.Object:
    """Upright plane behind the products; its material's xy plane lies in the wall."""
    obj = ground(material, size)
    obj.name = "Wall"
    obj.location = (0, y, bottom + size / 2)
    obj.rotation_euler = (math.pi / 2, 0, 0)
    return obj


def backdrop(material: bpy.types.Material, depth: float = 1.0, size: float = 10.0) -> None:
    """Studio paper: floor that curves up into a wall `depth` behind the origin."""
    bend = 0.6
    profile = [(-size, 0.0)]
    for angle in np.linspace(0, math.pi / 2, 20):
        profile.append((depth + bend * math.sin(angle), bend * (1 - math.cos(angle))))
    profile.append((depth + bend, size))
    vertices, faces = [], []
    for index, (y, z) in enumerate(profile):
        vertices += [(-size, y, z), (size, y, z)]
        if index:
            a = 2 * index
            faces.append((a - 2, a - 1, a + 1, a))
    mesh = bpy.data.meshes.new("Backdrop")
    mesh.from_pydata(vertices, [], faces)
    mesh.shade_smooth()
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Backdrop", mesh))


def camera(
    location: Sequence[float],
    target: Sequence[float],
    lens_mm: float = 35.0,
    f_stop: float | None = 4.0,
    roll_degrees: float = 0.0,
    focus: Sequence[float] | None = None,
) -> bpy.types.Object:
    """Camera that looks at `target` and focuses there (or at `focus`); f_stop None = all sharp."""
    data = bpy.data.cameras.new("Camera")
    data.lens = lens_mm
    data.clip_start = 0.01
    obj = bpy.data.objects.new("Camera", data)
    back = (Vector(location) - Vector(target)).normalized()
    # Seen from straight above, +y is up in the image.
    upwards = Vector((0, 1, 0)) if back.z > 0.97 else Vector((0, 0, 1))
    right = upwards.cross(back).normalized()
    turn = Matrix((right, back.cross(right), back)).transposed().to_4x4()
    turn.translation = Vector(location)
    obj.matrix_world = turn
    obj.rotation_euler.rotate_axis("Z", math.radians(roll_degrees))
    if f_stop is not None:
        data.dof.use_dof = True
        data.dof.aperture_fstop = f_stop
        sharp = Vector(focus) if focus is not None else Vector(target)
        data.dof.focus_distance = (sharp - Vector(location)).length
    scene = bpy.context.scene
    scene.collection.objects.link(obj)
    scene.camera = obj
    return obj


# Rendering ----------------------------------------------------------------------------------


def render(path: Path, samples: int, quality: int = 87, developed: bool = True) -> None:
    """Write the image as a JPEG, as a camera would (`developed`) or as it is."""
    scene = bpy.context.scene
    scene.cycles.samples = samples
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "image.png"
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGB"
        scene.render.filepath = str(raw)
        bpy.ops.render.render(write_still=True)
        image = Image.open(raw).convert("RGB")
        if developed:
            image = develop(image)
        image.save(path, quality=quality, optimize=True, progressive=True)


def develop(image: Image.Image) -> Image.Image:
    """What a camera does to an image: black and white points, contrast, some more colour."""
    luma = np.array([0.2126, 0.7152, 0.0722], np.float32)
    pixels = np.asarray(image, np.float32) / 255
    dark, bright = np.percentile(pixels @ luma, (0.3, 99.3))
    dark = 0.8 * min(dark, 0.06)
    pixels = np.clip((pixels - dark) * min(0.92 / max(bright - dark, 0.6), 1.35), 0, None)
    # Lights roll off instead of breaking; the middle gets an S curve.
    rolled = 0.85 + 0.15 * (1 - np.exp(-(pixels - 0.85) / 0.15))
    pixels = np.where(pixels > 0.85, rolled, pixels)
    pixels = 0.80 * pixels + 0.20 * pixels**2 * (3 - 2 * pixels)
    grey = (pixels @ luma)[..., None]
    pixels = np.clip(grey + 1.05 * (pixels - grey), 0, 1)
    return Image.fromarray((pixels * 255 + 0.5).astype(np.uint8))


def annotate(stage: Stage) -> tuple[list[Annotation], list[Annotation]]:
    """True boxes of what the camera sees enough of, and of the slivers that are too little.

    Every product is drawn in its own number, without blur, at full size: a box is exactly the
    pixels that show the product. The share that is seen comes from points on the
    surface that face the camera. Changes the scene's settings: call it after `render`.
    """
    numbers = _number_map(stage)
    found: list[Annotation] = []
    slivers: list[Annotation] = []
    for number, (root, category_id) in enumerate(stage.products, start=1):
        mask = numbers == number
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not len(rows):
            continue
        x, y = int(columns[0]), int(rows[0])
        width, height = int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y
        inside, visible = _shares(root, number, numbers, stage.rng)
        least = MIN_VISIBLE_BOOK if CATEGORIES[category_id - 1] == "books" else MIN_VISIBLE
        enough = min(width, height) >= MIN_SIDE_PX and inside >= MIN_INSIDE and visible >= least
        item = Annotation(category_id, (x, y, width, height), int(mask.sum()), visible)
        (found if enough else slivers).append(item)
    return found, slivers


def _number_map(stage: Stage) -> NDArray[np.int64]:
    """(height, width) number of the product seen at each pixel; 0 = none."""
    scene = bpy.context.scene
    scene.camera.data.dof.use_dof = False
    scene.cycles.samples = 1
    scene.cycles.use_denoising = False
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = 0
    scene.cycles.pixel_filter_type = "BOX"
    scene.cycles.filter_width = 0.01
    scene.render.image_settings.media_type = "MULTI_LAYER_IMAGE"
    scene.render.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    scene.render.image_settings.color_depth = "32"
    scene.render.image_settings.exr_codec = "NONE"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "numbers.exr"
        scene.render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        return np.rint(_exr_channel(path.read_bytes(), "Object Index.X")).astype(np.int64)


def _exr_channel(data: bytes, ending: str) -> NDArray[np.float32]:
    """(height, width) of the channel whose name ends so, of an uncompressed EXR in 32 bits.

    Blender's Python reads no passes from such a file, only the image itself.
    """
    at = 8
    parts = []  # every pass is a part of its own
    while data[at]:
        fields: dict[str, bytes] = {}
        while data[at]:
            name, kind, _ = data[at : at + 600].split(b"\0", 2)
            at += len(name) + len(kind) + 2
            size = int.from_bytes(data[at : at + 4], "little")
            fields[name.decode()] = data[at + 4 : at + 4 + size]
            at += 4 + size
        at += 1
        parts.append(fields)
    at += 1
    for fields in parts:
        left, top, right, bottom = np.frombuffer(fields["dataWindow"], "<i4")
        width, height = int(right - left + 1), int(bottom - top + 1)
        table = np.frombuffer(data, "<u8", height, at)
        at += 8 * height
        if fields["channels"].split(b"\0")[0].decode().endswith(ending):
            # A line: its part, its number and its size in 4 bytes each, then the first channel.
            return np.stack([np.frombuffer(data, "<f4", width, int(o) + 12) for o in table])
    raise ValueError(f"no channel that ends in {ending}")


def _shares(
    root: bpy.types.Object, number: int, numbers: NDArray[np.int64], rng: random.Random
) -> tuple[float, float]:
    """Of the surface facing the camera: the share inside the frame, and of that the part seen."""
    scene = bpy.context.scene
    eye = np.array(scene.camera.matrix_world.translation)
    corners = _triangles(root)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    rays = eye - corners.mean(axis=1)
    # Twice the area as the camera sees it: normals are as long as twice their triangle's area.
    weights = np.maximum((normals * rays).sum(axis=1), 0) / np.linalg.norm(rays, axis=1) ** 3
    if not weights.sum() > 0:
        return 0.0, 0.0
    generator = np.random.default_rng(rng.getrandbits(32))
    drawn = 600
    chosen = corners[generator.choice(len(corners), drawn, p=weights / weights.sum())]
    mixed = generator.dirichlet((1.0, 1.0, 1.0), drawn)
    height, width = numbers.shape
    inside = seen = 0
    for point in (chosen * mixed[:, :, None]).sum(axis=1):
        at = world_to_camera_view(scene, scene.camera, Vector(point))
        column, row = int(at.x * width), int((1 - at.y) * height)
        if at.z > 0 and 0 <= column < width and 0 <= row < height:
            inside += 1
            seen += int(numbers[row, column] == number)
    return inside / drawn, seen / max(inside, 1)


def _triangles(root: bpy.types.Object) -> NDArray[np.float64]:
    """(N, 3, 3) corners of all triangles of `root` and its parts, in the world."""
    graph = bpy.context.evaluated_depsgraph_get()
    found = []
    for part in (root, *root.children_recursive):
        if part.type != "MESH" or part.hide_render:
            continue
        evaluated = part.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        mesh.calc_loop_triangles()
        points = np.empty(len(mesh.vertices) * 3)
        mesh.vertices.foreach_get("co", points)
        indices = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", indices)
        evaluated.to_mesh_clear()
        matrix = np.array(part.matrix_world)
        points = points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        corners = points[indices.reshape(-1, 3)]
        # A mirrored part's triangles turn the other way round.
        found.append(corners if np.linalg.det(matrix[:3, :3]) > 0 else corners[:, ::-1])
    return np.concatenate(found) if found else np.empty((0, 3, 3))
