from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from factories.image_data import picture, write_images
from factories.worker_data import write_dataset
from synergos_worker.__main__ import main
from synergos_worker.data_commands import app

SCHEMA = {"age": "int32", "ward": "category", "target": "category"}
SECRET = "s3cret"


def rows(count: int, offset: int = 0) -> str:
    return "".join(f"{20 + offset + n},{'north' if n % 2 else 'south'},{n % 2}\n" for n in range(count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path, ["heart", "train"], "age,ward,target\n" + rows(40), SCHEMA)


def run(*arguments: object) -> tuple[int, str]:
    """The ``synergos data`` command: its exit code, and what it wrote."""
    ended = CliRunner().invoke(app, list(map(str, arguments)))
    return ended.exit_code, ended.output


def checked(*arguments: object) -> dict[str, Any]:
    code, output = run("check", *arguments, "--format", "json")
    report: dict[str, Any] = json.loads(output)
    assert code == (1 if report["problems"] else 0)
    return report


def messages(*arguments: object) -> list[str]:
    return [problem["message"] for problem in checked(*arguments)["problems"]]


def test_a_folder_without_problems_says_what_was_read(folder: Path) -> None:
    assert checked(folder) == {
        "action": "classify",
        "files": {"train": {"train/rows.csv": 40}},
        "problems": [],
    }
    code, output = run("check", folder)
    assert code == 0
    assert output.splitlines() == ["train: train/rows.csv, 40 rows", "nothing an alignment would refuse (to classify)"]


def test_what_the_project_does_is_what_the_labels_allow(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path, ["a"], "age,ward,target\n" + rows(40), {**SCHEMA, "target": "float64"})

    assert checked(folder)["action"] == "regress"
    assert "needs category" in messages(folder, "--action", "classify")[0]


def test_every_problem_of_every_file_is_told_and_no_cell(folder: Path) -> None:
    write_dataset(folder, ["b"], f"age,ward,target\n{SECRET},x,0\n1,x,\n", None, metadata=None)
    write_dataset(folder, ["c"], f"age,ward\n1,{SECRET}\n", None, metadata=None)
    write_dataset(folder, ["d"], f"age,ward,target\n1,x,0,{SECRET}\n", None, metadata=None)
    schema = {"version": 1, "columns": {**SCHEMA, "age": "int3", "ward": {"type": "category", "unit": "kg"}}}
    write_dataset(folder, ["e"], "age,ward,target\n1,x,0\n", schema, metadata=None)

    found = messages(folder)

    assert [message.split(": ", 2)[:2] for message in found] == [
        ["train/e/schema.json", "columns.age"],
        ["train/e/schema.json", "columns.ward.unit"],
        ["train/b/rows.csv", "column 'age'"],
        ["train/c/rows.csv", "column 'target'"],
        ["train/d/rows.csv", "line 2 has more cells than its header line"],
    ]
    assert SECRET not in "".join(found)


def test_all_columns_of_a_file_are_looked_at(tmp_path: Path) -> None:
    schema = {"version": 1, "columns": {"a": "int32", "b": "date", "c": {"type": "category", "levels": ["x"]}}}
    folder = write_dataset(tmp_path, ["a"], "a,b,c\n?,?,?\n1,2024-01-01,x\n", schema)

    found = messages(folder, "--purpose", "predict", "--disclosure", "open")

    assert [message.split(": ")[1] for message in found] == ["column 'a'", "column 'b'", "column 'c'"]


@pytest.mark.parametrize(
    ("metadata", "complaint"),
    [
        (None, "the folder 'a' has no metadata.json"),
        ('{"datatype": "tabular", "delimeter": ";"}', "did you mean delimiter"),
        ('{"datatype": "tabular", "disclosure": {"minimum_row": 1}}', "did you mean minimum_rows"),
    ],
)
def test_what_is_wrong_with_metadata_is_told(tmp_path: Path, metadata: str | None, complaint: str) -> None:
    folder = write_dataset(tmp_path, ["a"], "age,ward,target\n" + rows(40), SCHEMA, metadata=metadata)

    [message] = messages(folder)

    assert complaint in message


def test_a_label_under_another_name_is_asked_for(tmp_path: Path) -> None:
    folder = write_dataset(
        tmp_path, ["a"], "age,ward,died\n" + rows(40), {"age": "int32", "ward": "category", "died": "category"}
    )

    [message] = messages(folder)

    assert message == (
        "a/schema.json: has no column 'target', the label; it has 'age', 'ward', 'died'; say which with \"label\""
    )


def test_what_the_worker_s_policy_refuses_is_found_too(tmp_path: Path) -> None:
    text = "age,ward,target\n" + "".join(f"{n},P{n},{n % 2}\n" for n in range(40))
    folder = write_dataset(tmp_path, ["a"], text, SCHEMA)

    assert "declare it 'id'" in messages(folder)[0]
    assert messages(folder, "--disclosure", "open") == []
    assert "fewer than 50 distinct rows" in messages(folder, "--minimum-rows", 50)[0]


def test_every_image_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path, ["a"], {f"{n}.png": picture((4, 4), n) for n in range(12)}, ["x", "y"] * 6)
    for name in ("3.png", "7.png"):
        (folder / name).write_bytes(b"no image")

    assert [message.split(":")[0] for message in messages(folder)] == ["a/3.png", "a/7.png"]


def test_a_folder_that_is_not_there_is_a_wrong_command(tmp_path: Path) -> None:
    assert run("check", tmp_path / "nowhere")[0] == 2


# synergos-worker check


def worker_check(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main(["check", *map(str, arguments)])
    written = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, written.out + written.err


def test_a_worker_checks_the_tags_of_all_purposes(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(tmp_path, ["heart", "test"], "age,ward,target\n" + rows(20), SCHEMA)

    code, output = worker_check(capsys, "--data", tmp_path, "--train", "heart/train", "--evaluate", "heart/test")

    assert code == 0
    assert output.splitlines() == [
        "train: heart/train/rows.csv, 40 rows",
        "evaluate: heart/test/rows.csv, 20 rows",
        "nothing an alignment would refuse (to classify)",
    ]


def test_a_worker_finds_what_is_wrong_between_tags(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder, tmp_path / "heart" / "train" / "deep")
    write_images(tmp_path, ["dogs"], {f"{n}.png": picture((4, 4), n) for n in range(12)}, ["x", "y"] * 6)

    code, output = worker_check(
        capsys,
        "--data",
        tmp_path,
        "--train",
        "heart/train",
        "heart/train/deep",
        "--evaluate",
        "dogs",
        "--predict",
        "no",
    )

    assert code == 1
    assert "heart/train and heart/train/deep both reach" in output
    assert "tags.predict[0]: there is no folder 'no'" in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "expected a tag at least"),
        (["--train", "a", "a"], "is the same as tags.train[0]"),
        (["--train", "../a"], "would leave the data folder"),
        (["--train", "a", "--data", "/nowhere/at/all"], "is not a folder"),
        (["--action", "dance", "--train", "a"], "--action"),
    ],
)
def test_a_check_that_makes_no_sense_ends_with_2(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, output = worker_check(capsys, *(["--data", tmp_path] if "--data" not in arguments else []), *arguments)

    assert code == 2
    assert complaint in output
