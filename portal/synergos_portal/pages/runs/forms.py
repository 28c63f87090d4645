"""The form of a run: its name, and its hyperparameters typed or out of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wtforms.fields import FileField

from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.declaring.editing import DeclaredForm, name_field
from synergos_portal.pages.runs import hyperparameters
from synergos_portal.pages.runs.hyperparameters import PREFIX
from synergos_portal.web.forms import is_chosen, uploaded_json, words_of
from synergos_portal.web.words import _, lazy


class RunForm(DeclaredForm):
    """What is declared of a run.

    Attributes:
        typed: its hyperparameters, by key.
        wrong: what is wrong with each.
    """

    run_id = name_field()
    file = FileField(
        lazy("hyperparameters.json"),
        description=lazy("An object of hyperparameters. It is shown below before anything is declared."),
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
            self.wrong = {**self.wrong, name: [*self.wrong.get(name, ()), words_of(error)]}

    def upload(self) -> None:
        """Show what the uploaded file says in place of what was typed; what is wrong with it stands at it."""
        if not is_chosen(self.file):
            self.file.errors = [_("Choose a file first.")]
            return
        try:
            read = uploaded_json(self.file)
            self.typed = hyperparameters.uploaded(read)
        except ValueError as error:
            self.file.errors = [_("This file was not taken: %(why)s", why=str(error))]
        else:
            if not self.run_id.data and isinstance(read.get("run_id"), str):
                self.run_id.data = read["run_id"]
