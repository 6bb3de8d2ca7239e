"""How long a network takes for a window: the published layout in eager torch against ours.

    python benchmarks/models.py [--networks mobilenetv3 hlsmask_s] [--repeat 5] [--threads 2]

For each network one window of 512 x 512 pixels, five masks, float32, on the CPU, four ways in turn, in one process:

- original: the layers as the published code lays them out, in eager torch: a head a mask, one after the other, batch
  norms, transposed convolutions and the 66 x 66 convolution as they are (of `hlsmask_s`: as it is trained)
- ours, to train: the heads as one
- ours, torch: what `--engine torch` runs
- ours, onnx: what `--engine onnx` runs

Every way is given the same weights; the largest difference of its logits to the first is printed beside its time.
The time is the median of the rounds, in which each way has its turn. Weights are random, which changes no time.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter
from types import MethodType

import numpy as np
import onnxruntime
import torch
from torch import nn
from torch.nn import functional

from hlsmask import models
from hlsmask.inference.onnx import OnnxEngine
from hlsmask.inference.pytorch import TorchEngine
from hlsmask.models.backbones.satlas_upsample import Doubled
from hlsmask.models.backbones.wide import WideConv2d
from hlsmask.models.build import imported
from hlsmask.models.layout import HEADS
from hlsmask.models.registry import NETWORKS

SIZE = 512
WAYS = ("original", "ours, to train", "ours, torch", "ours, onnx")


class PlainVectorHead(nn.Module):
    """A published head of swint or vitb16."""

    def __init__(self):
        super().__init__()
        self.head1 = nn.Linear(768, 1024)
        widths = (1, 8, 8, 8, 8)
        blocks = [
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
            for a, b in pairwise(widths)
        ]
        self.head = nn.Sequential(*blocks, nn.Conv2d(8, 1, 1))

    def forward(self, features):  # noqa: D102 - torch's
        return self.head(self.head1(features).reshape(-1, 1, 32, 32))


class PlainPrithviHead(nn.Module):
    """A published head of prithvi."""

    def __init__(self):
        super().__init__()
        widths = (768, 384, 192, 96, 48)
        blocks = [
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(a, b, 3, padding=1), nn.ReLU())
            for a, b in pairwise(widths)
        ]
        stretched = nn.Sequential(nn.Upsample(size=(SIZE, SIZE)), nn.Conv2d(48, 48, 3, padding=1), nn.ReLU())
        self.segmentation_head = nn.Sequential(*blocks, stretched, nn.Conv2d(48, 1, 1))

    def forward(self, features):  # noqa: D102 - torch's
        return self.segmentation_head(features)


class PlainSatlasHead(nn.Module):
    """A published head of the Satlas pairs."""

    def __init__(self):
        super().__init__()
        first = nn.Sequential(nn.Conv2d(128, 128, 3, padding=1), nn.ReLU(inplace=True))
        self.head = nn.Sequential(first, nn.Conv2d(128, 1, 3, padding=1))

    def forward(self, features):  # noqa: D102 - torch's
        return self.head(features)


PLAIN = {f"satlas_si_{kind}": PlainSatlasHead for kind in ("resnet50", "swint", "swinb")}
PLAIN |= {"swint": PlainVectorHead, "vitb16": PlainVectorHead, "prithvi": PlainPrithviHead}


def transposed(layer, small):
    """Bring a map to twice its size as Satlas does: a transposed convolution and ReLU."""
    return functional.conv_transpose2d(small, layer.weight, layer.bias, stride=2, padding=1).relu_()


def original(net):
    """Return what computes the logits of `net` as the published code does: a head a mask, one after the other."""
    network = NETWORKS[net.card.backbone]
    backbone = copy.deepcopy(net.backbone)
    for layer in backbone.modules():
        if isinstance(layer, WideConv2d):
            layer.forward = MethodType(nn.Conv2d.forward, layer)
        if isinstance(layer, Doubled):
            layer.forward = MethodType(transposed, layer)
    heads = []
    for at, mask in enumerate(net.card.masks):
        part = {
            name: tensor.chunk(len(net.card.masks))[at] if tensor.ndim else tensor
            for name, tensor in net.heads.state_dict().items()
        }
        if network.backbone in PLAIN:
            head = PLAIN[network.backbone]()
            layout = imported(network.layout)
            part = {layout.theirs(HEADS + name, mask).split(".", 2)[2]: tensor for name, tensor in part.items()}
        else:
            head = imported(network.heads)(1)
        head.load_state_dict(part)
        heads.append(head.eval())

    def run(bands):
        features = backbone(bands)
        maps = [head(features) for head in heads]
        resized = [functional.interpolate(m, (SIZE, SIZE), mode="bilinear", align_corners=True) for m in maps]
        return torch.cat(resized, 1)

    return run


def ways(name, folder, threads):
    """Return a function for each way, from float32 (1, 6, 512, 512) to logits (1, 5, 512, 512)."""
    net = models.create(name).eval()
    weights = models.save(net, folder / f"{name}.safetensors")
    exported = models.export(net, folder / f"{name}.onnx")
    plain = original(net)
    functions = (
        lambda bands: plain(torch.from_numpy(bands)).numpy(),
        lambda bands: net(torch.from_numpy(bands)).numpy(),
        TorchEngine(weights, device="cpu", threads=threads).compute,
        OnnxEngine(exported, threads=threads).compute,
    )
    return dict(zip(WAYS, functions, strict=True))


def measured(name, repeat, threads):
    """Return seconds and largest difference of each way."""
    bands = np.random.default_rng(0).random((1, 6, SIZE, SIZE), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        functions = ways(name, Path(folder), threads)
        expected = functions["original"](bands)
        differences = {way: float(np.abs(run(bands) - expected).max()) for way, run in functions.items()}
        seconds = {way: [] for way in functions}
        for _ in range(repeat):
            for way, run in functions.items():
                started = perf_counter()
                run(bands)
                seconds[way].append(perf_counter() - started)
    return {way: median(seconds[way]) for way in functions}, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, {options.threads} threads, "
        f"median of {options.repeat}; seconds for {SIZE} x {SIZE} pixels (times faster than original)\n"
    )
    print("| network | " + " | ".join(WAYS) + " | megapixels a second | largest difference |")
    print("|---|" + "---:|" * (len(WAYS) + 2))
    for name in options.networks:
        seconds, differences = measured(name, options.repeat, options.threads)
        first = seconds["original"]
        cells = [f"{first:.3f}"] + [f"{seconds[way]:.3f} ({first / seconds[way]:.1f})" for way in WAYS[1:]]
        fastest = SIZE * SIZE / min(seconds.values()) / 1e6
        print(f"| {name} | {' | '.join(cells)} | {fastest:.2f} | {max(differences.values()):.0e} |", flush=True)


if __name__ == "__main__":
    main()
