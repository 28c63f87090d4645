"""Taking a learning-rate schedule to a later epoch, for what a few epochs cost and not for what all of those between do."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, cast

from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    CyclicLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    PolynomialLR,
    StepLR,
)

from synergos.errors import JobCancelled

EXACT_CHANGES = 2**20
"""So often a schedule that makes each rate from the one before changes it as torch does, to the last bit, which takes about half
a second; of later epochs the rate is what torch's closed form says. Which of the two holds depends on the epoch alone."""

_BETWEEN_LOOKS = 4096


def advance(scheduler: LRScheduler, epoch: int, to: int, should_stop: Callable[[], bool] = lambda: False) -> None:
    """Give the scheduler, which stands at ``epoch``, the state that so many steps to ``to`` would have.

    Args:
        should_stop: asked every few thousand changes.

    Raises:
        JobCancelled: ``should_stop`` said so.
    """
    if to <= epoch:
        return
    if isinstance(scheduler, LambdaLR | CyclicLR | OneCycleLR):
        # What they say depends on the epoch alone.
        scheduler.last_epoch = to - 1
        step(scheduler)
    elif isinstance(scheduler, CosineAnnealingWarmRestarts):
        _restart(scheduler, to - 1 - epoch)
        scheduler.last_epoch = to - 1
        step(scheduler)
    else:
        _change(scheduler, epoch, min(to, last_exact(scheduler)), should_stop)
        scheduler.last_epoch = to
        settle(scheduler)


def step(scheduler: LRScheduler) -> None:
    """One epoch is over."""
    try:
        scheduler.step()
    except OverflowError:
        if not isinstance(scheduler, CyclicLR):
            raise
        _stay_at_the_base(scheduler)
    settle(scheduler)


def _stay_at_the_base(scheduler: CyclicLR) -> None:
    """After some thousand cycles torch has no number for how small (or, of ``exp_range``, how large) they have become."""
    grows = scheduler.mode == "exp_range"
    for group, rate in zip(scheduler.optimizer.param_groups, scheduler.base_lrs, strict=True):
        group["lr"] = math.inf if grows else rate


def settle(scheduler: LRScheduler) -> None:
    """Of an epoch beyond the exact ones, take the rate from the closed form."""
    if scheduler.last_epoch <= last_exact(scheduler):
        return
    for group, rate in zip(scheduler.optimizer.param_groups, _closed(scheduler), strict=True):
        group["lr"] = rate


def last_exact(scheduler: LRScheduler) -> float:
    """The last epoch whose rate is made from the one before."""
    if isinstance(scheduler, StepLR):
        return EXACT_CHANGES * int(scheduler.step_size)
    if isinstance(scheduler, LinearLR | PolynomialLR):
        return EXACT_CHANGES if scheduler.total_iters > EXACT_CHANGES else math.inf
    return EXACT_CHANGES if isinstance(scheduler, CosineAnnealingLR | ExponentialLR) else math.inf


def _change(scheduler: LRScheduler, epoch: int, to: float, should_stop: Callable[[], bool]) -> None:
    """Change the rate as often as it changes between two epochs, the later one included."""
    upcoming = _upcoming(scheduler)
    calling, groups = cast(Any, scheduler), scheduler.optimizer.param_groups
    # What step() sets, which beside this does a lot that costs three times as much as the change itself.
    calling._get_lr_called_within_step = True
    # A schedule that never took a step takes its epoch for one it was resumed at.
    calling._step_count += 1
    try:
        done = 0
        while (following := upcoming(epoch)) is not None and following <= to:
            if done % _BETWEEN_LOOKS == 0 and should_stop():
                raise JobCancelled("local training was asked to stop")
            epoch = scheduler.last_epoch = following
            for group, rate in zip(groups, scheduler.get_lr(), strict=True):
                group["lr"] = rate
            done += 1
    finally:
        calling._get_lr_called_within_step = False


def _upcoming(scheduler: LRScheduler) -> Callable[[int], int | None]:
    """What says after an epoch, when the rate changes next; never is None."""
    if isinstance(scheduler, ConstantLR):
        end = scheduler.total_iters
        return lambda epoch: end if end > epoch else None
    if isinstance(scheduler, LinearLR | PolynomialLR):
        last = scheduler.total_iters
        return lambda epoch: epoch + 1 if epoch < last else None
    if isinstance(scheduler, StepLR):
        size = scheduler.step_size
        return lambda epoch: epoch + size - epoch % size
    if isinstance(scheduler, MultiStepLR):
        milestones = sorted(int(each) for each in scheduler.milestones if float(each).is_integer())
        return lambda epoch: _after(milestones, epoch)
    return lambda epoch: epoch + 1


def _after(milestones: Sequence[int], epoch: int) -> int | None:
    place = bisect_right(milestones, epoch)
    return milestones[place] if place < len(milestones) else None


def _restart(scheduler: CosineAnnealingWarmRestarts, epochs: int) -> None:
    """Take the epochs since the last restart, and the length of a cycle, as many epochs further."""
    scheduler.T_cur += epochs
    if scheduler.T_mult == 1:
        scheduler.T_cur %= scheduler.T_i
    while scheduler.T_cur >= scheduler.T_i:
        scheduler.T_cur -= scheduler.T_i
        scheduler.T_i *= scheduler.T_mult


def _closed(scheduler: LRScheduler) -> Sequence[float]:
    try:
        return cast(Sequence[float], cast(Any, scheduler)._get_closed_form_lr())
    except OverflowError:
        # A rate that grows without end, which step by step is infinite by then as well.
        return [math.copysign(math.inf, rate) for rate in cast(Sequence[float], scheduler.base_lrs)]
