"""`hlsmask models`: what it lists, shows, imports and exports, and what it refuses."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import safetensors.numpy
import torch

import reference
from hlsmask.card import METADATA_KEY, Card, Normalization
from hlsmask.cli import main
from hlsmask.cli.models import files, words
from hlsmask.masks import Mask
from hlsmask.models.build import create, imported, outline
from hlsmask.models.registry import NETWORKS, UNSTATED
from hlsmask.models.weights import load, save

MASKS = (Mask.WATER, Mask.CLOUD, Mask.TERRAIN_SHADOW)


def test_who_stops_reading_is_told_nothing():
    read, write = os.pipe()
    os.close(read)  # as `| head` has done by the time that there is more to print
    with os.fdopen(write, "wb") as out:
        words = [sys.executable, "-m", "hlsmask", "models", "list"]
        done = subprocess.run(words, stdout=out, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no sh")
def test_standard_output_may_be_closed():
    words = ["sh", "-c", f"exec '{sys.executable}' -m hlsmask models list >&-"]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command line in an empty folder; return exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main(["models", *(str(argument) for argument in arguments)])
        return end.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def refused(run, tmp_path):
    """Run what must be refused in one sentence; nothing may be written. Return the sentence."""

    def refused(code, *arguments):
        before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        ended, out, err = run(*arguments)
        assert (ended, out) == (code, "")
        assert err.startswith("hlsmask: ")
        assert len(err.splitlines()) == 1, err
        assert {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
        return err

    return refused


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return create("mobilenetv3", masks=MASKS).eval()


@pytest.fixture(scope="module")
def state(net):
    """Tensors of `net` as a published checkpoint names them."""
    layout = imported(NETWORKS["mobilenetv3"].layout)
    tensors = {}
    for name, tensor in net.state_dict().items():
        if not name.startswith("heads."):
            tensors[layout.theirs(name, MASKS[0])] = tensor
            continue
        parts = tensor.chunk(len(MASKS)) if tensor.ndim else [tensor] * len(MASKS)
        for mask, part in zip(MASKS, parts, strict=True):
            tensors[layout.theirs(name, mask)] = part.clone()
    return tensors


@pytest.fixture
def checkpoint(tmp_path, state):
    return reference.write(tmp_path / "a checkpoint.pth.tar", state, epoch=7)


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


# ---------------------------------------------------------------- list


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_list_names_every_network_and_cuts_nothing_off(run, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, err = run("list")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= columns
    assert "…" not in out
    text = " ".join(out.split())
    assert UNSTATED in text
    for network in NETWORKS.values():
        assert network.backbone in out
        assert network.head in out
        assert words.millions(network.parameters) in out
        assert words.gigas(network.cost) in out
    assert "ODC-BY" in out
    firsts = {line.split()[0]: line for line in out.splitlines() if line.strip() and line.split()[0] in NETWORKS}
    assert {name for name, line in firsts.items() if "512 x 512" in line} == {
        name for name, network in NETWORKS.items() if network.fixed
    }


def test_list_as_json_says_the_same(run):
    code, out, _ = run("list", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["published_licence"] == UNSTATED
    assert [network["backbone"] for network in told["networks"]] == list(NETWORKS)
    for entry, network in zip(told["networks"], NETWORKS.values(), strict=True):
        assert (entry["parameters"], entry["gmac_512"]) == (network.parameters, network.cost)
        assert entry["windows"] == network.windows
        assert (entry["pretraining"] or {}).get("licence") == getattr(network.pretraining, "licence", None)


def test_without_torch_networks_are_listed_and_our_files_shown(light, make_network, net, tmp_path):
    for arguments, told in (
        (("list",), "satlas_si_swinb"),
        (("show", "prithvi"), "shuffles"),
        (("show", save(net, tmp_path / "ours.safetensors")), "mobilenetv3_head"),
        (("show", make_network()), "not counted"),
    ):
        ended = light("models", *arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert told in ended.stdout


def test_without_torch_the_rest_says_what_to_install(light, checkpoint):
    for arguments in (
        ("import", checkpoint, "--out", "a.safetensors"),
        ("export", checkpoint, "--out", "a.onnx"),
        ("show", checkpoint),
    ):
        ended = light("models", *arguments)
        assert ended.returncode == 1
        assert ended.stderr.count("\n") == 1
        assert 'pip install "hlsmask[train]"' in ended.stderr


def test_help_loads_neither_torch_nor_rasterio():
    code = (
        "import sys\nfrom hlsmask.cli import main\n"
        "try:\n    main(['models', 'import', '--help'])\n"
        "except SystemExit:\n    pass\n"
        "sys.exit(','.join(name for name in ('torch', 'rasterio', 'onnxruntime') if name in sys.modules) or 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "--backbone" in ended.stdout


# ---------------------------------------------------------------- show


def test_show_tells_all_the_registry_knows(run):
    code, out, _ = run("show", "prithvi")
    assert code == 0
    text = " ".join(out.split())
    assert NETWORKS["prithvi"].note in text
    assert NETWORKS["prithvi"].pretraining.source in text
    assert "512 x 512 only" in text
    assert UNSTATED in text
    told = json.loads(run("show", "prithvi", "--json")[1])
    assert (told["head"], told["note"]) == ("prithvi_head", NETWORKS["prithvi"].note)
    assert "none" in run("show", "hlsmask_s")[1]


def test_show_tells_the_card_of_ours(run, tmp_path, net):
    path = save(net, tmp_path / "ours.safetensors")
    code, out, _ = run("show", path.name)
    assert code == 0
    for told in ("mobilenetv3_head", "water, cloud, terrain shadow", "sqrt(reflectance + 0.1)", sha256(path)):
        assert told in out
    told = json.loads(run("show", path.name, "--json")[1])
    assert Card.from_json(json.dumps(told["card"])) == net.card
    assert told["parameters"] == sum(parameter.numel() for parameter in net.parameters())
    assert (told["bytes"], told["sha256"]) == (path.stat().st_size, sha256(path))


def test_show_tells_the_card_of_an_onnx_file(run, make_network):
    masks = (Mask.CLOUD, Mask.TERRAIN_SHADOW)
    card = Card(
        "tiny", masks, output="probabilities", thresholds={Mask.CLOUD: 0.25}, size=64, overlap=32, fixed=True,
        definitions={Mask.TERRAIN_SHADOW: "shad+cast"}, provenance={"recipe": {"epochs": 3}, "note": "for a test"},
    )  # fmt: skip
    path = make_network(card)
    code, out, _ = run("show", path.name)
    assert code == 0
    text = " ".join(out.split())
    for told in ("cloud 0.25, 0.5 for the others", "64 x 64 only", "and cast shadows", '{"epochs": 3}', "for a test"):
        assert told in text
    assert json.loads(run("show", path.name, "--json")[1])["parameters"] == 2 * 6 * 9


def test_show_reads_a_published_file_as_it_is(run, checkpoint):
    code, out, _ = run("show", checkpoint.name)
    assert code == 0
    text = " ".join(out.split())
    for told in ("water, cloud, terrain shadow (slopes", "joint minimum", "epoch: 7", UNSTATED, sha256(checkpoint)):
        assert told in text


def test_normalization_in_words():
    bands = ("blue", "green")
    assert words.normalization(Normalization(), bands) == "reflectance, as it is"
    assert "(reflectance - 0.1) / 2" in words.normalization(Normalization("linear", (0.1, 0.1), (2, 2)), bands)
    each = words.normalization(Normalization("sqrt", (0.1, 0.2), (1.0, 0.5)), bands)
    assert each == "(sqrt(reflectance + 0.1) - mean) / std: blue 0.1000 / 1.0000, green 0.2000 / 0.5000"


@pytest.mark.parametrize("name", NETWORKS)
def test_parameters_are_counted_from_names_and_shapes_alone(name):
    net = outline(NETWORKS[name], NETWORKS[name].card(MASKS))
    shapes = {key: ("F32" if part.is_floating_point() else "I64", part.shape) for key, part in net.state_dict().items()}
    assert files.trained(shapes) == sum(parameter.numel() for parameter in net.parameters())


def test_what_cannot_be_shown(refused, tmp_path, make_network, net):
    assert "nearest: mobilenetv3" in refused(2, "show", "mobilenet3")
    assert "cannot be read: No such file" in refused(1, "show", "nowhere.onnx")
    assert "cannot be read: Is a directory" in refused(1, "show", make_folder(tmp_path / "folder.onnx"))
    assert "is no file of weights; use .safetensors" in refused(1, "show", tmp_path)
    assert "has no card" in refused(1, "show", make_network(with_card=False))
    whole = save(net, tmp_path / "whole.safetensors").read_bytes()
    for content in (whole[:-1], whole[:100], whole + b" ", b"", b"text of some length", b"\2" + bytes(7) + b"[]"):
        (tmp_path / "cut.safetensors").write_bytes(content)
        assert "cut.safetensors is cut off or no .safetensors file" in refused(1, "show", "cut.safetensors")
    (tmp_path / "bare.safetensors").write_bytes(safetensors.numpy.save({"a": np.zeros(3)}))
    assert "bare.safetensors has no card" in refused(1, "show", "bare.safetensors")
    (tmp_path / "text.onnx").write_text("no network")
    assert "text.onnx is no network" in refused(1, "show", "text.onnx")


def make_folder(path):
    path.mkdir()
    return path


# ---------------------------------------------------------------- import


def test_import_writes_weights_with_their_card(run, checkpoint, state):
    arguments = ("import", checkpoint.name, "--backbone", "mobilenetv3", "--head", "mobilenetv3_head")
    code, out, err = run(*arguments, "--out", "my weights.safetensors")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    for told in ("mobilenetv3 with mobilenetv3_head", "water, cloud, terrain shadow", "epoch 7", sha256(checkpoint)):
        assert told in first
    assert second == "next: hlsmask models export 'my weights.safetensors' --out 'my weights.onnx'"
    net = load("my weights.safetensors")
    assert net.card.masks == MASKS
    assert net.card.normalization.kind == "published"
    ours = net.state_dict()["backbone." + next(iter(net.backbone.state_dict()))]
    assert any(torch.equal(ours, theirs) for theirs in state.values() if theirs.shape == ours.shape)


def test_import_writes_over_nothing_unless_told(run, refused, checkpoint, tmp_path):
    (tmp_path / "there.safetensors").write_text("precious")
    assert "add --overwrite" in refused(2, "import", checkpoint, "--out", "there.safetensors")
    assert run("import", checkpoint, "--out", "there.safetensors", "--overwrite")[0] == 0
    assert load(tmp_path / "there.safetensors").card.masks == MASKS


def test_a_checkpoint_that_would_run_code_is_refused(refused, tmp_path):
    reference.write(tmp_path / "hostile.pth.tar", {"a": Hostile(tmp_path / "ran")})
    sentence = refused(1, "import", "hostile.pth.tar", "--out", "a.safetensors")
    assert "hostile.pth.tar is refused" in sentence
    assert "hostile.pth.tar is refused" in refused(1, "show", "hostile.pth.tar")
    assert "hostile.pth.tar is refused" in refused(1, "export", "hostile.pth.tar", "--out", "a.onnx")


def test_what_cannot_be_imported(refused, checkpoint, tmp_path, state):
    out = ("--out", "a.safetensors")
    (tmp_path / "cut.pth.tar").write_bytes(checkpoint.read_bytes()[:10_000])
    assert "cut.pth.tar" in refused(1, "import", "cut.pth.tar", *out)
    assert "No such file" in refused(1, "import", "nowhere.pth.tar", *out)
    assert "nearest: mobilenetv3" in refused(2, "import", checkpoint, "--backbone", "mobilenet3", *out)
    assert "the head of" in refused(2, "import", checkpoint, "--backbone", "mobilenetv3", "--head", "swint_head", *out)
    assert "needs --backbone" in refused(2, "import", checkpoint, "--head", "mobilenetv3_head", *out)
    assert "name a .safetensors file" in refused(2, "import", checkpoint, "--out", "a.onnx")
    assert "does not fit segnet" in refused(1, "import", checkpoint, "--backbone", "segnet", *out)
    lacking = dict(list(state.items())[1:])
    reference.write(tmp_path / "lacking.pth.tar", lacking)
    assert f"1 missing ({next(iter(state))})" in refused(1, "import", "lacking.pth.tar", *out)


def test_wrong_usage_is_told_apart(run):
    for arguments in (("import", "a.pth.tar"), ("export", "a.safetensors"), ("show",), ("lst",)):
        assert run(*arguments)[0] == 2


# ---------------------------------------------------------------- export


def test_export_writes_a_file_that_runs_without_torch(run, refused, tmp_path):
    net = load("hlsmask_s")  # the weights that are shipped, by their name
    save(net, tmp_path / "s.safetensors")
    code, out, err = run("export", "hlsmask_s", "--out", "s.onnx")
    assert (code, err) == (0, "")
    first, second = out.splitlines()
    assert first == f"s.onnx: hlsmask_s, {(tmp_path / 's.onnx').stat().st_size / 1e6:.1f} MB"
    assert second == "next: hlsmask predict SOURCE --model s.onnx --out DIR"
    session = onnxruntime.InferenceSession(tmp_path / "s.onnx", providers=["CPUExecutionProvider"])
    assert Card.from_json(session.get_modelmeta().custom_metadata_map[METADATA_KEY]) == net.card
    assert "add --overwrite" in refused(2, "export", "s.safetensors", "--out", "s.onnx")
    assert "name a .onnx file" in refused(2, "export", "s.safetensors", "--out", "s.pt")
    assert "can be run, not trained on" in refused(1, "export", "s.onnx", "--out", "t.onnx")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "s.safetensors").read_bytes()[:1000])
    assert "cut off" in refused(1, "export", "cut.safetensors", "--out", "t.onnx")
