"""A stranger's web page reaches a program and is refused; programs and the program's own pages are not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from synergos.program.browsers import Hosts, guarded

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def answering(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"answered"]


def asked(hosts: Hosts, method: str = "POST", **headers: str) -> tuple[int, str]:
    """The answer to a request with these headers, as status and text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Client(guarded(answering, hosts)).open("/worker/poll/c/p", method=method, headers=named)
    return answer.status_code, answer.text


LOOPBACK = Hosts("127.0.0.1", own="here")
EVERYWHERE = Hosts("0.0.0.0", frozenset({"Hospital-1.example.org"}), own="here")


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (LOOPBACK, "127.0.0.1:5000"),
        (LOOPBACK, "localhost:5000"),
        (LOOPBACK, "[::1]:5000"),
        (Hosts("10.0.0.11"), "10.0.0.11:5000"),
        (EVERYWHERE, "10.0.0.11:5000"),
        (EVERYWHERE, "[fe80::1]:5000"),
        (EVERYWHERE, "here:5000"),
        (EVERYWHERE, "hospital-1.example.org."),
        (Hosts("10.0.0.11", frozenset({"fl.example.org"})), "fl.example.org"),
    ],
)
def test_a_program_answers_under_its_names(hosts: Hosts, host: str) -> None:
    assert asked(hosts, Host=host) == (200, "answered")


@pytest.mark.parametrize(
    ("hosts", "host"),
    [
        (LOOPBACK, "evil.example:5000"),
        (LOOPBACK, "10.0.0.11:5000"),
        (LOOPBACK, "127.0.0.1.evil.example"),
        (LOOPBACK, "127.0.0.1@evil.example"),
        (LOOPBACK, "here:5000"),
        (Hosts("10.0.0.11"), "localhost:5000"),
        (EVERYWHERE, "evil.example"),
        (EVERYWHERE, "evil.hospital-1.example.org"),
        (EVERYWHERE, ""),
        (EVERYWHERE, "[::1"),
    ],
)
def test_a_name_that_was_made_to_point_here_is_refused(hosts: Hosts, host: str) -> None:
    status, text = asked(hosts, Host=host)

    assert status == 403
    assert "is not a name of this program; expected the address it listens on, or a name given to --allow_hosts" in text


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:8888", "null", "http://[", "file://"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_another_sites_page_is_refused(origin: str, method: str) -> None:
    status, text = asked(LOOPBACK, method, Host="127.0.0.1:5000", Origin=origin)

    assert status == 403
    assert "is another site" in text


def test_a_programs_own_page_may_ask_it_and_so_may_that_of_a_proxy_with_an_allowed_name() -> None:
    assert asked(LOOPBACK, Host="127.0.0.1:5000", Origin="http://127.0.0.1:5000") == (200, "answered")
    named = Hosts("10.0.0.11", frozenset({"fl.example.org"}))
    assert asked(named, Host="10.0.0.11:5000", Origin="https://fl.example.org") == (200, "answered")


def test_what_a_browser_says_comes_from_another_site_is_refused_but_for_a_link_somebody_followed() -> None:
    asks = {"Host": "127.0.0.1:5000", "Sec_Fetch_Site": "cross-site"}

    assert asked(LOOPBACK, "GET", **asks)[0] == 403
    assert asked(LOOPBACK, "GET", **asks, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="iframe")[0] == 403
    assert asked(LOOPBACK, "POST", **asks, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")[0] == 403
    assert asked(LOOPBACK, "GET", **asks, Sec_Fetch_Mode="navigate", Sec_Fetch_Dest="document")[0] == 200
    assert asked(LOOPBACK, Host="127.0.0.1:5000", Sec_Fetch_Site="same-origin")[0] == 200


def test_a_refusal_repeats_little_of_what_it_was_told() -> None:
    assert len(asked(LOOPBACK, Host="e" * 5000)[1]) < 400
