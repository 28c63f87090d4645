"""Limits on processors and GPUs hold, zero included."""

from __future__ import annotations

import os

import pytest

from synergos.program.resources import Resources

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("asked", "used"), [(0, 1), (1, 1), (10_000, CORES), (None, max(1, CORES - 1))])
def test_as_many_cores_are_used_as_asked_and_there(asked: int | None, used: int) -> None:
    assert Resources.within(asked, 0).cpus == used


def test_no_gpu_means_the_processor() -> None:
    assert Resources.within(None, 0).device == "cpu"
