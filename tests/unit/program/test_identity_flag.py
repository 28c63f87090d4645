"""Where a program's identity is, by its command line; one that is damaged ends the program."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from synergos.identity.identity import FOLDER, read_identity
from synergos.program.identity_flag import add_identity_flag, identity_file


def found(folder: Path, *words: str) -> Path:
    parser = argparse.ArgumentParser("synergos-worker")
    add_identity_flag(parser, "--outputs")
    return identity_file(parser, parser.parse_args(words), folder, "worker")


def test_it_is_made_in_the_programs_own_folder(tmp_path: Path) -> None:
    path = found(tmp_path)

    assert path == tmp_path / FOLDER / "worker.json"
    assert read_identity(path).fingerprint == read_identity(found(tmp_path)).fingerprint


def test_or_where_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = found(tmp_path, "--identity", str(tmp_path / "a.json"))
    monkeypatch.setenv("SYNERGOS_IDENTITY", str(tmp_path / "b.json"))

    assert (named, found(tmp_path)) == (tmp_path / "a.json", tmp_path / "b.json")
    assert not (tmp_path / FOLDER).exists()


def test_a_damaged_one_ends_the_program_and_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = found(tmp_path)
    path.write_text("{}")

    with pytest.raises(SystemExit) as ended:
        found(tmp_path)

    assert ended.value.code == 2
    assert f"--identity: the identity {path} is damaged" in capsys.readouterr().err
    assert path.read_text() == "{}"
