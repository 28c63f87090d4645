"""Languages: what a browser wants, unless another was chosen; the words are read out of .po files when the program starts."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""What each calls itself; the first is the source of all words."""
CHOSEN = "language"
"""The field of the session that has the one somebody has chosen."""
_OF_REQUEST = "language_of_request"
_FOLDER = Path(__file__).parents[1] / "translations"


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
