"""How values and controls of fields become HTML: escaped as ever, in a fraction of the time that the libraries take, which went to objects and formatters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, MutableMapping
from types import CodeType, FunctionType
from typing import Any, cast

from flask import Flask
from jinja2 import Environment, Template
from markupsafe import Markup, escape
from wtforms.widgets import CheckboxInput, FileInput, PasswordInput, Select, TextArea

_QUOTE = '"'
_find_special = re.compile("[&<>'\"]").search
"""What means something in HTML."""


def install(app: Flask) -> None:
    """Have templates of an application write so."""
    app.jinja_env.template_class = QuickTemplate


class QuickTemplate(Template):
    """A template that escapes by :func:`escaped`."""

    @classmethod
    def from_code(
        cls,
        environment: Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],  # noqa: A002 - it is Jinja's name
        uptodate: Callable[[], bool] | None = None,
    ) -> Template:
        """A template of compiled code."""
        made = super().from_code(environment, code, globals, uptodate)
        # What code imports is a name of its module like any other; its blocks and macros look it up there too.
        cast(FunctionType, made.root_render_func).__globals__["escape"] = escaped
        return made


def escaped(value: Any) -> str:
    """What a page has in the place of a value.

    The library makes an object that says that it is escaped, and here nobody looks at that: whatever is written is joined.
    """
    kind = type(value)
    if kind is Markup or (kind is str and _find_special(value) is None):
        return value  # type: ignore[no-any-return]
    if kind is int or kind is float:
        return str(value)
    return escape(value)


def control(field: Any, style: str | None = None, **attributes: object) -> Markup:
    """The control of a field, which tells what it is for and what is wrong with it.

    Args:
        style: Bootstrap's class.
        attributes: more of HTML's; those that are None or False are left out.
    """
    about = [f"{field.id}-about"] if field.description else []
    wrong = [f"{field.id}-errors"] if field.errors else []
    flags = vars(field.flags)
    told = {
        "id": field.id,
        "name": field.name,
        "class": f"{style} is-invalid" if wrong else style,
        "aria-describedby": " ".join([*about, *wrong]) or None,
        "aria-invalid": "true" if wrong else None,
        **{name: flags[name] for name in field.widget.validation_attrs if name in flags},
        **(field.render_kw or {}),
        **attributes,
    }
    return Markup(_written(field, told))  # noqa: S704 - what is put in is escaped


def typed_control(shown: Any, says_what: bool, usual: str) -> Markup:
    """The control of an argument of the vocabulary (``pages/declaring/values.py``), chosen or typed.

    Args:
        says_what: whether what it is for stands below.
        usual: the choice of what holds where nothing is chosen.
    """
    about = f"{shown.id}-about" if says_what and shown.about else ""
    kind, wrong, errors = "select" if shown.choices else "control", "", ""
    if shown.errors:
        wrong, errors = " is-invalid", f"{shown.id}-errors"
    told = {
        "id": shown.id,
        "name": shown.id,
        "class": f"form-{kind} form-{kind}-sm{wrong}",
        "aria-describedby": f"{about} {errors}".strip() or None,
        "aria-invalid": "true" if shown.errors else None,
    }
    if not shown.choices:
        told |= {"value": shown.value, "placeholder": shown.placeholder}
        told["inputmode"] = "decimal" if shown.is_number else None
        return Markup(f"<input {_attributes(told)}>")  # noqa: S704 - what is put in is escaped
    # What was typed and is no choice is one all the same, so that it can be put right.
    others = [shown.value] if shown.value and shown.value not in shown.choices else []
    options = "".join(
        f"<option{' selected' if each == shown.value else ''}>{escaped(each)}</option>"
        for each in (*shown.choices, *others)
    )
    return Markup(f'<select {_attributes(told)}><option value="">{escaped(usual)}</option>{options}</select>')  # noqa: S704


def _written(field: Any, told: dict[str, object]) -> str:
    match field.widget:
        case TextArea():
            # A line break at the beginning is not one of the text.
            return f"<textarea {_attributes(told)}>\r\n{escaped(field._value())}</textarea>"
        case Select():
            return f"<select {_attributes(told)}>{''.join(map(_option, field.iter_choices()))}</select>"
        case CheckboxInput():
            told["checked"] = bool(field.data)
    return f"<input {_attributes({'type': field.widget.input_type, 'value': _value(field), **told})}>"


def _value(field: Any) -> object:
    match field.widget:
        case FileInput():
            return None
        case PasswordInput():
            # It is not sent back.
            return ""
    return field._value()


def _option(choice: Any) -> str:
    told = {"value": choice.value, "selected": choice.selected}
    return f"<option {_attributes(told)}>{escaped(choice.label or choice.value)}</option>"


def _attributes(told: Mapping[str, object]) -> str:
    return " ".join(
        [
            # What is HTML already may have quotes.
            name if value is True else f'{name}="{str.replace(escaped(value), _QUOTE, "&quot;")}"'
            for name, value in sorted(told.items())
            if value is not None and value is not False
        ]
    )
