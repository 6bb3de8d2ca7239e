"""Batch norms over several processes give what one process with the whole batch gives."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING

import pytest
import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from hlsmask import models
from hlsmask.errors import UsageError
from hlsmask.training.batchnorm import SynchronizedBatchNorm, synchronize, unsynchronize

if TYPE_CHECKING:
    from pathlib import Path

WORLD = 2
STEPS = 2


class Net(nn.Module):
    """A convolution and every sort of norm."""

    def __init__(self, *, affine: bool = True, tracked: bool = True) -> None:
        super().__init__()
        options = {"affine": affine, "track_running_stats": tracked}
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1, bias=False),
            BatchNormAct2d(4, **options),  # its ReLU works in place
            nn.Conv2d(4, 5, 1),
            nn.BatchNorm2d(5, momentum=None, **options),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(2),
            nn.BatchNorm1d(5, momentum=0.3, **options),
            nn.Flatten(),
            nn.BatchNorm1d(20, **options),
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.body(values)


CASES = {
    # name: samples of each process, options of the net, type, memory format
    "uneven": ((3, 2), {}, torch.float64, torch.contiguous_format),
    "channels last": ((2, 3), {}, torch.float32, torch.channels_last),
    "one sample here": ((1, 4), {}, torch.float64, torch.contiguous_format),
    "none here": ((4, 0), {}, torch.float64, torch.contiguous_format),
    "without weights": ((3, 2), {"affine": False}, torch.float64, torch.contiguous_format),
    "without memory": ((3, 2), {"tracked": False}, torch.float64, torch.contiguous_format),
}


def made(name: str) -> tuple[Net, list[torch.Tensor], torch.Tensor]:
    """Return a net, a batch for each step, far from zero in the mean, and what the loss weighs its results with."""
    parts, options, dtype, memory = CASES[name]
    torch.manual_seed(7)
    net = Net(**options).to(dtype)
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    batches = [(3 + torch.randn(sum(parts), 3, 6, 5)).to(dtype).to(memory_format=memory) for _ in range(STEPS)]
    return net, batches, torch.randn(sum(parts), 20).to(dtype)


def learn(net: nn.Module, batches: list[torch.Tensor], pulls: torch.Tensor, scale: int = 1) -> dict[str, torch.Tensor]:
    """Return all that training with a batch can change."""
    found = {}
    for number, batch in enumerate(batches):
        net.zero_grad()
        taken = batch.clone().requires_grad_()
        given = net(taken)
        (scale * (given * pulls).sum()).backward()
        found |= {f"given {number}": given.detach(), f"back {number}": taken.grad / scale}
    inner = net.module if isinstance(net, DistributedDataParallel) else net
    found |= {f"gradient of {name}": parameter.grad for name, parameter in inner.named_parameters()}
    return found | {f"state {name}": value for name, value in inner.state_dict().items()}


def work(rank: int, folder: Path) -> None:
    """Go through all cases as one of several processes."""
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORLD)
    found = {}
    for name, (parts, *_) in CASES.items():
        net, batches, pulls = made(name)
        synchronize(net)
        begin = sum(parts[:rank])
        mine = slice(begin, begin + parts[rank])
        learner = DistributedDataParallel(copy.deepcopy(net)) if any(True for _ in net.parameters()) else net
        found[name] = learn(learner, [batch[mine] for batch in batches], pulls[mine], WORLD)
    net, batches, _ = made("uneven")
    synchronize(net)
    if rank == 0:  # alone: it would wait for ever if it asked the other
        found["alone"] = net.eval()(batches[0])
    net, batches, pulls = made("channels last")
    synchronize(net)
    with torch.autocast("cpu", torch.bfloat16):
        given = net(batches[0].chunk(WORLD)[rank])
    (given.float() * pulls.chunk(WORLD)[rank]).sum().backward()
    found["bf16"] = {"given": given.detach(), "gradient": net.body[0].weight.grad}
    torch.save(found, folder / f"{rank}.pt")
    distributed.barrier()
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> list[dict]:
    """What each of two processes has found."""
    folder = tmp_path_factory.mktemp("processes")
    torch.multiprocessing.spawn(work, (folder,), WORLD)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(WORLD)]


@pytest.mark.parametrize("name", CASES)
def test_two_processes_learn_what_one_learns_from_the_whole_batch(found, name):
    alone = learn(*made(name))
    both = [results[name] for results in found]
    close = {"rtol": 1e-9, "atol": 1e-9} if CASES[name][2] is torch.float64 else {"rtol": 2e-4, "atol": 2e-4}
    assert set(alone) == set(both[0]) == set(both[1])
    for key, wanted in alone.items():
        if key.startswith(("given", "back")):
            torch.testing.assert_close(
                torch.cat([each[key] for each in both]), wanted, msg=lambda m, k=key: f"{k}: {m}", **close
            )
        else:
            for each in both:
                torch.testing.assert_close(each[key], wanted, msg=lambda m, k=key: f"{k}: {m}", **close)


def test_evaluation_asks_no_other_process(found):
    net, batches, _ = made("uneven")
    torch.testing.assert_close(found[0]["alone"], net.eval()(batches[0]), rtol=0, atol=0)


def test_mixed_precision_is_as_near_as_that_of_one_process(found):
    net, batches, pulls = made("channels last")
    with torch.autocast("cpu", torch.bfloat16):
        given = net(batches[0])
    (given.float() * pulls).sum().backward()
    both = torch.cat([results["bf16"]["given"] for results in found])
    assert both.dtype == given.dtype
    torch.testing.assert_close(both, given, rtol=0.1, atol=0.1)
    gradient = sum(results["bf16"]["gradient"] for results in found)
    assert (gradient - net.body[0].weight.grad).norm() < 0.1 * gradient.norm()


def test_without_other_processes_nothing_changes():
    plain, batches, pulls = made("uneven")
    changed = copy.deepcopy(plain)
    synchronize(changed)
    wanted, given = learn(plain, batches, pulls), learn(changed, batches, pulls)
    assert list(wanted) == list(given)
    assert all(torch.equal(given[key], wanted[key]) for key in wanted)


def test_names_copies_and_files_stay_as_they_are():
    net = Net()
    names = list(net.state_dict()), [name for name, _ in net.named_modules()]
    synchronize(net)
    synchronize(net)
    assert names == (list(net.state_dict()), [name for name, _ in net.named_modules()])
    whole = io.BytesIO()
    torch.save(net, whole)
    whole.seek(0)
    for other in (copy.deepcopy(net), torch.load(whole, weights_only=False)):
        assert [type(module) for module in other.modules()] == [type(module) for module in net.modules()]
        other.load_state_dict(Net().state_dict())


def test_unsynchronize_gives_the_former_classes_back():
    net = Net()
    before = [type(module) for module in net.modules()]
    synchronize(net)
    assert [type(module) for module in net.modules()] != before
    unsynchronize(net)
    assert [type(module) for module in net.modules()] == before


def test_every_norm_of_the_default_network_is_reached():
    net = models.create("mobilenetv3")
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    synchronize(net)
    assert len(norms) > 30
    assert all(isinstance(norm, SynchronizedBatchNorm) for norm in norms)


def test_a_norm_of_a_kind_of_its_own_is_refused_and_nothing_changed():
    class Own(nn.BatchNorm2d):
        pass

    net = nn.Sequential(nn.BatchNorm2d(3), Own(3))
    with pytest.raises(UsageError, match="Own cannot be synchronized"):
        synchronize(net)
    assert type(net[0]) is nn.BatchNorm2d
