"""Languages: what a browser wants, unless another was chosen; the words are read out of .po files when the program starts."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, request, session
from flask_babel import Babel, Domain

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""What each calls itself; the first is the source of all words."""
CHOSEN = "language"
"""The field of the session that has the one somebody has chosen."""
_FOLDER = Path(__file__).parents[1] / "translations"


def install(app: Flask) -> None:
    """Have an application speak these languages."""
    babel = _Babel()
    babel.init_app(app, default_locale="en", locale_selector=chosen)
    app.jinja_env.globals.update(language=chosen, LANGUAGES=LANGUAGES)


def chosen() -> str:
    """The language of this request."""
    said = session.get(CHOSEN)
    if said in LANGUAGES:
        return str(said)
    return request.accept_languages.best_match(list(LANGUAGES), "en")


@cache
def translations(language: str) -> Any:
    """All words of a language, of all families."""
    catalogues = [
        read_po(BytesIO(path.read_bytes()), locale=language) for path in sorted(_FOLDER.glob(f"*/{language}.po"))
    ]
    if not catalogues:
        return NullTranslations()
    first, *others = catalogues
    for other in others:
        for message in other:
            if message.id:
                first[message.id] = message
    written = BytesIO()
    write_mo(written, first)
    written.seek(0)
    return Translations(written)


class _Babel(Babel):  # type: ignore[misc]
    @property
    def domain_instance(self) -> Any:
        """All words, already read."""
        domain = Domain()
        domain.cache = {(language, "messages"): translations(language) for language in LANGUAGES}
        return domain
