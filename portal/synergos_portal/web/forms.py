"""Forms: what every one of them has, where the orchestrator's refusal of a field is shown, and what is offered of very many choices."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import IO, Any, Self

from flask import Flask, Request, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from wtforms import Form as _Form
from wtforms.fields import FileField, SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.i18n import get_translations

from synergos.errors import InvalidRequest
from synergos.schema.json_text import value_in
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.web import once, words
from synergos_portal.web.markup import control, typed_control

CONTAINING = "containing"
"""The argument that says what is to be in the names of what is chosen from."""
MOST_CHOICES = 500
"""Offered at a time: of more a part is, and a text in the address narrows it down."""
_LONGEST = 128
MOST_FIELDS = 20_000
"""Of a form that is sent: of a participant's folders some thousands may be ticked."""
MOST_PARTS = 4_000
"""The same of a form that has a file, whose parts take forty times as long to read: a model of 200 layers has some fields for each of them."""


class FewFields(FormDataParser):
    """Reads what was sent as a form, unless that has more fields than any form of the portal: some millions fit into what a request may have."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, Any]]:
        """The fields and files.

        Raises:
            RequestEntityTooLarge: there are more.
        """
        if mimetype == "application/x-www-form-urlencoded":
            content = stream.read()
            # In parts the library counts them itself.
            if content.count(b"&") >= MOST_FIELDS:
                raise RequestEntityTooLarge
            stream = BytesIO(content)
        return super().parse(stream, mimetype, content_length, options)


class FormRequest(Request):
    """A request whose form is read so."""

    form_data_parser_class = FewFields


class Form(_Form):
    """A form of the portal; a page makes one with :meth:`sent`, and shows it with the macros of ``macros/forms.html``.

    Attributes:
        problems: what is wrong with the whole of it, and not with one field.
    """

    class Meta(_Form.Meta):  # type: ignore[misc]
        """Has WTForms' own words in the reader's language."""

        def get_translations(self, form: Any) -> Any:
            """Those of this request."""
            return _library_words(words.chosen())

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.problems: list[str] = []
        super().__init__(*arguments, **options)

    @classmethod
    def sent(cls, data: Mapping[str, object] | None = None) -> Self:
        """The form as it was sent, or with what there is already.

        Args:
            data: the values it begins with, by field.
        """
        if request.method != "POST":
            return cls(data=dict(data or {}))
        return cls(CombinedMultiDict([request.files, request.form]), data=dict(data or {}))

    @property
    def is_sent(self) -> bool:
        """Whether somebody has sent it, and nothing is wrong with it so far."""
        return request.method == "POST" and self.validate()

    def take(self, error: Refused, names: Mapping[str, str] | None = None) -> None:
        """Show the orchestrator's refusal at the field it is about, or at the top; values stay as they were typed.

        Args:
            names: the form's fields by the names that the orchestrator has for them, where they differ. A part of a field,
                as in ``tags.train[0]``, belongs to the field.
        """
        said = error.field or ""
        for name in (said, *_outer(said)):
            own = (names or {}).get(name, name)
            if own in self:
                field = self[own]
                text = error.words if name == said else f"{said}: {error.words}"
                field.errors = [*field.errors, text]
                return
        self.problems.append(f"{said}: {error.words}" if said else error.message)

    def is_taken(self, ask: Callable[[], object], names: Mapping[str, str] | None = None) -> bool:
        """Ask the orchestrator; False where it refuses, and the form shows why (:meth:`take`)."""
        try:
            ask()
        except Refused as error:
            self.take(error, names)
            return False
        return True

    @property
    def all_errors(self) -> list[tuple[str | None, str, str]]:
        """Of the whole form, then of each field: its id, its label and the text."""
        whole: list[tuple[str | None, str, str]] = [(None, "", text) for text in self.problems]
        return [*whole, *((field.id, field.label.text, str(text)) for field in self for text in _texts(field.errors))]


@cache
def _library_words(language_of_reader: str) -> Any:
    # The library looks for its file each time.
    return get_translations([language_of_reader])


def install(app: Flask) -> None:
    """Have templates of an application put the two tokens, and controls of fields, into a form."""
    app.jinja_env.globals.update(form_tokens=tokens, control=control, typed_control=typed_control)


def tokens() -> Markup:
    """The hidden fields that every form that changes something has: who has shown it, and that it is good for one change."""
    # Both are made of letters that mean nothing in HTML.
    return Markup(  # noqa: S704
        f'<input type="hidden" name="csrf_token" value="{generate_csrf()}">'
        f'<input type="hidden" name="{once.FIELD}" value="{once.new_token()}">'
    )


def labelled(words: Mapping[str, str]) -> Any:
    """The choices of a select field whose values have labels.

    Args:
        words: the label by value.
    """
    return [SelectChoice(value, label) for value, label in words.items()]


def is_chosen(field: FileField) -> bool:
    """Whether a file came with the form: a browser sends one without a name where none was chosen."""
    return bool(field.data and getattr(field.data, "filename", ""))


def uploaded_json(field: FileField) -> Any:
    """What an uploaded file has, as JSON.

    Raises:
        ValueError: it is none, or has what an orchestrator would not take; says so in words.
    """
    content = field.data.read() if field.data else b""
    try:
        return value_in(content)
    except InvalidRequest as error:
        raise ValueError(str(error).removeprefix("body: ")) from None
    except ValueError as error:
        where = (
            f"line {error.lineno}, column {error.colno}: {error.msg}"
            if isinstance(error, json.JSONDecodeError)
            else "it is no text"
            if isinstance(error, UnicodeDecodeError)
            else str(error)
        )
        raise ValueError(f"not JSON ({where})") from None


def _outer(name: str) -> list[str]:
    """The fields a part belongs to, innermost first: of ``tags.train[0]`` these are ``tags.train`` and ``tags``."""
    found = []
    while (cut := max(name.rfind("."), name.rfind("["))) > 0:
        name = name[:cut]
        found.append(name)
    return found


def _texts(errors: Any) -> list[Any]:
    """Of a field; those of fields in a field are flattened."""
    if isinstance(errors, Mapping):
        return [text for each in errors.values() for text in _texts(each)]
    if isinstance(errors, str) or not isinstance(errors, list | tuple):
        return [errors]
    return [text for each in errors for text in _texts(each)]


class Confirmation(Form):
    """A button."""


def confirm_page(
    form: Form,
    title: str,
    *texts: str,
    back: str,
    stay: str = "",
    verb: str | None = None,
    is_dangerous: bool = False,
    way: Sequence[object] = (),
    step: str = "",
    nothing: str = "",
    narrowed: object = None,
    narrowed_by: Sequence[str] = (),
) -> ResponseReturnValue:
    """A page that says what will happen, with a button that has it happen.

    Args:
        back: where whoever wants it not goes.
        stay: what the link there says; to cancel it without one.
        verb: what the button says; the title without it.
        step: what it is called at the end of the way there; the title without it.
        nothing: said in the place of a form in which there is nothing to choose.
        narrowed: what is offered of very much.
        narrowed_by: what the text is called that narrows it down, where that is not the names themselves.
    """
    values = {"form": form, "title": title, "texts": texts, "back": back, "verb": verb or title}
    shown = {"is_dangerous": is_dangerous, "way": way, "step": step, "nothing": nothing, "stay": stay}
    shown |= {"narrowed": narrowed, "narrowed_by": narrowed_by}
    return render_template("confirm.html", **values, **shown), 422 if form.all_errors else 200


@dataclass(frozen=True)
class Narrowed:
    """What is offered of names.

    Attributes:
        shown: the first of those that have the text in them.
        is_much: whether there are more than are offered at a time, with any text.
    """

    text: str
    shown: Sequence[str]
    fitting: int
    is_much: bool


def narrow(names: Sequence[str], most: int) -> Narrowed:
    """Those of some names that have the text of the address in them, so many at most."""
    text = request.args.get(CONTAINING, "").strip()[:_LONGEST]
    fitting = [name for name in names if text.casefold() in name.casefold()]
    return Narrowed(text, fitting[:most], len(fitting), len(names) > most)


def narrow_choices(field: SelectField) -> Narrowed:
    """Leave a field those of its choices that are offered by what they are called, and the one that is chosen.

    To be called once what was sent is validated: any of them may be sent.
    """
    choices: list[Any] = list(field.choices or ())
    found = narrow([str(each.label) for each in choices], MOST_CHOICES)
    offered = set(found.shown)
    field.choices = [each for each in choices if str(each.label) in offered or each.value == field.data]
    return found
