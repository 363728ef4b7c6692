"""Train the detector:

    python -m training.train --data FOLDER --out runs/NAME [--samples N] [--minutes M] [--resume]

Writes OUT/last.pt (everything a resumed run needs), OUT/ema.pt (the averaged weights with the
configuration, what export.py reads), OUT/best.pt (the best of them on val) and OUT/log.jsonl.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import math
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from detector import ssd
from training.calibration import Calibration
from training.config import ARCHITECTURE, LABELS, Config
from training.data import Composer, Scene, load, load_background
from training.loss import Loss
from training.model import BODIES, Network, PretrainedDetector, build, contract_output
from training.score import Split, figures

HARD = 30.0  # how much more often a background image is drawn that is surely misread


def rate_at(config: Config, done: int, progress: float) -> float:
    """Learning rate after `done` samples, `progress` (0..1) of the schedule: linear warm-up,
    constant, cosine down to 1 %."""
    if done < config.warmup:
        return config.lr * (done + 1) / config.warmup
    part = min(1.0, max(0.0, (progress - 1 + config.decay) / config.decay))
    return config.lr * (0.01 + 0.99 * (1 + math.cos(math.pi * part)) / 2)


def as_served(image: Image.Image) -> np.ndarray:
    """(3, 300, 300) float32: a whole image as the client sends it."""
    return ssd.preprocess(np.asarray(image.convert("RGB")))[0].transpose(2, 0, 1)


@torch.no_grad()
def in_bfloat16(model: Network, inputs: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Offsets and logits of inputs (N, 3, 300, 300)."""
    batch = torch.from_numpy(inputs.astype(np.float32))
    with torch.autocast("cpu", torch.bfloat16):
        return model(batch.contiguous(memory_format=torch.channels_last))


class Validation:
    """The val images, ready for the network, and the figures of a model on them."""

    def __init__(self, data: Path, split: str = "val") -> None:
        self.split = Split.load(data, split, LABELS)
        rows, self.sizes = [], []
        for image in self.split.images:
            rows.append(as_served(Image.open(self.split.path(data, image))).astype(np.float16))
            self.sizes.append((image["width"], image["height"]))
        self.inputs = np.stack(rows)

    def outputs(self, model: Network) -> tuple[np.ndarray, np.ndarray]:
        """Offsets and logits of all images, in bfloat16 arithmetic."""
        parts = range(0, len(self.inputs), 32)
        found = [in_bfloat16(model, self.inputs[start : start + 32]) for start in parts]
        return tuple(torch.cat(column).numpy() for column in zip(*found, strict=True))

    def detected(
        self, offsets: np.ndarray, logits: np.ndarray, calibration: Calibration | None = None
    ) -> list[ssd.Detections]:
        """What is found in each image by the network's outputs."""
        found = []
        for size, t, z in zip(self.sizes, offsets, logits, strict=True):
            output = contract_output(t[None], z[None], calibration)[0]
            raw = ssd.RawPrediction.from_output(output)
            settings = ssd.Settings(score_threshold=0.01, top_k=100)
            found.append(ssd.postprocess(raw, settings, size))
        return found

    def report(self, model: Network) -> dict[str, object]:
        return self.figures(*self.outputs(model.eval()))

    def figures(
        self, offsets: np.ndarray, logits: np.ndarray, calibration: Calibration | None = None
    ) -> dict[str, object]:
        found = self.detected(offsets, logits, calibration)
        whole = figures(self.split, found)
        return {
            "mAP50": whole.ap50,
            "mAP": whole.ap,
            "product": figures(self.split, found, "product").ap50,
            "scene": figures(self.split, found, "scene").ap50,
            **{name: round(value, 3) for name, value in whole.ap50_of.items()},
        }


