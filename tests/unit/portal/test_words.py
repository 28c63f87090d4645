"""Every word of the portal is there in German, and no German word is left that nothing says any more."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import synergos_portal
from fakes.portal import answering, portal
from synergos_portal.services import Service

ROOT = Path(synergos_portal.__file__).parent
KEYWORDS = {"_": None, "lazy": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]


@cache
def said() -> set[str]:
    options = {"**.html": {"extensions": "jinja2.ext.do"}}
    found = [each[2] for each in extract_from_dir(ROOT, METHODS, keywords=KEYWORDS, options_map=options)]
    return {each if isinstance(each, str) else each[0] for each in found}


def is_translated(german: Any) -> bool:
    return bool(german) if isinstance(german, str) else all(german)


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return read_po(BytesIO((ROOT / "translations" / "de.po").read_bytes()), locale="de")


def test_every_word_is_translated_and_none_is_left_over(catalogue: Catalog) -> None:
    words = said()
    german = {each.id if isinstance(each.id, str) else each.id[0]: each for each in catalogue if each.id}
    translated = {text for text, each in german.items() if is_translated(each.string) and not each.fuzzy}

    assert len(words) > 500
    assert sorted(words - translated) == [], "python release/translations.py adds what is missing"
    assert sorted(set(german) - words) == []


def written_in_code() -> Iterator[str]:
    """What code says, be it within an f-string, where whoever gathers words for translation does not look."""
    for path in sorted(ROOT.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Name)
                and call.func.id in KEYWORDS
                and call.args
            ):
                text = call.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value


def test_no_word_is_said_where_nobody_gathers_it() -> None:
    assert sorted(set(written_in_code()) - said()) == []


def test_values_that_are_put_in_are_the_same_in_german(catalogue: Catalog) -> None:
    for message in catalogue:
        assert not [error for error in message.check() if error], message.id


def test_who_reads_a_page_first_chooses_no_words_for_the_others(tmp_path: Path) -> None:
    app = portal(tmp_path, answering()).apps[Service.NAV]
    page = app.jinja_env.from_string(
        '{{ "unreachable"|state|striptags }}, {{ 1234|number }}, {{ _("Home") }}, {{ _("Of %(name)s", name="<b>") }}'
    )
    read = []
    for language in ("de", "en"):
        with app.test_request_context("/", headers={"Accept-Language": language}):
            read.append(page.render())

    assert read == ["✕ nicht erreichbar, 1.234, Start, Von &lt;b&gt;", "✕ not reachable, 1,234, Home, Of &lt;b&gt;"]
