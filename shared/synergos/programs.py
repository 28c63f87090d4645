"""What the installed programs start at: the program, or a sentence about what is missing for it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from synergos.extras import EXTRAS, needed

USAGE = 2
"""How a program ends that cannot be started as it was asked to be."""


def director() -> None:
    """``synergos-director``."""
    _run("synergos-director", "synergos_director")


def portal() -> None:
    """``synergos-portal``."""
    _run("synergos-portal", "synergos_portal")


def ttp() -> None:
    """``synergos-ttp``."""
    _run("synergos-ttp", "synergos_ttp")


def worker() -> None:
    """``synergos-worker``."""
    _run("synergos-worker", "synergos_worker")


def _run(name: str, package: str) -> None:
    try:
        with loading():
            main: Callable[[], Any] = import_module(f"{package}.__main__").main
    except ModuleNotFoundError as missing:
        if (missing.name or package).partition(".")[0] in {*EXTRAS, "synergos", "synmanager"}:
            raise  # a fault of this package, and no other would mend it
        sys.stderr.write(f"{name}: {needed(missing, EXTRAS[package])}\n")
        sys.exit(USAGE)
    main()


@contextmanager
def loading() -> Iterator[None]:
    """Load what stays to the end, and look for nothing to free in it: not meanwhile, not ever after, and not when the program ends."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
