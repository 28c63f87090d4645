"""The layers of an experiment as they are edited: rows that are added, moved and removed, whose arguments follow from their type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wtforms.fields import FileField

from synergos_portal.orchestrator.problems import Refused
from synergos_portal.orchestrator.vocabulary import Argument, Family, Part
from synergos_portal.pages.declaring import DeclaredForm, name_field, take_file
from synergos_portal.pages.declaring.values import Input, input_of, text_of, value_of
from synergos_portal.web.words import _, lazy

MOST = 200
"""Layers that the editor has at a time; more are uploaded."""
_FIELD = re.compile(r"layers-(\d{1,4})-(l_type|activation|was|structure-(.{1,80}))")
_PLACE = re.compile(r"model\[(\d+)\](?:\.(structure\.(.+)|l_type|activation|structure|is_input))?")
_SIZES_OF_DATA = frozenset({"in_features", "in_channels", "input_size"})
"""Arguments that alignment fits to the data, so that nobody has to know them."""
FITTED = "1"


@dataclass(frozen=True)
class Layer:
    """A row.

    Attributes:
        values: by argument, as it was typed; those left empty say nothing.
        errors: by argument, and by ``l_type`` and ``activation``.
        was: its type when its arguments were shown.
    """

    l_type: str = ""
    activation: str = ""
    was: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)


def read(sent: Iterable[tuple[str, str]], family: Family) -> list[Layer]:
    """The rows of a form as it was sent; what was said to another type, and this one does not know, is said no more."""
    rows: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
    for name, value in sent:
        if (found := _FIELD.fullmatch(name)) is None or int(found[1]) >= MOST:
            continue
        own, values = rows.setdefault(int(found[1]), ({}, {}))
        if found[3] is not None:
            values[found[3]] = value.strip()
        else:
            own[found[2]] = value.strip()
    layers = (replace(Layer(values=values), **own) for _index, (own, values) in sorted(rows.items()))  # type: ignore[arg-type]
    return [_retyped(layer, family) for layer in layers]


def _retyped(row: Layer, family: Family) -> Layer:
    part = next((part for part in family.layers if part.name == row.l_type), None)
    if part is None or row.was in ("", row.l_type):
        return row
    known = {argument.name for argument in part.arguments}
    return replace(row, values={name: value for name, value in row.values.items() if name in known})


def of_model(model: object) -> list[Layer]:
    """The rows of declared or uploaded layers.

    Raises:
        ValueError: they are none; says so in words.
    """
    if not isinstance(model, list) or not model:
        raise ValueError("expected a list of layers with at least one in it")
    if len(model) > MOST:
        raise ValueError(f"expected at most {MOST} layers, got {len(model)}")
    return [_of_declared(index, each) for index, each in enumerate(model)]


def _of_declared(index: int, layer: object) -> Layer:
    if not isinstance(layer, dict):
        raise ValueError(f"model[{index}]: expected an object with l_type, structure and activation")
    unknown = sorted(layer.keys() - {"is_input", "l_type", "structure", "activation"})
    if unknown:
        raise ValueError(f"model[{index}].{unknown[0]}: is not a key of a layer")
    l_type, structure, activation = layer.get("l_type"), layer.get("structure"), layer.get("activation")
    if not isinstance(l_type, str):
        raise ValueError(f"model[{index}].l_type: expected the name of a layer")
    if not isinstance(structure, dict):
        raise ValueError(f"model[{index}].structure: expected an object")
    if not isinstance(activation, str | None):
        raise ValueError(f"model[{index}].activation: expected a name, or null")
    return Layer(l_type, activation or "", values={name: text_of(value) for name, value in structure.items()})


def model_of(rows: Sequence[Layer], family: Family) -> list[dict[str, object]]:
    """The rows as the orchestrator takes them."""
    parts = {part.name: part for part in family.layers}
    return [_declared(index, row, parts.get(row.l_type)) for index, row in enumerate(rows)]


def _declared(index: int, row: Layer, part: Part | None) -> dict[str, object]:
    arguments = {} if part is None else {each.name: each for each in part.arguments}
    structure = {name: value_of(arguments.get(name), text) for name, text in row.values.items() if text != ""}
    return {
        "is_input": index == 0,
        "l_type": row.l_type,
        "structure": structure,
        "activation": row.activation,
    }


def edited(rows: Sequence[Layer], act: str, added: str) -> tuple[list[Layer], int | None]:
    """The rows after ``add``, or ``remove-2``, ``up-2``, ``down-2``, and which of them to go on with."""
    verb, _, number = act.partition("-")
    done, at = list(rows), int(number) if re.fullmatch("[0-9]{1,4}", number) and int(number) < len(rows) else None
    if verb == "add" and len(rows) < MOST:
        return [*done, Layer(added)], len(done)
    if at is None:
        return done, None
    if verb == "remove":
        del done[at]
        return done, min(at, len(done) - 1) if done else None
    to = at + {"up": -1, "down": 1}.get(verb, 0)
    if 0 <= to < len(done):
        done[at], done[to] = done[to], done[at]
        return done, to
    return done, at


def with_error(rows: Sequence[Layer], error: Refused) -> list[Layer] | None:
    """The rows with a refusal at the field it is about; None where it is about none of them."""
    found = _PLACE.fullmatch(error.field or "")
    if found is None or int(found[1]) >= len(rows):
        return None
    at, row = int(found[1]), rows[int(found[1])]
    named = found[3].partition("[")[0] if found[3] else "activation" if found[2] == "activation" else "l_type"
    values = row.values if found[3] is None or named in row.values else {**row.values, named: ""}
    changed = replace(row, values=values, errors={**row.errors, named: [*row.errors.get(named, ()), error.words]})
    return [changed if index == at else each for index, each in enumerate(rows)]


def inputs_of(index: int, row: Layer, family: Family) -> list[Input]:
    """The arguments of a row as they are typed: those of its type, and those it has besides."""
    part = next((part for part in family.layers if part.name == row.l_type), None)
    arguments = [] if part is None else list(part.arguments)
    names = {each.name for each in arguments}
    arguments += [Argument(name) for name in row.values if name not in names]
    return [_input(index, row, each) for each in sorted(arguments, key=lambda each: not each.is_required)]


def _input(index: int, row: Layer, argument: Argument) -> Input:
    is_fitted = argument.name in _SIZES_OF_DATA
    return input_of(
        f"layers-{index}-structure-{argument.name}",
        argument,
        row.values.get(argument.name, FITTED if is_fitted else ""),
        row.errors.get(argument.name, ()),
        is_fitted=is_fitted,
    )


class ExperimentForm(DeclaredForm):
    """What is declared of an experiment.

    Attributes:
        rows: its layers.
        focus: the row to go on with; None for none.
    """

    expt_id = name_field()
    file = FileField(
        lazy("architecture.json"),
        description=lazy("A list of layers. It is shown here before anything is declared."),
    )
    rows: Sequence[Layer] = ()
    focus: int | None = None

    @property
    def all_errors(self) -> list[tuple[str | None, str, str]]:
        """Those of rows, too."""
        own = [
            (
                f"layers-{index}-{name}" if name in ("l_type", "activation") else f"layers-{index}-structure-{name}",
                _("Layer %(number)s, %(name)s", number=index + 1, name=name),
                text,
            )
            for index, row in enumerate(self.rows)
            for name, texts in row.errors.items()
            for text in texts
        ]
        return [*super().all_errors, *own]

    def take(self, error: Refused, names: object = None) -> None:
        """Show a refusal at the row it is about."""
        rows = with_error(self.rows, error)
        if rows is None:
            super().take(error, {"model": "file"} if error.field == "model" else None)
        else:
            self.rows = rows

    def upload(self) -> None:
        """Show what the uploaded file says."""
        take_file(self.file, self._show)

    def _show(self, read: Any) -> None:
        self.rows = of_model(read.get("model") if isinstance(read, dict) and "model" in read else read)
