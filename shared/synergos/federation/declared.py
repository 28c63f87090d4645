"""The records that a project file declares, outermost first, and the driver's calls that are about each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from synergos import bodies
from synergos.domain.records import NOT_DECLARED, Kind
from synergos.driver import Driver
from synergos.driver.task import Task
from synergos.driver.transport import Response
from synergos.federation.drafts import drafted
from synergos.federation.federation import Federation
from synergos.schema import Definition

Record = Mapping[str, Any]
_NODE = re.compile(r"^node_(\d+)")


@dataclass(frozen=True)
class Declared:
    """One record of a project file.

    Attributes:
        ids: of its key, outermost first.
        place: where it stands in the file.
        create: declares it, in the place of what is there.
        group: the driver's calls about its kind.
        definition: what a declaration of its kind may say.
        said: what the file says of a record that other projects may have a part in: nothing else of it is compared or
            changed. None for what is the project's own, which is as the file says and no more.
    """

    kind: Kind
    ids: tuple[str, ...]
    place: str
    create: Callable[[Driver], Response]
    group: Callable[[Driver], Task]
    definition: Definition[Any]
    said: Record | None = None
    id_field: str = field(default="", kw_only=True)

    @property
    def name(self) -> str:
        """What it is called where there is one project only."""
        own = {Kind.COLLABORATION: 0, Kind.PARTICIPANT: 0, Kind.PROJECT: 1}.get(self.kind, 2)
        return "/".join(self.ids[own:])

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.name}"

    @cached_property
    def wanted(self) -> Record:
        """What is to be declared."""
        return self._declaration(drafted(self.create)) if self.said is None else self.said

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
        return declared if self.said is None else {name: declared.get(name) for name in self.said}

    def change(self, driver: Driver) -> Response:
        """Have the record be as the file says."""
        if self.said is not None or self.kind is Kind.REGISTRATION:
            return self.group(driver).update(*self.ids, **self.wanted)
        return self.create(driver)

    def delete(self, driver: Driver) -> Response:
        """Delete the record, with its results."""
        return self.group(driver).delete(*self.ids)

    def field_in_file(self, name: str | None) -> str:
        """Where a field of its declaration stands in the file."""
        if not name:
            return self.place
        return f"{self.place}.{_NODE.sub(r'nodes[\1]', name)}"

    def _declaration(self, record: Record) -> Record:
        known = self.definition.known(record)
        if self.kind is Kind.REGISTRATION:
            known = {name: value for name, value in known.items() if name in {"role", "n_count"} or _NODE.match(name)}
        ours = NOT_DECLARED | {self.id_field}
        return {name: value for name, value in known.items() if name not in ours}


def declared_by(federation: Federation) -> list[Declared]:
    """All records of a project file; what a record hangs under comes before it.

    Experiments come last: who deletes in the opposite order finds the workers that still have their results.
    """
    return [
        _collaboration(federation),
        _project(federation),
        *(each for participant_id in federation.participants for each in _participant(federation, participant_id)),
        *(each for expt_id in federation.experiments for each in _experiment(federation, expt_id)),
    ]


def _collaboration(federation: Federation) -> Declared:
    said = _without(federation.content["collaboration"], "id")
    collab_id = federation.project.collab_id
    return Declared(
        Kind.COLLABORATION,
        (collab_id,),
        "collaboration",
        lambda driver: driver.collaborations.create(collab_id, **said),
        lambda driver: driver.collaborations,
        bodies.COLLABORATION,
        said,
        id_field="collab_id",
    )


def _project(federation: Federation) -> Declared:
    said: dict[str, Any] = {"incentives": {}, **_without(federation.content["project"], "id")}
    ids = federation.project.ids
    return Declared(
        Kind.PROJECT,
        ids,
        "project",
        lambda driver: driver.projects.create(*ids, **said),
        lambda driver: driver.projects,
        bodies.PROJECT,
        id_field="project_id",
    )


def _experiment(federation: Federation, expt_id: str) -> Iterator[Declared]:
    said = federation.experiments[expt_id]
    ids = (*federation.project.ids, expt_id)
    place = f"experiments.{expt_id}"
    yield Declared(
        Kind.EXPERIMENT,
        ids,
        place,
        lambda driver: driver.experiments.create(*ids, **_without(said, "runs", "studies")),
        lambda driver: driver.experiments,
        bodies.EXPERIMENT,
        id_field="expt_id",
    )
    for run_id, hyperparameters in said.get("runs", {}).items():
        yield _run((*ids, run_id), f"{place}.runs.{run_id}", hyperparameters)


def _run(ids: tuple[str, ...], place: str, hyperparameters: Mapping[str, Any]) -> Declared:
    return Declared(
        Kind.RUN,
        ids,
        place,
        lambda driver: driver.runs.create(*ids, **hyperparameters),
        lambda driver: driver.runs,
        bodies.RUN,
        id_field="run_id",
    )


def _participant(federation: Federation, participant_id: str) -> Iterator[Declared]:
    said = federation.participants[participant_id]
    profile = _without(said, "role", "nodes", "tags")
    place = f"participants.{participant_id}"
    yield Declared(
        Kind.PARTICIPANT,
        (participant_id,),
        place,
        lambda driver: driver.participants.create(participant_id, **profile),
        lambda driver: driver.participants,
        bodies.PARTICIPANT,
        profile,
        id_field="id",
    )
    ids = (*federation.project.ids, participant_id)

    def register(driver: Driver) -> Response:
        registration = driver.registrations
        for node in said["nodes"]:
            registration.add_node(**node)
        return registration.create(*ids, role=said.get("role", bodies.Role.GUEST.value))

    yield Declared(
        Kind.REGISTRATION, ids, place, register, lambda driver: driver.registrations, bodies.REGISTRATION
    )
    if "tags" in said:
        yield Declared(
            Kind.TAG,
            ids,
            f"{place}.tags",
            lambda driver: driver.tags.create(*ids, **said["tags"]),
            lambda driver: driver.tags,
            bodies.TAG,
        )


def _without(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in names}