def save(path: Path, content: object) -> None:
    """Write beside and rename, so that a reader never sees half a file."""
    torch.save(content, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


class Shared:
    """Weights, their running average and the optimiser, in memory that all workers see.

    Each worker computes gradients on a copy of the weights and applies them here under the lock.
    So no worker ever waits for another at a barrier, which on busy cores would cost most of the
    time; the price is that a gradient may be one step old.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        # The fused optimiser walks raw memory: weights and gradients need the same layout.
        self.model = build(config).to(memory_format=torch.channels_last).share_memory()
        self.average = build(config).eval().requires_grad_(False).share_memory()
        self.average.load_state_dict(self.model.state_dict())
        body = list(self.model.body.parameters()) if config.body in BODIES else []
        others = [p for p in self.model.parameters() if not any(p is own for own in body)]
        # Without batch norms after it, a kernel's scale matters: the body is not decayed.
        groups = [
            {"params": [p for p in others if p.ndim > 1], "part": 1.0},
            {"params": [p for p in others if p.ndim <= 1], "part": 1.0, "weight_decay": 0.0},
            {"params": body, "part": config.body_rate, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            lr=config.lr,
            weight_decay=config.weight_decay,
            fused=True,
        )
        for parameter in self.model.parameters():
            self.optimiser.state[parameter] = {
                "step": torch.zeros(()).share_memory_(),
                "exp_avg": torch.zeros_like(parameter).share_memory_(),
                "exp_avg_sq": torch.zeros_like(parameter).share_memory_(),
            }
        self.lock = multiprocessing.Lock()
        self.steps = multiprocessing.Value("q", 0, lock=False)
        self.best = multiprocessing.Value("d", 0.0, lock=False)
        self.elapsed = 0.0  # seconds of the run before this start
        self.begun = time.time()

    def seconds(self) -> float:
        return self.elapsed + time.time() - self.begun

    def progress(self) -> float:
        """0..1, by samples or by time, whichever is further."""
        part = self.steps.value * self.config.batch / self.config.samples
        if self.config.minutes:
            part = max(part, self.seconds() / 60 / self.config.minutes)
        return min(part, 1.0)

    def apply(self, local: Network) -> float:
        """Take a worker's gradients and batch statistics. Returns the norm of the gradient."""
        norm = float(torch.nn.utils.clip_grad_norm_(local.parameters(), self.config.clip))
        if not math.isfinite(norm):
            return norm
        with self.lock, torch.no_grad():
            done = self.steps.value * self.config.batch
            rate = rate_at(self.config, done, self.progress())
            thawed = (done - self.config.frozen + 1) / self.config.warmup
            for group in self.optimiser.param_groups:
                # A body that was frozen has its own warm-up.
                warm = 1.0 if group["part"] == 1.0 else min(max(thawed, 0.0), 1.0)
                group["lr"] = rate * group["part"] * warm
            for mine, theirs in zip(self.model.parameters(), local.parameters(), strict=True):
                mine.grad = theirs.grad
            self.optimiser.step()
            for mine, theirs in zip(self.model.buffers(), local.buffers(), strict=True):
                mine.copy_(theirs)
            self.steps.value += 1
            # Short at first, so that early snapshots mean something.
            keep = min(self.config.ema, (1 + self.steps.value) / (20 + self.steps.value))
            for mine, new in zip(
                self.average.state_dict().values(), self.model.state_dict().values(), strict=True
            ):
                if mine.dtype.is_floating_point:
                    mine.lerp_(new, 1 - keep)
                else:
                    mine.copy_(new)
        return norm

    def restore(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["ema"])
        for parameter, old in zip(self.model.parameters(), state["optimiser"], strict=True):
            for name, value in self.optimiser.state[parameter].items():
                value.copy_(old[name])
        self.steps.value, self.best.value = state["step"], state["best"]
        self.elapsed = state["seconds"]

    def store(self, out: Path, figure: dict[str, object]) -> None:
        with self.lock:
            content = {
                "model": self.average.state_dict(),
                "config": self.config.as_dict(),
                "samples": self.steps.value * self.config.batch,
                "val": figure,
            }
            save(out / "ema.pt", content)
            if figure["mAP50"] > self.best.value:
                self.best.value = figure["mAP50"]
                save(out / "best.pt", content)
            save(
                out / "last.pt",
                {
                    "model": self.model.state_dict(),
                    "ema": self.average.state_dict(),
                    "optimiser": [self.optimiser.state[p] for p in self.model.parameters()],
                    "step": self.steps.value,
                    "best": self.best.value,
                    "seconds": self.seconds(),
                    "config": self.config.as_dict(),
                },
            )


def work(shared: Shared, composer: Composer, reports: Reports | None) -> None:
    """Send gradients until the schedule is through; the worker with `reports` also reports."""
    torch.set_num_threads(1)
    loss_of = Loss(shared.config)
    local = build(shared.config).to(memory_format=torch.channels_last).train()
    while (progress := shared.progress()) < 1:
        if isinstance(local, PretrainedDetector):
            done = shared.steps.value * shared.config.batch
            local.body.requires_grad_(done >= shared.config.frozen)
        images, targets = composer.batch(calm=progress > 1 - shared.config.calm)
        with shared.lock:
            local.load_state_dict(shared.model.state_dict())
        with torch.autocast("cpu", torch.bfloat16):
            offsets, logits = local(images.contiguous(memory_format=torch.channels_last))
        loss, parts = loss_of(offsets, logits, targets)
        local.zero_grad()
        loss.backward()
        norm = shared.apply(local)
        if reports:
            reports.after_step({"loss": loss.item(), **parts, "norm": norm})


class Reports:
    """Progress lines, and every `every` samples the figures on val and a checkpoint."""

    def __init__(self, shared: Shared, validation: Validation, out: Path, every: int) -> None:
        self.shared, self.validation, self.out, self.every = shared, validation, out, every
        self.mean: dict[str, float] = {}
        self.first, self.begun, self.printed = shared.steps.value, time.time(), time.time()
        self.next = self.done() + every

    def done(self) -> int:
        return self.shared.steps.value * self.shared.config.batch

    def after_step(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.mean[name] = 0.97 * self.mean.get(name, value) + 0.03 * value
        if time.time() - self.printed > 20:
            self.printed = time.time()
            passed = time.time() - self.begun
            speed = (self.done() - self.first * self.shared.config.batch) / passed
            part = self.shared.progress()
            left = self.shared.seconds() * (1 - part) / part / 60
            text = " ".join(f"{k} {v:.3f}" for k, v in self.mean.items())
            print(
                f"{part:6.1%} {self.done():7d} samples  {text}  {speed:.1f} images/s  "
                f"{left:.0f} min left",
                flush=True,
            )
        if self.done() >= self.next:
            self.next = self.done() + self.every
            self.snapshot()

    def snapshot(self) -> None:
        figure = self.validation.report(copy.deepcopy(self.shared.average))
        self.shared.store(self.out, figure)
        entry = {
            "samples": self.done(),
            "minutes": self.shared.seconds() / 60,
            **self.mean,
            **figure,
        }
        with (self.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(entry) + "\n")
        print("val", json.dumps(figure), flush=True)


def train(args: argparse.Namespace, config: Config) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    validation = Validation(args.data)
    scenes = load(args.data, "train", masks=True, annotations=args.annotations)
    renders = [s for folder in args.renders for s in load(folder, None)]
    background = load_background(args.background) if args.background else []
    shared = Shared(config)
    if isinstance(shared.model, PretrainedDetector) and args.body_weights:
        shared.model.body.load(args.body_weights)
        shared.average.load_state_dict(shared.model.state_dict())
    if args.start_from:
        weights = torch.load(args.start_from, weights_only=True)["model"]
        shared.model.load_state_dict(weights)
        shared.average.load_state_dict(weights)
    if args.resume and (args.out / "last.pt").exists():
        shared.restore(args.out / "last.pt")
    if background and (args.start_from or args.resume):
        favour_hard_background(copy.deepcopy(shared.average), background)
    print(machine(), flush=True)
    counts = f"{len(scenes)} images, {len(renders)} rendered, {len(background)} background"
    print(f"{counts}, {config}", flush=True)
    reports = Reports(shared, validation, args.out, args.report)
    # Seeds differ from worker to worker and after a restart, so no image is drawn twice.
    seeds = np.random.SeedSequence([config.seed, shared.steps.value]).spawn(config.workers)
    composers = [Composer(scenes, renders, config, seed, background) for seed in seeds]
    others = [
        multiprocessing.get_context("fork").Process(
            target=work, args=(shared, composer, None), daemon=True
        )
        for composer in composers[1:]
    ]
    for process in others:
        process.start()
    work(shared, composers[0], reports)
    for process in others:
        process.join()
    reports.snapshot()


def favour_hard_background(model: Network, background: list[Scene]) -> None:
    """Have background images drawn more often in which the model sees what is not there: a
    certain phone, computer or book makes it HARD times as often."""
    absent = [LABELS.index(name) for name in ("phone", "computer", "books")]
    for start in range(0, len(background), 32):
        part = background[start : start + 32]
        _, logits = in_bfloat16(model, np.stack([as_served(scene.image) for scene in part]))
        seen = logits.float().softmax(-1)[..., absent].amax((1, 2))
        for scene, score in zip(part, seen.tolist(), strict=True):
            scene.weight *= 1 + (HARD - 1) * score**2


def bfloat16() -> bool:
    """Whether the processor computes bfloat16 itself; emulated it is twenty times slower."""
    info = Path("/proc/cpuinfo")
    return not info.exists() or any(
        flag in info.read_text() for flag in ("avx512_bf16", "amx_bf16", "bf16 ")
    )


def machine() -> str:
    """What this machine gives, in a line. Raises RuntimeError where bfloat16 is emulated."""
    if not bfloat16():
        raise RuntimeError("this processor emulates bfloat16: training here would take weeks")
    load_1min = os.getloadavg()[0]
    return f"{os.cpu_count()} cores with bfloat16, load {load_1min:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the detector.")
    parser.add_argument("--data", type=Path, required=True, help="folder with annotations.json")
    parser.add_argument("--renders", type=Path, nargs="*", default=[], help="more COCO folders")
    parser.add_argument("--annotations", type=Path, help="instead of the folder's, of a teacher")
    parser.add_argument("--background", type=Path, help="COCO folder without phone, computer, book")
    parser.add_argument("--body-weights", type=Path, help="archive of the body's package")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--start-from", type=Path, help="averaged weights (ema.pt) to begin with")
    parser.add_argument(
        "--resume", action="store_true", help="go on from OUT/last.pt, with its configuration"
    )
    parser.add_argument(
        "--report", type=int, default=10_000, help="samples between two val figures"
    )
    kinds = {"int": int, "float": float, "str": str}
    for entry in dataclasses.fields(Config):
        option = f"--{entry.name.replace('_', '-')}"
        if entry.type in kinds:
            parser.add_argument(option, type=kinds[entry.type])
        elif entry.name == "widths":
            parser.add_argument(option, type=int, nargs=4)
    args = parser.parse_args()
    chosen = {
        entry.name: getattr(args, entry.name)
        for entry in dataclasses.fields(Config)
        if getattr(args, entry.name, None) is not None
    }
    config = Config()
    resumed = args.resume and (args.out / "last.pt").exists()
    if resumed:
        config = Config(**torch.load(args.out / "last.pt", weights_only=True)["config"])
    elif args.start_from:
        theirs = torch.load(args.start_from, weights_only=True)["config"]
        config = dataclasses.replace(config, **{name: theirs[name] for name in ARCHITECTURE})
    config = dataclasses.replace(config, **chosen)
    if config.body in BODIES and not (resumed or args.start_from or args.body_weights):
        parser.error("a pretrained body needs its weights: --body-weights ARCHIVE")
    train(args, config)


if __name__ == "__main__":
    main()
