"""The torch engine gives what its network gives, and what it cannot run is refused in one sentence."""

import functools
import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import rasterio
import torch
from safetensors.torch import load_file, save_file

import hlsmask
import reference
from heavy import slowly
from hlsmask.bands import BANDS
from hlsmask.card import METADATA_KEY, Normalization
from hlsmask.errors import CardError, ModelError, UsageError
from hlsmask.inference.onnx import OnnxEngine
from hlsmask.inference.options import Options
from hlsmask.inference.pytorch import TorchEngine
from hlsmask.inference.run import open_engine
from hlsmask.masks import Mask
from hlsmask.models import NETWORKS, create, load, save
from hlsmask.testing import tiny_granule

FIXED = [network.backbone for network in NETWORKS.values() if network.fixed]
LARGEST = "prithvi"
"""Of these: a proof for `make test-all`."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Write the weights of a new network, with statistics of its own in the batch norms; once a network."""
    folder = tmp_path_factory.mktemp("weights")

    @functools.cache
    def weights(backbone):
        torch.manual_seed(0)
        net = create(backbone)
        for name, tensor in net.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
        return save(net, folder / f"{backbone}.safetensors")

    yield weights
    shutil.rmtree(folder)  # a gigabyte


def recarded(path, target, **changes):
    """Copy weights, with a card that says something else."""
    card = replace(load(path).card, **changes)
    save_file(load_file(path), target, {METADATA_KEY: card.to_json()})
    return target


def some_bands(*shape, seed=0):
    return np.random.default_rng(seed).random((*shape[:-2], 6, *shape[-2:]), np.float32) * 0.4 + 0.02


def directly(net, bands):
    """Return the probabilities (n, masks, h, w) that `net` gives, with nothing of ours around it."""
    with torch.no_grad():
        return torch.sigmoid(net(torch.from_numpy(net.card.normalize(bands)))).numpy()


# ---------------------------------------------------------------- what it gives


@pytest.mark.parametrize("backbone", ["mobilenetv3", "hlsmask_s", "segnet"])
def test_it_gives_what_the_network_gives(weights, backbone):
    path = weights(backbone)
    bands = some_bands(2, 64, 96)
    given = TorchEngine(path, device="cpu")(bands.copy())
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, directly(load(path), bands), atol=1e-5)


def test_the_card_says_how_bands_are_scaled_and_ordered(weights, tmp_path):
    scaling = Normalization("linear", (0.1,) * 6, (0.2, 0.3, 0.4, 0.5, 0.6, 0.7))
    path = recarded(weights("hlsmask_s"), tmp_path / "turned.safetensors", bands=BANDS[::-1], normalization=scaling)
    bands = some_bands(1, 32, 32)
    np.testing.assert_allclose(TorchEngine(path)(bands), directly(load(path), bands[:, ::-1]), atol=1e-5)


def test_pixels_that_were_not_observed_count_as_zero(weights):
    path = weights("hlsmask_s")
    net, engine = load(path), TorchEngine(path, device="cpu")
    bands = some_bands(1, 64, 64)
    bands[..., 20:, 30:] = np.nan
    taken = np.nan_to_num(net.card.normalize(bands))
    with torch.no_grad():
        wanted = torch.sigmoid(net(torch.from_numpy(taken))).numpy()
    np.testing.assert_allclose(engine(bands), wanted, atol=1e-5)
    assert np.isfinite(engine(np.full((1, 6, 64, 64), np.nan, np.float32))).all()


@pytest.mark.parametrize("backbone", ["mobilenetv3", "hlsmask_s"])
def test_a_scene_of_odd_size(weights, backbone):
    bands = some_bands(71, 130)
    bands[:, 10:20, 100:] = np.nan
    path = weights(backbone)
    masks = hlsmask.predict(bands, model=path, device="cpu", window=96, overlap=0)
    assert masks.attrs["engine"] == f"torch {torch.__version__.partition('+')[0]} cpu"
    for mask in Mask:
        np.testing.assert_array_equal(masks[mask].values == 255, np.isnan(bands[0]))
    chances = hlsmask.predict(bands, model=path, device="cpu", window=160, overlap=0, probabilities=True)
    padded = np.zeros((1, 6, 96, 160), np.float32)
    net = load(path)
    padded[..., :71, :130] = np.nan_to_num(net.card.normalize(bands))
    with torch.no_grad():
        wanted = torch.sigmoid(net(torch.from_numpy(padded)))[0, :, :71, :130].numpy()
    for at, mask in enumerate(Mask):
        seen = ~np.isnan(bands[0])
        np.testing.assert_allclose(chances[mask].values[seen], wanted[at][seen], atol=1e-5)


