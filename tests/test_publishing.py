"""Networks written as published checkpoints: the published code could load them, and go on where training stopped."""

from __future__ import annotations

import copy
import json
import re
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

import reference
from heavy import slowly
from hlsmask.card import Normalization
from hlsmask.errors import ModelError, OutputError, UsageError
from hlsmask.masks import PUBLISHED_NAMES, Mask
from hlsmask.models import create, import_published, load, save, write_published
from hlsmask.models.build import outline
from hlsmask.models.freezing import freeze_backbone
from hlsmask.models.moments import from_published, to_published
from hlsmask.models.parts import parts_of
from hlsmask.models.publishing import notes
from hlsmask.models.registry import NETWORKS
from hlsmask.models.resuming import read_published_state, take_up

PARAMETERS = {
    "mobilenetv3": 1_221_946,
    "deeplabv3p": 22_447_893,
    "segnet": 25_128_282,
    "satlas_si_resnet50": 28_202_818,
    "satlas_si_swint": 30_690_156,
    "satlas_si_swinb": 90_330_874,
    "swint": 31_505_067,
    "vitb16": 89_784_369,
    "prithvi": 130_781_835,
}
"""Numbers in `model.parameters()` of the published networks, counted on their module trees."""

TASKS = ("water_mask", "cloudshadow_mask", "cloud_mask", "snowice_mask", "sun_mask")


class Theirs(nn.Module):
    """The published mobilenetv3, its tensors under the published names; `net` is taken apart for it."""

    def __init__(self, net):
        super().__init__()
        backbone = net.backbone
        trunk = nn.Module()
        trunk.first = backbone.first
        trunk.early = nn.Sequential(backbone.trunk.conv_stem, backbone.trunk.bn1)
        for number, block in enumerate(backbone.trunk.blocks):
            setattr(trunk, f"block{number}", block)
        self.backbone = nn.Module()
        self.backbone.trunk = trunk
        for name in ("aspp_conv1", "aspp_conv2", "convs2", "convs4", "conv_up1", "conv_up2"):
            setattr(self.backbone, name, getattr(backbone, name))
        self.decoders = nn.ModuleDict({task: self.head() for task in TASKS})
        self.run = [net.backbone]  # in a list: it is registered above, piece by piece

    @staticmethod
    def head():
        layers = {"conv": nn.Conv2d(160, 128, 1, bias=False), "bn": nn.BatchNorm2d(128), "relu": nn.ReLU()}
        head = nn.Module()
        head.pred_task = nn.Sequential(nn.Sequential(OrderedDict(layers)), nn.Conv2d(128, 1, 1))
        return head

    def forward(self, bands):
        features = self.run[0](bands)
        return {task: head.pred_task(features) for task, head in self.decoders.items()}


def their_loss(net, bands, labels):
    total = 0
    for task, logits in net(bands).items():
        mask = PUBLISHED_NAMES[task]
        truth = labels[:, list(Mask).index(mask), None]
        truth = 1 - truth if task == "sun_mask" else truth
        total = total + binary_cross_entropy_with_logits(logits, truth)
    return total


def our_loss(net, bands, labels):
    logits = net.heads(net.backbone(bands))
    return sum(
        binary_cross_entropy_with_logits(logits[:, at], labels[:, list(Mask).index(mask)])
        for at, mask in enumerate(net.card.masks)
    )


def train(net, optimizer, loss, steps, seed):
    """Take `steps` of training on made-up chips."""
    make = torch.Generator().manual_seed(seed)
    dtype = next(net.parameters()).dtype
    net.train()
    for _ in range(steps):
        bands = torch.rand(2, 6, 64, 64, generator=make).to(dtype)
        labels = (torch.rand(2, 5, 32, 32, generator=make) > 0.5).to(dtype)
        optimizer.zero_grad()
        loss(net, bands, labels).backward()
        optimizer.step()


def assert_same(first, second, **tolerance):
    """Check that two states hold the same tensors in the same order."""
    assert list(first) == list(second)
    for name, tensor in first.items():
        torch.testing.assert_close(tensor, second[name], **(tolerance or {"rtol": 0, "atol": 0}), msg=name)


