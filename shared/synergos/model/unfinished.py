"""Files and folders that are in their place only when they are whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Another path to write to; what is there in the end is moved to ``path``, and nothing is left when it goes wrong.

    Raises:
        OSError: it cannot be moved there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    place = path.with_name(f".{uuid4().hex}-{path.name}")
    try:
        yield place
        place.replace(path)
    finally:
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
