"""Backbones start from weights that others trained, through the real libraries, on files that lie in their caches."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import huggingface_hub.constants
import pytest
import segmentation_models_pytorch as smp
import timm
import torch
import torchvision
from safetensors.torch import save_file

from hlsmask import models
from hlsmask.bands import BANDS, Band
from hlsmask.errors import ModelError
from hlsmask.models import hosts
from hlsmask.models.build import imported
from hlsmask.models.first import six_bands
from hlsmask.models.registry import NETWORKS

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "0123456789012345678901234567890123456789"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Put a file where Hugging Face's library keeps what it has downloaded."""
    cache = tmp_path / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    def put(repository: str, revision: str | None, name: str) -> Path:
        folder = cache / f"models--{repository.replace('/', '--')}"
        if revision is None:
            (folder / "refs").mkdir(parents=True)
            (folder / "refs" / "main").write_text(MAIN)
        path = folder / "snapshots" / (revision or MAIN) / name
        path.parent.mkdir(parents=True)
        return path

    return put


@pytest.fixture
def torch_home(tmp_path, monkeypatch):
    """Where torchvision keeps what it has downloaded."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_mobilenetv3_through_timm(hub):
    theirs = timm.create_model("tf_mobilenetv3_small_100").state_dict()
    save_file(theirs, hub("timm/tf_mobilenetv3_small_100.in1k", None, "model.safetensors"))
    net = models.create("mobilenetv3", pretrained=True)
    for name in ("conv_stem.weight", "bn1.running_mean", "blocks.5.0.conv.weight"):
        assert torch.equal(net.backbone.state_dict()[f"trunk.{name}"], theirs[name])
    starts_as_colours(net.backbone.first)


def test_deeplabv3p_through_smp(hub):
    encoder = smp.encoders.encoders["resnet34"]["pretrained_settings"]["imagenet"]
    theirs = smp.encoders.get_encoder("resnet34", weights=None).state_dict()
    path = hub(encoder["repo_id"], encoder["revision"], "model.safetensors")
    save_file(theirs, path)
    path.with_name("config.json").write_text("{}")
    ours = models.create("deeplabv3p", pretrained=True).backbone.encoder.state_dict()
    assert torch.equal(ours["layer4.2.conv2.weight"], theirs["layer4.2.conv2.weight"])
    assert torch.equal(ours["conv1.weight"], six_bands(theirs["conv1.weight"]))


def test_segnet_through_torchvision(torch_home):
    with torch.device("meta"):
        whole = torchvision.models.vgg16_bn(weights=None).state_dict()
    theirs = {name: torch.rand(t.shape) for name, t in whole.items() if name.startswith("features.")}
    torch.save(theirs, torch_home / "vgg16_bn-6c64b313.pth")
    ours = models.create("segnet", pretrained=True).backbone.state_dict()
    assert torch.equal(ours["encoder_block.0.0.weight"], theirs["features.0.weight"])
    assert torch.equal(ours["conv_block_enc.4.1.1.running_var"], theirs["features.41.running_var"])


def test_swint_through_torchvision(torch_home):
    theirs = torchvision.models.swin_t(weights=None).state_dict()
    torch.save(theirs, torch_home / "swin_t-704ceda3.pth")
    net = models.create("swint", pretrained=True)
    tensors = list(net.backbone.state_dict().values())
    wanted = theirs["features.7.1.mlp.3.weight"]
    assert any(t.shape == wanted.shape and torch.equal(t, wanted) for t in tensors)


def test_satlas_through_hugging_face(hub, monkeypatch):
    pinned = hosts.PINNED["satlas_si_resnet50"]
    theirs = torchvision.models.resnet50(weights=None).state_dict()
    path = hub(pinned.repository, pinned.revision, pinned.file)
    torch.save(theirs, path)

    with pytest.raises(ModelError, match=r"is not the file that is expected: its SHA-256 is .*, not 45fc6972"):
        models.create("satlas_si_resnet50", pretrained=True)

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(hosts.PINNED, "satlas_si_resnet50", pinned._replace(sha256=digest[:8]))
    net = models.create("satlas_si_resnet50", pretrained=True)
    tensors = list(net.backbone.state_dict().values())
    wanted = theirs["layer4.2.conv3.weight"]
    assert any(t.shape == wanted.shape and torch.equal(t, wanted) for t in tensors)
    starts_as_colours(net.backbone.first)


def starts_as_colours(first: torch.nn.Conv2d) -> None:
    """Check that red, green and blue come out of the six bands."""
    bands = torch.arange(1.0, 7.0).reshape(1, 6, 1, 1)
    order = [BANDS.index(band) + 1 for band in (Band.RED, Band.GREEN, Band.BLUE)]
    assert first(bands).flatten().tolist() == order


def hosted(name: str) -> dict[str, torch.Tensor]:
    """Return names and shapes of the file of pretrained weights, without values."""
    vision = torchvision.models
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
        }
        return whole[name]().state_dict()


PRETRAINED = tuple(name for name, network in NETWORKS.items() if network.pretraining)


@pytest.mark.parametrize("name", [name for name in PRETRAINED if name != "prithvi"])
def test_what_hosts_publish_gives_all_that_is_pretrained(name):
    with torch.device("meta"):
        backbone = imported(NETWORKS[name].module)()
        ours = backbone.state_dict()
        adopted = backbone.adopt(hosted(name))
    assert backbone.pretrained
    assert {n for n in ours if n.startswith(backbone.pretrained)} <= set(adopted)
    assert all(adopted[n].shape == ours[n].shape for n in adopted)


def raw_satlas(name: str) -> dict[str, torch.Tensor]:
    """Return the tensors of a file as allenai publishes it: prefixes, and the pyramid."""
    inner = "backbone.resnet." if name == "satlas_si_resnet50" else "backbone.backbone."
    raw = {inner + n: t for n, t in hosted(name).items()}
    with torch.device("meta"):
        pyramid = imported(NETWORKS[name].module)().fpn.state_dict()
    return raw | {f"intermediates.0.fpn.{n}": t for n, t in pyramid.items()}


@pytest.mark.parametrize("name", [name for name in PRETRAINED if name.startswith("satlas")])
def test_satlas_files_of_allenai_bring_their_pyramid(name):
    with torch.device("meta"):
        backbone = imported(NETWORKS[name].module)()
        adopted = backbone.adopt(raw_satlas(name))
    ours = backbone.state_dict()
    assert {n for n in ours if n.startswith((*backbone.pretrained, "fpn."))} <= set(adopted)
    assert all(adopted[n].shape == ours[n].shape for n in adopted)


@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_prithvi_takes_one_frame_of_three(prefix):
    with torch.device("meta"):
        backbone = imported(NETWORKS["prithvi"].module)()
        ours = backbone.state_dict()
        theirs = {
            prefix + n.replace("patch_embed.", "patch_embed.proj."): t
            for n, t in ours.items()
            if n.startswith(backbone.pretrained)
        }
        theirs |= {f"{prefix}pos_embed": torch.zeros(1, 589, 768), "decoder_embed.weight": torch.zeros(512, 768)}
    adopted = backbone.adopt(theirs)
    assert {n for n in ours if n.startswith(backbone.pretrained)} <= set(adopted)
    assert adopted["pos_embed"].shape == (1, 197, 768)
    assert adopted["pos_embed"].device.type == "cpu"
    assert set(adopted) <= set(ours)


@pytest.fixture
def mobilenet(tmp_path):
    theirs = timm.create_model("tf_mobilenetv3_small_100").state_dict()
    path = tmp_path / "mobilenet.pth"
    torch.save({"state_dict": {f"module.{n}": t for n, t in theirs.items()}}, path)
    return theirs, path


def test_from_a_file(mobilenet, tmp_path):
    theirs, path = mobilenet
    save_file(theirs, tmp_path / "mobilenet.safetensors")
    for file in (path, str(tmp_path / "mobilenet.safetensors")):
        ours = models.create("mobilenetv3", pretrained=file).backbone.trunk.state_dict()
        assert torch.equal(ours["blocks.0.0.conv_dw.weight"], theirs["blocks.0.0.conv_dw.weight"])


def test_a_file_of_another_network(mobilenet):
    _, path = mobilenet
    with pytest.raises(ModelError, match=r"mobilenet\.pth does not fit the pretrained part of segnet: tensors \d+ mis"):
        models.create("segnet", pretrained=path)


def test_a_file_that_is_cut_off(mobilenet):
    _, path = mobilenet
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"mobilenet\.pth is cut off"):
        models.create("mobilenetv3", pretrained=path)


@pytest.mark.parametrize("name", ["mobilenetv3", "prithvi"])
def test_without_a_network_both_ways_are_named(name, hub):
    del hub
    with pytest.raises(ModelError, match=r"could not be fetched .* try again .*\(--pretrained-weights FILE") as caught:
        models.create(name, pretrained=True)
    assert NETWORKS[name].pretraining.source in str(caught.value)


def test_a_network_without_pretrained_weights():
    with pytest.raises(ModelError, match="there are no pretrained weights for hlsmask_s"):
        models.create("hlsmask_s", pretrained=True)


def test_grey_stays_grey_with_six_bands():
    weight = torch.rand(4, 3, 7, 7, dtype=torch.float64)
    grey = torch.rand(1, 1, 20, 20, dtype=torch.float64)
    colours = torch.nn.functional.conv2d(grey.expand(-1, 3, -1, -1), weight)
    bands = torch.nn.functional.conv2d(grey.expand(-1, 6, -1, -1), six_bands(weight))
    torch.testing.assert_close(bands, colours)
