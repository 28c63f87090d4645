"""Collaborations: the list of all, a single one with its projects and participants, and its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from wtforms.fields import BooleanField, StringField

from synergos.foreign_json import mapping
from synergos_portal.orchestrator import cycle, declared, invitations
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.participants import Place
from synergos_portal.pages.declaring import (
    DeclaredForm,
    as_json,
    declare,
    delete_page,
    form_page,
    name_field,
    said,
    save,
    typed,
)
from synergos_portal.web.current import client, person
from synergos_portal.web.listing import Column, Wanted, list_page
from synergos_portal.web.live import fragment, pace
from synergos_portal.web.words import _, lazy

pages = Blueprint("collaborations", __name__, url_prefix="/collaborations")

COLUMNS = (
    Column[Declared]("collab_id", lambda row: row.id),
    Column[Declared]("projects", lambda row: row.count("Project")),
    Column[Declared]("registrations", lambda row: row.count("Registration")),
    Column[Declared]("runs", lambda row: row.count("Run")),
    Column[Declared]("models", lambda row: row.count("Model")),
)
PROJECT_COLUMNS = (
    Column[Declared]("project_id", lambda row: row.id),
    Column[Declared]("action", lambda row: row.fields.get("action")),
    Column[Declared]("experiments", lambda row: row.count("Experiment")),
    Column[Declared]("runs", lambda row: row.count("Run")),
    Column[Declared]("models", lambda row: row.count("Model")),
)
PORTS: Mapping[str, Sequence[str]] = {
    "mlops": ("main", "ui"),
    "logs": ("main", "sysmetrics", "director", "ttp", "worker", "ui"),
    "mq": ("main", "ui"),
    "catalogue": ("main", "ui"),
    "meter": ("main", "ui"),
}
"""The services, and the ports that each is declared with."""
TITLES = {
    "mlops": lazy("MLflow server"),
    "logs": lazy("Log server"),
    "mq": lazy("Message queue"),
    "catalogue": lazy("Data catalogue"),
    "meter": lazy("Contribution meter"),
}
_PORT_LABELS = {
    "main": lazy("Port"),
    "ui": lazy("Port of its pages"),
    "sysmetrics": lazy("Port for system metrics"),
    "director": lazy("Port for directors"),
    "ttp": lazy("Port for TTPs"),
    "worker": lazy("Port for workers"),
}


class CollaborationForm(DeclaredForm):
    """What is declared of a collaboration; its services have fields as ``mlops_host`` and ``mlops_main``."""

    collab_id = name_field()

    @property
    def declaration(self) -> dict[str, object]:
        """As the orchestrator takes it; services of which nothing is said are none."""
        return {"collab_id": self.collab_id.data, **{name: self._service(name) for name in PORTS}}

    @property
    def services(self) -> list[tuple[str, str, list[Any]]]:
        """Each service with its title and its fields."""
        return [(name, str(TITLES[name]), [self[field] for field in _fields_of(name)]) for name in PORTS]

    @staticmethod
    def values_of(fields: Mapping[str, object]) -> dict[str, object]:
        """The values of its fields for what is declared."""
        values: dict[str, object] = {}
        for name, ports in PORTS.items():
            service = mapping(fields.get(name))
            values[f"{name}_host"] = service.get("host")
            values[f"{name}_secure"] = bool(service.get("secure"))
            values |= {f"{name}_{port}": typed(mapping(service.get("ports")).get(port)) for port in ports}
        values["mlops_register"] = bool(mapping(fields.get("mlops")).get("register"))
        return values

    def _service(self, name: str) -> dict[str, object] | None:
        ports = {port: said(self[f"{name}_{port}"].data) for port in PORTS[name]}
        host = (self[f"{name}_host"].data or "").strip()
        if not host and not any(value != "" for value in ports.values()):
            return None
        told = {port: None if value == "" else value for port, value in ports.items()}
        register = {"register": True} if name == "mlops" and self["mlops_register"].data else {}
        return {"host": host or None, "ports": told, "secure": self[f"{name}_secure"].data, **register}


def _fields_of(name: str) -> list[str]:
    register = [f"{name}_register"] if name == "mlops" else []
    return [f"{name}_host", *(f"{name}_{port}" for port in PORTS[name]), f"{name}_secure", *register]


NAMES: Mapping[str, str] = {
    **{f"{name}.{part}": f"{name}_{part}" for name in PORTS for part in ("host", "secure", "register")},
    **{f"{name}.ports.{port}": f"{name}_{port}" for name, ports in PORTS.items() for port in ports},
    **{f"{name}.ports": f"{name}_main" for name in PORTS},
    **{name: f"{name}_host" for name in PORTS},
}
"""The fields by what the orchestrator calls them."""

for _name, _ports in PORTS.items():
    setattr(CollaborationForm, f"{_name}_host", StringField(lazy("Host")))
    for _port in _ports:
        setattr(CollaborationForm, f"{_name}_{_port}", StringField(_PORT_LABELS[_port]))
    setattr(CollaborationForm, f"{_name}_secure", BooleanField(lazy("By TLS")))
CollaborationForm.mlops_register = BooleanField(lazy("Trained models become versions in its registry"))


@pages.get("")
def listed() -> ResponseReturnValue:
    """All collaborations, 50 a page."""
    return list_page(
        "collaborations/list.html",
        lambda query: declared.listed(client(), Spot(), query),
        Wanted.of_request("collab_id"),
        COLUMNS,
    )


@pages.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Declare one."""
    return _declaring(CollaborationForm.sent())


