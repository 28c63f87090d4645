"""What programs start at."""

from __future__ import annotations

import gc
from types import SimpleNamespace

import pytest

from synergos import programs


def test_while_a_program_is_loaded_nothing_is_looked_for_that_can_be_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def load(package: str) -> object:
        seen.append((package, gc.isenabled()))
        return SimpleNamespace(main=lambda: seen.append(("runs", gc.isenabled())))

    monkeypatch.setattr(programs, "import_module", load)
    monkeypatch.setattr(gc, "freeze", lambda: seen.append("frozen"))

    programs.worker()

    assert seen == [("synergos_worker.__main__", False), "frozen", ("runs", True)]
