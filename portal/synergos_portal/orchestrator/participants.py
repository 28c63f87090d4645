"""Participants as pages show them: who they are, where they are registered with which data, what runs on it and what came of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from synergos.domain.class_figures import of_classes_with_rows
from synergos.foreign_json import mapping, number, objects, text, texts, whole
from synergos_portal.orchestrator import cycle
from synergos_portal.orchestrator.client import Client, Listing, Query, as_kind
from synergos_portal.orchestrator.jobs import Job
from synergos_portal.orchestrator.problems import Nonsense

PURPOSES = ("train", "evaluate", "predict")
_NODE = re.compile(r"node_(\d{1,6})")
_COUNTS = frozenset({"TPs", "TNs", "FPs", "FNs"})
Folder = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """A participant in a project."""

    collab_id: str
    project_id: str
    participant_id: str

    @property
    def named(self) -> dict[str, str]:
        """The ids by name."""
        return dict(vars(self))

    @property
    def ids(self) -> tuple[str, str, str]:
        """The same without names, in this order."""
        return self.collab_id, self.project_id, self.participant_id

    @property
    def parts(self) -> tuple[str, ...]:
        """Of the route of its registration."""
        project = ("connect", "collaborations", self.collab_id, "projects", self.project_id)
        return (*project, "participants", self.participant_id, "registration")


@dataclass(frozen=True)
class Worker:
    """A node of a registration, as it was declared."""

    index: int
    host: str | None = None
    port: int | None = None
    f_port: int | None = None
    fingerprint: str | None = None

    @property
    def address(self) -> str:
        """Where it is, in words."""
        return f"{self.host}:{self.f_port}" if self.host else str(self.fingerprint or "")[:16]


@dataclass(frozen=True)
class Registration:
    """A participant in a project with what it brings.

    Attributes:
        tags: the folders, by what they are for; None where nothing was said of data.
        is_aligned: whether it has a part in what was agreed.
        revision: by which a change can say what it is a change of.
        tags_revision: the same of the tags.
    """

    place: Place
    role: str = ""
    workers: Sequence[Worker] = ()
    tags: Mapping[str, Sequence[Folder]] | None = None
    is_aligned: bool = False
    revision: str | None = None
    tags_revision: str | None = None

    def count(self, purpose: str) -> int:
        """How many folders it brings for something."""
        return len((self.tags or {}).get(purpose, ()))


@dataclass(frozen=True)
class Profile:
    """A participant in a list, with how often it is registered."""

    id: str
    fields: Mapping[str, object] = field(default_factory=dict)
    registrations: int = 0
    revision: str | None = None

    def said(self, name: str) -> str:
        """What it says of itself, as text."""
        value = self.fields.get(name)
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


@dataclass(frozen=True)
class Result:
    """What came of a job on its data."""

    kind: str
    key: Mapping[str, str]
    statistics: Mapping[str, float]
    path: str | None

    @property
    def about(self) -> str:
        """The run."""
        return " / ".join(value for name, value in self.key.items() if name != "participant_id")


@dataclass(frozen=True)
class Overview:
    """A participant as a whole.

    Attributes:
        registrations: in the order of their projects, perhaps only the first.
        registered: where all of them are.
        results: the newest of each kind.
    """

    id: str
    profile: Profile | None
    registrations: Sequence[Registration]
    registered: Collection[Place]
    jobs: Listing[Job]
    results: Sequence[Result]


def listed(client: Client, query: Query) -> Listing[Profile]:
    """A page of participants."""
    found = client.records(dict[str, object], "connect", "participants", query={**query, "relations": "counts"})
    return Listing([_profile(each) for each in found.items], found.next, found.params)


def ids(client: Client) -> list[str]:
    """Those of all participants, in the order of the alphabet."""
    asked: Query = {"relations": "none", "fields": "doc_id"}
    found = client.records(dict[str, object], "connect", "participants", query=asked)
    return sorted(_profile(each).id for each in found.items)


def profile(client: Client, participant_id: str) -> Profile:
    """One participant, to be changed."""
    answer = client.answer("GET", "connect", "participants", participant_id, query={"relations": "counts"})
    found = _profile(mapping(answer.get("data")))
    return Profile(found.id, found.fields, found.registrations, text(answer.get("revision")))


def overview(client: Client, participant_id: str, query: Query, registrations: int | None = None) -> Overview:
    """One participant as a whole.

    Args:
        registrations: how many of them are wanted; None for all.
    """
    answer = client.answer("GET", "participants", participant_id, "overview", query=query)
    data = mapping(answer.get("data"))
    known = data.get("participant")
    jobs = as_kind(list[Job], objects(data.get("jobs")))
    registered = [(_place(each), each) for each in objects(data.get("registrations"))]
    registered.sort(key=lambda each: (each[0].collab_id, each[0].project_id))
    return Overview(
        participant_id,
        _profile(known) if isinstance(known, Mapping) else None,
        [_registration(record, place) for place, record in registered[:registrations]],
        [place for place, _record in registered],
        Listing(jobs, text(answer.get("next")), mapping(answer.get("params"))),
        [_result(each) for found in mapping(data.get("results")).values() for each in objects(found)],
    )


def registrations(client: Client, participant_id: str, query: Query) -> Listing[Registration]:
    """A page of the registrations of a participant."""
    found = client.records(dict[str, object], "connect", "participants", participant_id, "registrations", query=query)
    return Listing([_registration(each, _place(each)) for each in found.items], found.next, found.params)


def registration(client: Client, place: Place) -> Registration:
    """One registration with its tags.

    Raises:
        Refused: there is none (404), or it is another's.
    """
    answer = client.answer("GET", *place.parts)
    found = _registration(mapping(answer.get("data")), place)
    has_tags = found.tags is not None
    tags_revision = text(client.answer("GET", *place.parts, "tags").get("revision")) if has_tags else None
    revision, is_aligned = text(answer.get("revision")), _is_aligned(client, place)
    return replace(found, is_aligned=is_aligned, revision=revision, tags_revision=tags_revision)


def register(client: Client, place: Place, body: Mapping[str, object], revision: str | None) -> list[str]:
    """Register anew, or replace a registration that was read; warnings.

    Raises:
        Refused: a field is wrong, or somebody else has changed it since.
    """
    return _saved(client, place.parts, body, revision)


def tag(client: Client, place: Place, body: Mapping[str, object], revision: str | None) -> list[str]:
    """Say which data is used for what; warnings.

    Raises:
        Refused: a field is wrong, or somebody else has changed it since.
    """
    return _saved(client, (*place.parts, "tags"), body, revision)


def leave(client: Client, place: Place, revision: str) -> None:
    """End a registration with its tags.

    Raises:
        Refused: it has been changed since, it cannot be, or is another's.
    """
    client.delete(*place.parts, unchanged_since=f'"{revision}"')


def declare(client: Client, body: Mapping[str, object]) -> None:
    """Declare a participant that is not there yet.

    Raises:
        Refused: its id is taken, or a field is wrong.
    """
    client.create("connect", "participants", body=body)


def change(client: Client, participant_id: str, body: Mapping[str, object], revision: str) -> None:
    """Change what a participant says of itself.

    Raises:
        Refused: somebody else has changed it since, or a field is wrong.
    """
    client.change("connect", "participants", participant_id, body=body, unchanged_since=f'"{revision}"')


def delete(client: Client, participant_id: str, revision: str) -> None:
    """Delete a participant, as it was read, with its registrations and results."""
    client.delete("connect", "participants", participant_id, unchanged_since=f'"{revision}"')


def models(client: Client, place: Place) -> list[tuple[str, str]]:
    """The experiments and runs of a project that have a model; none where nothing is trained yet."""
    parts = ("train", "collaborations", place.collab_id, "projects", place.project_id, "models")
    found = cycle.all_told(client, *parts, query={"fields": "version", "order": "newest"})
    keys = [mapping(each.get("key")) for each in found]
    return [(str(key.get("expt_id")), str(key.get("run_id"))) for key in keys]


def predict(client: Client, place: Place, run: tuple[str, str], folders: Sequence[Folder]) -> list[str]:
    """Ask for predictions of a run's model; the ids of the jobs that makes.

    Args:
        folders: what to predict; what is tagged for it where there are none.
    """
    parts = ("evaluate", "participants", place.participant_id, "collaborations", place.collab_id, "predictions")
    tags = {place.project_id: [list(folder) for folder in folders]} if folders else {}
    accepted = client.ask_for(*parts, place.project_id, *run, body={"tags": tags})
    ids = [str(each["id"]) for each in objects(accepted) if "id" in each]
    if not ids:
        raise Nonsense("the orchestrator has accepted the request and named no job")
    return ids


def _saved(client: Client, parts: Sequence[str], body: Mapping[str, object], revision: str | None) -> list[str]:
    headers = {"If-None-Match": "*"} if revision is None else {"If-Match": f'"{revision}"'}
    answer = client.answer("POST", *parts, body=body, headers=headers)
    # That it has replaced another is what was wanted.
    return [each for each in texts(answer.get("warnings")) if "was declared before" not in each]


def _is_aligned(client: Client, place: Place) -> bool:
    found = overview(client, place.participant_id, {"limit": 1}).registrations
    return any(each.place == place and each.is_aligned for each in found)


def _profile(record: Mapping[str, object]) -> Profile:
    key = mapping(record.get("key"))
    names = ("category", "summary", "phone", "email", "socials")
    return Profile(
        str(key.get("participant_id") or record.get("id") or ""),
        {name: record[name] for name in names if name in record},
        whole(mapping(record.get("relations")).get("Registration")) or 0,
    )


def _place(record: Mapping[str, object]) -> Place:
    key = mapping(record.get("key"))
    return Place(str(key.get("collab_id", "")), str(key.get("project_id", "")), str(key.get("participant_id", "")))


def _registration(record: Mapping[str, object], place: Place) -> Registration:
    workers = [
        _worker(int(found[1]), value)
        for name, value in record.items()
        if isinstance(value, dict) and (found := _NODE.fullmatch(name))
    ]
    said = record.get("tags")
    if said is None and (related := objects(mapping(record.get("relations")).get("Tag"))):
        said = related[0]
    return Registration(
        place,
        str(record.get("role") or ""),
        sorted(workers, key=lambda worker: worker.index),
        _tags(said) if isinstance(said, Mapping) else None,
        record.get("alignment") is not None,
    )


def _tags(record: Mapping[str, object]) -> dict[str, list[Folder]]:
    return {
        purpose: [tuple(map(str, folder)) for folder in found if isinstance(folder, list)]
        for purpose in PURPOSES
        if isinstance(found := record.get(purpose), list)
    }


def _worker(index: int, node: Mapping[str, object]) -> Worker:
    host, fingerprint = node.get("host"), node.get("fingerprint")
    return Worker(
        index,
        None if host is None else str(host),
        whole(node.get("port")),
        whole(node.get("f_port")),
        None if fingerprint is None else str(fingerprint),
    )


def _result(record: Mapping[str, object]) -> Result:
    kind = str(record.get("kind"))
    found = mapping(record.get("predict" if kind == "Prediction" else "evaluate"))
    said = {**_averaged(mapping(found.get("statistics"))), **mapping(found.get("overall"))}
    statistics = {name: known for name, value in said.items() if (known := number(value)) is not None}
    key = {name: str(value) for name, value in mapping(record.get("key")).items()}
    # The file that is named has the statistics; what was predicted of each row lies beside it.
    path = (text(found.get("res_path")) or "").rpartition("/")[0]
    return Result(kind, key, statistics, path or None)


def _averaged(statistics: Mapping[str, object]) -> dict[str, object]:
    """Figures by name; those of single classes as their mean over classes with rows, and no counts."""
    found = {}
    for name, value in statistics.items():
        if not isinstance(value, list):
            found[name] = value
        elif name not in _COUNTS and (known := of_classes_with_rows(statistics, name)):
            found[name] = sum(known) / len(known)
    return found
