"""Which orchestrator a command talks to: addresses, named profiles, the environment, and what the shell completes."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from fakes.recording_server import RecordingServer
from servers.https import HOST, listening
from support.command_runner import Ended, Run
from synergos.cli.exits import ExitCode
from synergos.pki.consortium import LocalConsortium


def address(server: RecordingServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def complete(run: Run, monkeypatch: pytest.MonkeyPatch, *words: str) -> Sequence[str]:
    """What bash is offered for the last of these words."""
    with monkeypatch.context() as environment:
        environment.setenv("_SYNERGOS_COMPLETE", "complete_bash")
        environment.setenv("COMP_WORDS", " ".join(("synergos", *words)))
        environment.setenv("COMP_CWORD", str(len(words)))
        return run().out.split()


def test_a_profile_is_added_listed_used_and_removed(run: Run, server: RecordingServer) -> None:
    assert run("profile", "add", "ward", "--address", address(server), "--timeout", "5").code == 0
    assert run("job", "list", "--profile", "ward").code == 0
    assert run("profile", "use", "ward").code == 0
    assert run("job", "list").code == 0
    assert len(server.requests) == 2

    listed = run("profile", "list", "--format", "json")
    assert json.loads(listed.out) == [
        {"name": "ward", "address": address(server), "timeout": 5.0, "is_default": True},
    ]
    assert json.loads(run("profile", "remove", "ward", "--format", "json").out) == []


def test_only_the_user_can_read_the_file_of_profiles(run: Run, tmp_path: Path) -> None:
    run("profile", "add", "ward", "--address", "https://ttp.example.org:5000")

    path = tmp_path / "configuration" / "profiles.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [other.name for other in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("variable", "value"), [("SYNERGOS_ADDRESS", None), ("SYNERGOS_PROFILE", "ward")], ids=["address", "profile"]
)
def test_the_environment_is_heard_unless_an_option_says_otherwise(
    run: Run, server: RecordingServer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    run("profile", "add", "ward", "--address", address(server))
    run("profile", "add", "nobody", "--address", "http://127.0.0.1:1", "--default")
    monkeypatch.setenv(variable, value or address(server))

    assert run("job", "list").code == 0
    assert run("job", "list", "--profile", "nobody").code == ExitCode.UNREACHABLE
    assert run("job", "list", "--address", "http://127.0.0.1:1").code == ExitCode.UNREACHABLE


def refused(ended: Ended, code: ExitCode, said: str) -> None:
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--address", "ttp:5000"), "--address: 'ttp:5000' is not an address like http://127.0.0.1:5000"),
        (("--address", "http://ttp"), "is not an address like"),
        (("--address", "http://ttp:port"), "is not an address like"),
        (("--address", "http://ttp:5000/ttp/connect"), "goes on after the port"),
        (("--address", "http://me:secret@ttp:5000"), "an address has no user name and no password in it"),
        (("--address", "http://ttp:5000", "--profile", "ward"), "--profile: say either this or --address"),
    ],
)
def test_an_address_that_is_none_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ended = run("job", "list", *arguments)

    refused(ended, ExitCode.USAGE, said)
    assert "secret" not in ended.err


def test_a_profile_holds_no_password_and_has_a_plain_name(run: Run, tmp_path: Path) -> None:
    refused(run("profile", "add", "ward", "--address", "http://me:secret@ttp:5000"), ExitCode.USAGE, "no password")
    refused(run("profile", "add", "a.b", "--address", "http://ttp:5000"), ExitCode.USAGE, "no name of a profile")
    assert not (tmp_path / "configuration").exists()


def test_a_profile_that_is_not_there_is_named_with_those_that_are(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    refused(run("job", "list", "--profile", "ward"), ExitCode.NOT_FOUND, "`synergos profile add` makes one")
    run("profile", "add", "ward", "--address", "http://ttp:5000")
    refused(run("profile", "use", "word"), ExitCode.NOT_FOUND, "no profile 'word'; there is ward")
    monkeypatch.setenv("SYNERGOS_PROFILE", "word")
    refused(run("job", "list"), ExitCode.NOT_FOUND, "SYNERGOS_PROFILE: there is no profile 'word'; there is ward")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("default = ", "is not TOML"),
        ("defualt = 'ward'", "did you mean default?"),
        ("default = 'ward'", "default: 'ward' is not a profile of this file"),
        ("profile = 1", "expected a table for each profile"),
        ("[profile.ward]\n", "profile.ward.address: expected an address like"),
        ("[profile.ward]\naddress = 'ttp'", "profile.ward.address: 'ttp' is not an address"),
        ("[profile.ward]\naddress = 'http://ttp:1'\ntimeout = 'long'", "profile.ward.timeout: expected seconds"),
        ("[profile.ward]\naddress = 'http://ttp:1'\nadress = 1", "did you mean address?"),
    ],
)
def test_a_file_of_profiles_that_is_wrong_is_explained(run: Run, tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "configuration" / "profiles.toml"
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")

    refused(run("job", "list"), ExitCode.USAGE, said)
    assert run("job", "list", "--address", "http://127.0.0.1:1").code == ExitCode.UNREACHABLE


def test_the_shell_completes_commands_profiles_and_ids(
    run: Run, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("profile", "add", "ward", "--address", address(server), "--default")
    jobs = [{"id": name, "stage": "train", "state": "running"} for name in ("9628aa", "96bb", "11cc")]
    server.answer_always("GET", "/ttp/jobs", 200, {"data": jobs})
    server.answer_always("GET", "/ttp/studies", 200, {"data": [{"id": "57ad", "state": "running"}]})

    assert complete(run, monkeypatch, "job", "w") == ["wait"]
    assert complete(run, monkeypatch, "job", "list", "--profile", "w") == ["ward"]
    assert complete(run, monkeypatch, "job", "show", "96") == ["9628aa", "96bb"]
    assert complete(run, monkeypatch, "tune", "show", "") == ["57ad"]


def test_nothing_is_completed_and_nothing_said_without_an_orchestrator(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("profile", "add", "nobody", "--address", "http://127.0.0.1:1", "--default")

    assert complete(run, monkeypatch, "job", "show", "") == []


def test_a_command_is_told_who_vouches_for_its_orchestrator(run: Run, tmp_path: Path) -> None:
    consortium = LocalConsortium(tmp_path / "pki", (HOST,))
    authority = str(consortium.authority.believed)
    with listening(consortium) as port:
        told = run("collaboration", "list", "--address", f"https://{HOST}:{port}", "--tls-ca", authority)
        refused = run("collaboration", "list", "--address", f"https://{HOST}:{port}")

    assert (told.code, refused.code) == (ExitCode.OK, ExitCode.UNREACHABLE)
    assert "certificate" in refused.err


@pytest.mark.parametrize("command", [("job", "list"), ("logout",)])
def test_nobody_vouches_for_an_orchestrator_that_is_asked_in_the_clear(
    run: Run, tmp_path: Path, command: Sequence[str]
) -> None:
    authority = str(LocalConsortium(tmp_path / "pki", (HOST,)).authority.believed)

    ended = run(*command, "--address", "http://127.0.0.1:5000", "--tls-ca", authority)

    assert ended.code == ExitCode.USAGE
    assert "--tls-ca: expected with an address of https://" in ended.err
