from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def empty_database(tmp_path: Path) -> str:
    """The URL of a database without tables; ``tests/integration/records`` has one on a server."""
    return f"sqlite:///{tmp_path / 'empty.db'}"
