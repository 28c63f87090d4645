"""The ids a command is about: one after the other, or as one word (``heart/risk/logistic/first``), as lists show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import Parameter

import typer

from synergos.cli.command_signature import keyword
from synergos.cli.completion import completing_ids
from synergos.errors import InvalidRequest

METAVARS: Mapping[str, str] = {
    "collab_id": "COLLAB",
    "project_id": "PROJECT",
    "expt_id": "EXPT",
    "run_id": "RUN",
    "participant_id": "PARTICIPANT",
}
"""What people are told the ids are, by their names in the driver's calls."""


@dataclass(frozen=True)
class Ids:
    """Which ids a call takes.

    Attributes:
        names: in the call's own order.
        required: how many of them it needs.
    """

    names: tuple[str, ...]
    required: int

    @property
    def expected(self) -> str:
        """All of them, as help shows them; those that can be left out in brackets."""
        words = [METAVARS[name] for name in self.names]
        needed, optional = "/".join(words[: self.required]), words[self.required :]
        inner = "[/".join(optional)
        return needed + (f"[{'/' if needed else ''}{inner}{']' * len(optional)}" if optional else "")

    def parameter(self, *, absent: bool = False) -> Parameter:
        """As the command line takes them.

        Args:
            absent: there may be none at all, as something else says what is meant.
        """
        where = " Default: what the project file names." if absent else ""
        argument = typer.Argument(
            metavar=self.expected,
            help=f"One after the other, or as one word with / between them.{where}",
            autocompletion=completing_ids(self.names),
            show_default=False,
        )
        if self.required and not absent:
            return keyword("ids", list[str], argument, Parameter.empty)
        return keyword("ids", list[str] | None, argument)

    def read(self, given: Sequence[str] | None) -> dict[str, str]:
        """The ids by name.

        Raises:
            InvalidRequest: there are too few of them, too many, or an empty one.
        """
        parts = [part for word in given or () for part in word.strip("/").split("/")]
        if not self.required <= len(parts) <= len(self.names) or not all(parts):
            raise InvalidRequest(f"expected {self.expected}, got {' '.join(given or ()) or 'nothing'}", "ids")
        return dict(zip(self.names, parts, strict=False))


def ids_of(parameters: Sequence[Parameter]) -> Ids:
    """Those among the parameters of a call that are ids and come first."""
    found = [parameter for parameter in parameters if parameter.name in METAVARS]
    required = sum(parameter.default is Parameter.empty for parameter in found)
    return Ids(tuple(parameter.name for parameter in found), required)


def option_of(name: str) -> Parameter:
    """An id as an option, where a call can do without the one above it."""
    words = {"collab_id": "collaboration", "project_id": "project", "expt_id": "experiment", "run_id": "run"}
    word = words.get(name, "participant")
    return keyword(name, str | None, typer.Option(f"--{word}", help=f"Only those of this {word}."))
