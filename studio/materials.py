"""Procedural materials: plain, wood, fabric, leather, stone, screens and printed paper.

Colours are linear-light RGB unless a function says sRGB; scales are per metre of object space.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np
from PIL import Image

RGB = Sequence[float]


def srgb(code: str) -> tuple[float, float, float]:
    """Linear RGB of "#rrggbb"."""
    parts = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return (linear[0], linear[1], linear[2])


def from_bytes(color: Sequence[int]) -> tuple[float, float, float]:
    """Linear RGB of an 8-bit sRGB colour."""
    return srgb(f"#{color[0]:02x}{color[1]:02x}{color[2]:02x}")


def shade_of(color: RGB, factor: float) -> tuple[float, float, float]:
    """`color` made darker (factor < 1) or lighter."""
    return (
        min(color[0] * factor, 0.95),
        min(color[1] * factor, 0.95),
        min(color[2] * factor, 0.95),
    )


class Graph:
    """A material's node tree with a short way to add and connect nodes."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.tree = self.material.node_tree
        if self.tree is None:
            self.material.use_nodes = True
            self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.output = self.tree.nodes.new("ShaderNodeOutputMaterial")

    def node(self, kind: str, inputs: dict[Any, Any] | None = None, **settings: Any) -> Any:
        """A new node; an input's value is a number, a colour or another node's output socket."""
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.set(node.inputs[key], value)
        return node

    def set(self, socket: Any, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, (tuple, list)) and len(value) == 3 and socket.type == "RGBA":
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def coordinates(
        self,
        scale: float | Sequence[float] = 1.0,
        *,
        space: str = "Object",
        shift: Sequence[float] = (0, 0, 0),
    ) -> Any:
        """Vector socket of scaled coordinates; space: Object, UV or Generated."""
        source = self.node("TexCoord").outputs[space]
        scales = (scale,) * 3 if isinstance(scale, (int, float)) else tuple(scale)
        return self.node(
            "Mapping", {"Vector": source, "Scale": scales, "Location": tuple(shift)}
        ).outputs[0]

    def noise(self, vector: Any, scale: float, detail: float = 4, **inputs: Any) -> Any:
        """Factor socket, mostly 0.25..0.75."""
        return self.node(
            "TexNoise", {"Vector": vector, "Scale": scale, "Detail": detail, **inputs}
        ).outputs[0]

    def ramp(self, factor: Any, stops: Sequence[tuple[float, RGB]]) -> Any:
        node = self.node("ValToRGB", {0: factor})
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, color) in zip(elements, stops, strict=True):
            element.position = position
            element.color = (*color, 1.0)
        return node.outputs[0]

    def mix(self, factor: Any, first: Any, second: Any, blend: str = "MIX") -> Any:
        """Colour socket between two colours."""
        node = self.node("Mix", data_type="RGBA", blend_type=blend)
        self.set(node.inputs[0], factor)
        self.set(node.inputs[6], first)
        self.set(node.inputs[7], second)
        return node.outputs[2]

    def math(self, operation: str, first: Any, second: Any = 0.0) -> Any:
        return self.node("Math", {0: first, 1: second}, operation=operation).outputs[0]

    def bump(self, height: Any, strength: float, distance: float, normal: Any = None) -> Any:
        inputs = {"Height": height, "Strength": strength, "Distance": distance}
        if normal is not None:
            inputs["Normal"] = normal
        return self.node("Bump", inputs).outputs[0]

    def finish(self, **inputs: Any) -> bpy.types.Material:
        """Principled surface; names as in Blender with _ for a space."""
        named = {key.replace("_", " "): value for key, value in inputs.items() if value is not None}
        surface = self.node("BsdfPrincipled", named)
        self.tree.links.new(surface.outputs[0], self.output.inputs[0])
        return self.material


def plain(
    name: str, color: RGB, roughness: float = 0.5, metallic: float = 0.0, **inputs: Any
) -> bpy.types.Material:
    """Plastic, paint or metal with the faint unevenness that real surfaces have."""
    graph = Graph(name)
    smudge = graph.noise(graph.coordinates(), 14, 3)
    rough = graph.node(
        "MapRange", {0: smudge, 1: 0.3, 2: 0.7, 3: roughness * 0.85, 4: min(roughness * 1.2, 1)}
    ).outputs[0]
    return graph.finish(Base_Color=tuple(color), Roughness=rough, Metallic=metallic, **inputs)


