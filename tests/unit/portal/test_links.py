"""Every page that another one leads to is there: a link to none is left out, which nobody would notice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import synergos_portal
from fakes.portal import Portal
from synergos_portal.services import Service
from synergos_portal.web import links

ROOT = Path(synergos_portal.__file__).parent
_NAMED = re.compile(r"""(?:link|go_to)\(\s*(['"])(\w+\.\w+)\1""")


def named() -> dict[str, set[str]]:
    """The endpoints that pages and templates name, and where."""
    found: dict[str, set[str]] = {}
    for path in [*ROOT.rglob("*.py"), *ROOT.rglob("*.html")]:
        for _quote, endpoint in _NAMED.findall(path.read_text(encoding="utf-8")):
            found.setdefault(endpoint, set()).add(path.relative_to(ROOT).as_posix())
    return found


def test_every_page_that_is_linked_to_is_there(grid: Portal) -> None:
    there = {rule.endpoint for app in grid.apps.values() for rule in app.url_map.iter_rules()}
    missing = {endpoint: places for endpoint, places in named().items() if endpoint not in there}

    assert len(named()) > 20
    assert missing == {}


@pytest.mark.parametrize(
    ("asked", "query", "here"),
    [
        ("/catalogue/worker_1/a%23b/100%25", "", "/catalogue/worker_1/a%23b/100%25"),
        ("/jobs", "state=failed&expt_id=a%26b", "/jobs?state=failed&expt_id=a%26b"),
        ("/jobs", 'x=\xff"<\\', "/jobs?x=%FF%22%3C%5C"),
    ],
)
def test_one_comes_back_to_the_very_address_that_was_asked_for(grid: Portal, asked: str, query: str, here: str) -> None:
    """Be it with bytes that are no text: a server hands on those that a browser encodes."""
    app = grid.apps[Service.VIEW]
    with app.test_request_context(asked, environ_overrides={"QUERY_STRING": query}):
        assert links.here() == here
        assert app.jinja_env.from_string("{{ here() }}").render().replace("&amp;", "&") == here


@pytest.mark.parametrize("service", list(Service))
def test_an_address_that_is_no_text_is_refused_by_name(grid: Portal, service: Service) -> None:
    path = {Service.NAV: "/search", Service.VIEW: "/jobs", Service.TRACK: "/station"}[service]
    answer = grid.visitor(service).client.get(path, environ_overrides={"QUERY_STRING": "q=\xff"})

    assert (answer.status_code, "bytes that are no text" in answer.text) == (400, True)
