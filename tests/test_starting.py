"""Networks that start from the weights of others, and backbones that keep theirs."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy_with_logits

from hlsmask.card import Normalization
from hlsmask.errors import ModelError
from hlsmask.masks import Mask
from hlsmask.models import create, save, write_published
from hlsmask.models.build import outline
from hlsmask.models.freezing import freeze_backbone, unfreeze
from hlsmask.models.masknet import Backbone
from hlsmask.models.registry import NETWORKS
from hlsmask.models.starting import RUN, start_from, taken

ALL = tuple(Mask)


@pytest.fixture(scope="module")
def source():
    """A network of three masks, no number of which is as it was when it was new."""
    return shuffled(create("mobilenetv3", masks=["water", "cloud_shadow", "terrain_shadow"]), seed=1)


def shuffled(net, seed):
    make = torch.Generator().manual_seed(seed)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            random = torch.rand(tensor.shape, generator=make)
            tensor.mul_(0.5 + random).add_(0.01 * random)
        else:
            tensor.fill_(seed)
    return net.eval()


def checkpoint(net, path, **changes):
    """Write a file as `hlsmask train` does."""
    state = {f"net.{name}": tensor for name, tensor in net.state_dict().items()}
    content = {
        "epoch": 3,
        "pytorch-lightning_version": "2.6.6",
        "state_dict": {**state, "weighting.logs": torch.zeros(3)},
        RUN: {"card": net.card.to_json(), "stem": "x"},
    }
    torch.save(content | changes, path)
    return path


def logits(net, bands):
    with torch.inference_mode():
        given = net.eval()(bands)
    return dict(zip(net.card.masks, given.unbind(1), strict=True))


# ---------------------------------------------------------------- start_from


@pytest.mark.parametrize("kind", ["a.safetensors", "a.ckpt", "a.pth.tar"])
def test_what_both_have_gives_what_it_gave(kind, source, tmp_path):
    path = tmp_path / kind
    write = {
        "a.safetensors": lambda: save(source, path),
        "a.ckpt": lambda: checkpoint(source, path),
        "a.pth.tar": lambda: write_published(source, path, epoch=1, best_performance=1),
    }[kind]
    write()
    net = shuffled(create("mobilenetv3", masks=["water", "cloud", "terrain_shadow"]), seed=2)
    before, card = copy.deepcopy(net), net.card
    bands = torch.rand(1, 6, 64, 64)
    expected = logits(source, bands)
    told = start_from(net, path)
    assert told.startswith("backbone and heads of water, terrain_shadow; cloud starts anew")
    assert ("scaled in another way" in told) is (kind == "a.pth.tar")
    assert net.card is card
    given = logits(net, bands)
    torch.testing.assert_close(given[Mask.WATER], expected[Mask.WATER])
    torch.testing.assert_close(given[Mask.TERRAIN_SHADOW], expected[Mask.TERRAIN_SHADOW])
    own = before.heads(net.backbone(bands))[:, 1]
    torch.testing.assert_close(net.heads(net.backbone(bands))[:, 1], own)
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_what_it_tells(source, tmp_path):
    path = save(source, tmp_path / "a.safetensors")
    told = {
        masks: start_from(create("mobilenetv3", masks=masks), path)
        for masks in (("water",), ("cloud",), ("snow_ice", "cloud"), ALL)
    }
    assert told == {
        ("water",): "backbone and heads of water",
        ("cloud",): "backbone alone; cloud starts anew",
        ("snow_ice", "cloud"): "backbone alone; cloud, snow_ice start anew",
        ALL: "backbone and heads of water, cloud_shadow, terrain_shadow; cloud, snow_ice start anew",
    }
    net = create("mobilenetv3")
    net.card = replace(net.card, normalization=Normalization("published"))
    assert start_from(net, path).endswith("; they have learnt from reflectance scaled in another way")


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=20)
@given(ours=st.sets(st.sampled_from(Mask), min_size=1), theirs=st.sets(st.sampled_from(Mask), min_size=1))
def test_each_mask_keeps_its_own_part(name, ours, theirs):
    """Of every network, any masks from any: the tensors that each mask alone would have."""
    network = NETWORKS[name]
    net = valued(network, Mask.parse_all(ours), 100)
    source = valued(network, Mask.parse_all(theirs), 200)
    for key, tensor in taken(net, source).items():
        assert tensor.shape == net.state_dict()[key].shape
        if not key.startswith("heads."):
            assert tensor is source.state_dict()[key]
        elif tensor.ndim:
            parts = tensor.chunk(len(ours))
            for mask, part in zip(net.card.masks, parts, strict=True):
                assert (part == value(mask, 200 if mask in theirs else 100)).all()


def value(mask, start):
    return start + list(Mask).index(mask)


class Valued:
    """Stands for a network: the tensors of its heads hold a number a mask, those of its backbone no memory."""

    def __init__(self, card, tensors):
        self.card, self.tensors = card, tensors

    def state_dict(self):
        return self.tensors


SHAPES = {}


def valued(network, masks, start):
    if network.backbone not in SHAPES:
        state = outline(network, network.card(ALL)).state_dict()
        SHAPES[network.backbone] = {key: tuple(tensor.shape) for key, tensor in state.items()}
    tensors = {}
    for key, shape in SHAPES[network.backbone].items():
        if not key.startswith("heads.") or not shape:
            tensors[key] = torch.tensor(start).expand(shape)
            continue
        rows = shape[0] // len(Mask)
        parts = [torch.tensor(value(mask, start)).expand(rows, *[1] * (len(shape) - 1)) for mask in masks]
        tensors[key] = torch.cat(parts)
    return Valued(network.card(masks), tensors)


@pytest.mark.parametrize("name", NETWORKS)
def test_heads_of_every_network_lie_along_the_first_axis(name):
    """What `taken` cuts by: with one mask more, each tensor of the heads has that many more rows, no other change."""
    network = NETWORKS[name]
    few, many = (outline(network, network.card(ALL[:count])).state_dict() for count in (2, 3))
    for key, tensor in few.items():
        if key.startswith("heads.") and tensor.ndim:
            assert many[key].shape == (tensor.shape[0] // 2 * 3, *tensor.shape[1:])
        else:
            assert many[key].shape == tensor.shape


@pytest.mark.parametrize("name", ["deeplabv3p", "hlsmask_s"])
def test_other_networks_from_a_file(name, tmp_path):
    source = shuffled(create(name, masks=["cloud", "snow_ice"]), seed=3)
    path = save(source, tmp_path / "a.safetensors")
    net = create(name, masks=["snow_ice"])
    start_from(net, path)
    bands = torch.rand(1, 6, 64, 64)
    # One head or two: convolutions sum in another order, and shuffled weights make values of 1e18.
    ours, theirs = logits(net, bands)[Mask.SNOW_ICE], logits(source, bands)[Mask.SNOW_ICE]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_what_does_not_fit_is_refused_and_changes_nothing(source, tmp_path):
    net = create("hlsmask_s")
    before = copy.deepcopy(net.state_dict())
    ours = save(source, tmp_path / "a.safetensors")
    with pytest.raises(ModelError, match=r"is a network of mobilenetv3 with mobilenetv3_head, not of hlsmask_s"):
        start_from(net, ours)
    with pytest.raises(ModelError, match=r"nowhere\.ckpt cannot be read"):
        start_from(net, tmp_path / "nowhere.ckpt")
    odd = copy.deepcopy(source)
    odd.card = replace(odd.card, bands=odd.card.bands[::-1])
    save(odd, tmp_path / "odd.safetensors")
    with pytest.raises(ModelError, match=r"takes swir2, .*; a network that takes blue, .* differs"):
        start_from(create("mobilenetv3"), tmp_path / "odd.safetensors")
    cut = dict(list(source.state_dict().items())[1:])
    for name, change, told in (
        ("b.ckpt", {RUN: {}}, "does not say of which network it is"),
        ("c.ckpt", {RUN: 3}, "does not say of which network it is"),
        ("d.ckpt", {"state_dict": 3}, "does not say of which network it is"),
        ("e.ckpt", {"state_dict": {f"net.{key}": each for key, each in cut.items()}}, r"tensors 1 missing \(backbone"),
    ):
        with pytest.raises(ModelError, match=told):
            start_from(net, checkpoint(source, tmp_path / name, **change))
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


# ---------------------------------------------------------------- a frozen backbone


def step(net, seed=0):
    """Take a step of training on a made-up chip, in training mode."""
    make = torch.Generator().manual_seed(seed)
    size = net.backbone.fixed or 64
    net.train()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.5)
    given = net(torch.rand(2, 6, size, size, generator=make))
    binary_cross_entropy_with_logits(given, torch.ones_like(given)).backward()
    optimizer.step()


def copied(net):
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def changed(net, before):
    return {name for name, tensor in net.state_dict().items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize("name", ["mobilenetv3", "hlsmask_s", "deeplabv3p"])
def test_a_step_leaves_every_tensor_of_a_frozen_backbone(name):
    net = create(name)
    freeze_backbone(net)
    before = copied(net)
    step(net)
    net.eval()
    step(copy.deepcopy(net))
    step(net)
    moved = changed(net, before)
    assert moved
    assert all(key.startswith("heads.") for key in moved)
    assert net.training
    assert net.heads.training
    assert not any(module.training for module in net.backbone.modules())


def test_a_frozen_backbone_gives_the_same_in_training():
    net = create("hlsmask_s")
    bands = torch.rand(2, 6, 64, 64)
    with torch.inference_mode():
        expected = net.eval().backbone(bands)
        freeze_backbone(net)
        assert torch.equal(net.train().backbone(bands), expected)


def test_thawed_it_learns_again():
    net = create("hlsmask_s")
    freeze_backbone(net)
    unfreeze(net)
    assert all(module.training for module in net.modules())
    before = copied(net)
    step(net)
    moved = changed(net, before)
    assert {name for name, _ in net.named_parameters()} <= moved
    assert any(name.startswith("backbone.") and name.endswith("running_mean") for name in moved)


def test_freezing_leaves_the_mode_and_what_others_freeze(tmp_path):
    net = create("hlsmask_s").eval()
    freeze_backbone(net)
    assert not net.training
    path = save(net, tmp_path / "a.safetensors")
    start_from(net, path)
    assert not any(parameter.requires_grad for parameter in net.backbone.parameters())
    unfreeze(net)
    assert not any(module.training for module in net.modules())
    assert not Backbone.frozen


# ---------------------------------------------------------------- pretrained weights from a file


def hosted(name):
    """Return what the file of pretrained weights of a backbone holds, a number a tensor, hardly any memory."""
    import timm  # noqa: PLC0415 - large, and for these tests alone
    from torchvision import models as vision  # noqa: PLC0415 - as above

    with torch.device("meta"):
        whole = {
            "mobilenetv3": lambda: timm.create_model("tf_mobilenetv3_small_100"),
            "deeplabv3p": lambda: vision.resnet34(weights=None),
            "segnet": lambda: vision.vgg16_bn(weights=None),
            "satlas_si_resnet50": lambda: vision.resnet50(weights=None),
            "satlas_si_swint": lambda: vision.swin_v2_t(weights=None),
            "satlas_si_swinb": lambda: vision.swin_v2_b(weights=None),
            "swint": lambda: vision.swin_t(weights=None),
            "vitb16": lambda: vision.vit_b_16(weights=None),
            "prithvi": lambda: outline(NETWORKS["prithvi"], NETWORKS["prithvi"].card(ALL)).backbone,
        }[name]()
    state = whole.state_dict()
    if name == "prithvi":
        state = {
            key.replace("patch_embed.", "patch_embed.proj."): each for key, each in state.items() if key[:4] != "wide"
        }
    return {
        key: torch.tensor(number, dtype=each.dtype).expand(each.shape)
        for number, (key, each) in enumerate(state.items())
    }


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.pretraining])
def test_every_backbone_starts_from_a_file(name, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.nn.init, "trunc_normal_", lambda tensor, *_, **__: tensor)  # slow, and written over
    theirs = hosted(name)
    path = tmp_path / "weights.pth"
    torch.save({"model": theirs}, path)
    net = create(name, masks=["water"], pretrained=path)
    backbone = net.backbone
    state = backbone.state_dict()
    adopted = backbone.adopt(theirs)
    start = [key for key in state if key.startswith(backbone.pretrained)]
    assert start
    for key in start:
        assert torch.equal(state[key], adopted[key]), key
    bands = torch.rand(1, 6, 80, 80)
    blue, green, red = bands.unbind(1)[:3]
    first, wide = getattr(backbone, "first", None), getattr(backbone, "wide", None)
    if first is not None:
        torch.testing.assert_close(first(bands), torch.stack([red, green, blue], 1))
        bands = first(bands)
    if wide is not None:
        half = torch.nn.functional.avg_pool2d(bands, 2)[..., 16:-16, 16:-16]
        torch.testing.assert_close(wide(bands), half[..., : wide(bands).shape[-2], : wide(bands).shape[-1]])
    assert first is not None or wide is not None or state["encoder.conv1.weight"].shape[1] == 6
