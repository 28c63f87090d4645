"""The forms of a participant: who it is, where its workers are, which data it brings, and what is to be predicted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask.typing import ResponseReturnValue
from wtforms.fields import HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from synergos_portal.orchestrator.catalogue import Publication
from synergos_portal.orchestrator.participants import PURPOSES, Folder, Profile, Registration
from synergos_portal.pages.declaring import DeclaredForm, EndingForm, said, typed
from synergos_portal.web.forms import Form, confirm_page, labelled
from synergos_portal.web.words import _, lazy

MOST_NODES = 64
_NODE_FIELDS = ("host", "f_port", "port", "fingerprint")
_TEXTS = ("summary", "phone", "email")


class ProfileForm(DeclaredForm):
    """What an organisation says of itself."""

    id = StringField(
        lazy("Name"),
        [DataRequired(), Length(max=128)],
        description=lazy("It stands in addresses, folders and results, and stays as it is."),
    )
    category = StringField(lazy("What it does"), description=lazy("Words, separated by commas: hospital, research"))
    summary = TextAreaField(lazy("In a sentence or two"))
    phone = StringField(lazy("Telephone"))
    email = StringField(lazy("E-mail"))

    @property
    def said(self) -> dict[str, object]:
        """What is declared, without the name."""
        texts = {name: self[name].data or None for name in _TEXTS}
        return {"category": [each.strip() for each in (self.category.data or "").split(",") if each.strip()], **texts}

    @staticmethod
    def values_of(profile: Profile) -> dict[str, object]:
        """The values of its fields."""
        return {"id": profile.id, **{name: profile.said(name) for name in ("category", *_TEXTS)}}


class RegistrationForm(DeclaredForm):
    """Where a participant's workers are; made by :func:`registration_form`, with fields for each."""

    count = HiddenField(default="1")
    role = SelectField(
        lazy("Role"),
        choices=labelled({"guest": lazy("guest: it brings data"), "host": lazy("host"), "arbiter": lazy("arbiter")}),
    )

    @property
    def nodes(self) -> list[tuple[int, list[Any]]]:
        """Each worker's number and its fields."""
        return [(index, [self[f"node_{index}_{name}"] for name in _NODE_FIELDS]) for index in range(self.number)]

    @property
    def number(self) -> int:
        """How many workers it has fields for."""
        return sum(name.endswith("_host") for name in self._fields)

    @property
    def declaration(self) -> dict[str, object]:
        """As the orchestrator takes it."""
        nodes = {f"node_{index}": self._node(index) for index in range(self.number)}
        return {"role": self.role.data, "n_count": self.number, **nodes}

    @property
    def names(self) -> dict[str, str]:
        """Its fields by the names that the orchestrator has for them."""
        named = {
            f"node_{index}.{name}": f"node_{index}_{name}" for index in range(self.number) for name in _NODE_FIELDS
        }
        return {**named, **{f"node_{index}": f"node_{index}_host" for index in range(self.number)}}

    def _node(self, index: int) -> dict[str, object]:
        values = {name: (self[f"node_{index}_{name}"].data or "").strip() for name in _NODE_FIELDS}
        return {name: said(value) if name in ("f_port", "port") else value for name, value in values.items() if value}


def registration_form(number: int) -> type[RegistrationForm]:
    """The form for so many workers."""
    fields: dict[str, object] = {}
    for index in range(min(max(number, 1), MOST_NODES)):
        fields[f"node_{index}_host"] = StringField(
            lazy("Host"), description=lazy("A name or an address alone, as the orchestrator reaches it: 10.0.0.11")
        )
        fields[f"node_{index}_f_port"] = StringField(lazy("Command port"), description=lazy("5000 at a worker"))
        fields[f"node_{index}_port"] = StringField(lazy("Data port"), description=lazy("8020 at a worker"))
        fields[f"node_{index}_fingerprint"] = StringField(
            lazy("Fingerprint"),
            description=lazy("Of its identity; needed alone by a worker that dials out and listens nowhere."),
        )
    return type("NumberedRegistrationForm", (RegistrationForm,), fields)


