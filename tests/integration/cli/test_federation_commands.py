"""``synergos init``, ``diff``, ``apply`` and ``destroy`` against an orchestrator's own REST interface."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from grids.grid_in_process import GridInProcess, started
from support.command_runner import Ended, Run
from synergos import Driver
from synergos.cli.exits import ExitCode
from synergos.federation.applying import Done, apply
from synergos.federation.comparison import Comparison
from synergos.federation.template import TEMPLATE

NAMES = [
    *("collaboration heart", "project risk"),
    *("participant hospital_1", "registration hospital_1", "tag hospital_1"),
    *("participant hospital_2", "registration hospital_2", "tag hospital_2"),
    *("experiment logistic", "run logistic/first"),
]


@pytest.fixture
def grid(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GridInProcess]:
    # What the orchestrator logs would be among the results of the command, in one process with it.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with started(tmp_path / "grid", tmp_path, []) as running:
        monkeypatch.setenv("SYNERGOS_ADDRESS", running.driver.address)
        yield running
    structlog.reset_defaults()


@pytest.fixture
def driver(grid: GridInProcess) -> Driver:
    return Driver(grid.driver.host, grid.driver.port, raise_errors=True)


@pytest.fixture
def file(run: Run) -> Path:
    """The project file that init has written, in the folder that commands are run in."""
    run("init")
    return Path("federation.toml")


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


def told(ended: Ended, how: str) -> dict[str, Any]:
    """How each record stands, or what became of it."""
    records = json.loads(ended.out)["records"]
    return {f"{each['kind'].lower()} {last(each)}": each[how] for each in records}


def last(record: dict[str, Any]) -> str:
    keys = record["keys"]
    names = [keys[name] for name in ("expt_id", "run_id", "participant_id") if name in keys]
    return "/".join(names) or str(list(keys.values())[-1])


def test_init_writes_a_file_and_does_not_write_over_one(run: Run) -> None:
    first = run("init")
    Path("federation.toml").write_text("mine")
    second = run("init")

    assert (first.code, second.code) == (ExitCode.OK, ExitCode.FAILED)
    assert "federation.toml is there already; --force writes over it" in second.err
    assert Path("federation.toml").read_text() == "mine"
    assert run("init", "--force").code == ExitCode.OK
    assert Path("federation.toml").read_text() == TEMPLATE


def test_init_says_the_schema(run: Run) -> None:
    published = Path(__file__).parents[3] / "docs" / "schemas" / "federation.schema.json"

    assert json.loads(run("init", "--schema").out) == json.loads(published.read_text())
    assert not Path("federation.toml").exists()


@pytest.mark.usefixtures("grid", "file")
def test_applying_creates_all_and_then_there_is_nothing_to_do(run: Run) -> None:
    before = run("diff", "--format", "json")
    created = run("apply", "--format", "json")
    again = run("apply", "--format", "json")

    assert (before.code, told(before, "standing")) == (ExitCode.DIFFERS, dict.fromkeys(NAMES, "missing"))
    assert (created.code, told(created, "deed")) == (ExitCode.OK, dict.fromkeys(NAMES, "created"))
    assert "the project is to be aligned: synergos align" in created.err
    assert (again.code, told(again, "deed")) == (ExitCode.OK, dict.fromkeys(NAMES, "unchanged"))
    assert again.err == ""
    assert run("apply").out == "federation.toml: 10 unchanged\n"
    assert run("diff").code == ExitCode.OK


@pytest.mark.usefixtures("grid")
def test_what_is_done_is_told_line_by_line(run: Run, file: Path) -> None:
    run("apply")
    change(file, "lr = 0.05", "lr = 0.1\nmomentum = 0.9")
    change(file, 'activation = "sigmoid"', 'activation = "softmx"')

    seen, applied = run("diff"), run("apply")

    assert "run logistic/first   different  lr: 0.05 → 0.1" in seen.out
    model = "model[0].activation"
    assert applied.out.splitlines() == [
        "failed   experiment logistic",
        f"           {model}: 'softmx' is not a function of torch.nn.functional that takes one tensor; "
        "did you mean softmax or softmin or log_softmax?",
        "not done run logistic/first",
        "federation.toml: 8 unchanged, 1 failed, 1 not done",
    ]


def test_what_is_applied_is_what_the_driver_would_declare(run: Run, file: Path, driver: Driver) -> None:
    run("apply")
    applied = driver.runs.read("heart", "risk", "logistic", "first")["data"]
    driver.runs.create("heart", "risk", "logistic", "by_hand", "FedAvg", 32, rounds=20, epochs=1, lr=0.05)

    by_hand = driver.runs.read("heart", "risk", "logistic", "by_hand")["data"]

    own = {"key", "link", "doc_id"}
    assert {k: v for k, v in applied.items() if k not in own} == {k: v for k, v in by_hand.items() if k not in own}
    assert driver.tags.read("heart", "risk", "hospital_1")["data"]["predict"] == [["predict"]]


@pytest.mark.usefixtures("grid")
@pytest.mark.parametrize(
    ("before", "after", "record", "difference"),
    [
        ("lr = 0.05", "lr = 0.1", "run logistic/first", ("lr", 0.05, 0.1)),
        ("lr = 0.05", "lr = 0.05\nmomentum = 0.9", "run logistic/first", ("momentum", None, 0.9)),
        ("batch_size = 32\n", "", "run logistic/first", ("batch_size", 32, None)),
        ("out_features = 1", "out_features = 2", "experiment logistic", ("model[0].structure.out_features", 1, 2)),
        (
            'host = "10.0.0.11"',
            'host = "10.0.0.13"',
            "registration hospital_1",
            ("nodes[0].host", "10.0.0.11", "10.0.0.13"),
        ),
        ("predict = [[", 'predict = [["a"], [', "tag hospital_1", ("predict", [["predict"]], [["a"], ["predict"]])),
        ('action = "classify"', 'action = "regress"', "project risk", ("action", "classify", "regress")),
        ('# summary = "C', 'summary = "C', "participant hospital_1", ("summary", None, "Cardiology")),
        (
            "# mlops",
            "mlops",
            "collaboration heart",
            ("mlops", None, {"host": "mlflow.example.org", "ports": {"main": 5500}}),
        ),
    ],
)
def test_what_differs_is_told_and_changed_and_the_rest_is_left(
    run: Run, file: Path, before: str, after: str, record: str, difference: tuple[str, Any, Any]
) -> None:
    run("apply")
    change(file, before, after)

    seen = run("diff", "--format", "json")
    applied = run("apply", "--format", "json")

    assert seen.code == ExitCode.DIFFERS
    assert told(seen, "standing") == dict.fromkeys(NAMES, "same") | {record: "different"}
    field, stored, declared = difference
    assert told(seen, "differences")[record] == [{"field": field, "stored": stored, "declared": declared}]
    assert told(applied, "deed") == dict.fromkeys(NAMES, "unchanged") | {record: "changed"}
    assert run("diff").code == ExitCode.OK


def test_a_registration_with_fewer_nodes_is_declared_anew_with_its_tags(run: Run, file: Path, driver: Driver) -> None:
    change(
        file,
        '10.0.0.12", port = 8020, f_port = 5000 }',
        '10.0.0.12", port = 8020, f_port = 5000 }, { host = "10.0.0.14", port = 1, f_port = 2 }',
    )
    run("apply")
    change(file, ', { host = "10.0.0.14", port = 1, f_port = 2 }', "")

    applied = run("apply", "--format", "json")

    deeds = told(applied, "deed")
    assert (deeds["registration hospital_2"], deeds["tag hospital_2"]) == ("changed", "created")
    assert driver.registrations.read("heart", "risk", "hospital_2")["data"]["n_count"] == 1
    assert run("diff").code == ExitCode.OK


def test_what_others_declared_of_a_participant_or_collaboration_stays(run: Run, file: Path, driver: Driver) -> None:
    driver.participants.create("hospital_1", summary="of others")
    driver.collaborations.create("heart", mlops={"host": "m", "ports": {"main": 1}})

    applied = run("apply", "--format", "json")

    assert told(applied, "deed")["participant hospital_1"] == "unchanged"
    assert driver.participants.read("hospital_1")["data"]["summary"] == "of others"
    assert driver.collaborations.read("heart")["data"]["mlops"]["host"] == "m"


def test_a_refusal_in_the_middle_names_its_line_and_what_was_done(run: Run, file: Path, driver: Driver) -> None:
    change(file, 'l_type = "Linear"', 'l_type = "Liner"')

    refused = run("apply", "--format", "json")

    line = file.read_text().splitlines().index('l_type = "Liner"') + 1
    assert refused.code == ExitCode.USAGE
    assert (
        f"synergos: federation.toml, line {line}: experiment logistic: model[0].l_type: 'Liner' is not" in refused.err
    )
    assert "did you mean Linear?" in refused.err
    assert "before it: created collaboration heart, created project risk, created participant hospital_1" in refused.err
    deeds = told(refused, "deed")
    assert (deeds["tag hospital_2"], deeds["experiment logistic"], deeds["run logistic/first"]) == (
        "created",
        "failed",
        "not done",
    )
    change(file, 'l_type = "Liner"', 'l_type = "Linear"')
    mended = told(run("apply", "--format", "json"), "deed")
    assert [name for name, deed in mended.items() if deed == "created"] == ["experiment logistic", "run logistic/first"]


@pytest.mark.usefixtures("grid", "file")
def test_whoever_interrupts_is_told_what_was_done(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(driver: Driver, comparisons: Sequence[Comparison]) -> Iterator[Done]:
        yield from apply(driver, comparisons[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr("synergos.cli.federation.apply_records", interrupted)

    ended = run("apply", "--format", "json")

    assert ended.code == ExitCode.INTERRUPTED
    expected = ["created", "created", "failed", *["not done"] * (len(NAMES) - 3)]
    assert list(told(ended, "deed").values()) == expected
    assert told(ended, "notes")["participant hospital_1"] == ["interrupted; synergos diff tells whether it was done"]


@pytest.mark.usefixtures("grid")
def test_a_node_that_is_refused_is_told_with_its_line(run: Run, file: Path) -> None:
    change(file, 'host = "10.0.0.12"', 'host = "10.0.0.11"')

    refused = run("apply")

    line = next(number for number, text in enumerate(file.read_text().splitlines(), 1) if text.startswith("nodes"))
    assert (
        f"federation.toml, line {line}: registration hospital_2: node_0: 10.0.0.11:5000 is registered for hospital_1"
        in refused.err
    )


def test_a_file_with_a_mistake_changes_nothing(run: Run, file: Path, driver: Driver) -> None:
    change(file, 'action = "classify"', 'action = "classification"')

    for command in ("diff", "apply", "destroy"):
        refused = run(command)
        assert refused.code == ExitCode.USAGE
        assert "federation.toml, line 19: project.action: 'classification' is not" in refused.err
    assert driver.collaborations.read_all()["data"] == []


@pytest.mark.usefixtures("grid")
def test_a_file_that_is_not_there_is_told(run: Run) -> None:
    missing = run("apply", "--file", "other.toml")

    assert missing.code == ExitCode.NOT_FOUND
    assert "there is no file other.toml; synergos init writes one" in missing.err


def test_an_orchestrator_that_does_not_answer_is_told(run: Run, file: Path) -> None:
    assert run("diff", "--address", "http://127.0.0.1:9").code == ExitCode.UNREACHABLE


@pytest.mark.usefixtures("file")
def test_destroying_deletes_all_that_was_declared(run: Run, driver: Driver) -> None:
    run("apply")

    destroyed = run("destroy", "--yes", "--format", "json")

    assert (destroyed.code, told(destroyed, "deed")) == (ExitCode.OK, dict.fromkeys(NAMES, "deleted"))
    assert driver.collaborations.read_all()["data"] == driver.participants.read_all()["data"] == []
    again = run("destroy", "--format", "json")
    assert told(again, "deed") == dict.fromkeys(NAMES, "not there")


@pytest.mark.usefixtures("file")
def test_destroying_leaves_what_the_file_does_not_declare(run: Run, driver: Driver) -> None:
    run("apply")
    driver.runs.create("heart", "risk", "logistic", "by_hand")
    driver.projects.create("heart", "other", "classify", {})
    driver.runs.create("heart", "risk", "logistic", "optim_run_1")
    registration = driver.registrations
    registration.add_node("10.0.0.11", 1, 2)
    registration.create("heart", "other", "hospital_1", "guest")

    destroyed = run("destroy", "--yes", "--format", "json")

    stay = dict.fromkeys(
        ("experiment logistic", "project risk", "collaboration heart", "participant hospital_1"), "stays"
    )
    assert told(destroyed, "deed") == dict.fromkeys(NAMES, "deleted") | stay
    notes = told(destroyed, "notes")
    assert notes["experiment logistic"] == ["it has run by_hand"]
    assert notes["project risk"] == ["it has experiment logistic"]
    assert notes["collaboration heart"] == ["it has project risk, project other"]
    assert [each["key"]["run_id"] for each in driver.runs.read_all("heart", "risk", "logistic")["data"]] == [
        "by_hand",
        "optim_run_1",
    ]
    assert driver.registrations.read("heart", "other", "hospital_1")["data"]["n_count"] == 1


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(("answer", "code"), [("n\n", ExitCode.FAILED), ("", ExitCode.USAGE)])
def test_destroying_asks_first(
    run: Run, driver: Driver, monkeypatch: pytest.MonkeyPatch, answer: str, code: ExitCode
) -> None:
    run("apply")
    monkeypatch.setattr("sys.stdin", StringIO(answer))

    asked = run("destroy")

    assert asked.code == code
    assert "run logistic/first goes" in asked.err
    assert "Delete these 10 records" in asked.err
    assert asked.out == ""
    assert "nothing was deleted" in asked.err
    assert run("diff").code == ExitCode.OK
