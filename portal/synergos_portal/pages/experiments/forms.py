"""The form of an experiment: its name, and the network as rows of layers, or out of a file."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms.fields import FileField

from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.declaring.editing import DeclaredForm, name_field
from synergos_portal.pages.experiments import layers
from synergos_portal.pages.experiments.layers import Layer
from synergos_portal.web.forms import is_chosen, uploaded_json
from synergos_portal.web.words import _, lazy


class ExperimentForm(DeclaredForm):
    """What is declared of an experiment.

    Attributes:
        rows: its layers.
        focus: the row to go on with; None for none.
    """

    expt_id = name_field()
    file = FileField(
        lazy("architecture.json"),
        description=lazy("A list of layers. It is shown below before anything is declared."),
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
        rows = layers.with_error(self.rows, error)
        if rows is None:
            super().take(error, {"model": "file"} if error.field == "model" else None)
        else:
            self.rows = rows

    def upload(self) -> None:
        """Show the layers of the uploaded file in place of the rows; what is wrong with it stands at it, and the rows stay."""
        if not is_chosen(self.file):
            self.file.errors = [_("Choose a file first.")]
            return
        try:
            read = uploaded_json(self.file)
            self.rows = layers.of_model(read.get("model") if isinstance(read, dict) and "model" in read else read)
        except ValueError as error:
            self.file.errors = [_("This file was not taken: %(why)s", why=str(error))]
