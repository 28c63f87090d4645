"""The form of a study: a search space as rows and as ``ranges.json`` has it, by which metric, and how much may be tried."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms.fields import FieldList, FileField, FormField, IntegerField, SelectField, StringField
from wtforms.form import Form as PlainForm
from wtforms.validators import DataRequired, InputRequired, NumberRange, Optional

from synergos.foreign_json import items
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.web.forms import Form, labelled
from synergos_portal.web.words import _, lazy

MOST_ROWS = 100
"""Of a file: each becomes a row of the form."""
TYPE, VALUE = "_type", "_value"
LISTED = ("choice", "grid_search")
"""The forms whose values are tried as they are; all others have a fixed count of numbers."""
EMPTY_ROWS = 3
"""Shown for what may be filled in besides, and without any script."""
_NOT_TYPED = frozenset({"ranges", "dimensions"})
_SPACE = "search_space"


class NotASearchSpace(ValueError):
    """A file or a row that is none.

    Attributes:
        where: the dimension it is about; empty for the whole.
    """

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(message)
        self.where = where


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter that is searched, as it stands in a form.

    Attributes:
        kind: how it is drawn, ``loguniform`` for example.
        values: from what, with commas between.
    """

    name: str = ""
    kind: str = ""
    values: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was filled in."""
        return not (self.name.strip() or self.values.strip())

    @classmethod
    def of(cls, name: str, asked: Mapping[str, object]) -> Dimension:
        """As it stands in a study or a file."""
        return cls(
            name, str(asked[TYPE]), ", ".join(json.dumps(each, ensure_ascii=False) for each in items(asked[VALUE]))
        )

    def asked(self) -> dict[str, object]:
        """What a request says of it.

        Raises:
            NotASearchSpace: its values cannot be read.
        """
        return {TYPE: self.kind, VALUE: _values(self.values, self.name.strip())}


def to_request(dimensions: Sequence[Dimension]) -> dict[str, dict[str, object]]:
    """The search space that filled-in rows are.

    Raises:
        NotASearchSpace: a row says nothing of what to draw, or a name is there twice; names the dimension.
    """
    found: dict[str, dict[str, object]] = {}
    for dimension in dimensions:
        name = dimension.name.strip()
        if dimension.is_empty:
            continue
        if not name:
            raise NotASearchSpace("say which hyperparameter these values are of")
        if name in found:
            raise NotASearchSpace(f"{name} is there twice", name)
        found[name] = dimension.asked()
    return found


def from_file(content: Any) -> tuple[list[Dimension], dict[str, object]]:
    """What a file of ranges says: the dimensions, and whatever else of a request.

    It is the search space alone, as ``ranges.json`` has it, or a request that has it under ``search_space``.

    Raises:
        NotASearchSpace: it is neither; names the dimension.
    """
    if not isinstance(content, Mapping) or not content:
        raise NotASearchSpace("expected an object with a hyperparameter for each name")
    is_request = isinstance(content.get("search_space"), Mapping) and TYPE not in content["search_space"]
    space = content["search_space"] if is_request else content
    if len(space) > MOST_ROWS:
        raise NotASearchSpace(f"expected at most {MOST_ROWS} hyperparameters, got {len(space)}")
    for name, asked in space.items():
        if not isinstance(asked, Mapping) or not isinstance(asked.get(TYPE), str):
            raise NotASearchSpace(f'{name}: expected {{"{TYPE}": how to draw, "{VALUE}": [from what]}}', name)
        if not isinstance(asked.get(VALUE), list):
            raise NotASearchSpace(f"{name}.{VALUE}: expected a list", name)
        if unknown := sorted(set(asked) - {TYPE, VALUE}):
            raise NotASearchSpace(f"{name}: {unknown[0]} is not known; expected {TYPE} and {VALUE}", name)
    others = {name: value for name, value in content.items() if name != "search_space"} if is_request else {}
    return [Dimension.of(name, asked) for name, asked in space.items()], others


def _values(text: str, name: str) -> list[Any]:
    """What stands between commas: numbers, true, false and null as JSON has them, and words without quotes."""
    try:
        read = _read(f"[{text}]")
    except ValueError:
        read = [_word(part.strip()) for part in text.split(",")]
    if not read or "" in read:
        raise NotASearchSpace(f"{name}: expected values with commas between, for example 0.001, 0.1", name)
    return list(read)


def _word(text: str) -> Any:
    try:
        return _read(text)
    except ValueError:
        return text


def _read(text: str) -> Any:
    """A value of JSON, which has no number that is not finite.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is too deep") from None


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is not finite")
    return number


class DimensionForm(PlainForm):
    """A row: one hyperparameter."""

    name = StringField(lazy("Hyperparameter"))
    kind = SelectField(lazy("How it is drawn"), validate_choice=False)
    values = StringField(lazy("From what"))


class Rows(FieldList):  # type: ignore[type-arg]
    """Rows, of those numbers alone that the form has given them: the library takes whatever could be a digit."""

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        number = re.compile(rf"{re.escape(prefix)}-([0-9]{{1,3}})-.*", re.DOTALL)
        found = (int(each[1]) for each in map(number.fullmatch, formdata) if each is not None)
        return (index for index in found if index < 2 * MOST_ROWS)