@pytest.fixture(scope="module")
def trained():
    """A small network that has been trained for two steps, and its optimizer."""
    torch.manual_seed(0)
    net = create("mobilenetv3")
    net.card = replace(net.card, normalization=Normalization("published"))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4, betas=(0.8, 0.99))
    train(net, optimizer, our_loss, 2, seed=1)
    return net, optimizer


@pytest.fixture
def written(trained, tmp_path):
    net, optimizer = trained
    state = optimizer.state_dict()
    return write_published(net, tmp_path / "a.pth.tar", epoch=3, best_performance=0.25, optimizer=state)


# ---------------------------------------------------------------- weights


def spread(pair):
    """Return tensors of a pair that take little memory: each row has one value, each tensor its own."""
    tensors = {}
    for number, (name, (shape, kind)) in enumerate(described(pair).items()):
        dtype = getattr(torch, kind)
        if not shape:
            tensors[name] = torch.tensor(7, dtype=dtype)
            continue
        rows = torch.arange(shape[0]).to(torch.float64) / shape[0] + number
        tensors[name] = rows.to(dtype).reshape(-1, *[1] * (len(shape) - 1)).expand(shape)
    return tensors


def described(pair):
    """Return shape and type of every tensor of a published checkpoint by its name, in the order of the file."""
    reference.fill()  # skips where there are no descriptions
    return json.loads((reference.FOLDER / f"{pair}.json").read_text())


@pytest.mark.parametrize("pair", reference.PAIRS)
def test_names_shapes_and_order_are_those_of_the_file(pair):
    expected = [(name, tuple(shape)) for name, (shape, _) in described(pair).items()]
    parts = parts_of(outline(NETWORKS[pair], NETWORKS[pair].card(tuple(Mask))))
    assert [(part.theirs, part.shape) for part in parts] == expected


@pytest.mark.parametrize("pair", slowly(reference.PAIRS))
def test_what_was_read_is_written_as_it_was(pair, tmp_path):
    theirs = spread(pair)
    first = import_published(reference.write(tmp_path / "first.pth.tar", theirs))
    path = write_published(first, tmp_path / "second.pth.tar", epoch=46, best_performance=0.5)
    container = torch.load(path, weights_only=True, mmap=True)
    again = container["state_dict"]
    layout_unused = {f"module.{part.theirs}" for part in parts_of(first) if part.ours is None}
    assert list(again) == [f"module.{name}" for name in theirs]
    for name, tensor in theirs.items():
        written = again[f"module.{name}"]
        assert (written.shape, written.dtype) == (tensor.shape, tensor.dtype), name
        assert f"module.{name}" in layout_unused or torch.equal(written, tensor), name
    assert_same(import_published(path).state_dict(), first.state_dict())
    group = container["optimizer"]["param_groups"][0]
    learnt = [name for name, part in zip(again, parts_of(first), strict=True) if part.parameter]
    assert group["params"] == list(range(len(learnt)))
    assert sum(again[name].numel() for name in learnt) == PARAMETERS[pair]


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_those_of_the_published_network(name):
    net = outline(NETWORKS[name], NETWORKS[name].card(tuple(Mask)))
    parts = parts_of(net)
    assert sum(int(np.prod(part.shape)) for part in parts if part.parameter) == PARAMETERS[name]
    assert len({part.theirs for part in parts}) == len(parts)


def test_the_published_code_could_load_it(trained, written):
    net, _ = trained
    container = torch.load(written, weights_only=True)
    assert list(container) == ["epoch", "state_dict", "best_performance", "optimizer"]
    assert (container["epoch"], container["best_performance"]) == (3, 0.25)
    theirs = Theirs(create("mobilenetv3"))
    parallel = nn.DataParallel(theirs)  # what gives its names their prefix
    assert list(container["state_dict"]) == list(parallel.state_dict())
    parallel.load_state_dict(container["state_dict"], strict=True)
    bands = torch.rand(1, 6, 64, 64)
    with torch.inference_mode():
        told = theirs.eval()(bands)
        ours = copy.deepcopy(net).eval()
        logits = ours.heads(ours.backbone(bands))
    for at, mask in enumerate(Mask):
        name = next(name for name, other in PUBLISHED_NAMES.items() if other is mask)
        expected = -told[name] if mask is Mask.TERRAIN_SHADOW else told[name]
        torch.testing.assert_close(logits[:, at, None], expected)


