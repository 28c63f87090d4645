"""Jobs as pages show them: how many there are, how they stand, what has happened to them, and what their rounds have lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from synergos.domain.job import FINAL_STATES
from synergos.domain.trace_context import TRACEPARENT, TraceContext
from synergos.foreign_json import mapping, number, objects, text, texts, whole
from synergos_portal.orchestrator.client import COUNTS, Client, Listing, Query, as_kind
from synergos_portal.orchestrator.problems import Nonsense, Refused

Kind = TypeVar("Kind")
ROW = "stage,state,keys,progress,error,attempts,ttp,created_at,started_at,finished_at"
WAITING = ("queued", "waiting")
"""The states of jobs that have not started."""
MOVING = ("running", "archiving")
_AT_ONCE = 1000
_BOTH = "~"
"""Between the cursors of two lists that are shown as one."""


@dataclass(frozen=True)
class JobError:
    """Why a job has failed."""

    kind: str = ""
    message: str = ""
    participant: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Awaited:
    """Whose worker is waited for.

    Attributes:
        participant: None where that is not told.
        until: when it is given up.
        purpose: what it is to do.
    """

    participant: str | None
    until: str | None
    purpose: str | None
    reason: str | None


@dataclass(frozen=True)
class Job:
    """A job. Of one that is damaged most is None."""

    id: str
    stage: str | None = None
    state: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    progress: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    attempts: int | None = None
    grid: int | None = None
    ttp: str | None = None
    error: JobError | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None

    @property
    def is_unfinished(self) -> bool:
        """Whether more will happen to it."""
        return self.state not in (None, "damaged", *FINAL_STATES)

    @property
    def has_begun(self) -> bool:
        """Whether somebody runs it or has ended it."""
        return self.state is not None and self.state not in WAITING

    @property
    def about(self) -> str:
        """What it works on: the ids of its key, outermost first."""
        return " / ".join(self.keys.values())

    @property
    def run(self) -> str:
        """The run that it works on, as ``experiment/run``; empty where it is about none."""
        return "/".join(self.keys[name] for name in ("expt_id", "run_id") if name in self.keys)

    @property
    def fraction(self) -> float | None:
        """How much of it is done, from 0 to 1."""
        return 1.0 if self.state == "completed" else number(self.progress.get("fraction"))

    @property
    def round(self) -> int | None:
        """How many rounds are done."""
        return whole(self.progress.get("round"))

    @property
    def rounds(self) -> int | None:
        """How many there are to be."""
        return whole(self.progress.get("rounds"))

    @property
    def seconds_left(self) -> float | None:
        """Until it is done, as far as anybody can tell."""
        return number(self.progress.get("seconds_left"))

    @property
    def losses(self) -> Mapping[str, float | None]:
        """Of the newest round, by participant."""
        losses = mapping(mapping(self.progress.get("losses")).get("participants"))
        return {who: number(loss) for who, loss in losses.items()}

    @property
    def awaited(self) -> list[Awaited]:
        """Whose workers are waited for."""
        return [_awaited(each) for each in objects(self.progress.get("waiting_for"))]

    @property
    def first(self) -> str | None:
        """The id of the job that must end first."""
        return text(self.progress.get("waiting_for"))

    @property
    def position(self) -> int | None:
        """How many come first."""
        return whole(self.progress.get("position"))

    @property
    def waits_because(self) -> str | None:
        """What it waits for in words, where that is not another job's end."""
        return text(self.progress.get("reason"))

    def told(self, name: str) -> Mapping[str, str]:
        """Of its progress what is told by participant: ``absent``, ``left_out`` or ``shortened``."""
        return {who: str(reason) for who, reason in mapping(self.progress.get(name)).items()}

    @property
    def participants(self) -> list[str]:
        """Those who work on it, as far as its progress says."""
        found = texts(self.progress.get("participants"))
        others = [*self.losses, *self.told("absent"), *self.told("left_out")]
        return list(dict.fromkeys([*found, *others]))


@dataclass(frozen=True)
class Event:
    """Something that has happened to a job.

    Attributes:
        event: its kind, see docs/rest.md.
        about: what is known of it besides.
        sentence: the same in the orchestrator's words.
    """

    number: int
    attempt: int
    at: str
    event: str
    sentence: str
    participant: str | None = None
    about: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Round:
    """What a round has lost; it counts from 1."""

    round: int
    attempt: int
    at: str | None = None
    train: float | None = None
    evaluate: float | None = None
    participants: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """How many jobs there are."""

    failed: int = 0
    waiting: int = 0
    running: int = 0


def listed(client: Client, query: Query) -> Listing[Job]:
    """A page of jobs; ``waiting`` stands for both states in which jobs wait."""
    query = {**query, "fields": ROW}
    if query.get("state") != "waiting":
        return client.records(Job, "jobs", query=query)
    cursors = str(query.get("cursor") or _BOTH).partition(_BOTH)[::2]
    is_first = not query.get("cursor")
    items: list[Job] = []
    following = []
    for state, cursor in zip(WAITING, cursors, strict=True):
        found: Listing[Job] = Listing([])
        if is_first or cursor:
            found = client.records(Job, "jobs", query={**query, "state": state, "cursor": cursor or None})
        items.extend(found.items)
        following.append(found.next or "")
    items.sort(key=lambda job: job.created_at or "", reverse=query.get("order") != "oldest")
    return Listing(items, _BOTH.join(following) if any(following) else None)