@pytest.mark.parametrize("name", slowly(FIXED, {LARGEST}))
def test_a_network_of_one_window_size_masks_a_smaller_scene(name, weights):
    path = weights(name)
    bands = some_bands(70, 41)
    chances = hlsmask.predict(bands, model=path, device="cpu", probabilities=True)
    net = load(path)
    padded = np.zeros((1, 6, net.card.size, net.card.size), np.float32)
    padded[..., :70, :41] = net.card.normalize(bands)
    with torch.no_grad():
        wanted = torch.sigmoid(net(torch.from_numpy(padded)))[0, :, :70, :41].numpy()
    np.testing.assert_allclose(np.stack([chances[mask].values for mask in Mask]), wanted, atol=1e-5)
    with pytest.raises(UsageError, match="512 x 512"):
        TorchEngine(path, device="cpu")(bands[None])


def test_bfloat16_is_close_to_float32(weights):
    path = weights("mobilenetv3")
    bands = some_bands(1, 64, 64)
    half = TorchEngine(path, device="cpu", precision="bfloat16")
    assert half.name.endswith(" cpu bfloat16")
    given, wanted = half(bands), TorchEngine(path, device="cpu")(bands)
    assert given.dtype == np.float32
    assert 0 < abs(given - wanted).max() < 0.05


def test_what_overflows_in_float16_is_computed_in_float32(weights, tmp_path):
    scaling = Normalization("linear", (0.0,) * 6, (1e-7,) * 6)
    path = recarded(weights("hlsmask_s"), tmp_path / "large.safetensors", normalization=scaling)
    bands = some_bands(1, 32, 32)
    given = TorchEngine(path, device="cpu", precision="float16")(bands)
    np.testing.assert_array_equal(given, TorchEngine(path, device="cpu")(bands))


def test_workers_bound_the_cores_only_while_it_runs(weights, monkeypatch):
    before, seen = torch.get_num_threads(), []
    engine = open_engine(Options(model=str(weights("hlsmask_s")), device="cpu", workers=1))
    logits = engine._net.logits
    monkeypatch.setattr(engine._net, "logits", lambda bands: (seen.append(torch.get_num_threads()), logits(bands))[1])
    engine(some_bands(1, 32, 32))
    assert seen == [1]
    assert torch.get_num_threads() == before


def test_compiled_it_gives_the_same(weights, monkeypatch):
    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend="eager"))
    engine = open_engine(Options(model=str(weights("hlsmask_s")), device="cpu", compile=True))
    plain = TorchEngine(weights("hlsmask_s"), device="cpu")
    for shape in ((64, 64), (37, 50)):
        bands = some_bands(1, *shape)
        np.testing.assert_allclose(engine(bands), plain(bands), atol=1e-5)


def test_what_cannot_be_compiled_says_so(weights, monkeypatch):
    def broken(*_):
        raise RuntimeError("there is no compiler\nand so on")

    monkeypatch.setattr(torch, "compile", functools.partial(torch.compile, backend=broken))
    engine = TorchEngine(weights("hlsmask_s"), device="cpu", compile=True)
    with pytest.raises(ModelError, match="leave out --compile"):
        engine(some_bands(1, 32, 32))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_really_compiled_it_gives_the_same(weights):
    path, bands = weights("hlsmask_s"), some_bands(1, 64, 64)
    compiled = TorchEngine(path, device="cpu", compile=True)(bands)
    np.testing.assert_allclose(compiled, TorchEngine(path, device="cpu")(bands), atol=1e-4)


# ---------------------------------------------------------------- through the command line


def test_the_command_line_runs_it_and_the_item_names_it(run, weights, tmp_path):
    folder = tiny_granule(tmp_path, (50, 70))
    path, out = weights("hlsmask_s"), tmp_path / "out"

    def made(*arguments):
        code, printed, err = run("predict", folder, "--out", out, "--model", path, "--device", "cpu", *arguments)
        assert (code, err) == (0, "")
        return "already there" not in printed

    assert made()
    told = json.loads((out / folder.name / f"{folder.name}.json").read_text())["properties"]
    assert told["hlsmask:model"] == "hlsmask_s"
    assert told["hlsmask:engine"] == f"torch {torch.__version__.partition('+')[0]} cpu"
    with rasterio.open(out / folder.name / f"{folder.name}.masks.tif") as file:
        np.testing.assert_array_equal(file.read(2), hlsmask.predict(folder, model=path)["cloud"].values)
    assert not made("--engine", "torch", "--precision", "float32", "--workers", 1)
    assert made("--precision", "bfloat16")
    assert not made("--precision", "bfloat16")
    assert made()