def test_without_the_prefix_for_a_single_gpu(trained, tmp_path):
    net, _ = trained
    path = write_published(net, tmp_path / "a.pth", epoch=1, best_performance=1, prefix="")
    theirs = Theirs(create("mobilenetv3"))
    theirs.load_state_dict(torch.load(path, weights_only=True)["state_dict"], strict=True)
    assert_same(import_published(path).state_dict(), net.state_dict())


@pytest.mark.parametrize(
    "masks", [{Mask.TERRAIN_SHADOW}, {Mask.CLOUD}, {Mask.CLOUD, Mask.CLOUD_SHADOW}, {*Mask} - {Mask.SNOW_ICE}]
)
def test_fewer_masks_are_fewer_decoders(tmp_path, masks):
    net = create("mobilenetv3", masks=masks)
    path = write_published(net, tmp_path / "few.pth.tar", epoch=0, best_performance=1)
    names = torch.load(path, weights_only=True)["state_dict"]
    decoders = list(dict.fromkeys(name.split(".")[2] for name in names if ".decoders." in name))
    assert decoders == [task for task in TASKS if PUBLISHED_NAMES[task] in masks]
    again = import_published(path)
    assert again.card.masks == net.card.masks
    assert_same(again.state_dict(), net.state_dict())


def test_weights_laid_out_otherwise_are_written_alike(trained, written, tmp_path):
    other = copy.deepcopy(trained[0]).to(memory_format=torch.channels_last)
    path = write_published(other, tmp_path / "other.pth.tar", epoch=3, best_performance=0.25)
    first, second = (torch.load(file, weights_only=True)["state_dict"] for file in (written, path))
    assert_same(first, second)
    assert all(tensor.is_contiguous() for tensor in second.values())
    assert path.stat().st_size < 6e6, "each head alone, not all of them in each"


