"""Options that become a call of their own before the command's: ``add_node``, ``configure_mlops``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import typer

from synergos.cli.command_signature import keyword
from synergos.cli.parameters import documentation, parameters_of, without_none
from synergos.driver.task import Task
from synergos.errors import InvalidRequest, UnknownName

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Gathered:
    """An option that is made of what a method takes, as ``name=value,name=value`` or the values in order.

    Attributes:
        option: its name.
        method: of the driver's task, whose next create or update sends what was gathered.
        many: whether it can be given several times.
        on_change: whether what was gathered is sent with an update, too.
    """

    option: str
    method: str
    many: bool = False
    on_change: bool = True

    def parameter(self, task: type[Task]) -> Parameter:
        """As the command line takes it."""
        call = getattr(task, self.method)
        taken = parameters_of(call)
        needed = ",".join(f"{each.name}=…" for each in taken if each.default is Parameter.empty)
        others = ", ".join(each.name for each in taken if each.default is not Parameter.empty)
        what = documentation(call)[0].split(";")[0].rstrip(".")
        words = f"{what}: {needed}{f'; also {others}' if others else ''}.{' Repeatable.' if self.many else ''}"
        kind: Any = list[str] if self.many else str
        return keyword(self.option, kind | None, typer.Option(f"--{self.option}", help=words, show_default=False))

    def gather(self, task: Task, given: str | list[str] | None) -> None:
        """Make the calls.

        Raises:
            InvalidRequest: what was given is not what the method takes.
        """
        for text in [given] if isinstance(given, str) else given or ():
            method = getattr(task, self.method)
            method(**self._read(text, {each.name: each for each in parameters_of(method)}))

    def _read(self, text: str, taken: Mapping[str, Parameter]) -> dict[str, object]:
        field = f"--{self.option}"
        found: dict[str, object] = {}
        for position, part in enumerate(text.split(",")):
            name, separator, value = part.strip().partition("=")
            if not separator:
                if position >= len(taken):
                    raise InvalidRequest(f"expected {len(taken)} values at most, got {text!r}", field)
                name, value = list(taken)[position], name
            if name not in taken:
                raise UnknownName(name, taken, field, "one of its parts", listed=list(taken))
            found[name] = _value(value, without_none(taken[name].annotation), f"{field}: {name}")
        for name, parameter in taken.items():
            if parameter.default is Parameter.empty and name not in found:
                raise InvalidRequest(f"{name} is missing in {text!r}", field)
        return found


def _value(text: str, kind: Any, field: str) -> Any:
    if kind is bool:
        if text.lower() not in _TRUTHS:
            raise InvalidRequest(f"expected true or false, got {text!r}", field)
        return _TRUTHS[text.lower()]
    if kind is int:
        if not text.isdecimal():
            raise InvalidRequest(f"expected a whole number, got {text!r}", field)
        return int(text)
    return text
