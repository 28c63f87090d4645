"""Words in a reader's language: what the browser wants, unless another was chosen. English is the source; ``translations/de.po``, read when the program starts, has the German."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request, session
from flask_babel import Babel, LazyString
from markupsafe import Markup
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

LANGUAGES = {"en": "English", "de": "Deutsch"}
"""What each calls itself; the first is the source of all words."""
CHOSEN = "language"
"""The field of the session that has the one somebody has chosen."""
_OF_REQUEST = "language_of_request"
_MOST = 2048
"""Texts of pages that are kept as pages have them; there are fewer than half as many in each language."""
_MOST_BROWSERS = 64
_FOLDER = Path(__file__).parents[1] / "translations"


def _(text: str, **values: object) -> str:
    """The text in the reader's language, with values put in for ``%(name)s``."""
    found = _read(chosen(), text)
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
    Babel(configure_jinja=False).init_app(app, default_locale="en", locale_selector=chosen)
    # A page has a hundred words: Jinja's own way to one leads through three functions, and escapes nothing into it each time.
    app.context_processor(_in_readers_language)
    app.jinja_env.globals.update(_=_written, ngettext=_counted, language=chosen, LANGUAGES=LANGUAGES)


def chosen() -> str:
    """The language of this request, from its beginning to its end; that of the source where there is none."""
    if not has_request_context():
        return "en"
    # Of what is known of a request, not of its proxy: a page asks a hundred times.
    known = vars(g._get_current_object())
    found: str | None = known.get(_OF_REQUEST)
    if found is None:
        said = session.get(CHOSEN)
        found = str(said) if said in LANGUAGES else _wanted(request.headers.get("Accept-Language"))
        known[_OF_REQUEST] = found
    return found


@lru_cache(_MOST_BROWSERS)
def _wanted(said: str | None) -> str:
    """The language that a browser would have most of all; few say it differently."""
    return parse_accept_header(said, LanguageAccept).best_match(list(LANGUAGES), "en")


def _written(text: str, /, **values: object) -> Markup:
    """The text as a page has it, with values, which are escaped, put in for ``%(name)s``."""
    return _template(chosen(), text) % values if values else _plain(chosen(), text)


def _in_readers_language() -> dict[str, Callable[..., Markup]]:
    """The same for all of a page, whose language is looked up once."""
    language = chosen()

    def written(text: str, /, **values: object) -> Markup:
        return _template(language, text) % values if values else _plain(language, text)

    return {"_": written}


def _counted(one: str, many: str, num: int, /, **values: object) -> Markup:
    """The text for so many."""
    return Markup(words().ngettext(one, many, num)) % {"num": num, **values}  # noqa: S704 - the translations are ours


@lru_cache(_MOST)
def _read(language: str, text: str) -> str:
    return str(translations(language).gettext(text))


@lru_cache(_MOST)
def _template(language: str, text: str) -> Markup:
    return Markup(_read(language, text))  # noqa: S704 - the translations are ours


@lru_cache(_MOST)
def _plain(language: str, text: str) -> Markup:
    return _template(language, text) % {}


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