def test_what_was_never_published_is_refused(trained, tmp_path):
    with pytest.raises(UsageError, match="hlsmask_s has no published form; the networks that have one are mobilenetv3"):
        write_published(create("hlsmask_s"), tmp_path / "a.pth.tar", epoch=1, best_performance=1)
    for name in ("a.safetensors", "a.ckpt", "a"):
        with pytest.raises(UsageError, match=r"are written to a \.pth\.tar file, not to"):
            write_published(trained[0], tmp_path / name, epoch=1, best_performance=1)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_leaves_what_was_there(trained, written, monkeypatch):
    before = written.read_bytes()

    def full(_container, path):
        path.write_bytes(b"half")
        raise RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 1 vs 0\nmore")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"a\.pth\.tar cannot be written: \[enforce fail"):
        write_published(trained[0], written, epoch=1, best_performance=1)
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == ["a.pth.tar"]


def test_what_the_published_code_does_otherwise_is_told(trained):
    net = trained[0]
    assert notes(net) == ()
    fixed = copy.deepcopy(net)
    fixed.card = replace(NETWORKS["mobilenetv3"].card(tuple(Mask)), definitions={Mask.TERRAIN_SHADOW: "shad+cast"})
    scaled, cast = notes(fixed)
    assert "always scales by the least and greatest value" in scaled
    assert "cast shadows" in cast
    prithvi = outline(NETWORKS["prithvi"], NETWORKS["prithvi"].card(tuple(Mask)))
    assert any("shuffles" in note for note in notes(prithvi))


# ---------------------------------------------------------------- the optimizer


def test_both_forms_go_on_alike(trained, written):
    """Where a run of ours stopped, the published code takes the very steps that ours would have taken."""
    net, optimizer = trained
    ours = copy.deepcopy(net).double()
    our_adam = torch.optim.Adam(ours.parameters())
    our_adam.load_state_dict(optimizer.state_dict())

    container = torch.load(written, weights_only=True)
    theirs = Theirs(create("mobilenetv3"))
    nn.DataParallel(theirs).load_state_dict(container["state_dict"])
    theirs = theirs.double()
    their_adam = torch.optim.Adam(theirs.parameters(), lr=1e-4)
    their_adam.load_state_dict(container["optimizer"])

    train(ours, our_adam, our_loss, 2, seed=2)
    train(theirs, their_adam, their_loss, 2, seed=2)
    assert_as_published(ours, theirs)
    assert not torch.allclose(ours.heads.last.weight, net.heads.last.weight.double(), atol=1e-4), "it learnt"


def test_a_published_run_goes_on_here(tmp_path):
    """Where the published code stopped, ours takes the very steps that it would have taken."""
    torch.manual_seed(3)
    theirs = Theirs(create("mobilenetv3"))
    their_adam = torch.optim.Adam(theirs.parameters(), lr=1e-3)
    train(theirs, their_adam, their_loss, 2, seed=4)
    path = tmp_path / "theirs.pth.tar"
    state = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
    container = {"epoch": 9, "state_dict": state, "best_performance": 0.2, "optimizer": their_adam.state_dict()}
    torch.save(container, path)

    net = import_published(path)
    told = read_published_state(path, net)
    assert (told.epoch, told.best_performance, told.note) == (9, 0.2, "")
    ours = net.double()
    our_adam = torch.optim.Adam(ours.parameters(), lr=7)
    our_adam.load_state_dict(told.optimizer)
    theirs = theirs.double()
    again = torch.optim.Adam(theirs.parameters())
    again.load_state_dict(their_adam.state_dict())

    train(ours, our_adam, our_loss, 2, seed=5)
    train(theirs, again, their_loss, 2, seed=5)
    assert_as_published(ours, theirs)


def assert_as_published(ours, theirs):
    """Check that `theirs` holds what `ours` does, cut by mask."""
    published = theirs.state_dict()
    for name, tensor in ours.state_dict().items():
        for part in (part for part in parts_of(ours) if part.ours == name):
            given = published[part.theirs]
            torch.testing.assert_close(given, part.cut(tensor).to(given.dtype), rtol=0, atol=1e-7, msg=part.theirs)


def test_the_state_comes_back_as_it_was(trained, written):
    _, optimizer = trained
    before = optimizer.state_dict()
    told = read_published_state(written, import_published(written))
    assert told.optimizer["param_groups"] == before["param_groups"]
    assert set(told.optimizer["state"]) == set(before["state"])
    for index, entry in before["state"].items():
        assert_same(entry, told.optimizer["state"][index])
    assert (told.epoch, told.best_performance, told.note) == (3, 0.25, "")


@pytest.mark.parametrize("pair", ["segnet", "satlas_si_resnet50", "prithvi"])
def test_parameters_are_counted_in_the_published_order(pair, tmp_path):
    """Of networks whose files are in another order than ours, or hold what is not used, each keeps its own state."""
    theirs = spread(pair)
    buffers = ("running_mean", "running_var", "num_batches_tracked")
    names = [name for name in theirs if not name.endswith(buffers)]
    idle = {
        part.theirs for part in parts_of(outline(NETWORKS[pair], NETWORKS[pair].card(tuple(Mask)))) if not part.ours
    }
    never = idle | {"backbone.model.pos_embed"}
    state = {
        index: {"step": torch.tensor(5.0), "exp_avg": theirs[name] / 2, "exp_avg_sq": theirs[name] * 2}
        for index, name in enumerate(names)
        if name not in never
    }
    options = torch.optim.Adam([nn.Parameter(torch.zeros(1))]).state_dict()["param_groups"][0]
    optimizer = {"state": state, "param_groups": [{**options, "params": list(range(len(names)))}]}
    net = import_published(reference.write(tmp_path / "a.pth.tar", theirs))
    told = from_published(optimizer, list(theirs), net)
    for index, (name, parameter) in enumerate(net.named_parameters()):
        entry = told["state"][index]
        assert torch.equal(entry["exp_avg"], parameter / 2), name
        assert torch.equal(entry["exp_avg_sq"], parameter.abs() * 2), name
    back = to_published(told, net)
    assert back["param_groups"] == optimizer["param_groups"]
    assert set(back["state"]) == set(state)
    for index, entry in state.items():
        assert_same(entry, back["state"][index])


def test_what_comes_after_the_network_is_left_out(trained, tmp_path):
    """Learnt weights of losses are in the same optimizer; the published container has no place for them."""
    net = copy.deepcopy(trained[0])
    weights = nn.Parameter(torch.zeros(5))
    optimizer = torch.optim.Adam([*net.parameters(), weights])
    train(net, optimizer, lambda *given: our_loss(*given) + weights.sum(), 1, seed=1)
    path = write_published(net, tmp_path / "a.pth.tar", epoch=1, best_performance=1, optimizer=optimizer.state_dict())
    told = read_published_state(path, import_published(path))
    assert len(told.optimizer["state"]) == len(list(net.parameters()))


def test_a_frozen_backbone_has_no_state(trained, tmp_path):
    net = copy.deepcopy(trained[0])
    freeze_backbone(net)
    optimizer = torch.optim.Adam([each for each in net.parameters() if each.requires_grad])
    train(net, optimizer, our_loss, 1, seed=1)
    path = write_published(net, tmp_path / "a.pth.tar", epoch=1, best_performance=1, optimizer=optimizer.state_dict())
    theirs = Theirs(create("mobilenetv3"))
    adam = torch.optim.Adam(theirs.parameters())
    adam.load_state_dict(torch.load(path, weights_only=True)["optimizer"])
    assert {name for name, each in theirs.named_parameters() if adam.state.get(each)} == {
        name for name, _ in theirs.named_parameters() if name.startswith("decoders.")
    }
    again = import_published(path)
    freeze_backbone(again)
    fresh = torch.optim.Adam([each for each in again.parameters() if each.requires_grad])
    take_up(fresh, read_published_state(path, again).optimizer, again)
    assert_same_steps(fresh, optimizer)


def assert_same_steps(first, second):
    """Check that two optimizers remember the same of tensors that come in the same order."""
    states = first.state_dict()["state"], second.state_dict()["state"]
    assert states[0]
    assert set(states[0]) == set(states[1])
    for index, entry in states[0].items():
        assert_same(entry, states[1][index])


def test_an_optimizer_of_other_groups_takes_it_up(trained, written):
    """Decay for some weights alone, and learnt weights of losses beside: each parameter gets what is its own."""
    net = import_published(written)
    state = read_published_state(written, net).optimizer
    flat = [each for each in net.parameters() if each.ndim < 2]
    deep = [each for each in net.parameters() if each.ndim >= 2]
    own = nn.Parameter(torch.zeros(5))
    groups = [{"params": [*deep, own], "weight_decay": 0.5}, {"params": flat, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=0.125)
    take_up(adam, state, net)
    theirs = trained[1].state
    for ours, before in zip(net.parameters(), trained[0].parameters(), strict=True):
        assert_same(dict(adam.state[ours]), dict(theirs[before]))
    assert own not in adam.state
    assert [(group["lr"], group["weight_decay"]) for group in adam.param_groups] == [(0.125, 0.5), (0.125, 0.0)]
    train(net, adam, lambda *given: our_loss(*given) + own.sum(), 1, seed=1)


@pytest.mark.parametrize("kind", ["none", "sgd", "two groups", "too few"])
def test_another_optimizer_is_written_as_an_adam_that_has_not_begun(trained, kind, tmp_path):
    net = copy.deepcopy(trained[0])
    if kind == "none":
        state = None
    else:
        tensors = list(net.parameters())
        optimizer = {
            "sgd": lambda: torch.optim.SGD(tensors, lr=0.1, momentum=0.9),
            "two groups": lambda: torch.optim.Adam([{"params": tensors[:9]}, {"params": tensors[9:]}]),
            "too few": lambda: torch.optim.Adam(tensors[9:]),
        }[kind]()
        train(net, optimizer, our_loss, 1, seed=1)
        state = optimizer.state_dict()
    path = write_published(net, tmp_path / "a.pth.tar", epoch=1, best_performance=1, optimizer=state)
    theirs = Theirs(create("mobilenetv3"))
    adam = torch.optim.Adam(theirs.parameters(), lr=1e-4)
    adam.load_state_dict(torch.load(path, weights_only=True)["optimizer"])
    assert (adam.param_groups[0]["lr"], len(adam.state)) == (1e-4, 0)
    train(theirs, adam, their_loss, 1, seed=1)
    told = read_published_state(path, import_published(path))
    assert told.optimizer is None
    assert f"the optimizer starts anew, since the state of it in {path} cannot be used: it remembers no" in told.note


def bent(change):
    """Return a change of a container that bends its optimizer."""

    def bend(container):
        change(container["optimizer"])

    return bend


def other_steps(state):
    last = max(state["state"])
    state["state"][last]["step"] += 1


def lacking(state):
    del state["state"][max(state["state"])]


def sgd(state):
    for entry in state["state"].values():
        entry.clear()
        entry["momentum_buffer"] = torch.zeros(1)


def misshapen(state):
    state["state"][0]["exp_avg"] = torch.zeros(3)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda container: container.pop("optimizer"), "it remembers no steps"),
        (lambda container: container.update(optimizer=[1]), "it remembers no steps"),
        (bent(lambda state: state.update(state=[1])), "it remembers no steps"),
        (bent(lambda state: state.pop("param_groups")), "its parameters are not in one group"),
        (bent(lambda state: state["param_groups"].append({"params": [1]})), "its parameters are not in one group"),
        (
            bent(lambda state: state["param_groups"][0]["params"].pop()),
            r"it is one of \d+ tensors, the network has \d+",
        ),
        (bent(sgd), "it is not one of Adam"),
        (bent(lambda state: state["state"].update({0: 5})), "it is not one of Adam"),
        (bent(misshapen), r"what it remembers of backbone\.trunk\.first\.weight is not of the shape \(3, 6, 1, 1\)"),
        (bent(other_steps), "its masks have not taken the same number of steps"),
        (bent(lacking), "its masks have not taken the same number of steps"),
    ],
)
def test_a_state_that_does_not_fit_says_why(written, change, told):
    container = torch.load(written, weights_only=True)
    change(container)
    torch.save(container, written)
    state = read_published_state(written, import_published(written))
    assert state.optimizer is None
    assert re.search(told, state.note)
    assert state.epoch == 3


