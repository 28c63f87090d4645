"""``synergos login`` and ``logout``: a token in the place of a password."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

from fakes.recording_server import RecordingServer
from support.command_runner import Run

SECRET = "correct horse battery staple"
GIVEN = {
    "id": "ab12",
    "token": "syn_ab12_secret",
    "expires_at": "2026-03-01T00:00:00+00:00",
    "account": {"name": "lead", "role": "orchestrator"},
}


def basic(name: str, password: str) -> str:
    return f"Basic {b64encode(f'{name}:{password}'.encode()).decode()}"


def shown(server: RecordingServer) -> list[str | None]:
    return [request.headers.get("Authorization") for request in server.requests]


def log_in(run: Run, server: RecordingServer, tmp_path: Path) -> Any:
    password = tmp_path / "password"
    password.write_text(SECRET)
    server.answer_next(201, {"apiVersion": "0.1.0", "status": 201, "data": GIVEN})
    address = ("--address", f"http://127.0.0.1:{server.port}")
    return run(
        "login", "--user", "lead", "--password-file", str(password), "--expires", "30m", "--format", "json", *address
    )


def test_a_command_that_has_signed_in_shows_the_token_and_keeps_no_password(
    run: Run, server: RecordingServer, tmp_path: Path
) -> None:
    ended = log_in(run, server, tmp_path)

    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["name"] == "lead"
    assert GIVEN["token"] not in ended.out + ended.err
    assert server.seen == [("POST", "/ttp/tokens", {"expires_in": 1800, "label": "synergos login"})]
    [file] = (tmp_path / "configuration").iterdir()
    assert file.stat().st_mode & 0o077 == 0
    assert SECRET not in file.read_text()

    run("job", "list", "--address", f"http://127.0.0.1:{server.port}")

    assert shown(server) == [basic("lead", SECRET), f"Bearer {GIVEN['token']}"]


def test_it_shows_it_nowhere_else(run: Run, server: RecordingServer, tmp_path: Path) -> None:
    log_in(run, server, tmp_path)

    run("job", "list", "--address", f"http://localhost:{server.port}")

    assert shown(server)[-1] is None


def test_a_command_that_signs_out_has_the_token_ended(run: Run, server: RecordingServer, tmp_path: Path) -> None:
    log_in(run, server, tmp_path)
    address = ("--address", f"http://127.0.0.1:{server.port}")

    assert run("logout", *address).code == 0

    assert server.seen[-1] == ("DELETE", "/ttp/tokens/ab12", None)
    assert run("logout", *address).code == 2
    run("job", "list", *address)
    assert shown(server)[-1] is None
