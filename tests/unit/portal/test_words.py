"""Every word of the portal is there in German, and no German word is left that nothing says any more."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import synergos_portal

ROOT = Path(synergos_portal.__file__).parent
FAMILIES = sorted(path.name for path in (ROOT / "translations").iterdir() if path.is_dir())
KEYWORDS = {"_": None, "lazy": None, "ngettext": (1, 2)}
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]


def family_of(path: str) -> str:
    """Whose words those of a file are: of ``pages/<family>`` and ``templates/<family>``, else all families'."""
    kind, _, inside = path.partition("/")
    name = inside.partition("/")[0].removesuffix(".py")
    return name if kind in ("pages", "templates") and name in FAMILIES else "common"


def said() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path, _line, message, _comments, _context in extract_from_dir(
        ROOT, METHODS, keywords=KEYWORDS, options_map={"**.html": {"extensions": "jinja2.ext.do"}}
    ):
        singular = message if isinstance(message, str) else message[0]
        found.setdefault(family_of(path), set()).add(singular)
    return found


def is_translated(german: Any) -> bool:
    return bool(german) if isinstance(german, str) else all(german)


@pytest.fixture(scope="module")
def words() -> dict[str, set[str]]:
    return said()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_word_is_translated_and_none_is_left_over(words: dict[str, set[str]], family: str) -> None:
    catalogue = read_po(BytesIO((ROOT / "translations" / family / "de.po").read_bytes()), locale="de")
    german = {
        message.id if isinstance(message.id, str) else message.id[0]: message for message in catalogue if message.id
    }
    translated = {text for text, message in german.items() if is_translated(message.string) and not message.fuzzy}

    assert sorted(words.get(family, set()) - translated) == [], "python release/translations.py adds what is missing"
    assert sorted(set(german) - words.get(family, set())) == []


def test_values_that_are_put_in_are_the_same_in_german() -> None:
    for path in (ROOT / "translations").glob("*/de.po"):
        for message in read_po(BytesIO(path.read_bytes()), locale="de"):
            assert not [error for error in message.check() if error], message.id


def test_a_word_is_the_same_in_german_wherever_it_is_said() -> None:
    found: dict[object, set[object]] = {}
    for path in (ROOT / "translations").glob("*/de.po"):
        for message in read_po(BytesIO(path.read_bytes()), locale="de"):
            if message.id:
                found.setdefault(message.id, set()).add(message.string)

    assert [word for word, german in found.items() if len(german) > 1] == []
