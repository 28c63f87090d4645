"""Runs beside each other: the parameters that differ, their losses on one axis, and their statistics with the best marked."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue

from synergos_portal.orchestrator import declared, results, vocabulary
from synergos_portal.orchestrator.client import Listing
from synergos_portal.orchestrator.declared import Declared, Spot
from synergos_portal.orchestrator.problems import Refused
from synergos_portal.pages.launch.comparison import MOST_RUNS, Comparison, Measured
from synergos_portal.pages.launch.launchpad import PROJECT, pages
from synergos_portal.pages.losses import Curve, Drawing
from synergos_portal.web.current import client
from synergos_portal.web.words import _

OFFERED = 50
"""Experiments, and runs of the one that is opened, that may be chosen from."""


@pages.get(f"{PROJECT}/compare")
def compare(collab_id: str, project_id: str) -> ResponseReturnValue:
    """Up to eight runs beside each other, and others to be chosen."""
    project = Spot.of(collab_id, project_id)
    chosen, problems = _chosen(project)
    found, missing = _read(chosen)
    drawn = [Curve(each.name, _losses(project, each)) for each in found]
    opened = request.args.get("open") or (chosen[-1].outer.id if chosen else None)
    offered = declared.counted(client(), project, {"limit": OFFERED, "cursor": request.args.get("cursor") or None})
    if opened is None and offered.items:
        opened = offered.items[0].id
    return render_template(
        "launch/compare.html",
        project=project,
        comparison=Comparison.of(found, vocabulary.directions(client())),
        curves=drawn,
        drawing=Drawing.of(drawn, is_logarithmic=request.args.get("scale") == "log"),
        problems=[*problems, *missing],
        shows_all=request.args.get("all") == "1",
        experiments=offered,
        opened=opened,
        runs=_runs(project, opened),
        most=MOST_RUNS,
    )


@pages.get(f"{PROJECT}/compare.csv")
def table(collab_id: str, project_id: str) -> ResponseReturnValue:
    """The same as a file for spreadsheets, with numbers as the records have them."""
    chosen, _problems = _chosen(Spot.of(collab_id, project_id))
    found, _missing = _read(chosen)
    written = Comparison.of(found, {}).to_csv()
    response = Response(written, mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="comparison.csv"'
    return response


def _chosen(project: Spot) -> tuple[list[Spot], list[str]]:
    """The runs of the URL, and what is wrong with them."""
    names = list(dict.fromkeys(filter(None, request.args.getlist("run"))))
    named = [name.partition("/") for name in names]
    problems = [
        _("%(name)s is no experiment and run.", name="".join(each)) for each in named if not (each[0] and each[2])
    ]
    found = [Spot((*project.ids, each[0], each[2])) for each in named if each[0] and each[2]]
    if len(found) > MOST_RUNS:
        problems.append(_("These are more than %(count)d runs; only the first ones are shown.", count=MOST_RUNS))
    return found[:MOST_RUNS], problems


def _read(chosen: Sequence[Spot]) -> tuple[list[Measured], list[str]]:
    asking, found, missing = client(), [], []
    for ids in chosen:
        try:
            run = results.record(asking, ids)
        except Refused as error:
            if error.status != 404:
                raise
            missing.append(error.message)
            continue
        found.append(Measured(run, results.model(asking, ids), results.validations(asking, ids)))
    return found, missing


def _losses(project: Spot, measured: Measured) -> dict[int, float]:
    """Those of evaluation, or where nobody evaluates of training, or as the URL says."""
    if measured.model is None:
        return {}
    known = results.losses(client(), Spot((*project.ids, *measured.name.split("/", 1))))
    wanted = request.args.get("series")
    order = ("train", "evaluate") if wanted == "train" else ("evaluate", "train")
    return next((dict(known[name]) for name in order if known.get(name)), {})


def _runs(project: Spot, expt_id: str | None) -> Listing[Declared]:
    if expt_id is None:
        return Listing(())
    try:
        return declared.counted(client(), project.within(expt_id), {"limit": OFFERED, "order": "newest"})
    except Refused as error:
        if error.status != 404:
            raise
        return Listing(())
