"""The places where programs can be killed in tests are there, also after somebody has moved or renamed one, and hit one program."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from functools import reduce
from pathlib import Path
from types import SimpleNamespace

import pytest

from grids.killing import PLACES, arm, make_deadly


@pytest.mark.parametrize("where", sorted({where for places in PLACES.values() for where in places.values()}))
def test_a_place_is_a_function_of_its_program(where: str) -> None:
    module, _, path = where.partition(":")

    assert callable(reduce(getattr, path.split("."), importlib.import_module(module)))


def test_of_the_programs_that_are_armed_at_a_place_the_first_to_come_by_is_hit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hit: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _process, number: hit.append(number))
    monkeypatch.setattr(signal, "pthread_kill", lambda _thread, number: hit.append(number))
    programs = [SimpleNamespace(work=lambda: "worked") for _ in range(2)]
    for number, program in enumerate(programs):
        monkeypatch.setitem(sys.modules, f"program_{number}", program)
        folder = tmp_path / f"program_{number}"
        folder.mkdir()
        make_deadly("working", f"program_{number}:work", folder)
        arm(folder / "working", number, signal.SIGKILL)

    passed = [program.work() for program in programs]

    assert passed == ["worked"] * 2
    assert hit == [signal.SIGKILL] * 2
    assert list(tmp_path.glob("*/working")) == []
