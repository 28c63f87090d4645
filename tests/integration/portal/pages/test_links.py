"""Every page that another one leads to is there: a link to none is left out, which nobody would notice."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

import pytest

import synergos_portal
from fakes.portal import Portal
from synergos_portal.services import Service
from synergos_portal.web import links

PLAIN = "!$&'()*+,/:;=@"
"""What a path has as it is."""
ROOT = Path(synergos_portal.__file__).parent
_NAMED = re.compile(r"""(?:link|go_to|links_to)\(\s*(['"])(\w+\.\w+)\1""")


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


@pytest.mark.parametrize("name", ["a", "new", "a b/c", "ü%2F", "?x=1#y", "!$&'()*+,/:;=@", "qzxj0jxzq", "qzxj1jxzq"])
@pytest.mark.parametrize("more", [{}, {"cursor": "a b&c"}, {"cursor": None}])
def test_an_address_is_the_one_that_its_rules_make(grid: Portal, name: str, more: dict[str, str | None]) -> None:
    """Paths are filled in without a look at the rules, whatever is in the names."""
    app = grid.apps[Service.VIEW]
    pages = app.extensions[links._LINKS]._pages
    for endpoint, names in (
        ("collaborations.show", ("collab_id",)),
        ("runs.show", ("run_id", "collab_id", "expt_id", "project_id")),
        ("jobs.shown", ("job_id",)),
        ("jobs.listed", ()),
        ("status.status", ()),
    ):
        values: dict[str, str | None] = {**dict.fromkeys(names, name), **more}
        with app.test_request_context("/"):
            made = [links.link(endpoint, **values) for _twice in range(2)]
        host = "http://localhost:4000" if endpoint.startswith("status") else ""
        assert made == [host + pages.build(endpoint, values)] * 2


@pytest.mark.parametrize("name", ["a", "new", "a b/c", "ü%2F"])
@pytest.mark.parametrize("endpoint", ["collaborations.show collab_id", "jobs.shown job_id", "jobs.listed state"])
def test_the_addresses_of_rows_are_those_of_single_ones(grid: Portal, endpoint: str, name: str) -> None:
    page, argument = endpoint.split()
    for service in (Service.VIEW, Service.NAV):
        with grid.apps[service].test_request_context("/"):
            assert links.links_to(page, argument)(name) == links.link(page, None, **{argument: name})


@pytest.mark.parametrize("names", [("c", "p", "e", "r"), ("a b/c", "ü%2F", "?x=1#y", "new"), ("new", "new", "e", "r")])
def test_rows_may_name_all_that_their_page_lies_in(grid: Portal, names: tuple[str, ...]) -> None:
    given = {"run_id": names[3], "collab_id": names[0], "project_id": names[1], "expt_id": names[2]}
    with grid.apps[Service.NAV].test_request_context("/"):
        address = links.links_to("runs.show", *given)
        assert address(*given.values()) == links.link("runs.show", None, **given)


@pytest.mark.parametrize(
    "name", ["x", "a_b-c.d~e", "!$&'()*+,/:;=@", "a b", "ä", "%", "#", "?", "[", "]", "^", "\\", "\n", '"', "<"]
)
def test_ids_are_encoded_as_the_library_encodes_them(grid: Portal, name: str) -> None:
    with grid.apps[Service.VIEW].test_request_context("/"):
        assert links.link("jobs.shown", job_id=name) == f"/jobs/{quote(name, safe=PLAIN)}"