@pytest.mark.parametrize("odd", [None, "x", float("nan"), [1]])
def test_a_container_that_does_not_say_how_far_it_is(written, odd):
    container = torch.load(written, weights_only=True)
    container["epoch"] = container["best_performance"] = odd
    torch.save(container, written)
    state = read_published_state(written, import_published(written))
    assert (state.epoch, state.best_performance) == (0, float("inf"))
    assert state.optimizer is not None


def test_what_is_no_checkpoint(trained, tmp_path):
    path = tmp_path / "a.pth.tar"
    torch.save([1], path)
    with pytest.raises(ModelError, match="is no published checkpoint"):
        read_published_state(path, trained[0])


# ---------------------------------------------------------------- the command line


def test_export_writes_what_import_reads(trained, run, tmp_path):
    net = copy.deepcopy(trained[0])
    net.card = replace(
        NETWORKS["mobilenetv3"].card(tuple(Mask)), provenance={"epoch": 12, "val_loss": 0.125, "other": [1]}
    )
    ours = save(net, tmp_path / "ours.safetensors")
    out = tmp_path / "theirs.pth.tar"
    code, printed, err = run("models", "export", ours, "--out", out)
    assert (code, err) == (0, "")
    first, note = printed.splitlines()
    assert first == f"{out}: mobilenetv3 with mobilenetv3_head, {out.stat().st_size / 1e6:.1f} MB, epoch 12"
    assert note.startswith("note: the published code always scales")
    container = torch.load(out, weights_only=True)
    assert (container["epoch"], container["best_performance"]) == (12, 0.125)
    assert run("models", "import", out, "--out", tmp_path / "back.safetensors")[0] == 0
    assert_same(load(tmp_path / "back.safetensors").state_dict(), net.state_dict())


def test_export_refuses(trained, run, tmp_path):
    ours = save(trained[0], tmp_path / "ours.safetensors")
    own = save(create("hlsmask_s"), tmp_path / "own.safetensors")
    (tmp_path / "there.pth.tar").write_text("precious")
    for source, out, told in (
        (ours, "there.pth.tar", "add --overwrite"),
        (ours, "a.pth", "name a .onnx file or, for the code of the improv-mask project, a .pth.tar file"),
        (own, "a.pth.tar", "hlsmask_s has no published form"),
    ):
        code, printed, err = run("models", "export", source, "--out", tmp_path / out)
        assert (code, printed) == (2, "")
        assert told in err
    assert (tmp_path / "there.pth.tar").read_text() == "precious"
