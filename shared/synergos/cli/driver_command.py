"""A command made of a call of the driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any, get_type_hints

import typer

from synergos import Driver
from synergos.cli.command_signature import keyword
from synergos.cli.connection import connected
from synergos.cli.ids import METAVARS, Ids, ids_of, option_of
from synergos.cli.listing import LimitOption, limit_of
from synergos.cli.output import Format, FormatOption, say
from synergos.cli.parameters import WITHOUT_EFFECT, Option, documentation, parameters_of, read_named, read_settings
from synergos.cli.parameters import option_of as option_of_parameter
from synergos.cli.project_file import FileOption, meant
from synergos.cli.showing import show
from synergos.cli.stages import TimeoutOption, WaitOption, carry_out
from synergos.cli.use_case import Shows, UseCase
from synergos.driver.task import Task
from synergos.errors import InvalidRequest

SET = "set"
WHERE = "where"
LIMIT = "limit"
PICTURE = "picture"
FILE = "file"
_CHOICES = "choices"
_UPDATES = "updates"
RESPOND_ASYNC = "respond_async"
"""What a stage is always asked with: jobs are waited for by looking at them."""


def command_of(case: UseCase) -> Callable[..., None]:
    """The command of a row."""
    return case.made or connected(_Made.of(case).function())


@dataclass(frozen=True)
class _Made:
    """A call, taken apart.

    Attributes:
        ids: those that are given by position.
        options: whatever else it takes, by name.
        extras: what the command takes besides: settings, and what chooses among a list's items.
    """

    case: UseCase
    ids: Ids
    options: Mapping[str, Option]
    extras: Mapping[str, Parameter]
    takes_choices: bool
    changes: bool

    @classmethod
    def of(cls, case: UseCase) -> _Made:
        """Take a row's call apart."""
        task = _task(case.task)
        call = getattr(task, case.method)
        parameters = parameters_of(call)
        # A list that can do without its first id takes them as options: any of them may be left out.
        free = bool(parameters) and parameters[0].name in METAVARS and parameters[0].default is not Parameter.empty
        ids = Ids((), 0) if free else ids_of(parameters)
        named = [each for each in parameters if each.kind is not Parameter.VAR_KEYWORD and each.name not in ids.names]
        rest = {each.name for each in parameters if each.kind is Parameter.VAR_KEYWORD}
        options = {each.name: each for each in _options(case, named, documentation(call)[1])}
        changes = _UPDATES in rest and case.changes is not None
        if changes:
            options |= {each.name: each for each in _changeable(case, ids)}
        return cls(case, ids, options, dict(_extras(case, rest)), _CHOICES in rest, changes)

    def function(self) -> Callable[..., None]:
        """The command, for :func:`synergos.cli.connection.connected`."""

        def command(driver: Driver, **given: Any) -> None:
            output: Format = given.pop("output")
            task = getattr(driver, self.case.task)
            call = getattr(task, self.case.method)
            if self.case.shows is Shows.JOBS:
                carry_out(driver, call, self._requests(given), output, given["wait"], given["timeout"])
                return
            arguments = self._arguments(given, output)
            for gathered in self.case.gathers:
                gathered.gather(task, given.get(gathered.option))
            answer = call(**arguments)
            if given.get(PICTURE) is not None:
                _draw(answer, given[PICTURE])
            show(self.case, answer, output)

        command.__doc__ = self.case.help or documentation(getattr(_task(self.case.task), self.case.method))[0]
        ids = {"ids": self.ids.parameter(absent=self.case.shows is Shows.JOBS)} if self.ids.names else {}
        options = {option.name: option.parameter for option in self.options.values()}
        last = Parameter("output", Parameter.KEYWORD_ONLY, default=Format.TABLE, annotation=FormatOption)
        parameters = [*ids.values(), *options.values(), *self.extras.values(), last]
        first = Parameter("driver", Parameter.POSITIONAL_OR_KEYWORD, annotation=Driver)
        command.__signature__ = Signature([first, *parameters])  # type: ignore[attr-defined]
        return command

    def _requests(self, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the call gets, each time: once for ids, and once for each thing of this kind that a project file names."""
        options = self._said(given)
        return [each | options for each in meant(self.ids, given.get("ids"), given.get(FILE), self.case.in_file)]

    def _said(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What was said by options."""
        # Several are given as a list, which is empty when there are none.
        said = {name: option for name, option in self.options.items() if given.get(name) not in (None, [])}
        return {name: option.read(given[name]) for name, option in said.items()}

    def _arguments(self, given: Mapping[str, Any], output: Format) -> dict[str, Any]:
        """What the call gets."""
        said, ids = self._said(given), self.ids.read(given.get("ids"))
        known = {*said, *ids, "self"}
        said |= _others(SET, read_settings(given.get(SET), f"--{SET}"), known)
        gathered = any(given.get(each.option) for each in self.case.gathers)
        if self.changes and not said and not gathered:
            raise InvalidRequest(f"nothing to change; --help lists what can be: {', '.join(self._changeable())}")
        if self.takes_choices:
            said |= {"order": "newest", "limit": limit_of(given.get(LIMIT), output)}
            said |= _others(WHERE, read_named(given.get(WHERE), f"--{WHERE}"), {*known, *said})
        return ({} if self.changes else dict(self.case.given)) | said | ids

    def _changeable(self) -> Iterator[str]:
        yield from (f"--{name.replace('_', '-')}" for name in (*self.options, *self.extras))


def _others(option: str, found: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """What was given by name, none of which is given otherwise too."""
    if twice := known & found.keys():
        raise InvalidRequest(f"{min(twice)} is given already", f"--{option}")
    return found


def _draw(answer: Any, path: Path) -> None:
    """Draw what an answer has to a file, and tell on standard error where it is."""
    picture = answer.plot()
    try:
        say(str(picture.save(path)))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be written: {error.strerror or error}", f"--{PICTURE}") from error
    except ValueError as error:  # matplotlib's word for a kind of file it does not know
        raise InvalidRequest(f"{path}: {error}", f"--{PICTURE}") from error


def _task(name: str) -> type[Task]:
    """The class of one of the driver's attributes."""
    found: type[Task] = get_type_hints(getattr(Driver, name).fget)["return"]
    return found


def _options(case: UseCase, named: list[Parameter], documented: Mapping[str, str]) -> Iterator[Option]:
    for parameter in named:
        if parameter.name in METAVARS:
            yield Option(parameter.name, option_of(parameter.name), lambda given: given)
        elif parameter.name not in {*WITHOUT_EFFECT, RESPOND_ASYNC}:
            yield option_of_parameter(parameter, documented, optional=parameter.name in case.given)


def _changeable(case: UseCase, ids: Ids) -> Iterator[Option]:
    """What the call that declares takes, each of which can be changed."""
    call = getattr(_task(case.task), str(case.changes).partition(".")[2])
    documented = documentation(call)[1]
    for parameter in parameters_of(call):
        if parameter.name not in {*ids.names, *WITHOUT_EFFECT} and parameter.kind is not Parameter.VAR_KEYWORD:
            yield option_of_parameter(parameter, documented, optional=True)


def _extras(case: UseCase, rest: set[str]) -> Iterator[tuple[str, Parameter]]:
    changes = _UPDATES in rest
    task = _task(case.task)
    for gathered in case.gathers:
        if gathered.on_change or not changes:
            yield gathered.option, gathered.parameter(task)
    if case.sets is not None and (changes or _CHOICES not in rest):
        words = f"As name=value, value in JSON or a text: {case.sets}. Repeatable."
        yield SET, _repeated(SET, words)
    if case.shows is Shows.JOBS:
        yield FILE, Parameter(FILE, Parameter.KEYWORD_ONLY, default=None, annotation=FileOption)
        yield "wait", Parameter("wait", Parameter.KEYWORD_ONLY, default=True, annotation=WaitOption)
        yield "timeout", Parameter("timeout", Parameter.KEYWORD_ONLY, default=None, annotation=TimeoutOption)
    if case.shows is Shows.PLOTTED:
        words = "A file it is drawn to as well, of the kind that its name ends with: .png, .svg, .pdf."
        yield PICTURE, keyword(PICTURE, Path | None, typer.Option(f"--{PICTURE}", help=words, show_default=False))
    if _CHOICES in rest:
        yield WHERE, _repeated(WHERE, "As name=value: only those with this id, as run_id=first. Repeatable.")
        yield LIMIT, Parameter(LIMIT, Parameter.KEYWORD_ONLY, default=None, annotation=LimitOption)


def _repeated(name: str, words: str) -> Parameter:
    return keyword(name, list[str] | None, typer.Option(f"--{name}", help=words, show_default=False))
