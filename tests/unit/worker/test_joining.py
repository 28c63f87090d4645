"""How a worker that dials out is told where, and how it lets be what has failed."""

from __future__ import annotations

import ssl

import pytest

from synergos.errors import InvalidRequest
from synergos_worker.__main__ import parser
from synergos_worker.flags import meeting_of
from synergos_worker.joining.backoff import LONGEST_SECONDS, Backoff
from synergos_worker.joining.rendezvous import Meeting


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("fl.example.org:5010", ("fl.example.org", 5010)),
        ("10.0.0.1:1", ("10.0.0.1", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("köln.example:5010", ("köln.example", 5010)),
        ("fl.example.org.:5010", ("fl.example.org.", 5010)),
    ],
)
def test_a_rendezvous_is_a_host_and_a_port(text: str, where: tuple[str, int]) -> None:
    assert Meeting.read(text) == where


@pytest.mark.parametrize(
    "text",
    [
        "fl.example.org",
        ":5010",
        "a:0",
        "a:65536",
        "a:b",
        "http://a:80",
        "",
        "a:-1",
        "a..b:5010",
        "a:²",
        f"{'a' * 64}.b:1",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="HOST:PORT"):
        Meeting.read(text)


def meeting(*arguments: str) -> Meeting | None:
    flags = parser()
    return meeting_of(flags, flags.parse_args(arguments))


def test_a_worker_listens_unless_it_joins() -> None:
    assert meeting() is None


def test_a_proxy_is_the_one_that_is_said_or_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")

    of_environment = meeting("--join", "fl.example.org:5010")
    said = meeting("--join", "fl.example.org:5010", "--join_proxy", "http://user:secret@other:80")
    none = meeting("--join", "fl.example.org:5010", "--join_proxy", "none")

    assert [None if each is None else str(each.proxy) for each in (of_environment, said, none)] == [
        "proxy:3128",
        "other:80",
        "None",
    ]
    assert "secret" not in repr(said)


def test_who_joins_over_a_network_without_tls_does_so_in_the_clear() -> None:
    found = [
        Meeting(host, 5010, tls=tls).is_in_the_clear
        for host, tls in (
            ("fl.example.org", None),
            ("10.0.0.1", None),
            ("127.0.0.1", None),
            ("fl.example.org", ssl.create_default_context),
        )
    ]

    assert found == [True, True, False, False]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--join", "nowhere"), "--join: expected HOST:PORT"),
        (("--join", "a..b:5010"), "--join: expected HOST:PORT"),
        (("--join", "a:1", "--join_proxy", "socks5://a:1"), "--join_proxy: expected a proxy as http://host:port"),
        (("--join_proxy", "http://a:1"), "--join_proxy: has no effect without --join"),
        (("--join", "a:1", "--port", "5001"), "--port: has no effect with --join"),
        (("--join", "a:1", "--data_port", "5001"), "--data_port: has no effect with --join"),
        (("--join", "a:1", "--host", "10.0.0.1"), "--host: has no effect with --join"),
    ],
)
def test_what_makes_no_sense_ends_the_program(
    arguments: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        meeting(*arguments)

    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_pauses_double_up_to_half_a_minute_and_are_over_with_the_first_success() -> None:
    backoff = Backoff(clock=lambda: 0.0, drawn=lambda: 1.0)

    pauses = [backoff.failed() for _ in range(9)]

    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, LONGEST_SECONDS, LONGEST_SECONDS, LONGEST_SECONDS]
    assert backoff.left == LONGEST_SECONDS
    backoff.succeeded()
    assert (backoff.left, backoff.has_failed) == (0.0, False)


def test_half_of_a_pause_is_drawn_by_lot_and_who_was_asked_may_want_more() -> None:
    assert Backoff(clock=lambda: 0.0, drawn=lambda: 0.0).failed() == 0.25
    assert Backoff(clock=lambda: 0.0).failed(at_least=10.0) == 10.0
