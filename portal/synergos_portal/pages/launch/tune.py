"""Hyperdrive: a search for good hyperparameters is filled in or uploaded, looked over, and begun."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from math import prod

from flask import render_template, request
from flask.typing import ResponseReturnValue

from synergos.errors import InvalidRequest
from synergos.foreign_json import items, mapping, whole
from synergos.schema.json_text import value_in
from synergos_portal.orchestrator import declared, studies, vocabulary
from synergos_portal.orchestrator.declared import Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.orchestrator.vocabulary import TuningWords
from synergos_portal.pages.launch.launchpad import EXPERIMENT, pages
from synergos_portal.pages.launch.tune_form import (
    EMPTY_ROWS,
    LISTED,
    TYPE,
    VALUE,
    Dimension,
    NotASearchSpace,
    TuneForm,
    from_file,
)
from synergos_portal.web.current import client
from synergos_portal.web.forms import is_chosen, uploaded_json
from synergos_portal.web.links import go_to
from synergos_portal.web.words import _

_PAGE = f"{EXPERIMENT}/tune"
READ, MORE, START, CHANGE = "read", "more", "start", "change"
"""What the buttons of the two pages send as ``do``, apart from the one that has the form looked over."""
REQUEST = "request"
"""The field that carries what was looked over."""
OFFERED_RUNS = 50
"""To start from: the newest."""
_SEARCHES_ALL = "grid"


@dataclass(frozen=True)
class Outlook:
    """What a study will come to, before it is begun.

    Attributes:
        trials: how many sets are tried at most.
        combinations: how many there are; None where there is no end to them.
    """

    trials: int
    combinations: int | None

    @property
    def jobs(self) -> int:
        """How many jobs at most: a training and a validation of each trial."""
        return 2 * self.trials

    @classmethod
    def of(cls, asked: Mapping[str, object]) -> Outlook:
        """Of a request."""
        drawn = [mapping(each) for each in mapping(asked["search_space"]).values()]
        listed = all(each[TYPE] in LISTED for each in drawn)
        combinations = prod(len(items(each[VALUE])) for each in drawn) if listed else None
        trials = whole(asked.get("max_trial_num", 10)) or 0
        # Of a grid every combination is tried once.
        is_ended = combinations is not None and asked.get("searcher") == _SEARCHES_ALL
        return cls(min(trials, combinations) if is_ended and combinations else trials, combinations)


@pages.get(_PAGE)
def tune(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """The empty form, or one with what an earlier study searched."""
    experiment = Spot.of(collab_id, project_id, expt_id)
    form, words = TuneForm.sent(), vocabulary.words(client(), experiment)
    form.base_run.data = request.args.get("base_run", "")
    form.show([])
    return _form(experiment, form, words)


@pages.post(_PAGE)
def change(collab_id: str, project_id: str, expt_id: str) -> ResponseReturnValue:
    """Read a file, add rows, look over what is filled in, or begin what was looked over."""
    experiment = Spot.of(collab_id, project_id, expt_id)
    if request.form.get("do") == START:
        return _begin(experiment, _carried())
    words = vocabulary.words(client(), experiment)
    form = TuneForm.sent()
    if request.form.get("do") == CHANGE:
        _show(form, _carried())
        return _form(experiment, form, words)
    if not _read_file(form):
        return _form(experiment, form, words)
    if request.form.get("do") in (READ, MORE):
        form.show([row for row in form.rows if not row.is_empty], 2 * EMPTY_ROWS)
        return _form(experiment, form, words)
    asked = form.request(words.directions) if form.validate() and not form.all_errors else None
    if asked is not None:
        try:
            studies.begin(client(), experiment, asked, only_check=True)
        except Refused as error:
            form.take(error, {"optimize_mode": "metric", "tuner": "searcher"})
        else:
            return _look_over(experiment, asked)
    return _form(experiment, form, words)


def _begin(experiment: Spot, asked: Mapping[str, object]) -> ResponseReturnValue:
    try:
        study_id = studies.begin(client(), experiment, asked)
    except Refused as error:
        form = TuneForm.sent()
        _show(form, asked)
        form.take(error, {"optimize_mode": "metric", "tuner": "searcher"})
        return _form(experiment, form, vocabulary.words(client(), experiment))
    return go_to("studies.show", study_id=study_id)


def _carried() -> Mapping[str, object]:
    """What was looked over; nothing where it is none any more."""
    try:
        found = value_in(request.form.get(REQUEST, "").encode())
    except (ValueError, InvalidRequest):
        found = None
    return found if isinstance(found, dict) and isinstance(found.get("search_space"), dict) else {"search_space": {}}


def _show(form: TuneForm, asked: Mapping[str, object]) -> None:
    """Have a request in a form."""
    try:
        dimensions, _others = from_file(asked["search_space"])
    except NotASearchSpace:
        dimensions = []
    form.fill(asked)
    form.max_exec_duration.data = str(asked.get("max_exec_duration") or "")
    form.show(dimensions)


def _read_file(form: TuneForm) -> bool:
    """Have the content of an uploaded file in the form's rows; False where it has none, which the form then says."""
    if not is_chosen(form.ranges):
        return True
    try:
        dimensions, others = from_file(uploaded_json(form.ranges))
    except NotASearchSpace as error:
        form.ranges.errors = [str(error)]
        return False
    except ValueError as error:
        form.ranges.errors = [_("The file cannot be read: %(reason)s", reason=str(error))]
        return False
    form.fill(others)
    form.show(dimensions)
    return True


def _form(experiment: Spot, form: TuneForm, words: TuningWords) -> ResponseReturnValue:
    form.offer(list(words.directions), list(words.forms), words.searchers, words.schedulers)
    newest = declared.counted(client(), experiment, {"limit": OFFERED_RUNS, "order": "newest"})
    values = {"form": form, "words": words, "runs": newest.items, "outlook": None}
    shown = render_template("launch/tune.html", experiment=experiment, **values)
    return shown, HTTPStatus.UNPROCESSABLE_ENTITY if form.all_errors else HTTPStatus.OK


def _look_over(experiment: Spot, asked: Mapping[str, object]) -> ResponseReturnValue:
    return render_template(
        "launch/tune.html",
        experiment=experiment,
        asked=asked,
        dimensions=[Dimension.of(name, mapping(drawn)) for name, drawn in mapping(asked["search_space"]).items()],
        outlook=Outlook.of(asked),
        carried=json.dumps(asked),
    )
