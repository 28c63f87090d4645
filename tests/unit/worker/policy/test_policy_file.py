from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from synergos.errors import InvalidRequest
from synergos_worker.__main__ import main
from synergos_worker.data_commands import app
from synergos_worker.policy.limits import USUAL, OwnerLimits, changed, published, said
from synergos_worker.policy.policy_file import read_policy

PUBLISHED = Path(__file__).parents[4] / "docs" / "schemas" / "worker-policy.schema.json"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_says_some_limits_and_the_others_stay(tmp_path: Path) -> None:
    found = read_policy(
        written(tmp_path, "# ours\nleast_participants = 3\nlargest_rates = 50\nfresh_weights = false\n")
    )

    assert found == OwnerLimits(least_participants=3, largest_rates=50.0, fresh_weights=False)
    assert changed(found) == {"least_participants": 3, "largest_rates": 50.0, "fresh_weights": False}
    assert read_policy(written(tmp_path, "")) == USUAL


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("least_row = 5", "least_row"),
        ('least_rows = "5"', "least_rows"),
        ("least_rows = 0", "least_rows"),
        ("least_rows = 5.0", "least_rows"),
        ("least_rows = true", "least_rows"),
        ("fresh_weights = 0", "fresh_weights"),
        ("largest_rates = -1", "largest_rates"),
        ("largest_rates = inf", "largest_rates"),
        ("largest_rates = nan", "largest_rates"),
        ("largest_rates = [1]", "largest_rates"),
        ("[limits]\nleast_rows = 5", "limits"),
        ("least_rows = 5\nleast_rows = 6", "is not TOML"),
        ("least_rows", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        ("#" * 70_000, "expected at most 65536 bytes"),
    ],
)
def test_a_file_that_is_wrong_anywhere_counts_for_nothing(tmp_path: Path, text: str | bytes, reason: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(InvalidRequest) as refused:
        read_policy(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert reason in str(refused.value)


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_counts_for_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        read_policy(tmp_path / name)


def test_a_worker_does_not_start_with_a_file_that_it_cannot_believe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNERGOS_POLICY", str(written(tmp_path, "least_rows = 'many'")))
    (tmp_path / "data").mkdir()

    with pytest.raises(SystemExit) as ended:
        main(["--data", str(tmp_path / "data"), "--outputs", str(tmp_path / "outputs")])

    assert ended.value.code == 2
    assert "--policy: " in (error := capsys.readouterr().err)
    assert "least_rows: expected a whole number" in error


def test_the_published_schema_is_of_what_is_read() -> None:
    """To write it anew: python -c 'import json; from synergos_worker.policy.limits import published; print(json.dumps(published(), indent=2))'."""
    schema = json.loads(PUBLISHED.read_text())

    assert schema == published()
    jsonschema.validate(said(USUAL), schema)
    assert {name: each["default"] for name, each in schema["properties"].items()} == said(USUAL)


def test_the_command_line_says_every_limit_of_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, "least_participants = 3")

    text = CliRunner().invoke(app, ["policy", str(path)])
    told = CliRunner().invoke(app, ["policy", "--format", "json"])

    assert "least_participants = 3 (set): participants whose updates" in text.stdout
    assert "least_rows = 1: rows that a model is trained on, at least" in text.stdout
    assert json.loads(told.stdout) == said(USUAL)


def test_the_command_line_ends_with_1_for_a_file_that_a_worker_would_not_start_with(tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["policy", str(written(tmp_path, "nothing = 1"))])

    assert found.exit_code == 1
    assert "nothing" in found.stderr
