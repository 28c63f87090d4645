"""Adds to ``translations/de.po`` what the portal's pages say and it has not, and takes out what they no longer say.

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
HEADER = """# German words of the portal.
msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
"""Without dates and names: the file changes only with its words."""


def main() -> None:
    """Bring the file up to date."""
    path = ROOT / "translations" / "de.po"
    given = json.loads(Path(sys.argv[1]).read_text()) if sys.argv[1:] else {}
    before = read_po(BytesIO(path.read_bytes()), locale="de") if path.exists() else Catalog(locale="de")
    now = Catalog(locale="de")
    for message in sorted({each[2] for each in extract_from_dir(ROOT, METHODS, keywords=KEYWORDS)}, key=str):
        key = message if isinstance(message, str) else message[0]
        known = before.get(key)
        there = given.get(key) or (known.string if known else "")
        entry = now.add(message, tuple(there) or ("", "") if isinstance(message, tuple) else there)
        # Whoever reads the file finds by itself which words have values put in.
        entry.flags.clear()
    words = BytesIO()
    write_po(words, now, width=0, sort_output=True, omit_header=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + words.getvalue().decode())
    missing = [each for each in now if each.id and not all(_texts(each.string))]
    if missing:
        print(f"{len(missing)} to translate")


def _texts(found: str | tuple[str, ...] | list[str]) -> list[str]:
    return [found] if isinstance(found, str) else list(found)


if __name__ == "__main__":
    main()
