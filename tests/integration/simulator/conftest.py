from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.recording_server import RecordingServer, recording_server
from support.checkout import Checkout


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as running:
        yield running


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "my - repository")


@pytest.fixture
def public_checkout() -> Iterator[Checkout]:
    """A checkout that every user of this machine can reach."""
    with tempfile.TemporaryDirectory(prefix="synergos-cleanup-") as name:
        Path(name).chmod(0o755)
        yield Checkout(Path(name) / "repository")
