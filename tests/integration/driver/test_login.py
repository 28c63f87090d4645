"""What the driver shows who it is of: a token, or what a .netrc file has."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from fakes.recording_server import RecordingServer
from synergos import Driver
from synergos.driver import UsageError

SECRET = "correct horse battery staple"


def basic(name: str, password: str) -> str:
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


def shown(server: RecordingServer) -> list[str | None]:
    return [request.headers.get("Authorization") for request in server.requests]


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / ".netrc"
    file.write_text('machine 127.0.0.1 login lead password "größer als zwölf €"\n', encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    return file


def test_nothing_is_shown_where_there_is_nothing(driver: Driver, server: RecordingServer) -> None:
    driver.jobs.read_all()

    assert shown(server) == [None]


def test_a_netrc_file_is_enough_on_loopback_too(netrc: Path, server: RecordingServer) -> None:
    with Driver("127.0.0.1", server.port) as driver:
        driver.jobs.read_all()

    assert shown(server) == [basic("lead", "größer als zwölf €")]


def test_a_token_comes_before_the_environments_and_that_before_the_file(
    netrc: Path, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNERGOS_TOKEN", "of-the-environment")
    for options in ({}, {"token": "said"}, {"login": ("lead", SECRET)}):
        with Driver("127.0.0.1", server.port, **options) as driver:
            driver.jobs.read_all()

    assert shown(server) == ["Bearer of-the-environment", "Bearer said", basic("lead", SECRET)]


def test_files_are_asked_for_with_it_as_well(server: RecordingServer) -> None:
    with Driver("127.0.0.1", server.port, token="said") as driver, driver._transport.stream("/ttp/x", {}):
        pass

    assert shown(server) == ["Bearer said"]


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "größer", "x" * 20_000])
def test_what_cannot_be_a_token_is_refused_before_anything_is_sent(token: str) -> None:
    with pytest.raises(UsageError, match=r"^token: expected a token") as caught:
        Driver("127.0.0.1", 5000, token=token)

    assert not token or token not in str(caught.value)


def test_a_driver_says_nothing_of_what_it_signs_in_with() -> None:
    assert SECRET not in repr(Driver("127.0.0.1", 5000, login=("lead", SECRET)))
    with pytest.raises(UsageError):
        Driver("127.0.0.1", 5000, token="x", login=("lead", SECRET))
