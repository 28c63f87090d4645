"""The form of a project: its name, what it does, and what it gives to whom takes part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wtforms.fields import SelectField, TextAreaField

from synergos_portal.pages.declaring.editing import DeclaredForm, name_field
from synergos_portal.web.forms import labelled
from synergos_portal.web.words import lazy


class ProjectForm(DeclaredForm):
    """What is declared of a project."""

    project_id = name_field()
    action = SelectField(
        lazy("What it does"),
        choices=labelled(
            {"classify": lazy("classify: tell classes apart"), "regress": lazy("regress: predict numbers")}
        ),
        validate_choice=False,
        description=lazy("What the participants' labels are: classes, or numbers."),
    )
    incentives = TextAreaField(
        lazy("Incentives"),
        description=lazy("Shown and used by nothing: a line each, as in gold: hospital_1, hospital_2."),
    )

    @property
    def declaration(self) -> dict[str, Any]:
        """As the orchestrator takes it."""
        return {"project_id": self.project_id.data, "action": self.action.data, "incentives": self._incentives()}

    @staticmethod
    def values_of(fields: Mapping[str, Any]) -> dict[str, Any]:
        """The values of its fields for what is declared."""
        incentives = fields.get("incentives") or {}
        return {"action": fields.get("action"), "incentives": "\n".join(map(_line, incentives.items()))}

    def _incentives(self) -> dict[str, Any]:
        lines = [line.partition(":") for line in (self.incentives.data or "").splitlines() if line.strip()]
        return {name.strip(): [each.strip() for each in value.split(",") if each.strip()] for name, _, value in lines}


def _line(incentive: tuple[str, Any]) -> str:
    name, value = incentive
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{name}: {shown}"
