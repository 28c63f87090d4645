"""Where a run's model comes from and what was made with it, put together of the records as far as somebody is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial

from synergos.domain.damage import DamagedPayload
from synergos.domain.job import Job, JobState, Stage
from synergos.domain.keys import RunKey
from synergos.domain.lineage import Lineage, LineageNode, NodeKind, State, edges_of
from synergos.domain.records import Kind, Record
from synergos.domain.tags import Purpose
from synergos.domain.trained_model import OUTDATED, TrainingDefinition, definition_of
from synergos.errors import DamagedRecord, RecordNotFound
from synergos.orchestration.access import Access
from synergos.orchestration.caller import Caller
from synergos.orchestration.catalogues import PATIENCE_SECONDS, PublishedCatalogues
from synergos.orchestration.dataset_lineage import DatasetLineage
from synergos.orchestration.disclosure import Disclosure
from synergos.orchestration.trainings import training_called
from synergos.records.agreements import agreement_version, current_agreement, why_withdrawn
from synergos.records.model_versions import number_of
from synergos.records.paging import Page
from synergos.records.store import RecordStore

_FIGURES = ("rounds", "best_round", "train_loss", "evaluate_loss")
_HIDDEN = "run, experiment or project ask for something else by now: it is hidden until the run is trained again"


class Lineages:
    """The lineages of one record store.

    Args:
        catalogues: asks workers in which state datasets are.
    """

    def __init__(self, store: RecordStore, catalogues: PublishedCatalogues, access: Access | None = None) -> None:
        self._store = store
        self._catalogues = catalogues
        self._access = access or Access(store)

    def of(
        self, caller: Caller, run: RunKey, version: str | None = None, patience: float = PATIENCE_SECONDS
    ) -> Lineage:
        """The lineage of a run's model, as far as the caller is told of it; of one that is not trained what it would come from.

        Args:
            version: the number of a training, that may be an earlier one; the newest without it.
            patience: seconds to wait for workers that are being asked.

        Raises:
            InvalidRequest: the version is no number.
            RecordNotFound: there is no such run or training.
        """
        self._store.get(Kind.RUN, run)
        found = self._catalogues.fingerprints(run.project, patience)
        told = self._access.sight(caller).within(run)
        with self._store.database.reading():
            datasets = DatasetLineage(self._store, run.project, found)
            parts = _Parts(self._store, run, told, datasets)
            model = parts.model() if version is None else training_called(self._store, run, version)
            nodes = tuple(parts.untrained() if model is None else parts.trained(model))
        if model is None:
            state = State.UNTRAINED
        else:
            state = State.CHANGED if any(node.changes for node in nodes) else State.CURRENT
        return Lineage(run, state, nodes, tuple(edges_of(nodes)))


@dataclass(frozen=True)
class _Parts:
    """The parts of one lineage, as the records have them at one moment."""

    store: RecordStore
    run: RunKey
    told: Disclosure
    datasets: DatasetLineage

    def model(self) -> Record | None:
        """The run's model as it was trained, be it hidden by now; None where there is none."""
        models = self.store.find(Kind.MODEL, self.run)
        return next((each for each in models if not isinstance(each, DamagedPayload)), None)

    def untrained(self) -> Iterator[LineageNode]:
        """What a model would come from now."""
        mine = (self.told.participant,)
        yield from (node for node in self.datasets.tagged() if self.told.has_all or node.participant in mine)
        if current_agreement(self.store, self.run.project) is not None:
            version = agreement_version(self.store, self.run.project)
            yield LineageNode("alignment", NodeKind.ALIGNMENT, f"agreement {version}", about={"version": version})
        asked = self._asked_for_now()
        yield LineageNode("network", NodeKind.NETWORK, self.run.expt_id, about=dict(asked.experiment))
        yield LineageNode("run", NodeKind.RUN, self.run.run_id, about={"hyperparameters": dict(asked.run)})

    def trained(self, stored: Record) -> Iterator[LineageNode]:
        """What the model came from, and what was made with it."""
        model = self.told.record(stored)
        yield from self.datasets.trained(model)
        yield self._alignment(stored, _names(model))
        definition, now = model.get("definition") or {}, self._asked_for_now()
        yield self._network(definition.get("experiment", {}), now, model.get("architecture"))
        yield self._run(definition.get("run", {}), now, definition.get("digest"))
        if (job_id := model.get("job")) is not None:
            yield LineageNode("job", NodeKind.JOB, str(job_id), about=self._job(job_id))
        newest = self.model()
        yield self._model(model, newest)
        if newest is not None and number_of(newest) == number_of(stored):
            # What was measured of an earlier one went when it was trained again; its figures are about the model.
            yield from self._results(Kind.VALIDATION, NodeKind.VALIDATION, Stage.VALIDATE)
            yield from self._results(Kind.PREDICTION, NodeKind.PREDICTION, Stage.PREDICT)

    def _asked_for_now(self) -> TrainingDefinition:
        return definition_of(self.store.get(Kind.EXPERIMENT, self.run), self.store.get(Kind.RUN, self.run))

    def _alignment(self, stored: Record, names: list[str]) -> LineageNode:
        # Which agreement a model rests on is no secret of anybody's.
        version = (stored.get("agreement") or {}).get("version")
        newest, why = agreement_version(self.store, self.run.project), why_withdrawn(self.store, self.run.project)
        changes = []
        if version is not None and newest > version:
            changes.append(f"the project was aligned again since: agreement {newest} is the newest")
        if why is not None:
            # Of whom it names is not told to others.
            changes.append(f"it was withdrawn because {why}" if self.told.has_all else "it was withdrawn")
        about = {"version": version, "version_now": newest, "participants": names}
        title = "alignment" if version is None else f"agreement {version}"
        return LineageNode("alignment", NodeKind.ALIGNMENT, title, about=about, changes=tuple(changes))

    def _network(self, asked: Mapping[str, object], now: TrainingDefinition, fitted: object) -> LineageNode:
        changes = tuple(_layer_changes(asked, now.experiment)) if asked else ()
        about = {
            "family": asked.get("family"),
            "model": asked.get("model"),
            "model_now": now.experiment["model"],
            "fitted": fitted,
        }
        return LineageNode("network", NodeKind.NETWORK, self.run.expt_id, about=about, changes=changes)

    def _run(self, asked: Mapping[str, object], now: TrainingDefinition, digest: str | None) -> LineageNode:
        changes = tuple(_key_changes(asked, now.run)) if digest else ()
        about = {"hyperparameters": asked, "hyperparameters_now": dict(now.run), "digest": digest}
        return LineageNode("run", NodeKind.RUN, self.run.run_id, about=about, changes=changes)

    def _job(self, job_id: str) -> dict[str, object]:
        try:
            job = self.told.job(self.store.job(job_id))
        except (RecordNotFound, DamagedRecord):
            return {"id": job_id}
        return {
            "id": job_id,
            "stage": job.stage.value,
            "state": job.state.value,
            "started_at": _moment(job.started_at),
            "finished_at": _moment(job.finished_at),
            "attempts": job.attempts,
        }

    def _model(self, model: Record, newest: Record | None) -> LineageNode:
        exports = {name: each for name, each in model.items() if name == "global" or name.startswith("local_")}
        figures = model.get("figures") or {}
        version = number_of(model)
        about = {
            "version": version,
            "trained_at": model.get("trained_at"),
            "files": {name: each["sha256"] for name, each in exports.items() if "sha256" in each},
            "figures": {name: figures[name] for name in _FIGURES if name in figures},
            "participants": _names(model),
        }
        changes = [_HIDDEN] if model.get(OUTDATED) else []
        if newest is not None and number_of(newest) > version:
            changes.append(f"the run was trained again since: training {number_of(newest)} is the newest")
        if self.store.has_unfinished_job(Stage.TRAIN, self.run):
            changes.append("the run is being trained again")
        return LineageNode("model", NodeKind.MODEL, f"training {version}", about=about, changes=tuple(changes))

    def _results(self, kind: Kind, of: NodeKind, stage: Stage) -> Iterator[LineageNode]:
        newest = cache(partial(self._newest_job, stage))
        for found in self.store.find(kind, self.run):
            record = None if isinstance(found, DamagedPayload) else self.told.beneath(kind, found)
            if record is None:
                continue
            who = record["key"]["participant_id"]
            job = newest(who if stage is Stage.PREDICT else None)
            about = {
                "measured_at": _moment(record["created_at"]),
                **({} if job is None else {"job": job.id}),
                **({} if (rows := _rows_of(record)) is None else {"rows": rows}),
            }
            yield LineageNode(f"{of}:{who}", of, who, who, about)

    def _newest_job(self, stage: Stage, who: str | None) -> Job | None:
        """The one that may have left results, of a participant's own where one is named."""
        ids = {**self.run} if who is None else {**self.run, "participant_id": who}
        completed = {"stage": stage.value, "state": JobState.COMPLETED.value, **ids}
        found = self.store.select_jobs(completed, Page(limit=1, newest_first=True)).items
        return next((job for job in found if isinstance(job, Job)), None)


def _layer_changes(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    if before.get("family") != now.get("family"):
        yield f"its family was {before.get('family')} and is {now.get('family')} now"
    old, new = before.get("model"), now.get("model")
    if old == new:
        return
    if not isinstance(old, list) or not isinstance(new, list):
        yield "its layers have changed since the model was trained"
        return
    if len(old) != len(new):
        yield f"it had {len(old)} layers and has {len(new)} now"
    differing = [str(place) for place, (one, two) in enumerate(zip(old, new, strict=False), 1) if one != two]
    if differing:
        yield f"layer {', '.join(differing)} has changed since the model was trained"


def _key_changes(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            yield f"{name} was {_shown(before.get(name))} and is {_shown(now.get(name))} now"


def _shown(value: object) -> str:
    return "not said" if value is None else f"{value!s:.100}"


def _names(model: Record) -> list[str]:
    return [each["id"] for each in model.get("participants", ())]


def _rows_of(record: Record) -> object:
    measured = record.get(Purpose.EVALUATE.value) or record.get(Purpose.PREDICT.value) or {}
    return (measured.get("overall") or {}).get("rows")


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")
