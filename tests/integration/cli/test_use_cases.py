"""The table of use cases: everything in the driver has its command, and each command sends what was said."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import pytest
from typer.main import get_command

from fakes.recording_server import RecordingServer
from support.command_runner import Ended, Run
from synergos import Driver
from synergos.cli import app
from synergos.cli.exits import ExitCode
from synergos.cli.use_cases import NOUNS, USE_CASES

OTHERWISE = {
    "collaborations.configure_catalogue": "--catalogue of `collaboration create | update`",
    "collaborations.configure_logger": "--logs",
    "collaborations.configure_meter": "--meter",
    "collaborations.configure_mlops": "--mlops",
    "collaborations.configure_mq": "--mq",
    "registrations.add_node": "--node of `registration create`",
    "registrations.list_nodes": "what was gathered is in the command line",
    "registrations.count_nodes": "what was gathered is in the command line",
    "registrations.remove_node": "what was gathered is in the command line",
}
"""Calls of the driver that have no command of their own, and what is in its place."""

C = "/ttp/connect/collaborations"
NODE = {"host": "10.0.0.1", "port": 8020, "f_port": 5000, "log_msgs": False, "verbose": False}
LAYERS = [{"is_input": True, "l_type": "Linear", "structure": {}, "activation": ""}]


def calls() -> Iterator[str]:
    """What the driver can be asked, as ``runs.create``."""
    for name, found in inspect.getmembers(Driver, lambda member: isinstance(member, property)):
        task = get_type_hints(found.fget)["return"]
        if hasattr(task, "create"):
            own = [method for method in vars(task) if not method.startswith("_") and callable(getattr(task, method))]
            yield from (f"{name}.{method}" for method in own)


def commands(group: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command there is, by its words."""
    whole: Any = group or get_command(app)
    for name in whole.list_commands(None):
        found = whole.get_command(None, name)
        if hasattr(found, "list_commands"):
            yield from commands(found, (*words, name))
        else:
            yield " ".join((*words, name)), found


@pytest.fixture(scope="module")
def every_command() -> Mapping[str, Any]:
    """As :func:`commands`."""
    return dict(commands())


def at(server: RecordingServer, run: Run, *arguments: str) -> Ended:
    return run(*arguments, "--address", f"http://127.0.0.1:{server.port}")


def test_everything_in_the_driver_has_its_command() -> None:
    told = {case.call for case in USE_CASES}

    assert sorted(set(calls()) - told - OTHERWISE.keys()) == []
    assert sorted(told - set(calls())) == []
    assert sorted(OTHERWISE.keys() & told) == []


def test_every_noun_of_the_table_is_a_group() -> None:
    assert {words[0] for words in (case.command.split() for case in USE_CASES) if len(words) == 2} == set(NOUNS)