def grained(name: str, color: RGB, roughness: float = 0.5) -> bpy.types.Material:
    """Moulded plastic with a fine grain."""
    graph = Graph(name)
    grain = graph.noise(graph.coordinates(), 2500, 2)
    return graph.finish(
        Base_Color=tuple(color), Roughness=roughness, Normal=graph.bump(grain, 0.25, 0.0003)
    )


def brushed(name: str, color: RGB, roughness: float = 0.3, axis: int = 0) -> bpy.types.Material:
    """Metal brushed along `axis`."""
    graph = Graph(name)
    scale = [900.0, 900.0, 900.0]
    scale[axis] = 8.0
    lines = graph.noise(graph.coordinates(scale), 1.0, 2)
    rough = graph.node("MapRange", {0: lines, 3: roughness * 0.85, 4: roughness * 1.2}).outputs[0]
    return graph.finish(
        Base_Color=tuple(color),
        Metallic=1.0,
        Roughness=rough,
        Normal=graph.bump(lines, 0.03, 0.0003),
    )


def fabric(
    name: str,
    color: RGB,
    *,
    thread: float = 0.0012,
    bump: float = 0.5,
    fade: float = 0.18,
    space: str = "Object",
    image: bpy.types.Image | None = None,
    kind: str = "plain",
    seed: int = 0,
) -> bpy.types.Material:
    """Cloth; `thread` is the width of a yarn.

    Args:
        kind: plain weave, twill (denim: diagonal, white weft showing) or knit (vertical ribs).
        fade: 0..1, how much lighter and darker patches differ.
        image: printed over the colour through the texture coordinates.
    """
    graph = Graph(name)
    vector = graph.coordinates(1.0, space=space, shift=(seed * 0.37, seed * 0.11, 0))
    # A wave texture of scale s repeats every 0.314 / s; one wave is two yarns.
    wave = {"Vector": vector, "Scale": 0.157 / thread, "Distortion": 0.0}
    if kind == "twill":
        turned = graph.node("VectorRotate", {"Vector": vector, "Angle": 0.9}).outputs[0]
        weave = graph.node("TexWave", {**wave, "Vector": turned}, bands_direction="X").outputs[1]
    else:
        across = graph.node("TexWave", wave, bands_direction="X").outputs[1]
        along = graph.node("TexWave", wave, bands_direction="Y").outputs[1]
        if kind == "knit":
            weave = graph.math("ADD", graph.math("MULTIPLY", across, 1.6), along)
        else:
            weave = graph.math("MULTIPLY", across, along)
    fuzz = graph.noise(vector, 0.5 / thread, 3)
    patches = graph.noise(vector, 9, 4)
    base: Any = tuple(color)
    if image is not None:
        coordinates = graph.node("TexCoord").outputs["UV"]
        base = graph.node("TexImage", {"Vector": coordinates}, image=image).outputs[0]
    dark = graph.mix(1.0, base, (1 - fade,) * 3, "MULTIPLY")
    tone = graph.mix(patches, dark, base)
    if kind == "twill":
        grain = graph.noise(graph.coordinates((900, 60, 60), space=space), 1, 3)
        tone = graph.mix(graph.math("MULTIPLY", grain, 0.45), tone, (0.62, 0.66, 0.72))
    fuzzy = graph.mix(graph.math("MULTIPLY", fuzz, 0.35), tone, graph.mix(0.5, tone, (0, 0, 0)))
    height = graph.math("ADD", weave, graph.math("MULTIPLY", fuzz, 0.8))
    return graph.finish(
        Base_Color=fuzzy,
        Roughness=0.92,
        Specular_IOR_Level=0.25,
        Sheen_Weight=0.18,
        Sheen_Roughness=0.5,
        Normal=graph.bump(height, bump, thread * 0.6),
    )


def leather(
    name: str, color: RGB, *, roughness: float = 0.42, grain: float = 900.0, bump: float = 0.35
) -> bpy.types.Material:
    """Pebbled leather; smaller `grain` gives bigger pebbles."""
    graph = Graph(name)
    vector = graph.coordinates()
    cells = graph.node("TexVoronoi", {"Vector": vector, "Scale": grain}).outputs["Distance"]
    wear = graph.noise(vector, 35, 5)
    tone = graph.mix(wear, shade_of(color, 0.6), shade_of(color, 1.25))
    rough = graph.node("MapRange", {0: wear, 3: roughness * 0.75, 4: roughness * 1.3}).outputs[0]
    height = graph.math("ADD", cells, graph.math("MULTIPLY", graph.noise(vector, 120, 3), 1.5))
    return graph.finish(Base_Color=tone, Roughness=rough, Normal=graph.bump(height, bump, 0.0006))


