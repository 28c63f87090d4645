"""A request to tune, made a study: what it names is looked up, and what could never be trained is refused at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from uuid import uuid4

from synergos.bodies.stages import Optimization, options_of
from synergos.domain.feature_space import Action
from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import ExperimentKey
from synergos.domain.records import Kind, payload_of
from synergos.domain.study import Study
from synergos.errors import Conflict, InvalidRequest, RecordNotFound, UnknownName
from synergos.learning import families
from synergos.learning.families import ModelFamily
from synergos.learning.hyperparameters import Hyperparameters
from synergos.orchestration.hyperparameter_check import check_drawn_hyperparameters
from synergos.orchestration.preconditions import action_of
from synergos.records.store import RecordStore
from synergos.tuning import pruners, samplers
from synergos.tuning.metrics import check_metric
from synergos.tuning.search_space import SearchSpace

MAXIMUM_MODELS = 100
"""Values of one dimension that changes the model: one is built with each of them before a study is opened."""
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"\d+(\.\d+)?[smhdw]?")


def study_of(store: RecordStore, experiment: ExperimentKey, asked: Optimization) -> Study:
    """The study that a request asks for; it is not stored yet.

    Args:
        experiment: it and its project are there.

    Raises:
        InvalidRequest: names the field, and what was expected.
        Conflict: the run to start from is not there.
    """
    action = action_of(store, experiment)
    metric, direction = check_metric(asked.metric, asked.optimize_mode, action)
    space = SearchSpace.of(asked.search_space)
    searcher = _searcher(asked)
    if searcher == samplers.GRID:
        space = space.as_grid()
    fixed = _fixed(store, experiment, asked.base_run)
    _check_each(store, experiment, space, fixed, action)
    return Study(
        id=uuid4().hex,
        experiment=experiment,
        metric=metric,
        direction=direction,
        search_space=asked.search_space,
        fixed=fixed,
        searcher=searcher,
        scheduler=pruners.DEFAULT if asked.scheduler is None else pruners.scheduler(asked.scheduler, "scheduler"),
        max_trials=asked.max_trial_num,
        seed=secrets.randbelow(2**31) if asked.seed is None else asked.seed,
        base_run=asked.base_run,
        max_concurrent=_max_concurrent(asked),
        max_seconds=duration(asked.max_exec_duration),
        options=options_of(asked),
    )


def duration(value: object, field: str = "max_exec_duration") -> float | None:
    """Seconds in a duration: a number of them, or a text such as ``2h 30m``; None for no limit.

    Raises:
        InvalidRequest: it is neither.
    """
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        tokens = value.split() if isinstance(value, str) else []
        if not tokens or not all(_DURATION.fullmatch(token) for token in tokens):
            raise InvalidRequest('expected seconds, or a text such as "30m" or "2h 30m" (units s, m, h, d, w)', field)
        seconds = sum(float(token.rstrip("smhdw")) * _SECONDS.get(token[-1], 1) for token in tokens)
    if not 0 < seconds <= 3650 * _SECONDS["d"]:
        raise InvalidRequest("expected more than 0 seconds and at most ten years", field)
    return seconds


def _searcher(asked: Optimization) -> str:
    # NNI calls it a tuner; the original's client sends neither name unless asked to.
    if asked.searcher is not None:
        return samplers.searcher(asked.searcher, "searcher")
    return samplers.DEFAULT if asked.tuner is None else samplers.searcher(asked.tuner, "tuner")


def _max_concurrent(asked: Optimization) -> int | None:
    """None for as many as fit: the original's client always sends a ``trial_concurrency`` of 1, and means nothing by it."""
    other = asked.trial_concurrency or 1
    return asked.max_concurrent if asked.max_concurrent is not None else (other if other > 1 else None)


def _fixed(store: RecordStore, experiment: ExperimentKey, base_run: str | None) -> dict[str, object]:
    if base_run is None:
        return {}
    key = experiment.run_called(check_identifier(base_run, "base_run"))
    try:
        record = store.get(Kind.RUN, key)
    except RecordNotFound as error:
        raise Conflict(f"base_run: experiment {experiment['expt_id']!r} has no run {base_run!r}") from error
    return payload_of(record)


def _check_each(
    store: RecordStore,
    experiment: ExperimentKey,
    space: SearchSpace,
    fixed: Mapping[str, object],
    action: Action,
) -> None:
    """Refuse a value that no combination makes trainable; combinations are looked at when they are drawn."""
    family = families.named_in(store.get(Kind.EXPERIMENT, experiment))
    known = _fields(space, family, fixed, family.hyperparameters(fixed, action))
    for name, dimension in space.dimensions.items():
        is_of_model = bool(family.changes([name]))
        if not is_of_model and name not in known:
            raise UnknownName(name, known, f"search_space.{name}", "a hyperparameter of these runs")
        examples = list(dimension.examples())
        if is_of_model and len(examples) > MAXIMUM_MODELS:
            raise InvalidRequest(
                f"expected at most {MAXIMUM_MODELS} values of a part of the network", f"search_space.{name}._value"
            )
        for place, value in examples:
            run = {**fixed, name: value}
            try:
                if is_of_model:
                    check_drawn_hyperparameters(store, experiment, run)
                else:
                    family.hyperparameters(run, action)
            except InvalidRequest as error:
                raise InvalidRequest(str(error), f"search_space.{name}.{place}") from error


def _fields(
    space: SearchSpace, family: ModelFamily, fixed: Mapping[str, object], run: Hyperparameters
) -> frozenset[str]:
    """What the runs of a study can say."""
    usual = family.hyperparameters({}).to_dict()
    # What nobody says may follow from what is drawn, as a schedule does.
    said = {name: value for name, value in run.to_dict().items() if name in fixed or value != usual.get(name)}
    drawn = {name: [value for _, value in dimension.examples()] for name, dimension in space.dimensions.items()}
    known = family.run_fields({name: [value] for name, value in said.items()} | drawn)
    return known | run.to_dict().keys()
