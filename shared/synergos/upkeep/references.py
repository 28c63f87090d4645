"""The files below an outputs folder that the records speak of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from synergos.domain.job import UNFINISHED
from synergos.domain.keys import ExperimentKey, RunKey
from synergos.domain.records import RECORD_TYPES, Kind
from synergos.records.model_versions import number_of
from synergos.records.tables import JOBS, RECORDS

PICTURES = "optimizations"
VERSIONS = "versions"


@dataclass(frozen=True)
class TrainedFiles:
    """The files of one training.

    Attributes:
        is_newest: whether it is the one that its run's model is of, which lies in the run's folder itself.
    """

    run: RunKey
    version: int
    is_newest: bool

    @property
    def place(self) -> Path:
        """Where they are to lie below an outputs folder."""
        own = self.run.folder(Path())
        return own if self.is_newest else own / VERSIONS / str(self.version)

    def __str__(self) -> str:
        return f"version {self.version} of {'/'.join(self.run.ids)}"


@dataclass(frozen=True)
class References:
    """What one state of the records says is there.

    Attributes:
        pictures: of studies, as paths below the outputs folder.
        unfinished: the ids of jobs to which something more will happen; those that train may have rounds.
    """

    trainings: Sequence[TrainedFiles]
    pictures: Sequence[Path]
    unfinished: Sequence[str]


def references_in(connection: Connection) -> References:
    """What the records say, in the transaction at hand."""
    return References(
        trainings=list(_trainings(connection)),
        pictures=[
            ExperimentKey.of(ids).folder(Path()) / PICTURES / Path(payload["picture"]).name
            for ids, payload in _records(connection, Kind.STUDY)
            if payload.get("picture")
        ],
        unfinished=list(
            connection.scalars(select(JOBS.c.id).where(JOBS.c.state.in_(UNFINISHED)).order_by(JOBS.c.number))
        ),
    )


def _trainings(connection: Connection) -> Iterator[TrainedFiles]:
    newest = {RunKey.of(ids): number_of(payload) for ids, payload in _records(connection, Kind.MODEL)}
    yield from (TrainedFiles(run, version, is_newest=True) for run, version in newest.items())
    for ids, _ in _records(connection, Kind.MODEL_VERSION):
        run, version = RunKey.of(ids), int(ids["version"])
        if newest.get(run) != version:
            yield TrainedFiles(run, version, is_newest=False)


def _records(connection: Connection, kind: Kind) -> Iterator[tuple[Mapping[str, str], Mapping[str, Any]]]:
    """Key and payload of each record of a kind, in order of creation."""
    table = RECORDS[kind]
    rows: Sequence[Row[Any]] = connection.execute(select(table).order_by(table.c.doc_id)).all()
    for row in rows:
        values = row._mapping
        yield {name: values[name] for name in RECORD_TYPES[kind].key_fields}, values["payload"]
