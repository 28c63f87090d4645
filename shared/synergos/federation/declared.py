"""The records that a project file declares, outermost first, and the driver's calls that are about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synergos import bodies
from synergos.bodies.declarations import Role
from synergos.domain.keys import CollaborationKey, ExperimentKey, Key, ParticipantKey, RegistrationKey, RunKey
from synergos.domain.records import NOT_DECLARED, Kind
from synergos.driver import Driver
from synergos.driver.task import Task
from synergos.driver.transport import Response
from synergos.federation.drafts import drafted
from synergos.federation.federation import Federation
from synergos.schema import Definition

Record = Mapping[str, Any]
_WITHOUT_FILES = frozenset({Kind.REGISTRATION, Kind.TAG})
_NODE = re.compile(r"^node_(\d+)")


@dataclass(frozen=True)
class Declared:
    """One record of a project file.

    Attributes:
        place: where it stands in the file.
        create: declares it, in the place of what is there.
        group: the driver's calls about its kind.
        definition: what a declaration of its kind may say.
        said: what the file says of a record that other projects may have a part in: nothing else of it is compared or
            changed. None for what is the project's own, which is as the file says and no more.
    """

    kind: Kind
    key: Key
    place: str
    create: Callable[[Driver], Response]
    group: Callable[[Driver], Task]
    definition: Definition[Any]
    said: Record | None = None

    @property
    def name(self) -> str:
        """What it is called where there is one project only."""
        own = {Kind.COLLABORATION: 0, Kind.PARTICIPANT: 0, Kind.PROJECT: 1}.get(self.kind, 2)
        return "/".join(self.ids[own:])

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of its key, outermost first."""
        return self.key.ids

    def __str__(self) -> str:
        return f"{'tags' if self.kind is Kind.TAG else self.kind.lower()} {self.name}"

    @cached_property
    def wanted(self) -> Record:
        """What is to be declared."""
        return self._declaration(self.draft()) if self.said is None else self.said

    def draft(self) -> Record:
        """The body of the request that would declare it.

        Raises:
            InvalidRequest: the driver does not ask for such a thing.
        """
        return self._drafted

    @cached_property
    def _drafted(self) -> Record:
        return drafted(self.create)

    def read(self, driver: Driver) -> Record:
        """The record as it is.

        Raises:
            DriverError: there is none (404), or the orchestrator does not answer.
        """
        record: Record = self.group(driver).read(*self.ids)["data"]
        return record

    def declared_in(self, record: Record) -> Record:
        """What was declared of a stored record, as far as the file has a say in it."""
        declared = self._declaration(record)
        if self.said is not None:
            return {name: declared.get(name) for name in self.said}
        return {name: self._without_shown(name, value) for name, value in declared.items()}

    def change(self, driver: Driver) -> Response:
        """Have the record be as the file says."""
        if self.said is not None or self.kind is Kind.REGISTRATION:
            return self.group(driver).update(*self.ids, **self.wanted)
        return self.create(driver)

    def delete(self, driver: Driver, *, keep_files: bool = False) -> Response:
        """Delete the record, with its results and, unless they are to be kept, their files."""
        kept = {"keep_files": True} if keep_files and self.kind not in _WITHOUT_FILES else {}
        return self.group(driver).delete(*self.ids, **kept)

    def in_file(self, field: str) -> str:
        """A field of its declaration as its table in the file has it."""
        return _NODE.sub(r"nodes[\1]", field)

    def place_of(self, field: str | None) -> str:
        """Where a field of its declaration stands in the file."""
        return f"{self.place}.{self.in_file(field)}" if field else self.place

    def _without_shown(self, name: str, value: Any) -> Any:
        """A node without the identity that its worker has shown, where the file names none."""
        if not _NODE.fullmatch(name) or self.wanted.get(name, {}).get("fingerprint") is not None:
            return value
        return _without(value, "fingerprint")

    def _declaration(self, record: Record) -> Record:
        known = self.definition.known(record)
        if self.kind is Kind.REGISTRATION:
            known = {name: value for name, value in known.items() if name in {"role", "n_count"} or _NODE.match(name)}
        ours = NOT_DECLARED | self.key.keys()
        return {name: value for name, value in known.items() if name not in ours}


def declared_by(federation: Federation) -> list[Declared]:
    """All records of a project file; what a record hangs under comes before it.

    Experiments come last: who deletes in the opposite order finds the workers that still have their results.
    """
    return [
        _collaboration(federation),
        _project(federation),
        *(each for key in federation.registrations for each in _participant(federation, key)),
        *(each for key in federation.experiment_keys for each in _experiment(federation, key)),
    ]


def _collaboration(federation: Federation) -> Declared:
    said = _without(federation.content["collaboration"], "id")
    key = CollaborationKey(federation.project.collab_id)
    return Declared(
        Kind.COLLABORATION,
        key,
        "collaboration",
        lambda driver: driver.collaborations.create(key.collab_id, **said),
        lambda driver: driver.collaborations,
        bodies.COLLABORATION,
        said,
    )


def _project(federation: Federation) -> Declared:
    said: dict[str, Any] = {"incentives": {}, **_without(federation.content["project"], "id"), **federation.project}
    return Declared(
        Kind.PROJECT,
        federation.project,
        "project",
        lambda driver: driver.projects.create(**said),
        lambda driver: driver.projects,
        bodies.PROJECT,
    )


def _experiment(federation: Federation, key: ExperimentKey) -> Iterator[Declared]:
    table = federation.experiments[key.expt_id]
    said: dict[str, Any] = {**_without(table, "runs", "studies"), **key}
    place = f"experiments.{key.expt_id}"
    yield Declared(
        Kind.EXPERIMENT,
        key,
        place,
        lambda driver: driver.experiments.create(**said),
        lambda driver: driver.experiments,
        bodies.EXPERIMENT,
    )
    for run_id, hyperparameters in table.get("runs", {}).items():
        yield _run(key.run_called(run_id), f"{place}.runs.{run_id}", hyperparameters)


def _run(key: RunKey, place: str, hyperparameters: Mapping[str, Any]) -> Declared:
    said: dict[str, Any] = {**hyperparameters, **key}
    return Declared(
        Kind.RUN, key, place, lambda driver: driver.runs.create(**said), lambda driver: driver.runs, bodies.RUN
    )


def _participant(federation: Federation, key: RegistrationKey) -> Iterator[Declared]:
    table = federation.participants[key.participant_id]
    profile = _without(table, "role", "nodes", "tags")
    place = f"participants.{key.participant_id}"
    yield Declared(
        Kind.PARTICIPANT,
        ParticipantKey(key.participant_id),
        place,
        lambda driver: driver.participants.create(key.participant_id, **profile),
        lambda driver: driver.participants,
        bodies.PARTICIPANT,
        profile,
    )
    yield Declared(
        Kind.REGISTRATION,
        key,
        place,
        lambda driver: _register(driver, key, table),
        lambda driver: driver.registrations,
        bodies.REGISTRATION,
    )
    if "tags" in table:
        said: dict[str, Any] = {**table["tags"], **key}
        yield Declared(
            Kind.TAG,
            key,
            f"{place}.tags",
            lambda driver: driver.tags.create(**said),
            lambda driver: driver.tags,
            bodies.TAG,
        )


def _register(driver: Driver, key: RegistrationKey, table: Mapping[str, Any]) -> Response:
    registration = driver.registrations
    for node in table["nodes"]:
        registration.add_node(**node)
    return registration.create(**key, role=table.get("role", Role.GUEST.value))


def _without(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}
