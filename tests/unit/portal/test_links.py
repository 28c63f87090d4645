"""Every page that another one leads to is there: a link to none is left out, which nobody would notice."""

from __future__ import annotations

import re
from pathlib import Path

import synergos_portal
from fakes.portal import Portal
from synergos_portal.services import Service
from synergos_portal.web.links import there_is

ROOT = Path(synergos_portal.__file__).parent
_NAMED = re.compile(r"""(?:there_is|link|go_to|links\.to|_there)\(\s*(['"])(\w+\.\w+)\1""")


def named() -> dict[str, set[str]]:
    """The endpoints that pages and templates name, and where."""
    found: dict[str, set[str]] = {}
    for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.html")]:
        for _quote, endpoint in _NAMED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(endpoint, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_page_that_is_linked_to_is_there(grid: Portal) -> None:
    with grid.apps[Service.VIEW].test_request_context("/"):
        missing = {endpoint: places for endpoint, places in named().items() if not there_is(endpoint)}

    assert len(named()) > 20
    assert missing == {}