def wood(
    name: str,
    light: RGB,
    dark: RGB,
    *,
    plank: tuple[float, float] | None = None,
    gloss: float = 0.45,
    rings: float = 9.0,
    seed: int = 0,
) -> bpy.types.Material:
    """Wood with its grain along x.

    Args:
        plank: (length, width) of boards in metres; None = one piece.
    """
    graph = Graph(name)
    vector = graph.coordinates(shift=(seed * 1.7, seed * 0.9, seed * 0.3))
    board = groove = None
    offset: Any = 0.0
    if plank is not None:
        board, groove = _boards(graph, vector, plank)
        offset = graph.math("MULTIPLY", board, 40.0)
    pattern, fibres = _grain(graph, vector, offset, rings)
    middle = tuple((a + b) / 2 for a, b in zip(light, dark, strict=True))
    tone = graph.ramp(pattern, [(0.15, dark), (0.5, middle), (0.85, light)])
    if board is not None:
        shade = graph.node("MapRange", {0: board, 3: 0.72, 4: 1.15}).outputs[0]
        grey = graph.node("CombineColor", {0: shade, 1: shade, 2: shade}).outputs[0]
        tone = graph.mix(1.0, tone, grey, "MULTIPLY")
        tone = graph.mix(graph.math("MULTIPLY", groove, 0.8), tone, shade_of(dark, 0.25))
    height = graph.math("MULTIPLY", pattern, 0.6)
    if groove is not None:
        height = graph.math("SUBTRACT", height, graph.math("MULTIPLY", groove, 4.0))
    rough = graph.node("MapRange", {0: fibres, 3: gloss * 0.8, 4: gloss * 1.25}).outputs[0]
    return graph.finish(Base_Color=tone, Roughness=rough, Normal=graph.bump(height, 0.35, 0.0008))


def _boards(graph: Graph, vector: Any, plank: tuple[float, float]) -> tuple[Any, Any]:
    """A grey for each board of (length, width), and 1 in the grooves between them."""
    bricks = graph.node(
        "TexBrick",
        {
            "Vector": vector,
            "Color1": (0, 0, 0),
            "Color2": (1, 1, 1),
            "Mortar": (0.5, 0.5, 0.5),
            "Scale": 1.0,
            "Brick Width": plank[0],
            "Row Height": plank[1],
            "Mortar Size": 0.0012,
            "Mortar Smooth": 0.3,
        },
        offset=0.37,
    )
    return bricks.outputs["Color"], bricks.outputs["Fac"]


def _grain(graph: Graph, vector: Any, offset: Any, rings: float) -> tuple[Any, Any]:
    """Year rings with fibres over them, and the fibres alone; each board has its `offset`."""
    stretched = graph.node("Mapping", {"Vector": vector, "Scale": (0.9, rings, rings)}).outputs[0]
    warp = graph.node(
        "TexNoise",
        {"Vector": stretched, "W": offset, "Scale": 1.2, "Detail": 3, "Distortion": 0.6},
        noise_dimensions="4D",
    ).outputs[0]
    bands = graph.math("FRACT", graph.math("MULTIPLY", warp, 11.0))
    bands = graph.math("PINGPONG", bands, 0.5)
    fibres = graph.node(
        "TexNoise",
        {
            "Vector": graph.node("Mapping", {"Vector": vector, "Scale": (14, 900, 900)}).outputs[0],
            "W": offset,
            "Scale": 1.0,
            "Detail": 2,
        },
        noise_dimensions="4D",
    ).outputs[0]
    pattern = graph.math(
        "ADD", graph.math("MULTIPLY", bands, 0.9), graph.math("MULTIPLY", fibres, 0.75)
    )
    return pattern, fibres


def concrete(name: str, color: RGB, seed: int = 0) -> bpy.types.Material:
    graph = Graph(name)
    vector = graph.coordinates(shift=(seed * 2.1, seed, 0))
    clouds = graph.noise(vector, 3.5, 8, Roughness=0.62)
    fine = graph.noise(vector, 260, 4)
    pits = graph.node("TexVoronoi", {"Vector": vector, "Scale": 55.0}).outputs["Distance"]
    pit = graph.node("MapRange", {0: pits, 1: 0.0, 2: 0.09, 3: 0.0, 4: 1.0}).outputs[0]
    tone = graph.ramp(
        clouds, [(0.25, shade_of(color, 0.72)), (0.5, color), (0.78, shade_of(color, 1.22))]
    )
    tone = graph.mix(graph.math("MULTIPLY", fine, 0.3), tone, shade_of(color, 0.5))
    height = graph.math("ADD", graph.math("MULTIPLY", fine, 0.5), pit)
    return graph.finish(Base_Color=tone, Roughness=0.8, Normal=graph.bump(height, 0.35, 0.001))


