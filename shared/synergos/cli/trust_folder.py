"""Where programs on this machine keep their identities, and a worker whom its owner approves of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from synergos.errors import InvalidRequest

FOLDER = ".trust"
"""Below a program's own folder; see :data:`synergos.identity.identity.FOLDER`, which takes what not every installation has."""

OutputsOption = Annotated[
    Path | None,
    typer.Option("--outputs", help="The worker's --outputs. Default: where a worker has them that is told nothing."),
]
FolderArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FOLDER]",
        help="A worker's --outputs, or --data of a TTP or director. Default: where programs have them that are told nothing.",
    ),
]

_WORKERS = ("/worker/outputs", "synergos-run/worker/outputs")
_OTHERS = ("/orchestrator/data", "/director/data", "synergos-run/ttp/data", "synergos-run/director/data")


def of_worker(outputs: Path | None) -> Path:
    """The folder with the decisions of a worker's owner.

    Raises:
        InvalidRequest: there is no such worker.
    """
    candidates = [outputs] if outputs is not None else [Path(each) for each in _WORKERS]
    for folder in candidates:
        if (folder / FOLDER).is_dir():
            return folder / FOLDER
    raise InvalidRequest(
        f"no worker has been started with {' or '.join(map(str, candidates))}: expected its --outputs folder",
        "--outputs",
    )


def identity_files(folder: Path | None, file: Path | None) -> list[Path]:
    """The files of identities that are meant.

    Raises:
        InvalidRequest: there are none.
    """
    if file is not None:
        return [file]
    found = [
        path for each in own_folders(folder) for path in sorted((each / FOLDER).glob("*.json")) if _is_identity(path)
    ]
    if not found:
        where = folder or "the folders of programs that are told nothing"
        raise InvalidRequest(
            f"no program has made an identity in {where}; expected its --data, a worker's --outputs", "FOLDER"
        )
    return found


def own_folders(folder: Path | None) -> list[Path]:
    """The folders of programs on this machine: the one that is named, or those of programs that are told nothing."""
    return [folder] if folder is not None else [Path(each) for each in (*_WORKERS, *_OTHERS)]


def _is_identity(path: Path) -> bool:
    return path.name == "director.json" or path.name.startswith(("ttp", "worker"))
