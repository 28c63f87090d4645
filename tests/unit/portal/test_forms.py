"""What is wrong with a form stands at its field, with the values kept, and on top as links."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from markupsafe import Markup
from werkzeug.datastructures import FileStorage
from wtforms.fields import (
    BooleanField,
    FileField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange

from fakes.portal import Portal, answering, portal
from synergos_portal.orchestrator import vocabulary
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.services import Service
from synergos_portal.web.current import client
from synergos_portal.web.forms import MOST_FIELDS, MOST_PARTS, Form, labelled, uploaded_json
from synergos_portal.web.markup import control


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """In front of an orchestrator that is asked nothing."""
    return portal(tmp_path_factory.mktemp("portal"), answering())


KINDS = {
    "as one": ("application/x-www-form-urlencoded", "a=&", MOST_FIELDS - 1),
    "in parts": (
        "multipart/form-data; boundary=q",
        '--q\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n',
        MOST_PARTS,
    ),
}


class Example(Form):
    tags = StringField("Tags")
    file = FileField("File")


class EveryKind(Form):
    text = StringField("Text", [DataRequired(), Length(max=9)], render_kw={"autocomplete": "off"})
    long = TextAreaField("Long")
    hidden = HiddenField()
    password = PasswordField("Password")
    yes = BooleanField("Yes")
    no = BooleanField("No")
    number = IntegerField("Number", [NumberRange(1, 10)])
    empty = IntegerField("Empty")
    choice = SelectField("Choice", choices=labelled({"": "none", 'a"b': "<i>"}))
    file = FileField("File")


@pytest.mark.parametrize(("kind", "field", "most"), KINDS.values(), ids=KINDS)
def test_a_form_of_more_fields_than_any_has_is_not_read(plain: Portal, kind: str, field: str, most: int) -> None:
    told = {"Sec-Fetch-Site": "same-origin", "Content-Type": kind}
    client = plain.apps[Service.VIEW].test_client()

    few, many = (
        client.post("/choices/language", data=field * count + "--q--", headers=told) for count in (most, most + 1)
    )

    # Without a token.
    assert (few.status_code, many.status_code) == (403, 413)
    assert "larger than the portal takes" in many.text


def test_controls_are_what_the_library_would_write(plain: Portal) -> None:
    hostile = {name: 'a"b' if name == "choice" else "\"'<i>&amp;" for name in ("text", "long", "hidden", "choice")}
    with plain.apps[Service.VIEW].test_request_context("/"):
        form = EveryKind(data={**hostile, "password": "secret", "yes": True, "number": 7})

        written = {field.name: control(field, "form-control", rows=None, list="known") for field in form}

        assert written == {field.name: field(**{"class": "form-control", "list": "known"}) for field in form}
        # What is HTML already ends no attribute either.
        assert 'title="&quot;a&quot; &amp; b"' in control(form.text, title=Markup('"a" &amp; b'))


@pytest.mark.parametrize(
    ("field", "at_field", "on_top"),
    [
        ("tags", ["wrong"], []),
        ("tags.train[0]", ["tags.train[0]: wrong"], []),
        ("other", [], ["other: wrong"]),
        (None, [], ["wrong"]),
    ],
)
def test_a_refusal_stands_at_the_field_it_is_about(
    plain: Portal, field: str | None, at_field: list[str], on_top: list[str]
) -> None:
    with plain.apps[Service.VIEW].test_request_context("/"):
        form = Example()

        form.take(Refused("wrong", 400, field))

        assert (list(form.tags.errors), form.problems) == (at_field, on_top)


def test_what_the_orchestrator_refuses_is_shown_with_what_was_typed(grid: Portal) -> None:
    answer = grid.visitor().send("/collaborations/new", {"collab_id": "a/b<i>"})

    assert answer.status_code == 422
    assert 'value="a/b&lt;i&gt;"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'id="collab_id-errors"' in answer.text
    assert '<a class="alert-link" href="#collab_id">' in answer.text


def test_words_that_are_the_same_are_read_once(grid: Portal) -> None:
    with grid.apps[Service.VIEW].test_request_context("/"):
        first, second = vocabulary.read(client()), vocabulary.read(client())
        others = vocabulary.read(client(), "statistics")

    assert first is second
    assert first.layers.hyperparameters
    assert not others.layers.hyperparameters


def test_a_name_that_is_taken_replaces_nothing(grid: Portal) -> None:
    visitor = grid.visitor()
    visitor.send("/collaborations/new", {"collab_id": "heart"})

    # What the portal asks is that it be made only if it is not there.
    assert next(iter(grid.adapters.values())).headers[-1]["If-None-Match"] == "*"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "not JSON (line 1, column 2"),
        (b"\xff\xfe", "not JSON"),
        (b"", "not JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b"[" * 40 + b"]" * 40, "^expected at most 32 levels"),
        (b"[" * 100_000, "^expected at most 32 levels"),
        (b'{"a": ["\\ud800"]}', "^a.0.: expected text"),
    ],
)
def test_a_file_that_is_no_definition_is_refused_in_words(plain: Portal, content: bytes, said: str) -> None:
    with plain.apps[Service.VIEW].test_request_context("/"):
        form = Example(data={"file": FileStorage(BytesIO(content), "x.json")})

        with pytest.raises(ValueError, match=said.replace("(", r"\(")):
            uploaded_json(form.file)


def test_a_file_that_is_one_is_read(plain: Portal) -> None:
    with plain.apps[Service.VIEW].test_request_context("/"):
        form = Example(data={"file": FileStorage(BytesIO(json.dumps([{"a": 1}]).encode()), "x.json")})

        assert uploaded_json(form.file) == [{"a": 1}]
