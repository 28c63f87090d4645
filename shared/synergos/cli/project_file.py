"""What a command is about when no ids are given: what the project file of this folder, or another one, names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synergos.cli.ids import Ids
from synergos.errors import InvalidRequest

if TYPE_CHECKING:
    from synergos.federation import Federation

FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The project file that says what is meant where no ids are given. Default: federation.toml in this folder.",
        dir_okay=False,
    ),
]


def meant(
    ids: Ids,
    given: Sequence[str] | None,
    file: Path | None,
    in_file: Callable[[Federation], Sequence[Mapping[str, object]]],
) -> list[dict[str, object]]:
    """What a call gets, each time it is made: the ids that were given, or what a project file names.

    Raises:
        InvalidRequest: neither or both were given, or the file names nothing of the kind.
    """
    if given and file is not None:
        raise InvalidRequest("say either this or ids", "--file")
    if given:
        return [dict(ids.read(given))]
    federation = project_file(file, ids.expected)
    found = [dict(each) for each in in_file(federation)]
    if not found:
        raise InvalidRequest("names nothing that could be meant; give ids", str(federation.path))
    return found


def project_file(file: Path | None, expected: str) -> Federation:
    """The project file that is meant.

    Args:
        expected: the ids that could have been given instead.

    Raises:
        InvalidRequest: none was named, and there is none here; or it is none.
        RecordNotFound: the one that was named is not there.
    """
    # Late: no other command reads one.
    from synergos.federation import FILE_NAME, find_federation

    federation = find_federation(file)
    if federation is None:
        raise InvalidRequest(f"expected {expected}, or a {FILE_NAME} in this folder; synergos init writes one", "ids")
    return federation


def no_requests(_federation: Federation) -> Sequence[Mapping[str, object]]:
    """Nothing: of calls that no project file is about."""
    return ()


def alignments_in(federation: Federation) -> Sequence[Mapping[str, object]]:
    """The project, and how its alignment is asked for."""
    return [{**federation.project, **federation.alignment}]


def runs_in(federation: Federation) -> Sequence[Mapping[str, object]]:
    """Each run."""
    return federation.runs