def newest(client: Client, state: str, limit: int = 20) -> Listing[Job]:
    """The newest jobs in a state."""
    query: Query = {"state": state, "limit": limit, "order": "newest", "fields": ROW}
    return client.records(Job, "jobs", query=query)


def unfinished(found: Listing[Job]) -> int:
    """How many of the jobs of a list have not ended, those on its other pages too."""
    told = found.params.get("counts")
    if found.next is None or not isinstance(told, Mapping):
        return sum(job.is_unfinished for job in found.items)
    return sum(count for state, count in told.items() if state not in FINAL_STATES and isinstance(count, int))


def counts(client: Client) -> Counts | None:
    """How many jobs there are in which state; None where the orchestrator does not say."""
    told = mapping(client.answer("GET", "jobs", query=COUNTS).get("params")).get("counts")
    if not isinstance(told, dict):
        return None
    found = {state: count for state, count in told.items() if isinstance(count, int)}
    return Counts(
        found.get("failed", 0),
        sum(found.get(state, 0) for state in WAITING),
        sum(found.get(state, 0) for state in MOVING),
    )


def one(client: Client, job_id: str) -> Job:
    """One job."""
    return client.record(Job, "jobs", job_id)


def events(client: Client, job_id: str) -> Sequence[Event]:
    """What has happened to a job, in order; how much of it is kept the orchestrator bounds."""
    return list(_each(client, Event, job_id, "events"))


def rounds(client: Client, job_id: str, after: int = 0) -> Iterator[Round]:
    """What its rounds have lost, those after one of them, asked for piece by piece as they are taken."""
    return _each(client, Round, job_id, "metrics", after)


def cancel(client: Client, job_id: str) -> None:
    """Ask a job to stop."""
    client.answer("POST", "jobs", job_id, "cancel", body={})


def ask(client: Client, parts: Sequence[str], trace: TraceContext) -> None:
    """Ask for one stage in a trace, by which its jobs are found again.

    Raises:
        Refused: it cannot be done as things stand; nothing of it is stored.
    """
    client.answer("POST", *parts, body={}, headers={"Prefer": "respond-async", TRACEPARENT: trace.header})


def of_trace(client: Client, project: Mapping[str, str], trace_id: str, most: int) -> Listing[Job]:
    """The first jobs that were asked for in a trace, so many at most; its ``params`` count all of them by state."""
    asked: Query = {**project, "trace_id": trace_id, "limit": most, "fields": ROW}
    return client.records(Job, "jobs", query=asked)


def again(client: Client, job: Job) -> str:
    """Ask for the same once more; the id of the first job that makes.

    Raises:
        Refused: it cannot be done as things stand.
    """
    if (place := _place_of(job)) is None:
        raise Refused("such a job cannot be asked for again", 409)
    parts, who = place
    accepted = client.ask_for(*parts, *who, body=_body_of(job))
    for each in objects(accepted)[:1]:
        if "id" in each:
            return str(each["id"])
    raise Nonsense("the orchestrator has accepted the request and named no job")


def earlier_result(client: Client, job: Job) -> str | None:
    """What is there of an earlier job and was to be replaced by one that came to nothing: when it was made, or an empty text.

    None where there is nothing, or nothing that whoever asks may see.
    """
    if (place := _place_of(job)) is None:
        return None
    try:
        found = client.answer("GET", *place[0]).get("data")
    except Refused:
        return None
    records = found if isinstance(found, list) else [found]
    made = [str(each.get("trained_at") or each.get("created_at") or "") for each in objects(records)]
    return max(made) if made else None


def _each(client: Client, kind: type[Kind], job_id: str, part: str, after: int = 0) -> Iterator[Kind]:
    while True:
        answer = client.answer("GET", "jobs", job_id, part, query={"after": after, "limit": _AT_ONCE})
        yield from as_kind(list[kind], answer.get("data"))  # type: ignore[valid-type]
        following = answer.get("next")
        # One that leads back would be followed for ever.
        if not isinstance(following, int) or following <= after:
            return
        after = following


def _place_of(job: Job) -> tuple[list[str], list[str]] | None:
    """The route by which such a job is asked for and where its results lie, and whose alone are asked for behind it; None of what is no stage's."""
    match job.stage, list(job.keys.values()):
        case "preprocess", [c, p]:
            return ["train", "collaborations", c, "projects", p, "alignments"], []
        case "train", [c, p, e, r]:
            return ["train", "collaborations", c, "projects", p, "models", e, r], []
        case "validate", [c, p, e, r, *who]:
            return ["evaluate", "collaborations", c, "projects", p, "validations", e, r], who
        case "predict", [c, p, e, r, who]:
            return ["evaluate", "participants", who, "collaborations", c, "predictions", p, e, r], []
    return None


def _body_of(job: Job) -> dict[str, object]:
    """What is said in the request that makes such a job."""
    body = {name: value for name, value in job.parameters.items() if name != "trial" and value is not None}
    if job.stage == "predict" and "tags" in body:
        body["tags"] = {list(job.keys.values())[1]: body["tags"]}
    return body


def _awaited(wait: Mapping[str, object]) -> Awaited:
    said = {name: wait.get(name) for name in ("participant", "until", "for", "reason")}
    told = {name: str(value) if value is not None else None for name, value in said.items()}
    return Awaited(told["participant"], told["until"], told["for"], told["reason"])
