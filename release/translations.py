"""Adds to each family's ``translations/<family>/de.po`` what its pages say and it has not, and takes out what they no longer say.

    python release/translations.py                # and says how many words have no translation yet
    python release/translations.py german.json    # {"English": "German", "one job": ["ein Auftrag", "%(num)s Aufträge"]}: fills these in

What is new has an empty translation; ``tests/unit/portal/test_words.py`` fails until it has one.
"""

from __future__ import annotations

import json
import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1] / "portal" / "synergos_portal"
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
KEYWORDS = {"_": None, "lazy": None, "ngettext": (1, 2)}
COMMON = "common"
HEADER = """# German words of {family}.
msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
"""Without dates and names: a file changes only with its words."""


def main() -> None:
    """Bring all files up to date."""
    families = {path.name for kind in ("pages", "templates") for path in (ROOT / kind).iterdir() if path.is_dir()}
    families -= {"macros", "__pycache__"}
    said: dict[str, dict[object, None]] = {COMMON: {}, **{family: {} for family in families}}
    for path, _line, message, _comments, _context in extract_from_dir(ROOT, METHODS, keywords=KEYWORDS):
        kind, _, inside = path.partition("/")
        name = inside.partition("/")[0].removesuffix(".py")
        said[name if kind in ("pages", "templates") and name in families else COMMON][message] = None
    given = json.loads(Path(sys.argv[1]).read_text()) if sys.argv[1:] else {}
    for family, messages in said.items():
        _bring_up_to_date(ROOT / "translations" / family / "de.po", list(messages), given)


def _bring_up_to_date(path: Path, messages: list[object], given: dict[str, str | list[str]]) -> None:
    before = read_po(BytesIO(path.read_bytes()), locale="de") if path.exists() else Catalog(locale="de")
    now = Catalog(locale="de")
    for message in sorted(messages, key=str):
        key = message if isinstance(message, str) else message[0]  # type: ignore[index]
        known = before.get(key)
        there = given.get(key) or (known.string if known else "")
        now.add(message, tuple(there) or ("", "") if isinstance(message, tuple) else there)
    path.parent.mkdir(parents=True, exist_ok=True)
    words = BytesIO()
    write_po(words, now, width=120, sort_output=True, omit_header=True)
    path.write_text(HEADER.format(family=path.parent.name) + words.getvalue().decode())
    if missing := [
        each.id for each in now if each.id and not (each.string if isinstance(each.string, str) else all(each.string))
    ]:
        print(f"{path.parent.name}: {len(missing)} to translate")


if __name__ == "__main__":
    main()
