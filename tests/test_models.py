"""The contract that every registered network keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

import hlsmask
from heavy import slowly
from hlsmask import models
from hlsmask.card import METADATA_KEY, Card
from hlsmask.errors import CardError, ModelError, OutputError, UsageError
from hlsmask.masks import Mask
from hlsmask.models.build import imported
from hlsmask.models.folding import folded
from hlsmask.models.registry import NETWORKS, find

ALL = tuple(NETWORKS)
ANY_SIZE = tuple(name for name, network in NETWORKS.items() if not network.fixed)
LIGHT = ("mobilenetv3", "segnet", "hlsmask_s")
"""Those that export within seconds; the others are proofs for `make test-all`."""

each = pytest.mark.parametrize("name", ALL)
each_the_heavy_slowly = pytest.mark.parametrize("name", slowly(ALL))


@pytest.fixture(scope="module")
def made():
    """Each network once, with weights that are not all at their start."""
    known = {}

    def make(name: str) -> models.MaskNet:
        if name not in known:
            known.clear()  # the largest fill memory
            torch.manual_seed(0)
            known[name] = trained_a_little(models.create(name))
        return known[name].eval()

    return make


def trained_a_little(net: models.MaskNet) -> models.MaskNet:
    """Return `net` with batch norms that have seen something."""
    generator = torch.Generator().manual_seed(1)
    for layer in net.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1, generator=generator)
            layer.running_var.uniform_(0.5, 1.5, generator=generator)
    return net.eval()


def some_bands(name: str, count: int = 1, rows: int = 64, columns: int = 96) -> torch.Tensor:
    network = NETWORKS[name]
    if network.fixed:
        rows = columns = network.size
    return torch.rand(count, 6, rows, columns, generator=torch.Generator().manual_seed(0))


@each_the_heavy_slowly
def test_forward_is_the_same_twice_and_one_by_one(name, made):
    net, bands = made(name), some_bands(name, 2)
    with torch.inference_mode():
        together = net(bands)
        assert together.shape == (2, 5, *bands.shape[-2:])
        assert together.dtype == torch.float32
        assert together.isfinite().all()
        assert torch.equal(together, net(bands))
        torch.testing.assert_close(together[1:], net(bands[1:]), rtol=1e-4, atol=1e-4)


@each_the_heavy_slowly
def test_backward_reaches_every_parameter(name):
    net = models.create(name).train()
    net(some_bands(name, 2)).square().sum().backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


@pytest.mark.parametrize("shape", [(1, 1), (16, 40), (63, 65), (97, 32)])
@pytest.mark.parametrize("name", ANY_SIZE)
def test_odd_and_small_sizes(name, shape, made):
    with torch.inference_mode():
        assert made(name)(some_bands(name, 1, *shape)).shape == (1, 5, *shape)


@pytest.mark.parametrize("name", sorted(set(ALL) - set(ANY_SIZE)))
def test_networks_of_one_size_say_so(name, made):
    with pytest.raises(UsageError, match="takes windows of 512 x 512 pixels alone, not 256 x 512"):
        made(name)(torch.zeros(1, 6, 256, 512))


@each
def test_another_number_of_bands(name, made):
    with pytest.raises(UsageError, match=rf"{name} takes \(n, 6, rows, columns\), not \(1, 4, 512, 512\)"):
        made(name)(torch.zeros(1, 4, 512, 512))


@each
def test_fewer_masks(name):
    net = models.create(name, masks=["sun_mask", "water"]).eval()
    assert net.card.masks == (Mask.WATER, Mask.TERRAIN_SHADOW)
    with torch.inference_mode():
        assert net(some_bands(name)).shape[1] == 2


@each
def test_saved_and_loaded(name, made, tmp_path):
    net = made(name)
    net.card = replace(net.card, thresholds={Mask.WATER: 0.3}, provenance={"recipe": "none"}, version="7")
    again = models.load(models.save(net, tmp_path / f"{name}.safetensors"))
    assert again.card == net.card
    assert not again.training
    assert all(parameter.requires_grad for parameter in again.parameters())
    bands = some_bands(name)
    with torch.inference_mode():
        torch.testing.assert_close(again(bands), net(bands), rtol=0, atol=1e-5)
    before, after = net.state_dict(), again.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(tensor, after[key]) for key, tensor in before.items())


@each_the_heavy_slowly
def test_the_form_that_is_run_gives_the_same(name, made):
    net, bands = made(name), some_bands(name)
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    shorter = folded(net)
    with torch.inference_mode():
        agree(shorter(bands).numpy(), net(bands).numpy(), name)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in shorter.modules())
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


@pytest.mark.parametrize("name", LIGHT)
def test_exported(name, made, tmp_path):
    net = made(name)
    path = models.export(net, tmp_path / f"{name}.onnx")
    agrees(net, path, (1, 64, 96), (3, 96, 32))


@pytest.mark.slow
@each
def test_exported_at_full_size(name, made, tmp_path):
    net = made(name)
    path = models.export(net, tmp_path / f"{name}.onnx")
    agrees(net, path, (1, 512, 512), (2, 512, 512))
    masks_any_scene(name, path, models.save(net, tmp_path / f"{name}.safetensors"))


def masks_any_scene(name, *files):
    """Check that a scene of no special size is masked without holes, and the same by each engine."""
    scene = np.random.default_rng(0).uniform(0, 0.4, (6, 530, 41)).astype(np.float32)
    results = [hlsmask.predict(scene, model=str(file), probabilities=True) for file in files]
    for mask in Mask:
        for result in results:
            assert result[mask].shape == (530, 41)
            assert result[mask].notnull().all()
            agree(result[mask].values, results[0][mask].values, name)


def agrees(net: models.MaskNet, path, *shapes):
    """Check that the file gives what the network gives, for each (n, rows, columns)."""
    model = onnx.load(path)
    onnx.checker.check_model(model)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    assert len(model.functions) == 0
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert Card.from_json(session.get_modelmeta().custom_metadata_map[METADATA_KEY]) == net.card
    for count, rows, columns in shapes:
        bands = some_bands(net.card.backbone, count, rows, columns)
        with torch.inference_mode():
            expected = net(bands).numpy()
        (given,) = session.run(None, {"bands": bands.numpy()})
        agree(given, expected, net.card.backbone)


def agree(given: np.ndarray, expected: np.ndarray, name: str) -> None:
    """Check that logits are the same up to rounding.

    Where two maxima differ by less than that, segnet takes another: then a value and what is around it change.
    """
    apart = np.abs(given - expected)
    if name == "segnet":
        assert np.quantile(apart, 0.999) < 1e-4
        assert apart.max() < 0.05
    else:
        np.testing.assert_allclose(given, expected, rtol=0, atol=1e-4)


@each
def test_the_registry_tells_the_truth(name):
    network = NETWORKS[name]
    with torch.device("meta"):
        backbone = imported(network.module)()
        heads = imported(network.heads)(5)
    assert sum(p.numel() for part in (backbone, heads) for p in part.parameters()) == network.parameters
    assert network.fixed == (backbone.fixed is not None)
    if network.fixed:
        assert backbone.fixed == network.size
    assert network.card(tuple(Mask)).size % backbone.multiple == 0


@each
def test_the_registry_tells_the_cost(name):
    network = NETWORKS[name]
    net = models.create(name).eval().to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(torch.zeros(1, 6, 512, 512, device="meta"))
    assert counter.get_total_flops() / 2e9 == pytest.approx(network.cost, rel=0.01)


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.view is not None])
def test_no_network_looks_farther_than_its_card_says(name):
    """What lies farther from the block a pixel is in has no part in it: the gradient there is nothing."""
    net = models.create(name).eval()
    view, block = net.card.view, net.card.multiple
    first = 6 * block
    bands = torch.rand(1, 6, 13 * block, 13 * block, requires_grad=True)
    net(bands)[..., first : first + block, first : first + block].sum().backward()
    seen = bands.grad[0].abs().sum(0).nonzero()
    assert first - seen.min() <= view
    assert seen.max() - (first + block - 1) <= view
    assert first - seen.min() > view // 2  # or the network could look farther


@pytest.mark.parametrize("name", [name for name, network in NETWORKS.items() if network.view is not None])
def test_where_a_window_ends_does_not_matter_beyond_the_view(name):
    net = models.create(name).eval()
    view, block = net.card.view, net.card.multiple
    bands = torch.rand(1, 6, 13 * block, 25 * block)
    with torch.no_grad():
        whole, part = net(bands), net(bands[..., : 13 * block])
    kept = 13 * block - view
    np.testing.assert_allclose(part[..., :kept], whole[..., :kept], atol=1e-5)
    assert not np.allclose(part, whole[..., : 13 * block], atol=1e-5)  # it looks at all


@each
def test_the_card_fits(name):
    card = models.create(name).card if NETWORKS[name].parameters < 4e7 else NETWORKS[name].card(tuple(Mask))
    assert (card.backbone, card.head) == (name, NETWORKS[name].head)
    assert Card.from_json(card.to_json()) == card
    assert card.normalization.kind != "published"  # for new training: does not depend on the brightest pixel


def test_unknown_names_list_the_nearest():
    with pytest.raises(UsageError, match="no backbone 'mobilenet_v3'; nearest: mobilenetv3"):
        models.create("mobilenet_v3")
    with pytest.raises(UsageError, match="no head 'satlashead'; the head of swint is swint_head; nearest: satlas_head"):
        models.create("swint", "satlashead")
    with pytest.raises(UsageError, match="satlas_head fits satlas_si_resnet50, satlas_si_swint, satlas_si_swinb; the"):
        models.create("swint", "satlas_head")
    with pytest.raises(UsageError, match="there are mobilenetv3, deeplabv3p"):
        find("?")


def test_no_mask_at_all():
    with pytest.raises(UsageError, match="at least one mask"):
        models.create("hlsmask_s", masks=[])


@pytest.fixture
def saved(tmp_path):
    return models.save(models.create("hlsmask_s", masks=["water"]), tmp_path / "s.safetensors")


def test_a_truncated_file(saved):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(ModelError, match=r"s\.safetensors is cut off or no \.safetensors file"):
        models.load(saved)


def test_a_file_without_a_card(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(CardError, match=r"bare\.safetensors has no card"):
        models.load(tmp_path / "bare.safetensors")


def test_a_card_that_asks_for_other_bands(saved, tmp_path):
    net = models.load(saved)
    net.card = replace(net.card, bands=("red", "green", "blue"))
    path = models.save(net, tmp_path / "rgb.safetensors")
    with pytest.raises(CardError, match=r"rgb\.safetensors asks for red, green, blue; hlsmask_s takes blue, green"):
        models.load(path)


def test_a_card_of_a_network_that_is_not_known(saved, tmp_path):
    net = models.load(saved)
    net.card = replace(net.card, backbone="hlsmask_m")
    with pytest.raises(CardError, match="there is no backbone 'hlsmask_m'; nearest: hlsmask_s"):
        models.load(models.save(net, tmp_path / "m.safetensors"))


def test_weights_of_another_network(saved, tmp_path):
    net = models.load(saved)
    net.card = replace(net.card, backbone="deeplabv3p", head="deeplabv3p_head")
    with pytest.raises(ModelError, match=r"does not fit deeplabv3p: tensors .* missing .* extra"):
        models.load(models.save(net, tmp_path / "m.safetensors"))


@pytest.mark.parametrize("name", ["a.onnx", "a.npz"])
def test_files_that_are_not_weights_to_train_on(name):
    with pytest.raises(ModelError, match=r"load the \.safetensors file|is no file of weights"):
        models.load(name)


def test_a_folder_that_cannot_be_written(saved, tmp_path):
    (tmp_path / "file").write_text("")
    net = models.load(saved)
    with pytest.raises(OutputError, match=r"file/x\.safetensors cannot be written"):
        models.save(net, tmp_path / "file" / "x.safetensors")
    with pytest.raises(OutputError, match=r"file/x\.onnx cannot be written"):
        models.export(net, tmp_path / "file" / "x.onnx")
    with pytest.raises(UsageError, match=r"a \.safetensors file"):
        models.save(net, tmp_path / "x.pt")
    with pytest.raises(UsageError, match=r"an \.onnx file"):
        models.export(net, tmp_path / "x.pt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "s.safetensors"]