class TuneForm(Form):
    """What a study is asked with; fields have the names that the orchestrator has for them."""

    ranges = FileField(
        lazy("Search space from a file"),
        description=lazy(
            "ranges.json, or a whole request with search_space in it; it takes the place of the rows below."
        ),
    )
    dimensions = Rows(FormField(DimensionForm), lazy("Search space"))
    metric = SelectField(
        lazy("Metric"), [DataRequired()], validate_choice=False, description=lazy("What makes a trial good.")
    )
    max_trial_num = IntegerField(
        lazy("Trials"),
        [InputRequired(), NumberRange(1, 10_000)],
        default=10,
        description=lazy("How many sets are tried."),
    )
    max_exec_duration = StringField(
        lazy("Time"),
        default="1h",
        description=lazy("For how long new trials are started: 2h 30m, or empty for as long as it takes."),
    )
    max_concurrent = IntegerField(
        lazy("At the same time"),
        [Optional(), NumberRange(1, 10_000)],
        description=lazy("Trials side by side; empty for as many as the grid can run."),
    )
    base_run = StringField(
        lazy("Start from a run"),
        description=lazy("Its hyperparameters hold where none are searched; empty for the defaults."),
        render_kw={"list": "runs", "autocomplete": "off"},
    )
    searcher = SelectField(
        lazy("What draws"), validate_choice=False, description=lazy("TPE learns from what was tried.")
    )
    scheduler = SelectField(
        lazy("What stops hopeless trials"),
        validate_choice=False,
        description=lazy("It saves rounds; none lets all end."),
    )
    seed = IntegerField(
        lazy("Seed"), [Optional(), NumberRange(0, 2**31 - 1)], description=lazy("The same seed draws the same sets.")
    )

    def offer(
        self, metrics: Sequence[str], kinds: Sequence[str], searchers: Sequence[str], schedulers: Sequence[str]
    ) -> None:
        """What there is to choose."""
        self.metric.choices = labelled({name: name for name in metrics})
        self.searcher.choices = labelled({name: name for name in searchers})
        self.scheduler.choices = labelled({name: name for name in schedulers})
        for row in self.dimensions:
            row.form.kind.choices = labelled({name: name for name in kinds})

    def show(self, dimensions: Sequence[Dimension], empty: int = EMPTY_ROWS) -> None:
        """Have these rows, and some empty ones below."""
        while self.dimensions.entries:
            self.dimensions.pop_entry()
        for each in [*dimensions, *[Dimension()] * empty]:
            self.dimensions.append_entry({"name": each.name, "kind": each.kind or "choice", "values": each.values})

    @property
    def rows(self) -> list[Dimension]:
        """As they are filled in."""
        return [
            Dimension(row.form.name.data or "", row.form.kind.data or "", row.form.values.data or "")
            for row in self.dimensions
        ]

    def fill(self, request: Mapping[str, object]) -> None:
        """Have the values of a request in the form's fields, as somebody would have typed them; what it has no field for is left out.

        What cannot be so stands at its field.
        """
        for name, value in request.items():
            # Of time alone none is something that can be said: no end to it.
            if name not in self or name in _NOT_TYPED or (value is None and name != self.max_exec_duration.name):
                continue
            field = self[name]
            text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            field.process(MultiDict({field.name: text}))
            field.errors = list(field.process_errors)

    def request(self, directions: Mapping[str, str]) -> dict[str, object] | None:
        """As the orchestrator takes it; None where the rows are none, which the form then says.

        Args:
            directions: ``max`` or ``min`` for each metric.
        """
        try:
            space = to_request(self.rows)
        except NotASearchSpace as error:
            self.blame(error.where, str(error))
            return None
        if not space:
            self.problems.append(_("Nothing is searched: fill in a row, or choose a file."))
            return None
        said = {
            "max_trial_num": self.max_trial_num.data,
            "max_concurrent": self.max_concurrent.data,
            "base_run": (self.base_run.data or "").strip() or None,
            "seed": self.seed.data,
            "searcher": self.searcher.data,
            "scheduler": self.scheduler.data,
        }
        metric = str(self.metric.data)
        return {
            _SPACE: space,
            "metric": metric,
            "optimize_mode": directions.get(metric, "max"),
            # Left out it is an hour; nothing is for ever.
            "max_exec_duration": (self.max_exec_duration.data or "").strip() or None,
            **{name: value for name, value in said.items() if value is not None},
        }

    def blame(self, dimension: str, message: str) -> None:
        """Show what is wrong at the row it is about, or at the top."""
        for row in self.dimensions:
            if dimension and (row.form.name.data or "").strip() == dimension:
                row.form.values.errors = [*row.form.values.errors, message]
                return
        self.problems.append(message)

    def take(self, error: Refused, names: Mapping[str, str] | None = None) -> None:
        """Show the orchestrator's refusal at the field it is about, of the search space at the row."""
        said = error.field or self._named_in(error.message)
        if not said.startswith(_SPACE):
            error = Refused(error.message.removeprefix(f"{said}: "), error.status, said or None)
            super().take(error, names)
            return
        within = said.removeprefix(_SPACE).lstrip(".")
        own = [name for name in (row.name.strip() for row in self.rows) if name and _is_of(within, name)]
        self.blame(max(own, key=len, default=""), f"{said}: {error.words}")

    def _named_in(self, message: str) -> str:
        """The field that a message begins with; what cannot be done as things stand has no field of its own."""
        name, colon, _text = message.partition(": ")
        return name if colon and name in self else ""

    @property
    def all_errors(self) -> list[tuple[str | None, str, str]]:
        """Of the whole form, then of each field, those of rows at the row."""
        found = [each for each in super().all_errors if each[0] != self.dimensions.id]
        rows = [(field, str(text)) for row in self.dimensions for field in row.form for text in field.errors]
        return [*found, *((field.id, field.label.text, text) for field, text in rows)]


def _is_of(place: str, name: str) -> bool:
    """Whether a place in the search space is in a dimension, whose name may have dots and brackets."""
    return place == name or place.startswith((f"{name}.", f"{name}["))
