from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from synergos.accounts import passwords

QUICK = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What makes guessing slow makes tests slow, and none is about how slow."""
    monkeypatch.setattr(passwords, "_HASHER", QUICK)
