"""Files of ground truth that tests read."""

import json

FOUR = ("background", "shoes", "watch", "books")
SIZES = {"a.jpg": (640, 480), "b.jpg": (200, 300)}


def coco(images=None, annotations=(), categories=("shoes", "watch", "books")):
    if images is None:
        images = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    return json.dumps(
        {
            "images": images,
            "annotations": list(annotations),
            "categories": [{"id": 10 + n, "name": name} for n, name in enumerate(categories)],
        }
    ).encode()


def note(bbox, category_id=11, image_id=1, **more):
    return {"id": 7, "image_id": image_id, "category_id": category_id, "bbox": bbox, **more}


def problems(read):
    return [str(problem) for problem in read.problems]


def voc(*objects, filename="a.jpg", size=(640, 480), head=""):
    width, height = size
    items = "".join(
        f"<object><name>{name}</name>{extra}<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>"
        f"<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box, extra in objects
    )
    return (
        f"{head}<annotation><filename>{filename}</filename><size><width>{width}</width>"
        f"<height>{height}</height><depth>3</depth></size>{items}</annotation>"
    ).encode()
