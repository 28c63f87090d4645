"""The hyperparameters of a run as they are typed: the form, grouped, those that follow from what is chosen among them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wtforms.fields import FileField

from synergos_portal.orchestrator.problems import Refused
from synergos_portal.orchestrator.vocabulary import Argument, Vocabulary
from synergos_portal.pages.declaring import DeclaredForm, name_field, take_file
from synergos_portal.pages.declaring.values import Input, input_of, text_of, value_of
from synergos_portal.web.words import _, lazy

PREFIX = "run-"
NO_HYPERPARAMETERS = frozenset(
    {"run_id", "expt_id", "project_id", "collab_id", "doc_id", "kind", "key", "relations", "created_at"}
)
WITHOUT_EFFECT = frozenset(
    {"is_condensed", "is_snn", "precision_fractional", "input_size", "output_size", "use_CLR", "cumulative_delta"}
)
"""What the original's client sends and nothing reads: kept where it is there, and in no form."""
_OF_NUMBERS = "MSELoss"


@dataclass(frozen=True)
class Group:
    """Hyperparameters that belong together.

    Attributes:
        is_open: whether it is shown at once.
    """

    title: str
    inputs: Sequence[Input]
    is_open: bool = False


def typed_in(run: Mapping[str, object]) -> dict[str, str]:
    """What is declared of a run, as somebody would have typed it."""
    return {name: text_of(value) for name, value in run.items() if name not in NO_HYPERPARAMETERS and value is not None}


def read(sent: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What was typed; what was left empty says nothing."""
    found = {name.removeprefix(PREFIX): value.strip() for name, value in sent if name.startswith(PREFIX)}
    return {name: value for name, value in found.items() if value}


def uploaded(read: object) -> dict[str, str]:
    """What an uploaded definition says.

    Raises:
        ValueError: it is no object; says so in words.
    """
    if not isinstance(read, dict):
        raise ValueError(f"expected an object of hyperparameters, got {_kind(read)}")
    if not read:
        raise ValueError("expected at least one hyperparameter in it")
    return typed_in(read)


def declared(typed: Mapping[str, str], words: Vocabulary) -> dict[str, object]:
    """What was typed as the orchestrator takes it."""
    known = _by_key(typed, words)
    return {name: value_of(known.get(name), text) for name, text in typed.items()}


def groups_of(
    typed: Mapping[str, str], words: Vocabulary, action: str | None, errors: Mapping[str, Sequence[str]]
) -> list[Group]:
    """All that can be said, with what was typed.

    Args:
        action: what the project does: other losses cannot be chosen.
        errors: by key.
    """
    general = [_fitting(each, words, action) for each in words.layers.hyperparameters]
    groups = [
        Group(_("Most runs say"), _inputs([each for each in general if each.is_common], typed, errors), is_open=True),
        Group(
            _("When it stops, and what else"), _inputs([each for each in general if not each.is_common], typed, errors)
        ),
    ]
    chosen = _chosen(typed, words)
    for title, arguments in chosen.items():
        groups.append(Group(title, _inputs(arguments, typed, errors)))
    known = {each.name for each in general} | {each.name for found in chosen.values() for each in found}
    known |= WITHOUT_EFFECT
    others = [name for name in {**typed, **errors} if name not in known]
    if others:
        groups.append(
            Group(_("Said besides"), _inputs([Argument(name) for name in others], typed, errors), is_open=True)
        )
    return [group for group in groups if group.inputs]


def defaults(words: Vocabulary) -> dict[str, object]:
    """What holds where nothing is said, by name."""
    return {each.name: each.default for each in words.layers.hyperparameters}


def _inputs(
    arguments: Sequence[Argument], typed: Mapping[str, str], errors: Mapping[str, Sequence[str]]
) -> list[Input]:
    return [
        input_of(f"{PREFIX}{each.name}", each, typed.get(each.name, ""), errors.get(each.name, ()))
        for each in arguments
    ]


def _chosen(typed: Mapping[str, str], words: Vocabulary) -> dict[str, list[Argument]]:
    """What can be said to what is chosen, by a title; each by the key that says it."""
    usual = defaults(words)
    general = usual.keys()
    algorithm = typed.get("algorithm") or usual.get("algorithm")
    settings = next((part.arguments for part in words.algorithms if part.name == algorithm), ())
    found = {_("Of %(name)s", name=algorithm): [each for each in settings if each.name not in general]}
    parts = {}
    for role, known in words.layers.roles.items():
        name = typed.get(role) or usual.get(role)
        parts[role] = next((part for part in known if part.name == name), None)
    taken = [each.name for part in parts.values() if part is not None for each in part.arguments]
    for role, part in parts.items():
        if part is not None:
            found[_("Of %(name)s", name=part.name)] = [
                replace(each, name=_key(role, each.name, typed, shared=taken.count(each.name) > 1))
                for each in part.arguments
            ]
    return {title: arguments for title, arguments in found.items() if arguments}


def _key(role: str, name: str, typed: Mapping[str, str], *, shared: bool) -> str:
    """The key that says an argument: by its name alone where only one takes it, or where it is said so already."""
    own = f"{role}.{name}"
    return own if own in typed or (shared and name not in typed) else name


def _by_key(typed: Mapping[str, str], words: Vocabulary) -> dict[str, Argument]:
    chosen = [each for arguments in _chosen(typed, words).values() for each in arguments]
    return {each.name: each for each in [*words.layers.hyperparameters, *chosen]}


def _fitting(argument: Argument, words: Vocabulary, action: str | None) -> Argument:
    """A loss is chosen among those that the project can have."""
    if argument.name != "criterion" or action is None:
        return argument
    names = [
        part.name for part in words.layers.roles.get("criterion", ()) if part.actions is None or action in part.actions
    ]
    # What nobody says means another loss to those who predict numbers.
    default = argument.default if action == "classify" else _OF_NUMBERS
    return replace(argument, schema={"type": "string", "enum": names}, default=default)


def _kind(value: object) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")


class RunForm(DeclaredForm):
    """What is declared of a run.

    Attributes:
        typed: its hyperparameters, by key.
        wrong: what is wrong with each.
    """

    run_id = name_field()
    file = FileField(
        lazy("hyperparameters.json"),
        description=lazy("An object of hyperparameters. It is shown here before anything is declared."),
    )
    typed: Mapping[str, str] = {}
    wrong: Mapping[str, Sequence[str]] = {}

    @property
    def all_errors(self) -> list[tuple[str | None, str, str]]:
        """Those of hyperparameters, too."""
        own = [(f"{PREFIX}{name}", name, text) for name, texts in self.wrong.items() for text in texts]
        return [*super().all_errors, *own]

    def take(self, error: Refused, names: object = None) -> None:
        """Show a refusal at the hyperparameter it is about."""
        name = (error.field or "").partition("[")[0]
        if not name or name in self:
            super().take(error)
        else:
            self.wrong = {**self.wrong, name: [*self.wrong.get(name, ()), error.words]}

    def upload(self) -> None:
        """Show what the uploaded file says."""
        take_file(self.file, self._show)

    def _show(self, read: Any) -> None:
        self.typed = uploaded(read)
        if not self.run_id.data and isinstance(read.get("run_id"), str):
            self.run_id.data = read["run_id"]
