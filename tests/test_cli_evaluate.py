"""`hlsmask evaluate`: figures that others can compute again, thresholds that `predict` uses, plain words on errors."""

import csv
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from rich.console import Console
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_score, recall_score

from hlsmask.bands import HLS_FILL
from hlsmask.card import METADATA_KEY, Card, Normalization
from hlsmask.cli.evaluating import _table
from hlsmask.errors import OutputError, UsageError
from hlsmask.evaluation import benchmarks
from hlsmask.evaluation.options import Options
from hlsmask.evaluation.run import evaluate
from hlsmask.inference.onnx import OnnxEngine
from hlsmask.masks import NOT_OBSERVED, PUBLISHED_NAMES, Mask
from hlsmask.models import create, load, save
from hlsmask.models.publishing import write_published as publish
from hlsmask.samples import HeldSamples
from hlsmask.samples.sample import Record, Sample
from hlsmask.testing import write_published

SIDE = 64
CARD = Card("tiny", tuple(Mask), output="probabilities", size=64, overlap=32, multiple=8)
ITS_NAME = {mask: name for name, mask in PUBLISHED_NAMES.items()}


def make_sample(number, split, *, side=SIDE, snow=True, fmask=True):
    rng = np.random.default_rng(number)
    field = np.kron(rng.random((6, side // 8, side // 8)), np.ones((8, 8)))
    bands = (field * 9000 + rng.random(field.shape) * 900).astype(np.int16)
    labels = (bands[1] > np.array([3000, 4500, 6000, 7500, 2000])[:, None, None]).astype(np.uint8)
    labels[3] &= snow
    bands[:, : side // 4, : side // 4] = HLS_FILL
    platform = ("S2A", "L8")[number % 2]
    record = Record(f"b072/sample-{number}", side, split, platform=platform, sensor=("S30", "L30")[number % 2])
    return Sample.of(record, bands, labels, (labels[1] << 1 | labels[0] << 5).astype(np.uint8) if fmask else None)


@pytest.fixture
def data(tmp_path):
    """Write six samples of the published layout, three of them to test on."""
    samples = [make_sample(at, "val" if at < 3 else "test") for at in range(6)]
    return write_published(tmp_path / "data", samples)


@pytest.fixture
def network(make_network):
    rng = np.random.default_rng(0)
    weight = np.full((5, 6, 3, 3), 1 / 9, np.float32) * rng.uniform(0, 0.2, (5, 6, 1, 1)).astype(np.float32)
    weight[:, 1] += 0.08
    weight[4] *= 0.5
    return make_network(CARD, weight=weight.clip(0, 0.11))


def row_of(path):
    [row] = rows_of(path)
    return row


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def card_of(path):
    return OnnxEngine(path).card


def test_every_figure_can_be_computed_again_from_the_predictions(run, network, data, tmp_path):
    code, out, err = run(
        *("evaluate", "--data_dir", data, "--checkpoint", network, "--predictions", tmp_path / "said"),
        *("--threshold-step", "0.05", "--pretrained", "1"),
    )
    assert (code, err) == (0, "")
    row = row_of(tmp_path / "tiny.csv")
    files = sorted((tmp_path / "said").rglob("*.npz"))
    assert [path.relative_to(tmp_path / "said").as_posix() for path in files] == [
        f"b072/sample-{number}.npz" for number in (3, 4, 5)
    ]
    told = [dict(np.load(path)) for path in files]
    for at, mask in enumerate(Mask):
        labels, chances = (
            np.concatenate([each[name][at].ravel() for each in told]) for name in ("labels", "probabilities")
        )
        masks = np.concatenate([each["masks"][at].ravel() for each in told])
        known = labels != NOT_OBSERVED
        assert (np.isnan(chances) == ~known).all()
        name = "terrain_shadow" if mask is Mask.TERRAIN_SHADOW else ITS_NAME[mask]
        said = chances[known] > np.float32(row[f"{name}_thresh"])
        np.testing.assert_array_equal(said, masks[known] == 1)
        check(row, name, labels[known], said)
    lit, said = (np.concatenate([each[key].ravel() for each in told]) for key in ("sunlit_labels", "sunlit"))
    check(row, "sun_mask", lit[lit != NOT_OBSERVED], said[lit != NOT_OBSERVED])
    assert (row["backbone"], row["ckpt_path"], row["pretrained"], row["samples"]) == ("", str(network), "1", "3")
    assert float(row["water_f1_low"]) <= float(row["water_mask_f1"]) <= float(row["water_f1_high"])
    assert "tiny: water: F1" in out
    for ending in (".csv", "_sensors.csv", "_comparison.csv", ".png", ".html"):
        assert (tmp_path / f"tiny{ending}").stat().st_size > 50
        assert f"tiny{ending}" in out
    sensors = {line["sensor"] for line in rows_of(tmp_path / "tiny_sensors.csv")}
    assert sensors == {"L30", "S30"}


def check(row, name, truth, said):
    """Compare a row's scores with those of scikit-learn."""
    for ending, score in (
        ("f1", f1_score), ("rec", recall_score), ("prec", precision_score), ("acc", accuracy_score),
        ("miou", jaccard_score),
    ):  # fmt: skip
        assert float(row[f"{name}_{ending}"]) == pytest.approx(score(truth, said), abs=1e-12)


def test_thresholds_are_chosen_on_validation_and_used_by_predict(run, network, data, tmp_path):
    before = card_of(network)
    assert run("evaluate", "--data-dir", data, "--ckpt-path", network)[0] == 0
    card = card_of(network)
    session = OnnxEngine(network)
    val = [make_sample(at, "val") for at in range(3)]
    for at, mask in enumerate(Mask):
        scores = []
        for step in range(11):
            pairs = [
                (session(sample.bands[None] * np.float32(1e-4))[0, at][sample.valid], sample.labels[at][sample.valid])
                for sample in val
            ]
            chances, truth = (np.concatenate(part) for part in zip(*pairs, strict=True))
            scores.append(f1_score(truth, chances > np.float32(step / 10), zero_division=0))
        assert card.thresholds[mask] == pytest.approx(np.argmax(scores) / 10)
    told = card.provenance["evaluation"]
    row = row_of(tmp_path / "tiny.csv")
    assert told["scores"]["water"]["f1"] == float(row["water_mask_f1"])
    assert told["sunlit_threshold"] == float(row["sun_mask_thresh"])
    assert (told["validation_samples"], told["test_samples"], told["data"]) == (3, 3, "data")
    assert replace(card, thresholds={}, provenance={}) == replace(before, thresholds={}, provenance={})
    sample = data / "b072" / "sample-3.npy"
    code, _, err = run("predict", sample, "--model", network, "--out", tmp_path / "masks", "--overlap", "0")
    assert (code, err) == (0, "")
    item = json.loads(next((tmp_path / "masks").rglob("sample-3.json")).read_text())
    assert str(card.thresholds[Mask.WATER]) in json.dumps(item)


def test_the_line_of_the_published_readme(run, data, tmp_path):
    torch.manual_seed(0)
    path = publish(create("mobilenetv3").eval(), tmp_path / "x_best.pth.tar", epoch=46, best_performance=0.2)
    words = (
        "evaluate",
        "--data_dir",
        data,
        "--ckpt_path",
        path,
        "--backbone",
        "mobilenetv3",
        "--head",
        "mobilenetv3_head",
    )
    published = ("--is_distrib", "0", "--weight", "uniform", "--method", "vanilla", "--pretrained", "1")
    code, out, err = run(*words, *published, "--published-scoring", "--device", "cpu")
    assert (code, err) == (0, "")
    net = load(tmp_path / "x_best.safetensors")
    row = row_of(tmp_path / "x_best.csv")
    assert net.card.thresholds[Mask.CLOUD] == float(row["cloud_mask_thresh"])
    assert net.card.provenance["evaluation"]["scoring"] == "published"
    ours = load(path).state_dict()
    assert all(torch.equal(tensor, ours[name]) for name, tensor in net.state_dict().items())
    assert (row["backbone"], row["head"]) == ("mobilenetv3", "mobilenetv3_head")
    pixels = sum(int(row[f"cloud_{name}"]) for name in ("tp", "fp", "fn", "tn"))
    assert pixels == 3 * SIDE * SIDE  # fill counts

    code, out, _ = run(*words, "--device", "cpu")  # again, by what is known alone: the same file is written anew
    assert code == 0
    assert load(tmp_path / "x_best.safetensors").card.provenance["evaluation"]["scoring"] == "known pixels"

    before = load(tmp_path / "x_best.safetensors").card
    assert run(*words, "--device", "cpu", "--tasks", "water")[0] == 0
    card = load(tmp_path / "x_best.safetensors").card
    assert card.thresholds == before.thresholds
    assert card.provenance["evaluation"]["scores"].keys() == before.provenance["evaluation"]["scores"].keys()

    save(create("mobilenetv3"), tmp_path / "x_best.safetensors")
    before = (tmp_path / "x_best.safetensors").read_bytes()
    code, out, _ = run(*words, "--device", "cpu")
    assert code == 0
    assert "x_best.safetensors holds other weights" in out
    assert (tmp_path / "x_best.safetensors").read_bytes() == before

    code, _, err = run(*words[:5], "--backbone", "vitb16", "--device", "cpu")
    assert code == 2
    assert "holds mobilenetv3 with mobilenetv3_head, not vitb16" in err


def test_a_checkpoint_of_ours_with_fewer_masks(run, data, tmp_path):
    torch.manual_seed(0)
    path = save(create("hlsmask_s", masks=["water", "cloud"]), tmp_path / "two.safetensors")
    code, out, err = run("evaluate", "--data-dir", data, "--model", path, "--device", "cpu", "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert row_of(tmp_path / "out" / "two.csv")["snowice_mask_f1"] == ""
    assert "two: snow/ice" not in out
    assert set(load(path).card.thresholds) == {Mask.WATER, Mask.CLOUD}
    code, _, err = run("evaluate", "--data-dir", data, "--model", path, "--tasks", "water_mask", "sun_mask")
    assert code == 2
    assert "does not give terrain_shadow" in err


def test_comparisons(run, network, data, tmp_path):
    other = tmp_path / "more" / "tiny.onnx"
    other.parent.mkdir()
    shutil.copy(network, other)
    words = ("--tasks", "water", "cloud", "--compare", "spectral", "fmask", other)
    code, out, err = run("evaluate", "--data-dir", data, "--checkpoint", network, *words)
    assert (code, err) == (0, "")
    rows = rows_of(tmp_path / "tiny_comparison.csv")
    assert [(row["contender"], row["mask"]) for row in rows] == [
        (name, mask) for name in ("tiny", "spectral", "fmask", "more/tiny") for mask in ("water", "cloud")
    ]
    perfect = next(row for row in rows if row["contender"] == "fmask" and row["mask"] == "cloud")
    assert (float(perfect["f1"]), perfect["threshold"]) == (1.0, "")
    assert "fmask: cloud: F1 1.000" in out
    ours, theirs = (next(row for row in rows if row["contender"] == name) for name in ("tiny", "more/tiny"))
    assert theirs["threshold"] == "0.5"  # its own card's
    assert ours["threshold"] == str(card_of(network).thresholds[Mask.WATER])
    assert card_of(other).thresholds == {}
    code, _, err = run("evaluate", "--data-dir", data, "--checkpoint", network, "--compare", "fmask5")
    assert code == 2
    assert "fmask5" in err


def test_files_of_one_name_are_told_apart_and_none_is_compared_with_itself(run, network, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("x/tiny.onnx", "y/x/tiny.onnx"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(network, tmp_path / name)
    words = ("evaluate", "--data-dir", data, "--checkpoint", network, "--keep-card", "--tasks", "water", "--compare")
    code, _, err = run(*words, "x/tiny.onnx", "y/x/tiny.onnx")
    assert (code, err) == (0, "")
    rows = rows_of(tmp_path / "tiny_comparison.csv")
    assert [row["contender"] for row in rows] == ["tiny", "x/tiny", "y/x/tiny.onnx"]
    for others in (("x/../tiny.onnx",), ("x/tiny.onnx", "./x/tiny.onnx")):
        code, _, err = run(*words, *others)
        assert code == 2
        assert f"--compare {others[-1]} is the same file as" in " ".join(err.replace("│", " ").split())


def test_the_card_is_named_where_it_is_rewritten_and_kept_where_that_is_asked(run, network, data, tmp_path):
    before = network.read_bytes()
    words = ("evaluate", "--data-dir", data, "--checkpoint", network, "--out", tmp_path / "out")
    code, out, _ = run(*words, "--keep-card")
    assert (code, "card:" in out) == (0, False)
    assert network.read_bytes() == before
    code, out, _ = run(*words)
    assert code == 0
    assert f"card: {network}" in out
    assert network.read_bytes() != before


def test_scores_of_masks_that_are_not_judged_now_stay_in_the_card(run, network, data, tmp_path):
    assert run("evaluate", "--data-dir", data, "--checkpoint", network)[0] == 0
    first = card_of(network).provenance["evaluation"]
    other = write_published(tmp_path / "other", [make_sample(at, "val" if at < 9 else "test") for at in range(8, 10)])
    for _ in range(2):  # what stayed once stays as it is
        assert run("evaluate", "--data-dir", other, "--checkpoint", network, "--tasks", "water")[0] == 0
    told = card_of(network).provenance["evaluation"]
    assert told["data"] == "other"
    assert told["scores"]["water"] != first["scores"]["water"]
    assert "data" not in told["scores"]["water"]
    assert told["sunlit_threshold"] == first["sunlit_threshold"]
    origin = {key: first[key] for key in ("data", "date", "scoring")}
    assert told["scores"]["cloud"] == {**first["scores"]["cloud"], **origin}


def test_what_is_worth_knowing_is_said(run, network, tmp_path):
    samples = [make_sample(at, "val" if at < 2 else "test", snow=at > 1, fmask=False) for at in range(4)]
    data = write_published(tmp_path / "data", samples)
    words = ("evaluate", "--data-dir", data, "--checkpoint", network)
    code, out, _ = run(*words, "--compare", "fmask")
    assert code == 0
    assert "no positive pixel of snow/ice in validation: 0.5 kept" in out
    assert "no sample holds an Fmask layer" in out
    assert "fmask:" not in out
    assert {row["contender"] for row in rows_of(tmp_path / "tiny_comparison.csv")} == {"tiny"}
    heading = next(line for line in out.splitlines() if line.startswith("thresholds of highest F1"))
    chosen, _, kept = heading.partition("; kept: ")
    assert "snow_ice" not in chosen
    assert kept == "snow_ice 0.5"
    assert "; kept: snow_ice 0.5" in (tmp_path / "tiny.html").read_text()
    assert Mask.SNOW_ICE in card_of(network).masks
    assert row_of(tmp_path / "tiny.csv")["snowice_mask_thresh"] == "0.5"

    (data / "b072" / "sample-3.npy").write_bytes(b"PK\x03\x04 cut off")
    code, _, err = run(*words)
    assert code == 1
    assert "sample-3.npy" in err
    code, out, _ = run(*words, "--skip-broken")
    assert code == 0
    assert "1 of 2 samples of test are broken and left out" in out
    (data / "b072" / "sample-1.npy").unlink()
    code, out, _ = run(*words, "--skip-broken")
    assert code == 0
    assert "1 samples of val are listed but not there" in out
    assert ": 1 samples of val, 1 of test" in out


def test_splits_that_are_not_there(run, network, tmp_path):
    data = write_published(tmp_path / "data", [make_sample(at, "test") for at in range(2)])
    code, _, err = run("evaluate", "--data-dir", data, "--checkpoint", network)
    assert code == 1
    assert "has test.npy but no val.npy; judging needs both" in err
    code, _, err = run("evaluate", "--data-dir", tmp_path / "nowhere", "--checkpoint", network)
    assert code == 1
    assert "is no folder" in err
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--data-dir FOLDER or --benchmark"),
        (("--data-dir", ".", "--threshold-step", "0.3333"), "--threshold-step"),
        (("--data-dir", ".", "--bootstrap", "10"), "--bootstrap is 10"),
        (("--data-dir", ".", "--batch-size", "0"), "--batch-size is 0"),
        (("--data-dir", ".", "--tasks", "fog"), "no mask 'fog'"),
        (("--data-dir", ".", "--split", "bolivia"), "--split is for a --benchmark"),
        (("--benchmark", "sparcs", ".", "--published-scoring"), "--published-scoring"),
        (("--benchmark", "sparcs", ".", "--threshold-step", "0.05"), "--threshold-step is for --data-dir"),
        (("--data-dir", ".", "--compare", "fmask", "fmask"), "each contender once"),
    ],
)
def test_wrong_usage(run, network, words, told):
    code, out, err = run("evaluate", "--checkpoint", network, *words)
    assert code in (1, 2)
    assert told in " ".join((out + err).replace("│", " ").split())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_told_before_the_work(network, data, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="closed"):
        evaluate(
            network, Options(data_dir=data, out=closed / "deeper"), progress=lambda *_: pytest.fail("it worked on")
        )


def test_a_place_that_is_a_file_is_told_before_the_work(network, data, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken"):
        evaluate(
            network, Options(data_dir=data, out=tmp_path / "taken"), progress=lambda *_: pytest.fail("it worked on")
        )


def test_a_benchmark_has_no_validation(run, network, tmp_path, monkeypatch):
    samples = HeldSamples([replace_labels(make_sample(at, "test")) for at in range(2)])
    opened = []

    def open_benchmark(name, folder, split):
        opened.append((name, folder, split))
        masks = (Mask.WATER, Mask.CLOUD)
        return benchmarks.Benchmark(name, "Some Labels", samples, masks, "All of it counts.", "CC0")

    monkeypatch.setattr(benchmarks, "open_benchmark", open_benchmark)
    before = network.read_bytes()
    words = ("evaluate", "--checkpoint", network, "--benchmark", "sparcs", tmp_path)
    code, out, err = run(*words, "--split", "odd", "--compare", "fmask")
    assert (code, err) == (0, "")
    assert [(name, str(folder), split) for name, folder, split in opened] == [("sparcs", str(tmp_path), "odd")]
    assert network.read_bytes() == before
    row = row_of(tmp_path / "tiny_sparcs_odd.csv")
    assert row["water_mask_thresh"] == "0.5"
    assert row["snowice_mask_f1"] == ""
    assert "<dd>odd</dd>" in (tmp_path / "tiny_sparcs_odd.html").read_text()
    assert "2 samples of Some Labels" in out
    assert "card:" not in out
    assert "All of it counts." in out
    code, _, err = run(*words, "--tasks", "snow_ice")
    assert code == 2
    assert "labels hold water, cloud" in err


def replace_labels(sample):
    labels = sample.labels.copy()
    labels[2:] = NOT_OBSERVED
    return replace(sample, labels=labels)


def test_it_runs_without_torch(light, network, data, tmp_path):
    done = light("evaluate", "--data-dir", data, "--checkpoint", network, "--compare", "spectral", "fmask")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tiny.html").is_file()
    assert card_of(network).thresholds or "in the tables alone" in done.stdout


def test_a_card_that_cannot_be_rewritten_keeps_the_tables(network, data, tmp_path, monkeypatch):
    def refuse(path, _):
        raise OutputError(f"{path} cannot be written: Read-only file system")

    monkeypatch.setattr("hlsmask.evaluation.results.rewrite", refuse)
    found = evaluate(network, Options(data_dir=data, out=tmp_path / "out"))
    assert any("Read-only file system" in note for note in found.account.notes)
    assert (tmp_path / "out" / "tiny.csv").is_file()


def test_progress_counts_both_splits(network, data):
    told = []
    evaluate(network, Options(data_dir=data, batch_size=2), progress=lambda *done: told.append(done))
    assert told == [(2, 6), (3, 6), (5, 6), (6, 6)]


def test_a_sample_cannot_be_written_outside_its_folder(network, tmp_path, monkeypatch):
    sample = make_sample(0, "test")
    stray = replace(sample, record=replace(sample.record, id="../../stray"))
    monkeypatch.setattr("hlsmask.evaluation.run.open_samples", lambda *_, **__: HeldSamples([stray]))
    with pytest.raises(UsageError, match="outside"):
        evaluate(network, Options(data_dir=tmp_path, predictions=tmp_path / "said"))
    assert not (tmp_path.parent / "stray.npz").exists()


def test_the_table_of_a_terminal_fits_80_columns(network, data):
    found = evaluate(network, Options(data_dir=data))
    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115 - for the eye alone
    console.print(_table(found.verdict))
    console.file.close()
    text = console.export_text()
    assert "…" not in text
    assert "cloud shadow" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_published_cards_are_given_whole_samples(make_network, data, tmp_path):
    path = make_network(replace(CARD, normalization=Normalization("published")), name="pub.onnx")
    found = evaluate(path, Options(data_dir=data, published_scoring=True))
    assert found.verdict.counts[Mask.WATER].count == 3 * SIDE * SIDE
    entries = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    assert Card.from_json(entries[METADATA_KEY]).normalization.kind == "published"
    assert (tmp_path / "pub.csv").is_file()
