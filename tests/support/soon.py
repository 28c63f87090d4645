"""A limit on the processor's time: a machine that is busy with other tests is no fault of what is tried."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 10.0


@contextmanager
def soon(what: object) -> Iterator[None]:
    """Whatever is done inside takes no more of the processor than that."""
    begun = time.process_time()
    yield
    taken = time.process_time() - begun
    assert taken < SECONDS, f"{taken:.1f} s were spent on {str(what)[:3000]}"