def marble(name: str, base: RGB, vein: RGB, seed: int = 0) -> bpy.types.Material:
    graph = Graph(name)
    vector = graph.coordinates(shift=(seed * 1.3, seed * 0.7, 0))
    warp = graph.node(
        "TexNoise", {"Vector": vector, "Scale": 3.0, "Detail": 8, "Roughness": 0.6}
    ).outputs[1]
    bent = graph.node("VectorMath", {0: warp, 1: (0.55, 0.55, 0.55)}, operation="MULTIPLY").outputs[
        0
    ]
    moved = graph.node("VectorMath", {0: vector, 1: bent}, operation="ADD").outputs[0]
    cells = graph.node(
        "TexVoronoi", {"Vector": moved, "Scale": 3.2}, feature="DISTANCE_TO_EDGE"
    ).outputs["Distance"]
    fading = graph.noise(vector, 4, 3)
    line = graph.node("MapRange", {0: cells, 1: 0.0, 2: 0.05, 3: 1.0, 4: 0.0}).outputs[0]
    line = graph.math("MULTIPLY", line, graph.math("MULTIPLY", fading, 0.9))
    clouds = graph.noise(moved, 5, 6)
    tone = graph.mix(graph.math("MULTIPLY", clouds, 0.25), base, vein)
    tone = graph.mix(line, tone, vein)
    return graph.finish(Base_Color=tone, Roughness=0.16, Coat_Weight=0.2)


def tiles(
    name: str, color: RGB, mortar: RGB, size: float = 0.3, seed: int = 0, gloss: float = 0.25
) -> bpy.types.Material:
    graph = Graph(name)
    vector = graph.coordinates(shift=(seed * 0.13, seed * 0.07, 0))
    bricks = graph.node(
        "TexBrick",
        {
            "Vector": vector,
            "Color1": shade_of(color, 0.93),
            "Color2": shade_of(color, 1.06),
            "Mortar": tuple(mortar),
            "Scale": 1.0,
            "Brick Width": size,
            "Row Height": size,
            "Mortar Size": 0.003,
            "Mortar Smooth": 0.2,
        },
        offset=0.0,
    )
    cloud = graph.noise(vector, 12, 6)
    tone = graph.mix(graph.math("MULTIPLY", cloud, 0.25), bricks.outputs["Color"], mortar)
    rough = graph.node("MapRange", {0: bricks.outputs["Fac"], 3: gloss, 4: 0.85}).outputs[0]
    height = graph.math("MULTIPLY", bricks.outputs["Fac"], -1.0)
    return graph.finish(Base_Color=tone, Roughness=rough, Normal=graph.bump(height, 0.6, 0.0015))


def carpet(name: str, color: RGB, seed: int = 0) -> bpy.types.Material:
    """Short pile: strong fine noise."""
    graph = Graph(name)
    vector = graph.coordinates(shift=(seed * 0.9, seed * 0.4, 0))
    pile = graph.noise(vector, 320, 4, Roughness=0.7)
    patches = graph.noise(vector, 6, 5)
    tone = graph.ramp(
        pile, [(0.3, shade_of(color, 0.45)), (0.52, color), (0.7, shade_of(color, 1.35))]
    )
    tone = graph.mix(graph.math("MULTIPLY", patches, 0.3), tone, shade_of(color, 0.6))
    return graph.finish(
        Base_Color=tone, Roughness=1.0, Sheen_Weight=0.4, Normal=graph.bump(pile, 0.9, 0.004)
    )


def paper_edges(name: str, color: RGB, axis: int = 2, pitch: float = 0.0009) -> bpy.types.Material:
    """The cut side of a book's pages, layered along `axis`."""
    graph = Graph(name)
    scale = [40.0, 40.0, 40.0]
    scale[axis] = 1.0 / pitch
    layers = graph.noise(graph.coordinates(scale), 1.0, 1)
    tone = graph.ramp(layers, [(0.3, shade_of(color, 0.6)), (0.6, color)])
    return graph.finish(Base_Color=tone, Roughness=0.85, Normal=graph.bump(layers, 0.4, 0.0006))


