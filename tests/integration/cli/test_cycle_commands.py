"""``synergos align | train | validate | predict | tune`` by ids and from a project file, and what they say in the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.recording_server import RecordingServer
from fakes.study_answers import answer, created, study
from support.command_runner import Ended, Run
from synergos.cli.exits import ExitCode
from synergos.federation.template import TEMPLATE

RUN = {"collab_id": "heart", "project_id": "risk", "expt_id": "logistic", "run_id": "first"}
PREDICTIONS = "/ttp/evaluate/participants/{}/collaborations/heart/predictions/risk/logistic/first"


def job(stage: str, job_id: str = "j1", state: str = "completed", **more: Any) -> dict[str, Any]:
    times = dict.fromkeys(("created_at", "finished_at"))
    return {
        "kind": "Job",
        "id": job_id,
        "stage": stage,
        "state": state,
        "keys": RUN,
        "progress": {},
        "error": None,
        **times,
    } | more


@pytest.fixture
def orchestrator(server: RecordingServer, monkeypatch: pytest.MonkeyPatch, run: Run) -> RecordingServer:
    monkeypatch.setenv("SYNERGOS_ADDRESS", f"http://127.0.0.1:{server.port}")
    server.answer_always("GET", "/ttp/jobs/j1", 200, {"data": job("train")})
    return server


@pytest.fixture
def file(run: Run) -> Path:
    """A project file in the folder that the command runs in."""
    path = Path("federation.toml")
    path.write_text(TEMPLATE, encoding="utf-8")
    return path


def begins(server: RecordingServer, path: str, *jobs: dict[str, Any]) -> None:
    """Have a stage request answered with these jobs, which have ended when they are looked at."""
    server.answer_always("POST", path, 202, {"data": list(jobs)})
    for each in jobs:
        server.answer_always("GET", f"/ttp/jobs/{each['id']}", 200, {"data": each})


def posted(server: RecordingServer) -> list[tuple[str, Any]]:
    return [(request.path, request.body) for request in server.requests if request.method == "POST"]


def refused(ended: Ended, said: str) -> None:
    assert (ended.code, ended.out) == (ExitCode.USAGE, "")
    assert said in ended.err


@pytest.mark.usefixtures("file")
def test_an_alignment_is_asked_for_as_the_project_file_says(run: Run, orchestrator: RecordingServer) -> None:
    with Path("federation.toml").open("a", encoding="utf-8") as file:
        file.write('[alignment]\nunseen = "refuse"\n')
    begins(orchestrator, "/ttp/train/collaborations/heart/projects/risk/alignments", job("preprocess"))

    assert run("align").code == 0
    assert run("align", "--unseen", "missing", "--no-auto-fix", "--priority", "7").code == 0
    assert [body.get("unseen") for _, body in posted(orchestrator)] == ["refuse", None]
    assert [body.get("priority") for _, body in posted(orchestrator)] == [None, 7]
    assert [body["auto_fix"] for _, body in posted(orchestrator)] == [True, False]


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("train", "/ttp/train/collaborations/heart/projects/risk/models/logistic/{}"),
        ("validate", "/ttp/evaluate/collaborations/heart/projects/risk/validations/logistic/{}"),
    ],
)
def test_each_run_of_the_project_file_is_meant_and_no_other(
    run: Run, orchestrator: RecordingServer, file: Path, command: str, path: str
) -> None:
    other = Path("other.toml")
    other.write_text(file.read_text() + "\n[experiments.logistic.runs.second]\nrounds = 2\n", encoding="utf-8")
    begins(orchestrator, path.format("first"), job("train", "j1"))
    begins(orchestrator, path.format("second"), job("train", "j2"))

    ended = run(command, "--file", "other.toml", "--format", "json")

    assert (ended.code, [each["id"] for each in json.loads(ended.out)]) == (0, ["j1", "j2"])
    assert [asked for asked, _ in posted(orchestrator)] == [path.format("first"), path.format("second")]


@pytest.mark.usefixtures("file")
def test_jobs_that_go_on_are_named_when_a_later_one_is_refused(run: Run, orchestrator: RecordingServer) -> None:
    with Path("federation.toml").open("a", encoding="utf-8") as file:
        file.write("[experiments.logistic.runs.second]\nrounds = 2\n")
    begins(orchestrator, "/ttp/train/collaborations/heart/projects/risk/models/logistic/first", job("train"))
    orchestrator.answer_always(
        "POST", "/ttp/train/collaborations/heart/projects/risk/models/logistic/second", 409, {"message": "align it"}
    )

    ended = run("train")

    assert ended.code == ExitCode.FAILED
    assert "before that, and going on: j1" in ended.err
    assert "align it" in ended.err


def test_without_ids_and_file_it_is_said_what_was_expected(run: Run, orchestrator: RecordingServer) -> None:
    for command, expected in {
        "align": "COLLAB/PROJECT",
        "train": "COLLAB/PROJECT[/EXPT[/RUN]]",
        "predict": "COLLAB/PROJECT[/EXPT[/RUN]]",
        "tune": "COLLAB/PROJECT/EXPT",
        "export": "COLLAB/PROJECT/EXPT/RUN",
    }.items():
        options = ("--as", "onnx", "--output", "x") if command == "export" else ()
        refused(run(command, *options), f"ids: expected {expected}, or a federation.toml in this folder")
    assert orchestrator.requests == []


def test_ids_and_a_file_are_not_both_meant(run: Run, orchestrator: RecordingServer, file: Path) -> None:
    for command in ("align", "predict", "tune"):
        refused(
            run(command, "heart/risk/logistic"[: 10 if command != "tune" else None], "--file", str(file)),
            "--file: say either this or ids",
        )
    assert run("train", "--file", "none.toml").code == ExitCode.NOT_FOUND
    assert orchestrator.requests == []


def test_a_participants_declared_datasets_are_predicted(run: Run, orchestrator: RecordingServer) -> None:
    registrations = [
        {"key": {"participant_id": who}, "relations": {"Tag": [{"predict": tags}]}}
        for who, tags in {"hospital_1": [["new"]], "hospital_2": []}.items()
    ]
    orchestrator.answer_always(
        "GET", "/ttp/connect/collaborations/heart/projects/risk/registrations", 200, {"data": registrations}
    )
    path = PREDICTIONS.format("hospital_1")
    begins(orchestrator, path, job("predict", keys={**RUN, "participant_id": "hospital_1"}))
    found = {
        "kind": "Prediction",
        "key": {**RUN, "participant_id": "hospital_1"},
        "predict": {"statistics": {}, "res_path": "/out/p.csv"},
    }
    orchestrator.answer_always("GET", path, 200, {"data": [found]})

    ended = run("predict", "heart/risk/logistic/first")

    assert ended.code == 0
    [(asked, body)] = posted(orchestrator)
    assert (asked, body["tags"]) == (path, {})
    assert "predictions of hospital_1: /out/p.csv" in ended.err


def test_datasets_are_named_for_participants(run: Run, orchestrator: RecordingServer) -> None:
    for who in ("hospital_1", "hospital_2"):
        begins(orchestrator, PREDICTIONS.format(who), job("predict", who))

    asked = ("heart/risk/logistic/first", "--participant", "hospital_1", "--participant", "hospital_2", "--tag", "a/b")
    ended = run("predict", *asked, "--no-wait", "--format", "json")

    assert [each["id"] for each in json.loads(ended.out)] == ["hospital_1", "hospital_2"]
    assert [body["tags"] for _, body in posted(orchestrator)] == 2 * [{"risk": [["a", "b"]]}]


def test_nobody_with_datasets_to_predict_is_said_so(run: Run, orchestrator: RecordingServer) -> None:
    ended = run("predict", "heart/risk")

    assert ended.code == ExitCode.NOT_FOUND
    assert "no participant of project 'risk' has declared datasets to predict" in ended.err


@pytest.mark.usefixtures("file")
def test_the_project_file_says_whose_rows_are_predicted(run: Run, orchestrator: RecordingServer) -> None:
    predicted = job("predict", keys={**RUN, "participant_id": "hospital_1"})
    begins(orchestrator, PREDICTIONS.format("hospital_1"), predicted)

    assert run("predict", "--no-wait", "--priority", "7").code == 0
    assert [(path, body["tags"], body["priority"]) for path, body in posted(orchestrator)] == [
        (PREDICTIONS.format("hospital_1"), {"risk": [["predict"]]}, 7)
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("heart/risk", "--keep", "id"), "--keep: goes with --model"),
        (("heart/risk", "--cpus", "1"), "--cpus: goes with --model"),
        (("rows.csv", "--model", "m", "--participant", "w"), "--participant: goes without --model"),
        (("rows.csv", "--model", "m", "--tag", "w"), "--tag: goes without --model"),
        (("--model", "m"), "rows: expected a file of rows"),
        (("heart",), "ids: expected COLLAB/PROJECT[/EXPT[/RUN]], got heart"),
    ],
)
def test_options_of_one_way_to_predict_are_refused_on_the_other(
    run: Run, orchestrator: RecordingServer, arguments: tuple[str, ...], said: str
) -> None:
    refused(run("predict", *arguments), said)
    assert orchestrator.requests == []


@pytest.mark.usefixtures("file")
def test_a_study_is_started_as_the_project_file_says(run: Run, orchestrator: RecordingServer) -> None:
    path = "/ttp/train/collaborations/heart/projects/risk/models/logistic/optimizations/"
    for _ in range(2):
        orchestrator.answer_next(200, created("s"))
        orchestrator.answer_next(200, answer(study("running", id="s")))

    assert run("tune").code == 0
    assert run("tune", "start", "--study", "rates", "--trials", "3", "--mode", "min").code == 0

    [(asked, first), (_, second)] = posted(orchestrator)
    assert asked == path
    assert {name: first[name] for name in ("metric", "optimize_mode", "max_trial_num", "base_run")} == {
        "metric": "roc_auc_score",
        "optimize_mode": "max",
        "max_trial_num": 10,
        "base_run": "first",
    }
    assert set(first["search_space"]) == {"lr", "batch_size"}
    assert (second["max_trial_num"], second["optimize_mode"]) == (3, "min")


def test_the_verb_of_tune_can_be_left_out_and_a_mistyped_one_is_not_taken_for_ids(
    run: Run, orchestrator: RecordingServer
) -> None:
    refused(run("tune", "heart/risk/logistic"), "--space: is required where no project file says it")
    refused(run("tune", "shwo"), "Did you mean 'show'?")
    # A collaboration may be called nearly as a verb is.
    refused(run("tune", "test", "a", "b"), "--space: is required where no project file says it")
    refused(run("tune", "--study", "rates", "heart/risk/logistic"), "--study: say either this or ids")
    assert run("tune", "--help").code == 0


def test_what_would_be_agreed_is_shown_with_its_notes(run: Run, orchestrator: RecordingServer) -> None:
    table = {"rows": 40, "filled": ["age"], "lacks": [["sex", "f"]], "unused": []}
    agreed = {
        "feature_space": {"X": [["age", None], ["sex", "f"], ["sex", "m"]], "y": [["ill", "no"], ["ill", "yes"]]},
        "agreement": {
            "notes": [{"text": "only hospital_1 has age"}],
            "participants": {"hospital_1": {"tables": {"train": table}}},
        },
    }
    begins(
        orchestrator,
        "/ttp/train/collaborations/heart/projects/risk/alignments",
        job("check", progress=agreed, keys={"collab_id": "heart", "project_id": "risk"}),
    )

    ended = run("align", "heart/risk", "--dry-run")

    assert ended.code == 0
    assert "3 inputs; labels no, yes" in ended.out
    assert "hospital_1 40 age sex f –" in " ".join(ended.out.split())
    assert "only hospital_1 has age" in ended.out
