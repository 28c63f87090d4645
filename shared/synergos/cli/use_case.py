"""A use case: something that can be asked of an orchestrator, and how its command looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from synergos.cli.gathered_options import Gathered
from synergos.cli.project_file import no_requests

if TYPE_CHECKING:
    from synergos.federation import Federation


class Shows(Enum):
    """What the answer of a call is written as."""

    RECORD = auto()
    LIST = auto()
    ROWS = auto()
    FILES = auto()
    JOBS = auto()
    FRAME = auto()
    PLOTTED = auto()


@dataclass(frozen=True)
class UseCase:
    """A row.

    Attributes:
        command: its words, without ``synergos``.
        call: of the driver, as ``runs.create``.
        shows: how the answer is written.
        columns: of a list's table, each a field, or one within another with dots.
        help: said in the place of the call's docstring.
        changes: the call whose parameters can be changed, of a call that takes fields by name.
        sets: what ``--set name=value`` is for, of a call that takes more than it names.
        given: what the call gets when it is not said.
        gathers: options that are calls of their own.
        in_file: what the call gets for each thing that a project file names, where no ids are given.
        made: the command itself, where it is not made of the call alone.
    """

    command: str
    call: str
    shows: Shows = Shows.RECORD
    columns: Sequence[str] = ()
    help: str | None = None
    changes: str | None = None
    sets: str | None = None
    given: Mapping[str, object] = field(default_factory=dict)
    gathers: Sequence[Gathered] = ()
    in_file: Callable[[Federation], Sequence[Mapping[str, object]]] = no_requests
    made: Callable[..., None] | None = None

    @property
    def task(self) -> str:
        """The driver's attribute that has the call."""
        return self.call.partition(".")[0]

    @property
    def method(self) -> str:
        """The call's own name."""
        return self.call.partition(".")[2]
