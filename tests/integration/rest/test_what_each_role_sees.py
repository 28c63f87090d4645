"""The table of docs/accounts.md, cell by cell: what each role is answered, and nothing of anybody else's in it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakes.orchestration import (
    ALIGNMENTS_URL,
    COLLABORATION_URL,
    CONNECT,
    EXPERIMENT_URL,
    MODELS_URL,
    PROJECT,
    PROJECT_URL,
    RUN,
    RUN_URL,
    STATISTICS,
    VALIDATIONS_URL,
    C,
    CannedDispatcher,
    Client,
    E,
    P,
    R,
    predictions_url,
    registration_url,
)
from fakes.people import add_people, basic
from synergos.accounts.sign_in import SignIn
from synergos.domain.grid import Node, nodes_of
from synergos.domain.job import Job, JobError, JobState, Stage
from synergos.domain.job_event import JobEvent, JobEventKind, JobNews, RoundLoss
from synergos.domain.keys import ProjectKey, RegistrationKey, RunKey
from synergos.domain.records import Kind
from synergos.domain.removal import Removal
from synergos.domain.study import TRIAL_PREFIX, Direction, Study, StudyState, Trial, TrialState
from synergos.orchestration.study_records import StudyRecords
from synergos.records import RecordStore
from synergos.records.catalogues import Catalogues
from synergos.records.owners import Owners
from synergos.records.removals import Removals
from synergos.rest import create_app

DOCUMENT = Path(__file__).parents[3] / "docs" / "accounts.md"
PEOPLE = {"owner": "lead", "orchestrator": "rival", "member": "first", "outsider": "outsider", "viewer": "looker"}
MINE = {"member": "worker_1", "outsider": "worker_9"}
PARTICIPANTS = ("worker_1", "worker_2", "worker_9")
RUN_KEY = RunKey.of(RUN)
FILES = (
    "global_model.pt",
    "global_model.safetensors",
    "global_loss_history.json",
    *(f"local_model_{who}.pt" for who in PARTICIPANTS[:2]),
    *(f"local_loss_history_{who}.json" for who in PARTICIPANTS[:2]),
    "manifest.json",
)
FILES_URL = f"{MODELS_URL}/{E}/{R}/artifacts"
STUDY, TRIAL = "a_study", f"{TRIAL_PREFIX}1"


@dataclass(frozen=True)
class Probe:
    """How a row is looked at.

    Attributes:
        urls: what is asked; all of them together are what somebody sees.
        secret: what only those see who see all.
        told: what everybody sees who sees anything but a list with nothing in it.
        are_named: whether the ids of participants are no secret there, for those who orchestrate.
    """

    urls: Sequence[str]
    secret: Sequence[str] = PARTICIPANTS[:2]
    told: Sequence[str] = ()
    are_named: bool = False


PROBES: Mapping[str, Probe] = {
    "collaborations: the addresses of their services": Probe(
        [f"{CONNECT}/collaborations?fields=mlops,catalogue"], ["mlops.example"], [C]
    ),
    "collaborations: what hangs under them": Probe([COLLABORATION_URL], [*PARTICIPANTS[:2], "172.18.0.4"], [R]),
    "projects": Probe([f"{COLLABORATION_URL}/projects?fields=action,incentives"], ["regress", "tier_1"]),
    "projects: what hangs under them": Probe([PROJECT_URL], [*PARTICIPANTS[:2], "172.18.0.4"], [R]),
    "experiments": Probe([f"{PROJECT_URL}/experiments?fields=model"], ["Linear"]),
    "runs": Probe([f"{EXPERIMENT_URL}/runs?fields=lr,mu"], ['"lr"', '"mu"']),
    "runs: what hangs under them": Probe([RUN_URL], [*PARTICIPANTS[:2], "/outputs/"], ['"ModelVersion"']),
    "participants: profiles": Probe([f"{CONNECT}/participants?fields=phone"], PARTICIPANTS),
    "participants: what hangs under them": Probe(
        [f"{CONNECT}/participants"], ["172.18.0.3", "172.18.0.4"], are_named=True
    ),
    "invitations": Probe([f"{PROJECT_URL}/invitations"]),
    "invitations: one": Probe([f"{PROJECT_URL}/participants/{who}/invitation" for who in PARTICIPANTS[:2]]),
    "registrations": Probe([f"{PROJECT_URL}/registrations"]),
    "registrations of a participant": Probe(
        [f"{CONNECT}/participants/{who}/registrations" for who in PARTICIPANTS[:2]]
    ),
    "registrations: one": Probe([registration_url(who) for who in PARTICIPANTS[:2]], ["172.18.0.3", "172.18.0.4"]),
    "tags": Probe([f"{registration_url(who)}/tags" for who in PARTICIPANTS[:2]], ["data1", "data2"]),
    "nodes and whether they are reachable": Probe(["/ttp/nodes"], ["172.18.0.3", "172.18.0.4"]),
    "vocabulary: what can be named": Probe(["/ttp/vocabulary?fields=search_space"], ["qloguniform"]),
    "catalogue": Probe(["/ttp/catalogue"], [*PARTICIPANTS[:2], "published by worker_2"]),
    "catalogue: one project's": Probe([f"/ttp/catalogue/{C}/{P}"], [*PARTICIPANTS[:2], "published by worker_2"]),
    "lineage": Probe(
        [f"/ttp/lineage/{C}/{P}/{E}/{R}"], [*PARTICIPANTS[:2], "folder of worker_2"], ['"network"', '"model"', '"lr"']
    ),
    "alignments": Probe([ALIGNMENTS_URL]),
    "agreements: a participant's part": Probe(
        [f"{CONNECT}/participants/{who}/collaborations/{C}/projects/{P}/agreement" for who in PARTICIPANTS[:2]]
    ),
    "models: figures, rows, participants' own models": Probe(
        [f"{MODELS_URL}/{E}/{R}"], [*PARTICIPANTS[:2], '"feature_space"', "/outputs/"], ["train_loss", "architecture"]
    ),
    "trainings of a run": Probe([f"{MODELS_URL}/{E}/{R}/versions"], [*PARTICIPANTS[:2], "/outputs/"], ["train_loss"]),
    "files: what there is": Probe([FILES_URL], FILES),
    "files: the global model and its losses": Probe(
        [f"{FILES_URL}/{name}" for name in FILES[:3]], [f"content of {name}" for name in FILES[:3]]
    ),
    "files: a participant's model and losses": Probe(
        [f"{FILES_URL}/{name}" for name in FILES[3:7]], [f"content of {name}" for name in FILES[3:7]]
    ),
    "files: the manifest": Probe([f"{FILES_URL}/{FILES[7]}"], [f"content of {FILES[7]}"]),
    "validations": Probe([f"{VALIDATIONS_URL}/{E}/{R}"]),
    "predictions": Probe([predictions_url(who) for who in PARTICIPANTS[:2]]),
    "jobs: losses by participant, who is away and why": Probe(
        ["/ttp/jobs?stage=train&state=running&fields=progress,keys"],
        [*PARTICIPANTS[:2], "10.0.0.7"],
        ['"train": 0.25', '"round": 3'],
    ),
    "jobs: what has happened": Probe(
        ["/ttp/jobs/training/events"], [*PARTICIPANTS[:2], "10.0.0.7"], ['"training_began"', '"round 4"', "until y"]
    ),
    "jobs: losses of every round": Probe(["/ttp/jobs/training/metrics"], PARTICIPANTS[:2], ['"train": 0.25']),
    "jobs: what has happened, about one participant's data": Probe(
        [f"/ttp/jobs/of_{who[-1]}/events" for who in PARTICIPANTS[:2]]
    ),
    "jobs: errors": Probe(["/ttp/jobs?state=failed&fields=error,state"], PARTICIPANTS[:2], ["WorkerRefused"]),
    "jobs about one participant's data": Probe(["/ttp/jobs?stage=predict"]),
    "jobs: one, about one participant's data": Probe([f"/ttp/jobs/of_{who[-1]}" for who in PARTICIPANTS[:2]]),
    "jobs: what would be agreed": Probe(["/ttp/jobs?stage=check"], ['"age"'], ['"completed"']),
    "studies": Probe(["/ttp/studies", f"/ttp/studies/{STUDY}?"], ["R2", '"counts"']),
    "studies: trials": Probe([f"/ttp/studies/{STUDY}"], PARTICIPANTS[:2], [TRIAL, '"objective": 0.5']),
    "studies: validations of trials": Probe([f"{MODELS_URL}/{E}/optimizations"]),
    "studies: pictures": Probe([f"/ttp/studies/{STUDY}/picture"], ["content of the picture"]),
    "participants: overviews": Probe(
        [f"/ttp/participants/{who}/overview" for who in PARTICIPANTS[:2]], ["172.18.0.3", "172.18.0.4"], are_named=True
    ),
    "search: participants": Probe(["/ttp/search?q=worker_"], PARTICIPANTS),
    "search: jobs about one participant's data": Probe(["/ttp/search?q=of_"], ["of_1", "of_2"]),
    "search: what is declared, and jobs about no participant": Probe(
        [f"/ttp/search?q={text}" for text in ("abalone", "training", "checked")],
        ['"Collaboration"', '"Project"', '"Experiment"', '"Run"', '"training"', '"checked"'],
    ),
    "grids and queues": Probe(["/ttp/grids"], ['"training"']),
    "changes of jobs and records": Probe(["/ttp/changes?after=0"], ["of_1", "of_2"], [R], are_named=True),
    "removals of files": Probe(["/ttp/removals"], ["worker_2", "10.0.0.8"]),
    "metrics": Probe(["/metrics"], ["worker_1 is measured"]),
    "health": Probe(["/health"], ['"accounts"']),
}


def table() -> Iterator[tuple[str, str, str]]:
    """The cells of the document: what, who, and what they see."""
    lines = DOCUMENT.read_text(encoding="utf-8").partition("## What each role sees")[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    [_, *roles], *cells = rows
    for what, *seen in cells:
        yield from ((what, role, word) for role, word in zip(roles, seen, strict=True))


CELLS = list(table())


@pytest.fixture(scope="module")
def clients(snapshots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Client]]:
    """A grid in which everything there can be is there, as each role asks it."""
    folder = tmp_path_factory.mktemp("roles")
    shutil.copy(snapshots / "finished", folder / "database")
    store = RecordStore(f"sqlite:///{folder / 'database'}")
    fill(store, folder / "outputs")
    app = create_app(
        store,
        CannedDispatcher(store),
        component_id="ttp/1",
        outputs=folder / "outputs",
        sign_in=SignIn(add_people(store)),
        metrics=lambda _: (b"worker_1 is measured", "text/plain"),
    )

    def client(name: str) -> Client:
        http = app.test_client()
        http.environ_base["HTTP_AUTHORIZATION"] = basic(name)
        return Client(http)

    yield {role: client(name) for role, name in PEOPLE.items()}
    store.close()


def fill(store: RecordStore, outputs: Path) -> None:
    """What a cycle leaves, and what only some of them do."""
    owners = Owners(store)
    owners.give(Kind.COLLABORATION, C, "lead")
    store.merge(Kind.COLLABORATION, {"collab_id": C}, {"mlops": {"host": "mlops.example", "ports": {"main": 5500}}})
    for who in PARTICIPANTS:
        store.put(Kind.PARTICIPANT, {"participant_id": who}, {"id": who, "phone": f"telephone of {who}"})
    figures = {
        "rounds": 2,
        "best_round": 1,
        "train_loss": 0.5,
        "validation": {who: {"statistics": STATISTICS} for who in PARTICIPANTS[:2]},
    }
    limited = {who: {"rows": 9, "counted": 3} for who in PARTICIPANTS[:2]}
    pooled = {
        "participants": list(PARTICIPANTS[:2]),
        "statistics": STATISTICS,
        "over": {"R2": 2},
        "reasons": {"x": "worker_2 told none"},
    }
    datasets = {who: {"train": [{"tag": [f"folder of {who}"], "fingerprint": "k.1"}]} for who in PARTICIPANTS[:2]}
    more = {"limited": limited, "datasets": datasets}
    store.merge(Kind.MODEL, RUN, {"figures": {**figures, "pooled": pooled}, **more})
    for who in PARTICIPANTS[:2]:
        store.merge(Kind.VALIDATION, {**RUN, "participant_id": who}, {"pooled": pooled})
        key = {**PROJECT, "participant_id": who}
        agreed = store.get(Kind.ALIGNMENT, key)["agreement"]
        notes = ["columns: only worker_2 has 'x'", "columns: only worker_1 has 'age'"]
        store.merge(Kind.ALIGNMENT, key, {"agreement": {**agreed, "notes": notes}})
        store.put(Kind.INVITATION, key, {"state": "invited"})
        node = nodes_of(store.get(Kind.REGISTRATION, key))[0]
        column = {"name": f"published by {who}", "type": "float64"}
        folder = {"path": store.get(Kind.TAG, key)["train"][0], "datatype": "tabular", "columns": [column]}
        kept, place = Catalogues(store), (RegistrationKey.of(key), 0)
        kept.want({place: node.nonce or ""}, now := store.database.now())
        kept.found(place, node.nonce or "", now, {"extent": "schema", "folders": [folder]})
    predicted = {"predict": {"statistics": STATISTICS, "res_path": "/outputs/x.json"}}
    store.put(Kind.PREDICTION, {**RUN, "participant_id": "worker_2"}, predicted)
    for name in FILES:
        (path := RUN_KEY.folder(outputs) / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content of {name}")
    Removals(store).add([Removal(RUN_KEY, store.database.now(), node=Node("worker_2", "10.0.0.8", 5000, 8020))])
    add_jobs(store)
    add_study(store, outputs)


def add_jobs(store: RecordStore) -> None:
    losses = {"train": 0.25, "evaluate": 0.5, "participants": {"worker_1": 0.1, "worker_2": 0.4}}
    waits = [
        {
            "participant": who,
            "since": "x",
            "until": "y",
            "for": "round 4",
            "reason": f"{who}: cannot be reached at 10.0.0.7:5000",
        }
        for who in PARTICIPANTS[:2]
    ]
    by_participant = {
        name: {who: f"{who} said" for who in PARTICIPANTS[:2]} for name in ("absent", "left_out", "shortened")
    }
    training = Job(Stage.TRAIN, RUN_KEY, id="training").started()
    progress = {
        **{"round": 3, "rounds": 9, "losses": losses, "waiting_for": waits, "participants": list(PARTICIPANTS[:2])},
        **{
            "unsealed": list(PARTICIPANTS[:2]),
            "last_error": "worker_2: no",
            "added_later": "worker_2",
            **by_participant,
        },
    }
    # In an experiment of its own: an unfinished training hides its run's results.
    elsewhere = replace(training, keys=RunKey(C, P, "another", "another"), progress=progress)
    refused = [
        replace(Job(Stage.VALIDATE, RUN_KEY, id=f"failed_{who[-1]}"), state=JobState.FAILED,
                error=JobError("WorkerRefused", f"{who}: its column says no", who, "column"))
        for who in PARTICIPANTS[:2]
    ]  # fmt: skip
    of_one = [
        replace(
            Job(Stage.PREDICT, RUN_KEY.measured_at(who), {"tags": [[f"folder of {who}"]]}, id=f"of_{who[-1]}"),
            state=JobState.CANCELLED,
        )
        for who in PARTICIPANTS[:2]
    ]
    checked = Job(Stage.CHECK, ProjectKey.of(RUN), id="checked", state=JobState.COMPLETED,
                  progress={"agreement": {"participants": {"worker_2": {}}}, "feature_space": {"X": [["age", None]]}})  # fmt: skip
    store.add_jobs([elsewhere, *refused, *of_one, checked])
    store.history.add("training", history())
    for who in PARTICIPANTS[:2]:
        store.history.add(f"of_{who[-1]}", JobNews((JobEvent(JobEventKind.SESSION_OPENED, who),)))


def history() -> JobNews:
    """One event of each kind, of each participant where it is of one; and a round."""
    reason = "{}: cannot be reached at 10.0.0.7:5000".format
    about: Mapping[JobEventKind, Mapping[str, object]] = {
        JobEventKind.WORK_BEGAN: {"participants": list(PARTICIPANTS[:2])},
        JobEventKind.CANCEL_ASKED: {"by": "worker_2"},
        JobEventKind.TRAINING_BEGAN: {"rounds": 9, "after": 0},
    }
    of_one = [
        JobEvent(kind, who, {"until": "y", "for": "round 4", "reason": reason(who), "error": {"message": reason(who)}})
        for kind in JobEventKind
        for who in PARTICIPANTS[:2]
        if kind not in about
    ]
    # The training last: what is told of rounds goes with the attempt that began it.
    events = [*of_one, *(JobEvent(kind, None, told) for kind, told in about.items())]
    return JobNews(tuple(events), (RoundLoss(1, 0.25, 0.5, {"worker_1": 0.1, "worker_2": 0.4}),))


def add_study(store: RecordStore, outputs: Path) -> None:
    studies = StudyRecords(store)
    picture = outputs / C / P / E / "optimizations" / f"{STUDY}.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text("content of the picture")
    study = studies.add(
        Study(
            STUDY,
            RUN_KEY.experiment,
            "R2",
            Direction.MAXIMUM,
            search_space={},
            fixed={},
            searcher="random",
            scheduler="none",
            max_trials=1,
            seed=1,
            state=StudyState.COMPLETED,
            picture=str(picture),
        )
    )
    reason = "worker_1 and worker_2 have no rows"
    studies.save_trial(
        study, Trial(TRIAL, 0, {}, {"lr": 0.1}, TrialState.COMPLETED, {"train": "training"}, 0.5, reason=reason)
    )
    for who in PARTICIPANTS[:2]:
        measured = {"evaluate": {"statistics": STATISTICS, "res_path": "/outputs/y.json"}}
        store.put(Kind.VALIDATION, {**RUN, "run_id": TRIAL, "participant_id": who}, measured)


def seen(client: Client, probe: Probe, mine: str | None) -> str:
    """What somebody sees, in the words of the table."""
    answers = [client.http.get(url, buffered=True) for url in probe.urls]
    text = "".join(answer.get_data(as_text=True) for answer in answers if answer.status_code == 200)
    statuses = {answer.status_code for answer in answers}
    if statuses == {403}:
        return "no"
    assert statuses <= {200, 403, 404}, text
    if all(secret in text for secret in probe.secret):
        return "all"
    others = [who for who in PARTICIPANTS if who in text and who != mine]
    assert not others or (probe.are_named and mine is None), f"{others} in {text}"
    assert not text or all(told in text for told in probe.told), text
    if mine is not None and mine in text:
        return "own"
    is_empty = 404 in statuses or '"data": []' in text
    return "nothing" if is_empty else "public"


@pytest.mark.parametrize(("what", "role", "word"), CELLS, ids=[f"{what}-{role}" for what, role, _ in CELLS])
def test_a_role_sees_what_the_table_says(clients: Mapping[str, Client], what: str, role: str, word: str) -> None:
    assert seen(clients[role], PROBES[what], MINE.get(role)) == word


def test_the_table_has_every_row_that_is_looked_at() -> None:
    assert sorted({what for what, _, _ in CELLS}) == sorted(PROBES)
    assert {role for _, role, _ in CELLS} == set(PEOPLE)


@pytest.mark.parametrize("role", ["orchestrator", "member", "outsider", "viewer"])
def test_no_route_tells_anybody_of_anothers(clients: Mapping[str, Client], role: str) -> None:
    ids = {**RUN, "participant_id": MINE.get(role, "worker_5"), "study_id": STUDY, "job_id": "training", "version": "1"}
    others = [who for who in PARTICIPANTS if who != MINE.get(role)]
    looked_at = 0
    for rule in clients[role].http.application.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.arguments <= ids.keys():
            continue
        url = rule.rule
        for name in rule.arguments:
            url = url.replace(f"<{name}>", ids[name])
        if role == "orchestrator" and ("/participants" in url or url == "/metrics"):
            continue
        text = clients[role].http.get(url, buffered=True).get_data(as_text=True)
        assert not [who for who in others if who in text], (url, text)
        looked_at += 1

    assert looked_at > 40


def test_figures_over_several_are_told_with_their_number_and_no_names(clients: Mapping[str, Client]) -> None:
    [own] = clients["member"].data("GET", f"{VALIDATIONS_URL}/{E}/{R}")
    [model] = clients["viewer"].data("GET", f"{MODELS_URL}/{E}/{R}")

    assert own["pooled"]["participants"] == ["worker_1", "another participant"]
    assert model["figures"]["pooled"]["participants"] == ["another participant", "another participant"]
    assert own["pooled"]["statistics"] == model["figures"]["pooled"]["statistics"] == STATISTICS


def test_notes_on_names_are_told_to_those_they_name(clients: Mapping[str, Client]) -> None:
    share = clients["member"].data("GET", f"{CONNECT}/participants/worker_1/collaborations/{C}/projects/{P}/agreement")

    assert share["notes"] == ["columns: only worker_1 has 'age'"]
