"""Words in a reader's language: what the browser wants, unless another was chosen. English is the source; ``translations/de.po``, read when the program starts, has the German."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, LazyString

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""What each calls itself; the first is the source of all words."""
CHOSEN = "language"
"""The field of the session that has the one somebody has chosen."""
_OF_REQUEST = "language_of_request"
_FOLDER = Path(__file__).parents[1] / "translations"


def _(text: str, **values: object) -> str:
    """The text in the reader's language, with values put in for ``%(name)s``."""
    found = str(words().gettext(text))
    return found % values if values else found


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The text for so many; ``%(num)s`` is the number."""
    return str(words().ngettext(one, many, num)) % {"num": num, **values}


def lazy(text: str) -> str:
    """A text that is translated when it is shown: for labels of fields, which are made before anybody reads them."""
    return cast(str, LazyString(_, text))


def install(app: Flask) -> None:
    """Have an application speak these languages."""
    for language in LANGUAGES:
        translations(language)
    Babel().init_app(app, default_locale="en", locale_selector=chosen)
    # A page has a thousand words: the library looks up for each which language it is.
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: words().gettext(text), lambda one, many, num: words().ngettext(one, many, num), newstyle=True
    )
    app.jinja_env.globals.update(language=chosen, LANGUAGES=LANGUAGES)


def chosen() -> str:
    """The language of this request, from its beginning to its end; that of the source where there is none."""
    if not has_request_context():
        return "en"
    found = g.get(_OF_REQUEST)
    if found is None:
        said = session.get(CHOSEN)
        found = said if said in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), "en")
        setattr(g, _OF_REQUEST, found)
    return str(found)


def words() -> Any:
    """All words in the language of this request."""
    return translations(chosen())


@cache
def translations(language: str) -> Any:
    """All words of a language; the first one's are those of the source."""
    path = _FOLDER / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    written = BytesIO()
    write_mo(written, read_po(BytesIO(path.read_bytes()), locale=language))
    written.seek(0)
    return Translations(written)
