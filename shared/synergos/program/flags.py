"""Flags of programs: how one is added, what kinds of values there are, and those that several programs have."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from synergos.domain.quotas import FLAG as QUOTA_FLAG
from synergos.domain.quotas import Quotas
from synergos.errors import Conflict, InvalidRequest
from synergos.upkeep.retention import Retention

Word = TypeVar("Word", bound=StrEnum)


def default_folder(name: str, *mounts: str) -> Path:
    """The first of the places that images mount which is there, else a folder below the one we were started in."""
    there = (Path(mount) for mount in mounts if Path(mount).is_dir())
    return next(there, Path.cwd() / "synergos-run" / name)


_MOUNTS = {
    # The original's documentation mounts the first two in either place.
    "data": ("/orchestrator/data", "/director/data"),
    "outputs": ("/orchestrator/outputs", "/director/outputs"),
    "mlflow": ("/mlflow",),
}


def orchestrator_folder(name: str) -> Path:
    """Where a TTP has its ``data``, ``outputs`` or ``mlflow`` unless it is told otherwise."""
    return default_folder(f"ttp/{name}", *_MOUNTS[name])


def add_flag(parser: argparse.ArgumentParser, *names: str, variable: str | None = None, **options: object) -> None:
    """Add a flag; a long name with underscores is also understood with hyphens.

    Args:
        variable: of the environment, which says the same; words of a flag that takes several are separated by blanks there.
    """
    if variable is not None:
        takes_several = options.get("nargs") == "+"
        # Texts, which argparse checks as it checks what is typed.
        said = os.environ.get(variable, "")
        options["default"] = (said.split() if takes_several else said) or options.get("default")
        options["help"] = f"{options['help']}; also {variable}{', separated by blanks' if takes_several else ''}"
    spelled = [*names, *(name.replace("_", "-") for name in names if name.startswith("--") and "_" in name)]
    parser.add_argument(*spelled, **options)  # type: ignore[arg-type]


@contextmanager
def refusing(parser: argparse.ArgumentParser, flag: str | None = None) -> Iterator[None]:
    """End the program with a clear message for what is refused inside.

    Args:
        flag: that says it, where the error does not name it.
    """
    try:
        yield
    except (InvalidRequest, Conflict) as error:
        parser.error(str(error) if flag is None else f"{flag}: {error}")


def add_keep_flag(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the flag that says how much is kept; :func:`retention_of` reads it."""
    add_flag(parser, "--keep", nargs="+", default=[], metavar="WHAT=HOW_MUCH", help=what)


def retention_of(parser: argparse.ArgumentParser, given: argparse.Namespace, *kinds: str) -> Retention:
    """What is to be kept, by the command line; ends the program with a clear message when that makes no sense."""
    with refusing(parser):
        return Retention.read(given.keep, kinds)


def add_quota_flag(parser: argparse.ArgumentParser) -> None:
    """Add the flag that says how much a collaboration may have; :func:`quotas_of` reads it."""
    add_flag(
        parser,
        QUOTA_FLAG,
        nargs="+",
        default=[],
        variable="SYNERGOS_QUOTA",
        metavar="WHAT=HOW_MUCH",
        help=f"how much one collaboration may have; what is not said is as in {Quotas()}",
    )


def quotas_of(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Quotas:
    """How much a collaboration may have, by the command line; ends the program with a clear message when that makes no sense."""
    with refusing(parser):
        return Quotas.read(given.quota)


def whole_number(minimum: int, maximum: int = 2**31) -> Callable[[str], int]:
    """An argparse type: a whole number within bounds."""

    def convert(text: str) -> int:
        number = int(text)
        if not minimum <= number <= maximum:
            raise argparse.ArgumentTypeError(f"{number} is not between {minimum} and {maximum}")
        return number

    convert.__name__ = "whole number"
    return convert


def one_of(words: type[Word]) -> Callable[[str], Word]:
    """An argparse type: one of a few words. Unlike ``choices`` it is also asked of what the environment says."""

    def convert(text: str) -> Word:
        try:
            return words(text)
        except ValueError:
            *others, last = words
            expected = f"{', '.join(others)} or {last}"
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}") from None

    return convert


def share(text: str) -> float:
    """An argparse type: a part of something, above 0 and at most 1."""
    number = float(text)
    if not 0 < number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return number


def usable_folder(parser: argparse.ArgumentParser, flag: str, folder: Path, *, make: bool = True) -> Path:
    """The folder a flag names, as an absolute path; ends the program with a clear message when it cannot be used.

    Args:
        make: make it, and want to write to it; else it must be there and is only read.
    """
    folder = folder.resolve()
    try:
        if make:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"{flag}: the folder {folder} cannot be made: {error.strerror}")
    if not folder.is_dir():
        parser.error(f"{flag}: {folder} is not a folder")
    if not os.access(folder, os.R_OK | os.X_OK | (os.W_OK if make else 0)):
        parser.error(f"{flag}: the folder {folder} cannot be {'written to' if make else 'read'}")
    return folder
