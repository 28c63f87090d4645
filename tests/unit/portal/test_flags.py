"""What the portal is told at its start, and what it refuses to be told."""

from __future__ import annotations

from pathlib import Path

import pytest

from synergos_portal import __main__ as program
from synergos_portal.services import Place, Service
from synergos_portal.settings import listening_of, orchestrators_of, parser, places_of


def test_without_a_word_it_is_all_three_services_at_three_ports_in_a_row() -> None:
    flags = parser()
    given = flags.parse_args([])

    assert listening_of(flags, given) == {Service.NAV: 4000, Service.VIEW: 4001, Service.TRACK: 4002}


def test_all_three_ports_are_said_by_one_flag_which_is_named_when_one_of_them_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[int, str] = {}
    monkeypatch.setattr(program, "read_flags", lambda flags, arguments: flags.parse_args(arguments))
    monkeypatch.setattr(program, "run", lambda _build, _settings, more, **_options: told.update(more))

    program.main(["--port", "4100", "--outputs", str(tmp_path)])

    assert told == {4101: "--port", 4102: "--port"}


def test_one_service_alone_listens_at_the_port_it_is_told() -> None:
    flags = parser()
    given = flags.parse_args(["view"])

    listening = listening_of(flags, given)
    assert listening == {Service.VIEW: 4000}
    assert places_of(flags, given, listening) == {
        Service.NAV: Place(4000),
        Service.VIEW: Place(4000),
        Service.TRACK: Place(4002),
    }


def test_where_a_browser_is_sent_to_is_told_by_the_originals_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"VIEW_HOST": "172.30.0.5", "VIEW_PORT": "4000", "TRACK_HOST": "fl.example"}.items():
        monkeypatch.setenv(name, value)
    flags = parser()
    given = flags.parse_args(["nav"])

    places = places_of(flags, given, listening_of(flags, given))
    assert places[Service.VIEW].origin("http", "nav.example") == "http://172.30.0.5:4000"
    assert places[Service.TRACK].origin("https", "nav.example") == "https://fl.example:4002"
    assert places[Service.NAV].origin("http", "nav.example") == "http://nav.example:4000"


def test_behind_a_proxy_that_ends_tls_browsers_are_sent_to_https() -> None:
    flags = parser()
    told = ["--nav_host", "https://fl.example", "--view_host", "https://fl.example", "--view_port", "8443"]
    given = flags.parse_args([*told, "--track_host", "https://[::1]", "--track_port", "8444"])

    places = places_of(flags, given, listening_of(flags, given))
    assert [places[service].origin("http", "10.0.0.1") for service in Service] == [
        "https://fl.example",
        "https://fl.example:8443",
        "https://[::1]:8444",
    ]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["--nav_host", "https://a"], "--view_host: expected https:// and a name"),
        (["--nav_host", "https://a/b"], "--nav_host: expected a name or an address"),
        (["--nav_host", "https://"], "--nav_host: expected a name or an address"),
        (["--nav_host", "http://a"], "--nav_host: expected a name or an address"),
    ],
)
def test_a_place_that_is_none_or_by_https_alone_is_refused(
    told: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = parser()
    given = flags.parse_args(told)

    with pytest.raises(SystemExit):
        places_of(flags, given, listening_of(flags, given))

    assert f"argument {said}" in capsys.readouterr().err


def test_several_orchestrators_have_names() -> None:
    flags = parser()
    given = flags.parse_args(["--orchestrator", "heart=http://ttp:5000/", "lung=https://lung.example/a=b"])

    assert orchestrators_of(flags, given) == {"heart": "http://ttp:5000", "lung": "https://lung.example/a=b"}


@pytest.mark.parametrize(
    "said",
    [
        "ttp:5000",
        "ftp://ttp",
        "http://",
        "http://ttp:0x50",
        "http://ttp:99999",
        "http://t tp",
        "http://ttp/?a=b",
        "http://ttp/#x",
    ],
)
def test_what_is_no_address_is_refused_with_the_flags_name(said: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = parser()
    given = flags.parse_args(["--orchestrator", said])

    with pytest.raises(SystemExit):
        orchestrators_of(flags, given)

    assert "argument --orchestrator: expected http://host:port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--orchestrator", "a=http://x:1", "a=http://y:1"], "'a' is there twice"),
        (["--orchestrator", "http://x:1", "http://y:1"], "'orchestrator' is there twice"),
    ],
)
def test_two_of_one_name_are_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    flags = parser()

    with pytest.raises(SystemExit):
        orchestrators_of(flags, flags.parse_args(arguments))

    assert said in capsys.readouterr().err


def test_three_ports_that_are_not_there_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    flags = parser()

    with pytest.raises(SystemExit):
        listening_of(flags, flags.parse_args(["--port", "65534"]))

    assert "argument --port: 65534 leaves no room" in capsys.readouterr().err
