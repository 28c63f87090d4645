"""The form of a collaboration: its name, and where its shared services are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms.fields import BooleanField, StringField

from synergos_portal.pages.declaring.editing import DeclaredForm, name_field, said, typed
from synergos_portal.web.words import lazy

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
    def declaration(self) -> dict[str, Any]:
        """As the orchestrator takes it; services of which nothing is said are none."""
        return {"collab_id": self.collab_id.data, **{name: self._service(name) for name in PORTS}}

    @property
    def services(self) -> list[tuple[str, str, list[Any]]]:
        """Each service with its title and its fields."""
        return [(name, str(TITLES[name]), [self[field] for field in _fields_of(name)]) for name in PORTS]

    @staticmethod
    def values_of(fields: Mapping[str, Any]) -> dict[str, Any]:
        """The values of its fields for what is declared."""
        values: dict[str, Any] = {}
        for name, ports in PORTS.items():
            service = fields.get(name) or {}
            values[f"{name}_host"] = service.get("host")
            values[f"{name}_secure"] = bool(service.get("secure"))
            values |= {f"{name}_{port}": typed((service.get("ports") or {}).get(port)) for port in ports}
        values["mlops_register"] = bool((fields.get("mlops") or {}).get("register"))
        return values

    def _service(self, name: str) -> dict[str, Any] | None:
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