def test_a_published_checkpoint_is_run_as_it_is(run, tmp_path):
    published = reference.write(tmp_path / "model_best.pth.tar", reference.tensors("mobilenetv3"), "module.")
    folder = tiny_granule(tmp_path, (64, 64))
    ours = save(load(published), tmp_path / "ours.safetensors")
    assert run("predict", folder, "--out", tmp_path / "out", "--model", published, "--device", "cpu")[0] == 0
    with rasterio.open(tmp_path / "out" / folder.name / f"{folder.name}.masks.tif") as file:
        given = file.read(range(1, 6))
    wanted = hlsmask.predict(folder, model=ours, device="cpu")
    np.testing.assert_array_equal(given, np.stack([wanted[mask].values for mask in Mask]))


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"model": "net.onnx", "engine": "torch"}, "name the .safetensors file"),
        ({"model": "net.safetensors", "engine": "onnx"}, "hlsmask models export"),
        ({"model": "net.pth.tar", "engine": "onnx"}, "hlsmask models export"),
        ({"model": "net.safetensors", "engine": "spectral"}, "leave out --model net.safetensors"),
        ({"model": "net.safetensors", "partial_water": True}, "spectral engine"),
        ({"model": "spectral", "engine": "torch"}, "leave out --engine, or --model spectral"),
        ({"model": "spectral", "device": "cuda"}, "on the CPU alone"),
        ({"model": "spectral", "precision": "float16"}, "leave it out for the spectral engine"),
        ({"engine": "spectral", "compile": True}, "leave it out for the spectral engine"),
        ({"engine": "onnx", "precision": "float16"}, "leave it out for the onnx engine"),
        ({"model": "hlsmask_s", "engine": "spectral"}, "leave out --model hlsmask_s"),
        ({"model": "net.onnx", "precision": "bfloat16"}, "leave it out for the onnx engine"),
        ({"model": "net.onnx", "compile": True}, "leave it out for the onnx engine"),
        ({"model": "net.onnx", "device": "mps"}, "use auto, cpu or cuda"),
    ],
)
def test_what_does_not_go_together(options, says):
    with pytest.raises(UsageError, match=says):
        open_engine(Options(**options))


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there(weights, monkeypatch, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(UsageError, match=f"--device {device}: torch finds none here; there is cpu"):
        open_engine(Options(model=str(weights("hlsmask_s")), device=device))


def test_onnxruntime_without_cuda(make_network, monkeypatch):
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UsageError, match="onnxruntime-gpu"):
        open_engine(Options(model=str(make_network()), device="cuda"))
    assert open_engine(Options(model=str(make_network()), device="auto", precision="float32")).name.count(" ") == 1


def test_onnxruntime_whose_cuda_finds_no_gpu(make_network, monkeypatch):
    session = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(
        onnxruntime, "InferenceSession", lambda *given, providers: session(*given, providers=providers[-1:])
    )
    with pytest.raises(UsageError, match="found no GPU"):
        OnnxEngine(make_network(), device="cuda")
    assert not OnnxEngine(make_network()).name.endswith("cuda")


@pytest.mark.parametrize("name", ["net.safetensors", "net.pth.tar", "net.pt"])
def test_files_that_are_not_there_or_no_weights(tmp_path, name):
    with pytest.raises(ModelError, match=f"{name} cannot be read"):
        open_engine(Options(model=str(tmp_path / name)))
    (tmp_path / name).write_bytes(b"hello")
    with pytest.raises(ModelError, match=name):
        open_engine(Options(model=str(tmp_path / name)))


@pytest.mark.parametrize("changes", [{"bands": BANDS[:5]}, {"elevation": True}, {"output": "probabilities"}])
def test_a_card_that_no_network_fits(weights, tmp_path, changes):
    with pytest.raises(CardError, match=r"other\.safetensors"):
        TorchEngine(recarded(weights("hlsmask_s"), tmp_path / "other.safetensors", **changes))


# ---------------------------------------------------------------- without torch


def in_a_new_process(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_without_torch_one_sentence_says_what_to_install(weights, tmp_path):
    code = "import sys; sys.modules['torch'] = None; from hlsmask.cli import main; main(sys.argv[1:])"
    folder = tiny_granule(tmp_path)
    ended = in_a_new_process(code, "predict", folder, "--out", tmp_path / "out", "--model", weights("hlsmask_s"))
    assert ended.returncode != 0
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert 'pip install "hlsmask[train]"' in ended.stderr
    assert "models export" in ended.stderr
    assert not (tmp_path / "out").exists()


def test_nothing_but_the_torch_engine_loads_torch(make_network):
    code = (
        "import sys, numpy, hlsmask\n"
        "hlsmask.predict(numpy.full((6, 8, 8), 0.1, 'float32'))\n"
        "hlsmask.predict(numpy.full((6, 8, 8), 0.1, 'float32'), model=sys.argv[1], masks=('water',))\n"
        "sys.exit(', '.join(name for name in ('torch', 'timm', 'torchvision') if name in sys.modules) or 0)"
    )
    ended = in_a_new_process(code, make_network())
    assert ended.returncode == 0, ended.stderr
