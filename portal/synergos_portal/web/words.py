"""Words that are translated: English is the source, and ``translations/<family>/de.po`` has the German."""

from __future__ import annotations

from typing import cast

import flask_babel


def _(text: str, **values: object) -> str:
    """The text in the reader's language, with values put in for ``%(name)s``."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The text for so many; ``%(num)s`` is the number."""
    return str(flask_babel.ngettext(one, many, num, **values))


def lazy(text: str) -> str:
    """A text that is translated when it is shown: for labels of fields, which are made before anybody reads them."""
    return cast(str, flask_babel.lazy_gettext(text))
