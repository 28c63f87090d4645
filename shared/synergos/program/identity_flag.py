"""The flag that says where a program's identity is kept, and the program's end when that cannot be used."""

from __future__ import annotations

import argparse
from pathlib import Path

from synergos.identity.identity import FOLDER, identity_in
from synergos.program.flags import add_flag, refusing


def add_identity_flag(parser: argparse.ArgumentParser, folder: str) -> None:
    """Add the flag; :func:`identity_file` reads it.

    Args:
        folder: the flag of the program's own folder, where it is unless it is said.
    """
    add_flag(
        parser,
        "--identity",
        type=Path,
        variable="SYNERGOS_IDENTITY",
        metavar="FILE",
        help=f"of this program's identity, made where there is none; below {FOLDER} in {folder} unless said",
    )


def identity_file(parser: argparse.ArgumentParser, given: argparse.Namespace, folder: Path, program: str) -> Path:
    """The file of the identity, which is there from now on; ends the program with a clear message when it cannot be used.

    Args:
        folder: the program's own.
        program: whose identity it is, should several programs share the folder.
    """
    path: Path = (given.identity or folder / FOLDER / f"{program}.json").absolute()
    with refusing(parser, "--identity"):
        identity_in(path)
    return path
