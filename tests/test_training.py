"""Training through the command line: what is written, what can be resumed, what is refused."""

from __future__ import annotations

import csv
import os
import shlex
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from sklearn.metrics import f1_score, jaccard_score, log_loss, precision_score, recall_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from hlsmask import models
from hlsmask.errors import DivergedError, ModelError, OutputError, UsageError
from hlsmask.inference.choose import choose
from hlsmask.inference.options import Options as Predicting
from hlsmask.masks import Mask
from hlsmask.samples import Record, Sample
from hlsmask.samples.store import StoreWriter
from hlsmask.testing import write_published
from hlsmask.training import Data, Learning, Listener, Machine, Network, Options, Records, train

SIDE = 64
SMALL = ("--backbone", "hlsmask_s", "--workers", 0, "--accelerator", "cpu", "--batch-size", 4)


def make_samples(count, *, seed=0, split="train", side=SIDE):
    """Samples whose masks follow from their bands: what is bright is cloud, what is dark in the infrared water."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = rng.random((6, 4, 4)).repeat(side // 4, axis=1).repeat(side // 4, axis=2)
        bands = (500 + 6000 * coarse + rng.normal(0, 50, (6, side, side))).astype(np.int16)
        labels = np.zeros((5, side, side), np.uint8)
        labels[0] = bands[3] < 2000
        labels[1] = bands[0] > 4000
        labels[2] = (bands[4] < 2000) & (bands[3] >= 2000)
        labels[3] = bands[5] < 1500
        labels[4] = bands[2] < 1500
        bands[:, :5, :7] = -9999
        labels[:, 40:50, 3:9] = 255
        record = Record(f"{split}-{seed}-{number}", side, split=split, sensor="S30" if number % 2 else "L30")
        yield Sample.of(record, bands, labels)


def write_store(path, train=10, val=5, **options):
    with StoreWriter(path, options={"kind": "test"}) as store:
        for split, count, seed in (("train", train, 1), ("val", val, 2), ("test", 4, 3)):
            for sample in make_samples(count, seed=seed, split=split, **options):
                store.append(sample)
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return write_store(tmp_path_factory.mktemp("data") / "samples.store")


def log_of(folder):
    (path,) = folder.glob("*_log.csv")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def options_of(store, out, **learning):
    return Options(
        Data((store,), workers=0, batch_size=4),
        Network("hlsmask_s"),
        Learning(**{"epochs": 3, "lr": 3e-3, **learning}),
        Machine(accelerator="cpu"),
        Records(out),
    )


def figures(epochs):
    """What must come again exactly."""
    return [(epoch.train, epoch.val, epoch.rate, epoch.best) for epoch in epochs]


def stop_after(number):
    """A person who presses Ctrl-C when an epoch is done."""

    def epoch(done):
        if done.number == number:
            raise KeyboardInterrupt

    return Listener(epoch=epoch)


def test_a_run_writes_weights_that_predict_a_state_a_log_and_its_configuration(store, tmp_path, run):
    code, out, err = run("train", "--data_dir", store, *SMALL, "--epochs", 16, "--lr", 0.02, "--out", tmp_path)
    assert code == 0, err
    assert "epoch 16/16" in out
    (best,), (state,) = tmp_path.glob("*_hlsmask_s_hlsmask_s_head_best.safetensors"), tmp_path.glob("*_checkpoint.ckpt")
    engine = choose(Predicting(model=str(best)))
    assert engine.card.masks == tuple(Mask)
    assert engine.card.definitions == {Mask.TERRAIN_SHADOW: "shad"}
    assert engine.card.provenance["recipe"]["epochs"] == 16
    assert engine.card.provenance["data"]
    held = next(make_samples(1, seed=2, split="val"))
    said = engine(np.where(held.valid, held.bands * np.float32(1e-4), np.nan)[None].astype(np.float32))[0] > 0.5
    water = held.labels[0] != 255
    assert (said[0] == held.labels[0])[water].mean() > 0.85
    rows = log_of(tmp_path)
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 17)]
    assert float(rows[-1]["val_loss"]) < 0.8 * float(rows[0]["val_loss"])
    for mask in Mask:
        assert {
            f"{part}_{mask}_{score}"
            for part in ("train", "val")
            for score in ("loss", "f1", "precision", "recall", "iou")
        } <= set(rows[0])
    losses = [float(row["val_loss"]) for row in rows]
    assert engine.card.provenance["val_loss"] == pytest.approx(min(losses), rel=1e-4)
    assert np.mean([float(rows[0][f"val_{mask}_loss"]) for mask in Mask]) == pytest.approx(losses[0], rel=1e-4)
    assert torch.load(state, weights_only=True)["epoch"] == 15


@pytest.mark.parametrize("rule", ["loss", "f1", "last"])
def test_the_best_weights_are_those_of_the_epoch_that_the_rule_names(store, tmp_path, rule):
    options = options_of(store, tmp_path, epochs=6, lr=0.03, best=rule)  # a rate at which epochs go up and down
    outcome = train(options)
    losses = [epoch.val.loss for epoch in outcome.epochs]
    scores = [np.nanmean([counts.f1 for counts in epoch.val.counts.values()]) for epoch in outcome.epochs]
    wanted = {"loss": np.argmin(losses), "f1": np.argmax(scores), "last": 5}[rule] + 1
    assert models.load(outcome.files.best).card.provenance["epoch"] == wanted
    longer = replace(options.learning, epochs=7, best="last")
    more = train(replace(options, learning=longer, network=Network("hlsmask_s", ckpt_path=outcome.files.checkpoint)))
    assert models.load(more.files.best).card.provenance["epoch"] == 7


def test_validation_scores_are_those_of_scikit_learn(store, tmp_path):
    outcome = train(replace(options_of(store, tmp_path, epochs=1), network=Network("hlsmask_s", tasks=("cloud",))))
    net = models.load(outcome.files.best)
    said, truth = [], []
    for sample in make_samples(5, seed=2, split="val"):
        bands = net.card.normalize(np.where(sample.valid, sample.bands * np.float32(1e-4), np.nan).astype(np.float32))
        with torch.no_grad():
            probability = net(torch.from_numpy(np.nan_to_num(bands))[None]).sigmoid()[0, 0].numpy()
        known = sample.labels[1] != 255
        said.append(probability[known])
        truth.append(sample.labels[1][known])
    said, truth = np.concatenate(said), np.concatenate(truth)
    counts = outcome.epochs[0].val.counts[Mask.CLOUD]
    assert counts.count == len(truth)
    assert counts.f1 == pytest.approx(f1_score(truth, said > 0.5), abs=2e-4)
    assert counts.precision == pytest.approx(
        precision_score(truth, said > 0.5, zero_division=np.nan), abs=2e-4, nan_ok=True
    )
    assert counts.recall == pytest.approx(recall_score(truth, said > 0.5), abs=2e-4)
    assert counts.iou == pytest.approx(jaccard_score(truth, said > 0.5), abs=2e-4)
    assert outcome.epochs[0].val.losses[Mask.CLOUD] == pytest.approx(log_loss(truth, said), rel=1e-4)


@pytest.mark.parametrize(
    "learning",
    [
        {},
        {
            "scheduler": "onecycle",
            "ema": 0.9,
            "optimizer": "adamw",
            "weight_decay": 0.1,
            "weight": "uncertainty",
            "accumulate": 2,
        },
    ],
    ids=["plain", "everything"],
)
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(store, tmp_path, learning):
    whole = train(options_of(store, tmp_path / "whole", **learning))
    with pytest.raises(KeyboardInterrupt):
        train(options_of(store, tmp_path / "broken", **learning), stop_after(2))
    (state,) = (tmp_path / "broken").glob("*_checkpoint.ckpt")
    again = options_of(store, tmp_path / "broken", **learning)
    resumed = train(replace(again, network=Network("hlsmask_s", ckpt_path=state)))
    assert figures(resumed.epochs) == figures(whole.epochs)
    assert resumed.files.checkpoint == state
    ours, theirs = models.load(resumed.files.best), models.load(whole.files.best)
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(ours.state_dict()[name], tensor), name


def test_the_configuration_of_a_run_repeats_it(store, tmp_path, run):
    code, _, err = run("train", "--data-dir", store, *SMALL, "--epochs", 2, "--out", tmp_path / "a", "--clip", 1)
    assert code == 0, err
    (config,) = (tmp_path / "a").glob("*_config.toml")
    values = tomllib.loads(config.read_text())
    assert values["lr"] == 1e-4
    assert values["clip"] == 1
    assert torch.__version__.startswith(values["run"]["versions"]["torch"])
    code, out, err = run("train", "--config", config, "--out", tmp_path / "b")
    assert code == 0, err
    assert "note" not in out
    first, second = log_of(tmp_path / "a"), log_of(tmp_path / "b")
    for row in (*first, *second):
        row.pop("seconds")
    assert first == second


def test_two_runs_in_one_second_keep_apart(store, tmp_path):
    first, second = (train(options_of(store, tmp_path, epochs=1)) for _ in range(2))
    assert first.files.stem != second.files.stem
    assert len(list(tmp_path.glob("*_best.safetensors"))) == 2


def test_the_configuration_of_a_run_that_went_on_repeats_all_of_it(store, tmp_path):
    first = train(options_of(store, tmp_path, epochs=1))
    again = options_of(store, tmp_path, epochs=2)
    train(replace(again, network=Network("hlsmask_s", ckpt_path=first.files.checkpoint)))
    values = tomllib.loads(first.files.config.read_text())
    assert values["epochs"] == 2
    assert "ckpt-path" not in values


def test_the_command_line_goes_before_the_configuration(store, tmp_path, run):
    config = tmp_path / "c.toml"
    config.write_text(
        f'data_dir = "{store}"\nbackbone = "hlsmask_s"\nepochs = 7\nworkers = 0\ntasks = ["water", "sun_mask"]\n'
    )
    code, out, err = run("train", "--config", config, "--epochs", 1, "--out", tmp_path, "--accelerator", "cpu")
    assert code == 0, err
    assert "epoch 1/1" in out
    assert "learns water, terrain shadow" in out


def test_a_configuration_tells_when_its_data_are_others(tmp_path, run):
    data = write_store(tmp_path / "s", train=4, val=1)
    assert run("train", "--data-dir", data, *SMALL, "--epochs", 1, "--out", tmp_path / "a")[0] == 0
    (config,) = (tmp_path / "a").glob("*_config.toml")
    with StoreWriter(data, options={"kind": "test"}) as store:
        for sample in make_samples(1, seed=9):
            store.append(sample)
    code, out, err = run("train", "--config", config, "--out", tmp_path / "b")
    assert code == 0, err
    assert "its samples are not those of the run that is repeated" in out


@pytest.mark.parametrize(
    "text", ["epochs = ", "epoch = 3", "lr = [1, 2]", "epochs = 1.5", "batch-size = 2\nbatch_size = 3"]
)
def test_a_configuration_that_does_not_fit_is_refused(store, tmp_path, run, text):
    config = tmp_path / "c.toml"
    config.write_text(text)
    code, _, err = run("train", "--data-dir", store, "--config", config, "--out", tmp_path / "out")
    assert code != 0
    assert "c.toml" in "".join(err.replace("│", "").split())
    assert not (tmp_path / "out").exists()


def test_the_readme_line_of_the_published_training_runs(tmp_path, run):
    data = write_published(tmp_path / "d", [*make_samples(6, seed=1), *make_samples(2, seed=2, split="val")])
    line = (
        "--lr 0.0005 --batch_size 32 --dist-url 'tcp://127.0.0.1:8003' --dist-backend nccl "
        "--multiprocessing-distributed --world-size 1 --rank 0"
    )
    more = ("--pretrained", 0, "--epochs", 1, "--out", tmp_path / "out", "--workers", 0, "--accelerator", "cpu")
    code, out, err = run("train", "--data_dir", data, *shlex.split(line), *more)
    assert code == 0, err
    assert "mobilenetv3 learns" in out
    assert list((tmp_path / "out").glob("*_mobilenetv3_mobilenetv3_head_best.safetensors"))


def test_published_files_are_written_and_gone_on_with(store, tmp_path, run):
    common = (
        *SMALL[2:],
        "--pretrained",
        0,
        "--data-dir",
        store,
        "--backbone",
        "mobilenetv3",
        "--head",
        "mobilenetv3_head",
    )
    code, _, err = run("train", *common, "--epochs", 2, "--out", tmp_path / "a", "--published-files")
    assert code == 0, err
    (state,) = (tmp_path / "a").glob("*_checkpoint.pth.tar")
    content = torch.load(state, weights_only=True)
    assert content["epoch"] == 2
    assert set(content) == {"epoch", "state_dict", "best_performance", "optimizer"}
    (log,) = (tmp_path / "a").glob("*_log.txt")
    lines = log.read_text().splitlines()
    assert lines[0].split("\t")[:5] == ["Epoch", "T.Lwm", "T.wmF1", "T.wmRec", "T.wmPrec"]
    assert len(lines) == 3
    code, out, err = run("train", *common, "--epochs", 3, "--ckpt_path", state, "--out", tmp_path / "b")
    assert code == 0, err
    assert [row["epoch"] for row in log_of(tmp_path / "b")] == ["3"]
    assert "epoch 3/3" in out


@pytest.mark.parametrize(
    ("scaling", "learning"), [("published", {}), ("fixed", {"scheduler": "cosine", "accumulate": 2, "clip": 0.5})]
)
def test_a_published_run_goes_on_with_the_same_steps(store, tmp_path, scaling, learning):
    """One epoch and one more are two, through the container."""

    def chosen(out, epochs, **network):
        return Options(
            Data((store,), workers=0, batch_size=5),
            Network("mobilenetv3", pretrained=0, normalization=scaling, **network),
            Learning(epochs=epochs, **learning),
            Machine(accelerator="cpu"),
            Records(out, published_files=True),
        )

    whole = train(chosen(tmp_path / "whole", 2))
    with pytest.raises(KeyboardInterrupt):
        train(chosen(tmp_path / "first", 2), stop_after(1))
    (state,) = (tmp_path / "first").glob("*_checkpoint.pth.tar")
    resumed = train(chosen(tmp_path / "then", 2, ckpt_path=state))
    assert not [note for note in resumed.notes if not note.startswith("published files:")]
    assert resumed.epochs[-1].train.loss == pytest.approx(whole.epochs[-1].train.loss, rel=1e-4)
    assert resumed.epochs[-1].val.loss == pytest.approx(whole.epochs[-1].val.loss, rel=1e-3)


TWO = """
import sys
from pathlib import Path

