"""Limits on processors and GPUs hold, zero included."""

from __future__ import annotations

import os

import pytest
import torch
from structlog.testing import capture_logs

from synergos.program.program import ProgramSettings, hold
from synergos.program.resources import Resources

CORES = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(("asked", "used"), [(0, 1), (1, 1), (10_000, CORES), (None, max(1, CORES - 1))])
def test_as_many_cores_are_used_as_asked_and_there(asked: int | None, used: int) -> None:
    assert Resources.within(asked, 0).cpus == used


def test_no_gpu_means_the_processor() -> None:
    assert Resources.within(None, 0).device == "cpu"


@pytest.mark.parametrize(("asked", "told"), [(10_000, 1), (0, 0), (None, 0)])
def test_gpus_that_are_not_there_are_told(asked: int | None, told: int) -> None:
    with capture_logs() as logs:
        hold(ProgramSettings("worker", "127.0.0.1", 5000, cpus=torch.get_num_threads(), gpus=asked))

    assert [line["asked"] for line in logs if line["event"] == "fewer GPUs than --gpus asks for"] == [10_000] * told