def printed(
    name: str, image: bpy.types.Image, roughness: float = 0.4, coat: float = 0.0, wear: float = 0.12
) -> bpy.types.Material:
    """An image on paper or board, a little scuffed."""
    graph = Graph(name)
    vector = graph.node("TexCoord").outputs["UV"]
    print_ = graph.node("TexImage", {"Vector": vector}, image=image, extension="EXTEND").outputs[0]
    scuff = graph.noise(graph.coordinates(), 70, 5)
    tone = graph.mix(graph.math("MULTIPLY", scuff, wear), print_, (0.8, 0.78, 0.74))
    rough = graph.node("MapRange", {0: scuff, 3: roughness * 0.8, 4: roughness * 1.3}).outputs[0]
    linen = graph.noise(graph.coordinates(), 900, 2)
    return graph.finish(
        Base_Color=tone,
        Roughness=rough,
        Coat_Weight=coat,
        Coat_Roughness=0.15,
        Normal=graph.bump(linen, 0.06, 0.0004),
    )


def screen(
    name: str, image: bpy.types.Image | None, strength: float = 1.0, roughness: float = 0.08
) -> bpy.types.Material:
    """A lit display under glass; no image = switched off."""
    graph = Graph(name)
    if image is None:
        return graph.finish(Base_Color=(0.006, 0.006, 0.008), Roughness=roughness)
    vector = graph.node("TexCoord").outputs["UV"]
    light = graph.node("TexImage", {"Vector": vector}, image=image, extension="EXTEND").outputs[0]
    return graph.finish(
        Base_Color=(0.004, 0.004, 0.005),
        Roughness=roughness,
        Emission_Color=light,
        Emission_Strength=strength,
    )


def glass(name: str, color: RGB = (1, 1, 1), roughness: float = 0.0) -> bpy.types.Material:
    """Thin clear cover: light passes straight, only the reflection is seen."""
    graph = Graph(name)
    clear = graph.node("BsdfTransparent", {"Color": tuple(color)})
    gloss = graph.node("BsdfGlossy", {"Roughness": roughness})
    fresnel = graph.node("Fresnel", {"IOR": 1.5})
    mixed = graph.node("MixShader", {0: fresnel.outputs[0]})
    graph.tree.links.new(clear.outputs[0], mixed.inputs[1])
    graph.tree.links.new(gloss.outputs[0], mixed.inputs[2])
    graph.tree.links.new(mixed.outputs[0], graph.output.inputs[0])
    return graph.material


def perforated(
    name: str, color: RGB, hole: RGB, pitch: float, metallic: float = 0.0
) -> bpy.types.Material:
    """Speaker grille: a grid of round holes in the xz plane of object space."""
    graph = Graph(name)
    vector = graph.coordinates(1.0 / pitch)
    cell = graph.node("VectorMath", {0: vector}, operation="FRACTION").outputs[0]
    centred = graph.node("VectorMath", {0: cell, 1: (0.5, 0.5, 0.5)}, operation="SUBTRACT").outputs[
        0
    ]
    flat = graph.node("VectorMath", {0: centred, 1: (1, 0, 1)}, operation="MULTIPLY").outputs[0]
    distance = graph.node("VectorMath", {0: flat}, operation="LENGTH").outputs[1]
    inside = graph.node("MapRange", {0: distance, 1: 0.28, 2: 0.36, 3: 1.0, 4: 0.0}).outputs[0]
    tone = graph.mix(inside, tuple(color), tuple(hole))
    return graph.finish(
        Base_Color=tone,
        Roughness=0.45,
        Metallic=metallic,
        Normal=graph.bump(graph.math("MULTIPLY", inside, -1.0), 0.8, 0.001),
    )


def as_blender_image(name: str, drawn: Image.Image) -> bpy.types.Image:
    """Pillow's image as Blender's, in memory (sRGB)."""
    rgba = np.asarray(drawn.convert("RGBA"), dtype=np.float32)[::-1] / 255.0
    image = bpy.data.images.new(name, drawn.width, drawn.height, alpha=False)
    image.pixels.foreach_set(np.ascontiguousarray(rgba).ravel())
    image.pack()
    return image


def pick_color(rng: random.Random, codes: Sequence[str]) -> tuple[float, float, float]:
    return srgb(rng.choice(list(codes)))
