"""Words that are translated: English is the source, and ``translations/de.po`` has the German."""

from __future__ import annotations

from typing import cast

from flask_babel import LazyString

from synergos_portal.web import language


def _(text: str, **values: object) -> str:
    """The text in the reader's language, with values put in for ``%(name)s``."""
    found = str(language.words().gettext(text))
    return found % values if values else found


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The text for so many; ``%(num)s`` is the number."""
    return str(language.words().ngettext(one, many, num)) % {"num": num, **values}


def lazy(text: str) -> str:
    """A text that is translated when it is shown: for labels of fields, which are made before anybody reads them."""
    return cast(str, LazyString(_, text))