@pytest.mark.parametrize("command", sorted(name for name, _ in commands()))
def test_every_command_writes_json_and_has_help_for_every_option_in_100_columns(
    run: Run, monkeypatch: pytest.MonkeyPatch, every_command: Mapping[str, Any], command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    found = every_command[command]

    assert found.help
    assert [parameter.name for parameter in found.params if not getattr(parameter, "help", None)] == []
    ended = run(*command.split(), "--help")
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 100
    assert re.search("--format .*json", ended.out)
    assert ":class:" not in ended.out
    assert "see the driver" not in ended.out


@pytest.mark.parametrize("command", sorted(case.command for case in USE_CASES))
def test_every_command_of_an_orchestrator_has_json_and_says_which_one_it_asks(
    every_command: Mapping[str, Any], command: str
) -> None:
    options = {option for parameter in every_command[command].params for option in parameter.opts}

    assert {"--format", "--address", "--profile"} <= options


@pytest.mark.parametrize(
    ("command", "method", "path", "body"),
    [
        ("collaboration create heart", "POST", C, {"collab_id": "heart"}),
        ("collaboration show heart", "GET", f"{C}/heart", None),
        ("collaboration delete heart", "DELETE", f"{C}/heart", None),
        ("project list heart", "GET", f"{C}/heart/projects?order=newest&limit=20", None),
        ("project list heart --limit 0", "GET", f"{C}/heart/projects?order=newest", None),
        ("project update heart risk --action regress", "PUT", f"{C}/heart/projects/risk", {"action": "regress"}),
        ("run update heart/risk/e/r --lr 0.5", "PUT", f"{C}/heart/projects/risk/experiments/e/runs/r", {"lr": 0.5}),
        (
            "run update heart risk e r --set momentum=0.9 --set optimizer=Adam",
            *("PUT", f"{C}/heart/projects/risk/experiments/e/runs/r", {"momentum": 0.9, "optimizer": "Adam"}),
        ),
        ("participant list --format json", "GET", "/ttp/connect/participants?order=newest", None),
        ("participant update ward --category hospital --category public", "PUT", "/ttp/connect/participants/ward",
         {"category": ["hospital", "public"]}),
        ("registration list --participant ward", "GET",
         "/ttp/connect/participants/ward/registrations?order=newest&limit=20", None),
        ("tags create heart/risk/ward --train a/b/ --train c --evaluate d", "POST",
         f"{C}/heart/projects/risk/participants/ward/registration/tags",
         {"train": [["a", "b"], ["c"]], "evaluate": [["d"]], "predict": []}),
        ("tags create heart/risk/ward --evaluate d", "POST", f"{C}/heart/projects/risk/participants/ward/registration/tags",
         {"train": [], "evaluate": [["d"]], "predict": []}),
        ("tags update heart/risk/ward --set train=[]", "PUT", f"{C}/heart/projects/risk/participants/ward/registration/tags",
         {"train": []}),
        ("alignment show heart/risk", "GET", "/ttp/train/collaborations/heart/projects/risk/alignments?order=newest&limit=20",
         None),
        ("alignment show heart/risk --where participant_id=7", "GET",
         "/ttp/train/collaborations/heart/projects/risk/alignments?order=newest&limit=20&participant_id=7", None),
    ],
)  # fmt: skip
def test_a_command_sends_what_its_call_of_the_driver_sends(
    run: Run, server: RecordingServer, command: str, method: str, path: str, body: object
) -> None:
    server.answer_next(200, {"data": {}})

    assert at(server, run, *command.split()).code == 0
    assert server.seen == [(method, path, body)]


def test_a_project_is_declared_without_incentives_unless_there_are_some(run: Run, server: RecordingServer) -> None:
    for _ in range(2):
        server.answer_next(200, {"data": {}})

    at(server, run, "project", "create", "heart/risk", "--action", "classify")
    at(server, run, "project", "create", "heart/risk", "--action", "classify", "--incentives", '{"tier_1": ["ward"]}')

    assert [request.body["incentives"] for request in server.requests] == [{}, {"tier_1": ["ward"]}]


@pytest.mark.parametrize("given", [json.dumps(LAYERS), "layers.json"], ids=["text", "file"])
def test_layers_are_given_as_json_or_as_a_file_of_it(run: Run, server: RecordingServer, given: str) -> None:
    run("--help")
    with open("layers.json", "w", encoding="utf-8") as file:  # noqa: PTH123 where the command runs
        json.dump(LAYERS, file)
    server.answer_next(200, {"data": {}})

    assert at(server, run, "experiment", "create", "heart/risk/logistic", "--model", given).code == 0
    assert server.seen[-1][2] == {"expt_id": "logistic", "model": LAYERS}


@pytest.mark.parametrize("node", ["host=10.0.0.1,port=8020,f_port=5000", "10.0.0.1,8020,5000"])
def test_nodes_are_gathered_for_a_registration(run: Run, server: RecordingServer, node: str) -> None:
    server.answer_next(404, {"status": 404, "message": "no Registration"})
    server.answer_next(200, {"data": {}})

    ended = at(server, run, "registration", "create", "heart/risk/ward", "--role", "guest", "--node", node)

    assert ended.code == 0
    assert server.seen[-1][2] == {"role": "guest", "n_count": 1, "node_0": NODE}


def test_services_are_configured_with_a_collaboration(run: Run, server: RecordingServer) -> None:
    server.answer_next(200, {"data": {}})

    at(server, run, "collaboration", "update", "heart", "--mlops", "host=mlflow.example.org,port=5001,secure=true")

    mlops = {"host": "mlflow.example.org", "ports": {"main": 5001, "ui": 0}, "secure": True}
    assert server.seen == [("PUT", f"{C}/heart", {"mlops": mlops})]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run show heart/risk", "ids: expected COLLAB/PROJECT/EXPT/RUN, got heart/risk"),
        ("run show heart risk e r s", "ids: expected COLLAB/PROJECT/EXPT/RUN, got heart risk e r s"),
        ("run show heart//e/r", "ids: expected COLLAB/PROJECT/EXPT/RUN, got heart//e/r"),
        ("model show heart", "ids: expected COLLAB/PROJECT[/EXPT[/RUN]], got heart"),
        ("run update heart/risk/e/r", "nothing to change"),
        ("run update heart/risk/e/r --set lr", "--set: expected name=value, got 'lr'"),
        ("experiment create heart/risk/e --model [", "--model: is not JSON"),
        ("experiment create heart/risk/e --model 5", "--model: expected a JSON list, got 5"),
        (
            "project create heart/risk --action classify --incentives [1]",
            "--incentives: expected a JSON object, got [1]",
        ),
        ("run create heart/risk/e/r --lr 1 --set lr=2", "--set: lr is given already"),
        ("run create heart/risk/e/r --set self=2", "--set: self is given already"),
        ("run create heart/risk/e/r --set a=1 --set a=2", "--set: a is given already"),
        ("run create heart/risk/e/r --set lr=NaN", "lr: expected a finite number"),
        ("experiment create heart/risk/e --model none.json", "--model: none.json is neither JSON nor a file"),
        ("registration create heart/risk/w --role guest", "node_0: add a worker"),
        ("registration create heart/risk/w --role guest --node host=x,port=1", "f_port: is required"),
        (
            "registration create heart/risk/w --role guest --node x,y,1",
            "--node: port: expected a whole number, got 'y'",
        ),
        ("registration create heart/risk/w --role guest --node hots=x", "did you mean host or port?"),
        ("collaboration create c --mlops host=x,port=1,secure=maybe", "--mlops: secure: expected true or false"),
        ("run list heart/risk/e --where expt_id=f", "--where: expt_id is given already"),
        ("run list heart/risk/e --limit -1", "--limit: expected 0 to 1000, got -1"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_sent(
    run: Run, server: RecordingServer, command: str, said: str
) -> None:
    ended = at(server, run, *command.split())

    assert (ended.code, ended.out, server.seen) == (ExitCode.USAGE, "", [])
    assert said in ended.err


def test_a_record_is_shown_with_its_ids_and_how_much_is_beneath_it(run: Run, server: RecordingServer) -> None:
    key = {"collab_id": "heart", "project_id": "risk"}
    record = {"kind": "Project", "key": key, "action": "classify", "relations": {"Experiment": [{}, {}], "Run": []}}
    server.answer_always("GET", f"{C}/heart/projects/risk", 200, {"data": record, "warnings": ["mind the gap"]})

    ended = at(server, run, "project", "show", "heart", "risk")

    assert "collab_id heart project_id risk action classify experiments 2" in " ".join(ended.out.split())
    assert "warning: mind the gap" in ended.err
    assert json.loads(at(server, run, "project", "show", "heart/risk", "--format", "json").out) == record


def test_nothing_that_others_wrote_moves_the_terminal(run: Run, server: RecordingServer) -> None:
    record = {"kind": "Participant", "key": {"participant_id": "ward"}, "summary": "\x1b[31mred\x1b]0;title\x07[bold]"}
    server.answer_always("GET", "/ttp/connect/participants", 200, {"data": [record]})

    ended = at(server, run, "participant", "list")

    assert "\x1b" not in ended.out
    assert "[31mred" in ended.out
    assert "[bold]" in ended.out


def test_the_shell_completes_ids_below_those_before(
    run: Run, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [{"key": {"collab_id": "heart", "project_id": name}} for name in ("risk", "ruin", "cost")]

    def offered(*words: str) -> list[str]:
        monkeypatch.setenv("COMP_WORDS", " ".join(("synergos", "run", "show", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words) + 2))
        return run().out.split()

    server.answer_always("GET", f"{C}/heart/projects", 200, {"data": found})
    monkeypatch.setenv("SYNERGOS_ADDRESS", f"http://127.0.0.1:{server.port}")
    monkeypatch.setenv("_SYNERGOS_COMPLETE", "complete_bash")

    assert offered("heart", "r") == ["risk", "ruin"]
    assert offered("heart/r") == ["heart/risk", "heart/ruin"]
    assert offered("heart/risk/logistic/first/") == []


STAGES = {
    "align heart/risk": "/ttp/train/collaborations/heart/projects/risk/alignments",
    "train heart/risk/e/r": "/ttp/train/collaborations/heart/projects/risk/models/e/r",
    "validate heart/risk": "/ttp/evaluate/collaborations/heart/projects/risk/validations",
}


def job(state: str) -> dict[str, Any]:
    keys, times = {"collab_id": "heart", "project_id": "risk"}, dict.fromkeys(("created_at", "finished_at"))
    return {
        "kind": "Job",
        "id": "j1",
        "stage": "train",
        "state": state,
        "keys": keys,
        "progress": {},
        "error": None,
        **times,
    }


@pytest.mark.parametrize("command", sorted(STAGES))
@pytest.mark.parametrize(("state", "code"), [("completed", 0), ("failed", 5), ("cancelled", 6)])
def test_a_stage_is_begun_waited_for_and_ends_as_its_jobs_do(
    run: Run, server: RecordingServer, command: str, state: str, code: int
) -> None:
    server.answer_always("POST", STAGES[command], 202, {"data": [job("queued")]})
    server.answer_always("GET", "/ttp/jobs/j1", 200, {"data": job(state)})

    ended = at(server, run, *command.split(), "--format", "json")

    assert (ended.code, [each["state"] for each in json.loads(ended.out)]) == (code, [state])
    assert server.requests[0].headers["Prefer"] == "respond-async"
    assert f"train heart/risk: {state}" in ended.err


def test_a_stage_can_be_begun_alone(run: Run, server: RecordingServer) -> None:
    server.answer_always("POST", STAGES["align heart/risk"], 202, {"data": [job("queued")]})

    ended = at(server, run, "align", "heart/risk", "--no-wait", "--unseen", "refuse", "--no-shared-labels")

    assert (ended.code, len(server.requests)) == (0, 1)
    assert "j1" in ended.out
    assert {name: server.seen[0][2][name] for name in ("unseen", "shared_labels")} == {
        "unseen": "refuse",
        "shared_labels": False,
    }