@pages.get("/=/<collab_id>")
@pages.get("/<own_id:collab_id>")
def show(collab_id: str) -> ResponseReturnValue:
    """One of them, with its projects and participants."""
    spot = Spot.of(collab_id)
    found = declared.read(client(), spot)
    if (answer := as_json(found)) is not None:
        return answer
    members = cycle.members(client(), spot)
    # It takes an answer about each project, and workers that are away: whoever reads the page does not wait for that.
    standing = cycle.Standing()
    if request.args.get("asked"):
        standing = cycle.of_collaboration(client(), spot, members)
    services = [(str(TITLES[name]), found.fields[name]) for name in PORTS if found.fields.get(name)]
    return list_page(
        "collaborations/show.html",
        lambda query: declared.listed(client(), spot, query),
        Wanted.of_request(),
        PROJECT_COLUMNS,
        record=found,
        spot=spot,
        services=services,
        **_taking_part(members),
        standing=standing,
        invited=None if person() is None else invitations.within(client(), spot),
        registered={Place(collab_id, member.project, member.id) for member in members},
        pace=pace(unfinished=standing.is_open),
    )


@pages.get("/<collab_id>/live")
def live(collab_id: str) -> ResponseReturnValue:
    """Who takes part with how many rows, and whether its workers can be reached now."""
    spot = Spot.of(collab_id)
    members = cycle.members(client(), spot)
    standing = cycle.of_collaboration(client(), spot, members)
    values = {"spot": spot, "standing": standing, **_taking_part(members)}
    return fragment("collaborations/show.html", unfinished=standing.is_open, **values)


@pages.route("/<collab_id>/edit", methods=["GET", "POST"])
def edit(collab_id: str) -> ResponseReturnValue:
    """Change where its services are."""
    spot = Spot.of(collab_id)
    found = declared.read(client(), spot)
    form = CollaborationForm.sent(CollaborationForm.values_of(found.fields))
    form.collab_id.data = collab_id
    form.begin_with(found.revision)
    if form.is_sent and (saved := save(form, spot, declared.change, form.declaration, NAMES)):
        return saved
    return _shown(form, spot, is_new=False)


@pages.route("/<collab_id>/copy", methods=["GET", "POST"])
def copy(collab_id: str) -> ResponseReturnValue:
    """Declare another one with the same services."""
    found = declared.read(client(), Spot.of(collab_id))
    return _declaring(CollaborationForm.sent(CollaborationForm.values_of(found.fields)), found.spot)


@pages.route("/<collab_id>/delete", methods=["GET", "POST"])
def delete(collab_id: str) -> ResponseReturnValue:
    """Delete it with all that lies in it."""
    return delete_page(Spot.of(collab_id))


def _declaring(form: CollaborationForm, source: Spot | None = None) -> ResponseReturnValue:
    if form.is_sent and (saved := declare(form, Spot(), form.collab_id.data, form.declaration, NAMES)):
        return saved
    return _shown(form, Spot(), is_new=True, source=source)


def _shown(form: CollaborationForm, spot: Spot, *, is_new: bool, source: Spot | None = None) -> ResponseReturnValue:
    return form_page("collaboration", form, spot, _("New collaboration"), is_new=is_new, source=source)


def _taking_part(members: list[cycle.Member]) -> dict[str, object]:
    """Who takes part in what, by participant."""
    found: dict[str, list[cycle.Member]] = {}
    for member in members:
        found.setdefault(member.id, []).append(member)
    return {"members": found}