def registration_values(found: Registration | None) -> dict[str, object]:
    """The values that the form begins with."""
    if found is None:
        return {"node_0_f_port": "5000", "node_0_port": "8020"}
    values: dict[str, object] = {"role": found.role}
    for worker in found.workers:
        for name in _NODE_FIELDS:
            values[f"node_{worker.index}_{name}"] = typed(getattr(worker, name))
    return values


@dataclass(frozen=True)
class Branch:
    """A line of the tree of folders: one that may be tagged, or one that others lie in.

    Attributes:
        depth: how many it lies in.
        path: as it is written and sent; None of one that only holds others.
        allowed: what its owner lets it be used for; nothing where that is not known.
    """

    name: str
    depth: int
    path: str | None = None
    datatype: str = ""
    rows: str = ""
    chosen: frozenset[str] = frozenset()
    allowed: tuple[str, ...] = ()


class TagsForm(DeclaredForm):
    """Which data is used for what: ticked in the tree of what is published, or typed, a folder a line."""

    train = TextAreaField(
        lazy("To train on"),
        description=lazy("A folder a line below the data folder: heart/2026. It is trained on there, and stays there."),
    )
    evaluate = TextAreaField(
        lazy("To measure on"), description=lazy("Rows that are kept from training, to see how good a model is.")
    )
    predict = TextAreaField(lazy("To predict"), description=lazy("New rows, whose labels are not known."))


def folders_of(field: Any, ticked: Iterable[str]) -> list[list[str]]:
    """The folders that were ticked, then those that were typed; each once."""
    lines = [line.strip().strip("/") for line in (field.data or "").splitlines()]
    return [path.split("/") for path in dict.fromkeys([*ticked, *filter(None, lines)])]


def tree_of(published: Publication | None, chosen: Mapping[str, Iterable[str]]) -> list[Branch]:
    """What a participant publishes, as a tree; what is chosen and not published stands elsewhere."""
    folders = sorted(published.folders, key=lambda each: each.path) if published is not None else []
    tagged = {each.path for each in folders}
    branches: list[Branch] = []
    shown: set[Folder] = set()
    for each in folders:
        for depth in range(1, len(each.path)):
            outer = each.path[:depth]
            if outer not in shown and outer not in tagged:
                branches.append(Branch(outer[-1], depth - 1))
            shown.add(outer)
        rows = each.rows
        about = "" if rows is None else f"≈ {rows.about}" if rows.about is not None else f"< {rows.fewer_than}"
        picked = frozenset(purpose for purpose in PURPOSES if each.name in chosen.get(purpose, ()))
        branches.append(
            Branch(each.path[-1], len(each.path) - 1, each.name, each.datatype, about, picked, each.purposes)
        )
    return branches


def paths_of(tags: Mapping[str, Sequence[Folder]] | None, purpose: str) -> list[str]:
    """The folders that are tagged for something, as they are written."""
    return ["/".join(folder) for folder in (tags or {}).get(purpose, ())]


class PredictForm(Form):
    """Which model is to predict which rows."""

    model = SelectField(lazy("Model"), [DataRequired()])
    predict = TextAreaField(
        lazy("Data"),
        description=lazy("A folder a line below the data folder. Left empty: what is tagged to be predicted."),
    )


class JoinForm(Form):
    """Which project a participant is registered for."""

    project = SelectField(lazy("Project"), [DataRequired()])


def leaving_page(form: EndingForm, name: str, verb: str, what: str, back: str) -> ResponseReturnValue:
    """What is lost, and the field for the name."""
    undone, called = _("This cannot be undone."), _("It is called %(name)s", name=name)
    return confirm_page(form, f"{verb}: {name}", f"{what} {undone}", called, verb=verb, back=back, is_dangerous=True)