from hlsmask.training import Data, Learning, Machine, Network, Options, Records, train

store, out, devices = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
train(Options(
    Data((store,), workers=0, batch_size=4),
    Network("hlsmask_s"),
    Learning(epochs=2, lr=0.003, loss_type="bce+dice", weight="uncertainty"),
    Machine(accelerator="cpu", devices=devices, strategy="ddp", precision="64-true"),
    Records(out),
))
"""


def test_two_processes_get_the_figures_of_one(store, tmp_path):
    """In double precision, so that what differs is no rounding: steps of Adam make much of little there."""
    script = tmp_path / "two.py"
    script.write_text(TWO)
    for devices in (1, 2):
        words = [sys.executable, script, store, tmp_path / f"{devices}", f"{devices}"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    one, two = log_of(tmp_path / "1"), log_of(tmp_path / "2")
    for row in (*one, *two):
        row.pop("seconds")
    assert len(one) == 2
    assert two == one
    state = torch.load(next((tmp_path / "2").glob("*.ckpt")), weights_only=True)
    counted = state["callbacks"]["Keeper"]["epochs"][0]["val"]["water"]
    known = sum(int((sample.labels[0] != 255).sum()) for sample in make_samples(5, seed=2, split="val"))
    assert sum(counted[1:]) == known


@pytest.mark.slow
@pytest.mark.parametrize("launch", ["own", "torchrun"])
def test_the_command_line_trains_with_two_processes_and_speaks_once(store, tmp_path, launch):
    words = ["train", "--data-dir", store, *SMALL, "--epochs", 1, "--devices", 2, "--out", tmp_path / "out"]
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"] if launch == "torchrun" else []
    command = [sys.executable, *launcher, "-m", "hlsmask", *map(str, words)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch 1/1") == done.stdout.count("best weights:") == 1
    assert len(log_of(tmp_path / "out")) == 1


def test_training_over_simulated_samples_and_a_mixture(store, tmp_path, run):
    common = (*SMALL, "--epochs", 1, "--val-samples", 2)
    code, out, err = run(
        "train", "--simulate", store, "--size", 64, "--samples-per-epoch", 6, *common, "--out", tmp_path / "a"
    )
    assert code == 0, err
    assert "training: 6 samples an epoch; validation: 2" in out
    (best,) = (tmp_path / "a").glob("*_best.safetensors")
    assert models.load(best).card.definitions[Mask.TERRAIN_SHADOW] == "shad+cast"
    code, out, err = run(
        "train", "--data-dir", store, "--simulate", store, "--mix", 3, 1, *common, "--out", tmp_path / "b"
    )
    assert code == 0, err
    assert "training: 10 samples an epoch; validation: 5" in out


def test_a_published_run_goes_on_where_its_learning_rate_was(store, tmp_path):
    def chosen(out, **network):
        return Options(
            Data((store,), workers=0, batch_size=5),
            Network("mobilenetv3", pretrained=0, **network),
            Learning(epochs=3, scheduler="cosine", warmup=0.5),
            Machine(accelerator="cpu"),
            Records(out, published_files=True),
        )

    with pytest.raises(KeyboardInterrupt):
        train(chosen(tmp_path / "first"), stop_after(2))
    (state,) = (tmp_path / "first").glob("*_checkpoint.pth.tar")
    resumed = train(chosen(tmp_path / "then", ckpt_path=state))
    whole = log_of(tmp_path / "first")
    assert [epoch.number for epoch in resumed.epochs] == [3]
    assert resumed.epochs[0].rate < float(whole[1]["lr"]) < float(whole[0]["lr"]) <= 1e-4


@pytest.mark.parametrize(
    "learning",
    [
        {"scheduler": "cosine", "warmup": 1.0},
        {"loss_type": "focal+tversky", "task_weights": ("water=2",)},
        {"patience": 1, "lr": 1e-9},
    ],
)
@pytest.mark.parametrize("precision", ["32", "bf16-mixed"])
def test_ways_to_learn(store, tmp_path, learning, precision):
    options = options_of(store, tmp_path, **learning)
    options = replace(
        options, machine=replace(options.machine, precision=precision), records=Records(tmp_path, tensorboard=True)
    )
    outcome = train(options)
    assert all(np.isfinite(epoch.val.loss) for epoch in outcome.epochs)
    if "patience" in learning:
        assert len(outcome.epochs) <= 3
    (events,) = {path.parent for path in (tmp_path / "tensorboard").rglob("events*")}
    told = EventAccumulator(str(events)).Reload().Scalars("val_cloud_f1")
    assert [each.step for each in told] == [epoch.number for epoch in outcome.epochs]


def test_the_upper_left_is_taken_where_the_paper_does(tmp_path, run):
    data = write_store(tmp_path / "s", train=2, val=1, side=768)
    common = ("--backbone", "hlsmask_s", "--workers", 0, "--accelerator", "cpu", "--batch-size", 1)
    words = ("--published-crop", "--augment", "published", "--normalization", "published")
    code, out, err = run("train", "--data-dir", data, *common, *words, "--epochs", 1, "--out", tmp_path / "out")
    assert code == 0, err
    assert "512 x 512 pixels each" in out
    (best,) = (tmp_path / "out").glob("*_best.safetensors")
    assert models.load(best).card.normalization.kind == "published"


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_what_was_good(store, tmp_path):
    good = train(options_of(store, tmp_path, epochs=1))
    before = good.files.checkpoint.read_bytes(), good.files.best.read_bytes()
    state = torch.load(good.files.checkpoint, weights_only=True)
    name = next(name for name in state["state_dict"] if name.endswith("weight"))
    state["state_dict"][name] *= torch.nan
    broken = tmp_path / "broken.ckpt"
    torch.save(state, broken)
    again = options_of(store, tmp_path, epochs=2)
    with pytest.raises(DivergedError, match=r"batch 1 of epoch 2 is no number \(train-1-"):
        train(replace(again, network=Network("hlsmask_s", ckpt_path=broken)))
    assert (good.files.checkpoint.read_bytes(), good.files.best.read_bytes()) == before


def test_a_full_disk_is_told_and_leaves_the_last_state(store, tmp_path, monkeypatch):
    real = pl.Trainer.save_checkpoint

    def refuse(trainer, path, **options):
        if trainer.current_epoch == 1:
            Path(path).write_bytes(b"half of it")
            raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")
        real(trainer, path, **options)

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", refuse)
    with pytest.raises(OutputError, match=r"_checkpoint.ckpt cannot be written, the disk may be full"):
        train(options_of(store, tmp_path))
    (state,) = tmp_path.glob("*_checkpoint.ckpt")
    assert torch.load(state, weights_only=True)["epoch"] == 0
    assert len(log_of(tmp_path)) == 1
    assert not list(tmp_path.glob(".*partial"))


def test_a_run_goes_on_with_another_learning_rate_and_says_what_it_cannot_change(store, tmp_path):
    whole = train(options_of(store, tmp_path / "a", epochs=3, scheduler="cosine"))
    with pytest.raises(KeyboardInterrupt):
        train(options_of(store, tmp_path / "b", epochs=3, scheduler="cosine"), stop_after(1))
    (state,) = (tmp_path / "b").glob("*_checkpoint.ckpt")
    before = next((tmp_path / "b").glob("*_config.toml")).read_text()
    network = Network("hlsmask_s", ckpt_path=state)
    for change, said in (
        ({"scheduler": "cosine", "optimizer": "adamw"}, "--optimizer adam, and cannot go on with adamw"),
        ({"scheduler": "cosine", "weight": "uncertainty"}, "--weight uniform"),
        ({"scheduler": "onecycle"}, "--scheduler cosine"),
        ({"scheduler": "cosine", "loss_type": "dice"}, "--loss-type bce"),
        ({"scheduler": "cosine", "ema": 0.9}, "--ema"),
        ({"scheduler": "cosine", "epochs": 1}, "has done 1 epochs"),
    ):
        with pytest.raises(UsageError, match=said):
            train(replace(options_of(store, tmp_path / "b", **change), network=network))
    assert next((tmp_path / "b").glob("*_config.toml")).read_text() == before
    slower = train(replace(options_of(store, tmp_path / "b", scheduler="cosine", lr=3e-4), network=network))
    assert [epoch.rate for epoch in slower.epochs[1:]] == pytest.approx(
        [0.1 * epoch.rate for epoch in whole.epochs[1:]], rel=1e-6
    )
    values = tomllib.loads(slower.files.config.read_text())
    assert values["lr"] == 3e-3
    assert values["run"]["resumed"] == [{"after-epoch": 1, "lr": 3e-4}]


def test_a_run_that_goes_on_elsewhere_keeps_its_best_there(store, tmp_path):
    first = train(options_of(store, tmp_path / "a", epochs=1))
    network = Network("hlsmask_s", ckpt_path=first.files.checkpoint)
    then = train(replace(options_of(store, tmp_path / "b", epochs=2, lr=1e-12), network=network))
    assert then.files.best.exists()
    assert len(log_of(tmp_path / "b")) == 2


def test_a_home_folder_is_one(store, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    outcome = train(options_of(store, Path("~/run"), epochs=1))
    assert outcome.files.checkpoint.parent == tmp_path / "run"
    assert torch.load(outcome.files.checkpoint, weights_only=True)["epoch"] == 0


def test_masks_that_nobody_knows_are_told(tmp_path):
    with StoreWriter(tmp_path / "s", options={"kind": "test"}) as store:
        for split in ("train", "val"):
            for sample in make_samples(3, split=split):
                labels = sample.labels.copy()
                labels[0], labels[3] = 255, 0
                store.append(Sample.of(sample.record, sample.bands, labels))
    outcome = train(options_of(tmp_path / "s", tmp_path / "out", epochs=1))
    assert any(note.startswith("water: not one pixel of training has a known label") for note in outcome.notes)
    assert any(note.startswith("snow/ice: it is nowhere there") for note in outcome.notes)


def test_a_last_sample_alone_shares_a_batch(store, tmp_path):
    """deeplabv3p takes the mean of all pixels into a batch norm, which needs more than one sample."""
    options = options_of(store, tmp_path, epochs=1)
    options = replace(options, network=Network("deeplabv3p", pretrained=0))
    train(replace(options, data=replace(options.data, batch_size=3)))  # ten samples
    with pytest.raises(UsageError, match="cannot learn from one sample of this size at a time; use a larger --batch"):
        train(replace(options, data=replace(options.data, batch_size=1)))


def test_weights_that_diverge_within_an_epoch_are_told_by_validation(store, tmp_path):
    options = options_of(store, tmp_path, lr=1e30)
    with pytest.raises(DivergedError, match=r"no number|left the numbers"):
        train(replace(options, data=replace(options.data, batch_size=16)))


def test_switches_can_be_turned_off_and_a_fine_tuned_run_goes_on_by_its_configuration(store, tmp_path, run):
    first = train(options_of(store, tmp_path / "a", epochs=1))
    words = ("--init", first.files.best, "--no-sync-batchnorm", "--no-channels-last", "--epochs", 1, "--lr", 1e-3)
    code, _, err = run("train", "--data-dir", store, *SMALL, *words, "--out", tmp_path / "b")
    assert code == 0, err
    (config,), (state,) = (tmp_path / "b").glob("*_config.toml"), (tmp_path / "b").glob("*_checkpoint.ckpt")
    values = tomllib.loads(config.read_text())
    assert (values["sync-batchnorm"], values["channels-last"], values["init"]) == (False, False, str(first.files.best))
    code, out, err = run("train", "--config", config, "--epochs", 2, "--resume", state)
    assert code == 0, err
    assert "epoch 2/2" in out


@pytest.mark.slow
def test_a_cluster_that_stops_two_processes_gets_them_stopped(store, tmp_path):
    words = ["train", "--data-dir", store, *SMALL, "--epochs", 5000, "--devices", 2, "--out", tmp_path / "out"]
    command = [sys.executable, "-m", "hlsmask", *map(str, words)]
    with subprocess.Popen(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True
    ) as going:
        assert any(line.startswith("epoch 2/") for line in going.stdout)
        going.terminate()
        assert going.wait(timeout=60) == 1
    (state,) = (tmp_path / "out").glob("*_checkpoint.ckpt")
    assert torch.load(state, weights_only=True)["epoch"] >= 1


def test_a_state_of_another_network_is_refused(store, tmp_path):
    outcome = train(options_of(store, tmp_path, epochs=1))
    state = outcome.files.checkpoint
    again = options_of(store, tmp_path, epochs=2)
    with pytest.raises(ModelError, match=r"is a run of hlsmask_s with hlsmask_s_head, not of mobilenetv3"):
        train(replace(again, network=Network("mobilenetv3", ckpt_path=state)))
    with pytest.raises(ModelError, match=r"name --tasks water cloud cloud_shadow snow_ice terrain_shadow"):
        train(replace(again, network=Network("hlsmask_s", tasks=("water",), ckpt_path=state)))


def test_training_goes_on_from_other_weights_with_the_backbone_kept(store, tmp_path):
    first = train(options_of(store, tmp_path / "a", epochs=1))
    network = Network("hlsmask_s", tasks=("water", "cloud"), init=first.files.best, freeze="backbone")
    second = train(replace(options_of(store, tmp_path / "b", epochs=2), network=network))
    before, after = models.load(first.files.best), models.load(second.files.best)
    assert after.card.masks == (Mask.WATER, Mask.CLOUD)
    for name, tensor in before.backbone.state_dict().items():
        assert torch.equal(after.backbone.state_dict()[name], tensor), name
    assert any("heads of" in note for note in second.notes)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "there is nothing to learn from"),
        (("--data-dir", "STORE", "--devices", "4096"), "--devices is 4096; there are"),
        (("--data-dir", "STORE", "--gpu", "3"), "torch finds no cuda here"),
        (("--data-dir", "STORE", "--tasks", "fog"), "there is no mask 'fog'"),
        (("--data-dir", "STORE", "--backbone", "mobilnet"), "there is no backbone 'mobilnet'"),
        (("--data-dir", "STORE", "--loss-type", "mse"), "mse"),
        (("--data-dir", "STORE", "--mix", "1", "2"), "--mix has 2 shares"),
        (("--data-dir", "STORE", "--size", "50"), "--size is 50"),
        (("--data-dir", "STORE", "--dist-url", "here"), "--dist-url is here"),
        (("--data-dir", "STORE", "--precision", "16-mixed"), "16-mixed needs a GPU"),
        (("--data-dir", "NOWHERE"), "is no folder"),
        (("--data-dir", "STORE", "--init", "a", "--ckpt-path", "b"), "give one of them"),
        (("--data-dir", "STORE", "--ckpt-path", "a", "--resume", "b"), "give one of them"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_sentence(store, tmp_path, run, words, sentence):
    named = [{"STORE": store, "NOWHERE": tmp_path / "nowhere"}.get(word, word) for word in words]
    more = () if "--gpu" in words else ("--accelerator", "cpu")
    if "--backbone" not in words:
        more += ("--backbone", "hlsmask_s")
    code, out, err = run("train", *named, *more, "--out", tmp_path / "out", "--workers", 0)
    assert code in (1, 2)
    assert sentence in " ".join((out + err).split())
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_an_empty_split_is_one_sentence(tmp_path, run):
    data = write_store(tmp_path / "s", train=3, val=0)
    code, _, err = run("train", "--data-dir", data, *SMALL, "--out", tmp_path / "out")
    assert code == 1
    assert "no samples in the split 'val'" in err


def test_a_broken_sample_in_a_worker_is_one_sentence_or_left_out(tmp_path, run):
    data = write_published(tmp_path / "d", [*make_samples(6, seed=1), *make_samples(2, seed=2, split="val")])
    broken = next(data.glob("train-1-3.npy"))
    broken.write_bytes(broken.read_bytes()[:3000])
    common = ("train", "--data-dir", data, "--backbone", "hlsmask_s", "--accelerator", "cpu", "--epochs", 1)
    common = (*common, "--workers", 1, "--out", tmp_path / "out")
    code, _, err = run(*common)
    assert code == 1
    assert "train-1-3.npy" in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    code, out, err = run(*common, "--skip-broken", "--size", 64)
    assert code == 0, err
    assert "1 samples could not be read" in out


def test_labels_that_nobody_knows_cannot_be_validated_on(tmp_path, run):
    with StoreWriter(tmp_path / "s", options={"kind": "test"}) as store:
        for split in ("train", "val"):
            for sample in make_samples(4, split=split):
                store.append(Sample.of(sample.record, sample.bands, np.full_like(sample.labels, 255)))
    code, _, err = run("train", "--data-dir", tmp_path / "s", *SMALL, "--epochs", 1, "--out", tmp_path / "out")
    assert code == 1
    assert "none of its pixels has a known label" in err


def test_options_are_refused_by_name():
    with pytest.raises(UsageError, match="--task-weights is 'water=-1'"):
        Learning(task_weights=("water=-1",))
    with pytest.raises(UsageError, match="the masks to learn are water"):
        Options(Data((Path("x"),)), Network(tasks=("water",)), Learning(task_weights=("cloud=2",)))
