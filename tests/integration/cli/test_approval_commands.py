"""``synergos approval``: offline, on a worker's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synergos.approval.waiting import WAITING, Waiting, WaitingList
from synergos.cli import main
from synergos.identity.identity import FOLDER

DIGEST, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    waits = Waiting(DIGEST, "heart/risk/e/r: to train", ["rounds = 2", "  a\x1b[31m"], "1" * 64)
    WaitingList(tmp_path / FOLDER / WAITING, lambda: 0.0).note(waits)
    return tmp_path


def test_what_waits_is_listed_approved_and_revoked(outputs: Path, asked: Any) -> None:
    where = ("--outputs", str(outputs))
    [waits] = asked("approval", "list", *where)
    approved = asked("approval", "approve", DIGEST[:20], *where)
    revoked = asked("approval", "revoke", DIGEST[:8], *where)
    [listed] = asked("approval", "list", *where)

    assert (waits["standing"], waits["asked by"], waits["what"]) == ("waiting", "1" * 64, "heart/risk/e/r: to train")
    assert [each["standing"] for each in (approved, revoked, listed)] == ["approved", "revoked", "revoked"]
    # What was read stays to be read.
    (outputs / FOLDER / WAITING).unlink()
    assert asked("approval", "show", DIGEST[:8], *where)["words"][0] == "rounds = 2"


def test_words_of_others_move_no_cursor(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["approval", "show", DIGEST, "--outputs", str(outputs)])

    shown = capsys.readouterr().out
    assert "rounds = 2" in shown
    assert "\x1b" not in shown


def test_what_has_not_come_yet_can_be_approved_by_its_whole_digest(outputs: Path, asked: Any) -> None:
    where = ("--outputs", str(outputs))

    assert asked("approval", "approve", OTHER, *where)["standing"] == "approved"
    assert "nothing is known of it" in asked("approval", "show", OTHER, *where)
    assert "DIGEST: expected a digest" in asked("approval", "approve", DIGEST[:8], *where)


def test_a_damaged_file_is_not_written_over(outputs: Path, asked: Any) -> None:
    (outputs / FOLDER / "approvals.json").write_text("{")

    assert "damaged" in asked("approval", "approve", DIGEST, "--outputs", str(outputs))
    assert (outputs / FOLDER / "approvals.json").read_text() == "{"
