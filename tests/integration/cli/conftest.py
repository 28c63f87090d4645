from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.recording_server import RecordingServer, recording_server
from support.command_runner import Ended, Run
from synergos.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNERGOS_CONFIG", str(tmp_path / "configuration"))
    for variable in ("SYNERGOS_ADDRESS", "SYNERGOS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    with recording_server() as running:
        yield running


@pytest.fixture
def asked(capsys: pytest.CaptureFixture[str]) -> Any:
    """What a command answers, as JSON; or why not."""

    def ask(*words: str) -> Any:
        try:
            main([*words, "--format", "json"])
        except SystemExit as ended:
            if ended.code:
                return capsys.readouterr().err
        return json.loads(capsys.readouterr().out)

    return ask
