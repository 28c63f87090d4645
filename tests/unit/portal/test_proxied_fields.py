"""What goes on to another program as it was sent, and what browsers are not told in its words."""

from __future__ import annotations

import pytest

from synergos_portal.program import is_ours
from synergos_portal.proxy.fields import fields_for, fields_from
from synergos_portal.proxy.forwarding import raw_target
from synergos_portal.proxy.tool import Place, Tool

MLOPS = Tool.under("mlops", "MLflow", Place.read("http://mlops.example", "--mlops"))
INTERFACE = Tool("rest:heart", "Swagger", Place.read("http://ttp.example", "--orchestrator"), paths=("/ttp",))


def told(name: str, *sent: str, tool: Tool = MLOPS) -> list[str]:
    """What a browser is told in a field that a program has sent with these values."""
    fields = fields_from([(name, value) for value in sent], tool, is_ours, is_secure=True)
    return [value for told_name, value in fields if told_name.lower() == name.lower()]


@pytest.mark.parametrize(
    ("sent", "path", "query"),
    [
        ("/tools/mlops/get?path=s3://bucket/a/b", "/tools/mlops/get", "?path=s3://bucket/a/b"),
        ("/tools/mlops/s3://bucket/a%2Fb?x", "/tools/mlops/s3://bucket/a%2Fb", "?x"),
        ("http://portal.example:4002/tools/mlops/get?path=s3://b/a", "/tools/mlops/get", "?path=s3://b/a"),
        ("/tools/mlops/?next=http://other.example/x?y#z", "/tools/mlops/", "?next=http://other.example/x?y"),
    ],
)
def test_an_address_in_a_path_or_a_query_goes_on_as_it_was_sent(sent: str, path: str, query: str) -> None:
    assert raw_target({"RAW_URI": sent}) == (path, query)


@pytest.mark.parametrize(
    "sent",
    [
        ['Basic realm="rest:heart"'],
        ["basic realm=x"],
        ['Basic charset="UTF-8", realm="a, Digest x"'],
        ['Digest realm="rest:heart", nonce="n"', 'Basic realm="rest:heart"'],
        ['Negotiate, Basic realm="rest:heart"'],
    ],
)
def test_a_password_is_asked_for_in_a_realm_of_the_programs_own(sent: list[str]) -> None:
    assert told("WWW-Authenticate", *sent) == ['Basic realm="mlops", charset="UTF-8"']


def test_no_two_programs_have_one_realm() -> None:
    sent = 'Basic realm="Synergos", charset="UTF-8", Bearer realm="Synergos"'

    assert told("WWW-Authenticate", sent) == ['Basic realm="mlops", charset="UTF-8", Bearer realm="mlops"']
    assert told("www-authenticate", sent, tool=INTERFACE) == [
        'Basic realm="rest:heart", charset="UTF-8", Bearer realm="rest:heart"'
    ]


@pytest.mark.parametrize("sent", ['Digest realm="Basic x", nonce="n"', "Negotiate abc==", "", 'X y="a, Basic z"'])
def test_what_shows_a_password_by_the_programs_own_realm_is_not_asked_for(sent: str) -> None:
    assert told("WWW-Authenticate", sent) == []


@pytest.mark.parametrize(
    "sent",
    [
        "synergos_portal=x; Path=/collaborations",
        "Synergos_portal=x",
        "__Host-synergos_portal=x; Path=/; Secure",
        "__host-synergos_portal=x",
        "synergos_portal",
        "=synergos_portal=x; Path=/",
        " = __Host-synergos_portal=x",
    ],
)
def test_no_program_sets_a_cookie_that_would_be_the_portals(sent: str) -> None:
    assert told("Set-Cookie", sent) == []


def test_a_program_sets_its_own_cookies() -> None:
    assert told("Set-Cookie", "session=x; Path=/; Secure") == ["session=x; Path=/tools/mlops/; Secure"]


def test_a_program_is_told_its_address_and_who_asks_by_nobody_else() -> None:
    logs = Tool.under("logs", "Graylog", Place.read("http://logs.example", "--logs"), place_header="X-Place")
    told = {"HTTP_X_PLACE": "http://evil.example", "HTTP_REMOTE_USER": "admin", "HTTP_X_REMOTE_USER": "admin"}
    environ = {**told, "wsgi.url_scheme": "http", "HTTP_HOST": "portal.example"}

    assert list(fields_for(environ, logs, is_ours)) == [
        ("Host", "logs.example"),
        ("X-Place", "http://portal.example/tools/logs/"),
    ]
