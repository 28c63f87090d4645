"""Pages that say what will happen, with a button that has it happen."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from synergos_portal.web.forms import Form


class Confirmation(Form):
    """A button."""


def confirm_page(
    form: Form, title: str, *texts: str, back: str, verb: str | None = None, is_dangerous: bool = False
) -> ResponseReturnValue:
    """Such a page.

    Args:
        form: whose fields are shown above the button.
        back: where whoever wants it not goes.
        verb: what the button says; the title without it.
    """
    values = {"form": form, "title": title, "texts": texts, "back": back, "verb": verb or title}
    return render_template("confirm.html", is_dangerous=is_dangerous, **values), 422 if form.all_errors else 200
