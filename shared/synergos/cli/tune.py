"""``synergos tune``: look for good hyperparameters, watch the search, stop it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from synergos import Driver
from synergos.cli.completion import complete_study, completing_ids
from synergos.cli.connection import connected
from synergos.cli.exits import ExitCode
from synergos.cli.ids import Ids
from synergos.cli.listing import LimitOption, limit_of, say_if_there_is_more
from synergos.cli.output import Format, FormatOption, counted, moment, print_json, print_table, standard_error
from synergos.cli.project_file import FileOption, project_file
from synergos.cli.short_ids import shortened, with_study
from synergos.domain.study import Direction
from synergos.driver.study_display import display_study_on, headline, shown, trial_rows
from synergos.errors import InvalidRequest, RecordNotFound, UnknownName
from synergos.tuning.metrics import METRICS
from synergos.tuning.pruners import SCHEDULERS
from synergos.tuning.samplers import SEARCHERS

_IDS = Ids(("collab_id", "project_id", "expt_id"), 3)
T = TypeVar("T")
Study = Mapping[str, Any]
StudyId = Annotated[
    str | None,
    typer.Argument(
        metavar="STUDY",
        help="An id, as `synergos tune list` shows it; its beginning is enough. Default: the newest.",
        autocompletion=complete_study,
    ),
]
TimeoutOption = Annotated[
    float | None, typer.Option(help="Stop looking on after so many seconds; the study goes on. Default: never.")
]
_OUTCOMES = {"failed": ExitCode.JOB_FAILED, "stopped": ExitCode.JOB_CANCELLED}


@connected
def start(
    driver: Driver,
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=_IDS.expected,
            help="The experiment: one after the other, or as one word with / between them. Default: that of the study in the"
            " project file, whose settings count where no option says otherwise.",
            autocompletion=completing_ids(_IDS.names),
        ),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='JSON: what is searched, as {"lr": {"_type": "loguniform", "_value": [0.0001, 0.1]}, …}.',
        ),
    ] = None,
    metric: Annotated[str | None, typer.Option(help=f"What to go by: {', '.join(METRICS)}.")] = None,
    mode: Annotated[
        Direction | None, typer.Option(help="Which values of it are better. Default: as is its nature.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="How many combinations are tried. Default: 10.")] = None,
    concurrent: Annotated[
        int | None, typer.Option(min=1, help="How many at the same time. Default: as many as the grid can run.")
    ] = None,
    duration: Annotated[
        str | None, typer.Option(help="For how long trials are started: 30m, 1h, '2h 30m', or seconds. Default: 1h.")
    ] = None,
    searcher: Annotated[
        str | None,
        typer.Option(help=f"How combinations are drawn: {', '.join(dict.fromkeys(SEARCHERS.values()))}, …"),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help=f"How bad trials are ended early: {', '.join(dict.fromkeys(SCHEDULERS.values()))}, …"),
    ] = None,
    base_run: Annotated[
        str | None, typer.Option(help="A run of the experiment with the hyperparameters that are not searched.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="What chance begins with.")] = None,
    priority: Annotated[int | None, typer.Option(min=-100, max=100, help="Of the trials' jobs.")] = None,
    file: FileOption = None,
    study: Annotated[str | None, typer.Option(help="Which study of the project file, when it has several.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end, with a table of the trials.")] = False,
    timeout: TimeoutOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Start a study: combinations of hyperparameters are tried as runs of an experiment. The verb can be left out.

    With --wait it ends with 5 when the study failed, 6 when it was stopped, 7 when it took longer than the time-out.
    """
    said: dict[str, Any] = {
        "search_space": None if space is None else _read_space(space),
        "metric": metric,
        "optimize_mode": None if mode is None else mode.value,
        "max_trial_num": trials,
        "max_concurrent": concurrent,
        "max_exec_duration": int(duration) if duration is not None and duration.isdecimal() else duration,
        "searcher": searcher,
        "scheduler": scheduler,
        "base_run": base_run,
        "seed": seed,
        "priority": priority,
    }
    request = _in_file(ids, file, study) | {name: value for name, value in said.items() if value is not None}
    for name, option in {"search_space": "--space", "metric": "--metric"}.items():
        if name not in request:
            raise InvalidRequest("is required where no project file says it", option)
    created = driver.optimizations.create(**{"optimize_mode": _nature(request["metric"]).value} | request)
    study_id = created["params"]["study_id"]
    if wait:
        _follow(driver, study_id, timeout, output)
    else:
        _show(driver.optimizations.show(study_id)["data"], output)


@connected
def list_studies(
    driver: Driver,
    collaboration: Annotated[str | None, typer.Option(help="Only those of this collaboration.")] = None,
    project: Annotated[str | None, typer.Option(help="Only those of this project.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Only those of this experiment.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only those running, stopping, completed, stopped or failed.")
    ] = None,
    limit: LimitOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """List studies, newest first."""
    wanted = limit_of(limit, output)
    answer = driver.optimizations.studies(collaboration, project, experiment, state, order="newest", limit=wanted)
    studies = answer["data"]
    if output is Format.JSON:
        print_json(studies)
    else:
        short = shortened(study["id"] for study in studies)
        columns = ("id", "of", "state", "trials", "metric", "best", "created")
        rows = [{**_in_short(study), "id": short[study["id"]]} for study in studies]
        print_table(counted(len(rows), "study", "studies"), columns, rows)
    say_if_there_is_more(answer)


@connected
def show(
    driver: Driver,
    study: StudyId = None,
    watch: Annotated[bool, typer.Option("--watch", help="Look on until it ends, with a table of the trials.")] = False,
    timeout: TimeoutOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Show a study and its trials.

    With --watch it ends with 5 when the study failed, 6 when it was stopped, 7 when it took longer than the time-out.
    """
    if watch:
        _of(driver, study, lambda study_id: _follow(driver, study_id, timeout, output))
    else:
        _show(_of(driver, study, driver.optimizations.show)["data"], output)


@connected
def wait(
    driver: Driver, study: StudyId = None, timeout: TimeoutOption = None, output: FormatOption = Format.TABLE
) -> None:
    """Look on until a study has ended, with a table of the trials.

    It ends with 5 when the study failed, 6 when it was stopped, 7 when it took longer than the time-out.
    """
    _of(driver, study, lambda study_id: _follow(driver, study_id, timeout, output))


@connected
def picture(
    driver: Driver,
    to: Annotated[Path, typer.Option(help="The file it is written to, PNG.")],
    study: StudyId = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """Have the picture of a study that has ended in a file."""
    written = str(_of(driver, study, lambda study_id: driver.optimizations.picture(study_id, to=to)))
    if output is Format.JSON:
        print_json({"picture": written})
    else:
        print(written)


@connected
def best(driver: Driver, study: StudyId = None, output: FormatOption = Format.TABLE) -> None:
    """Show the best trial of a study so far: its run, what it reached, and its hyperparameters."""
    study_id, found = _of(driver, study, lambda study_id: (study_id, driver.optimizations.best(study_id)))
    if found is None:
        raise RecordNotFound(f"study {study_id} has no completed trial yet")
    if output is Format.JSON:
        print_json(found)
        return
    fields = {name: found[name] for name in ("run_id", "number", "objective")} | found["hyperparameters"]
    rows = [{"field": name, "value": shown(value)} for name, value in fields.items()]
    print_table(f"Best trial of study {study_id}", ("field", "value"), rows)


@connected
def stop(driver: Driver, study: StudyId = None, output: FormatOption = Format.TABLE) -> None:
    """Stop a study: no new trials are started, those that run are cancelled, what was reached is kept."""
    _show(_of(driver, study, driver.optimizations.stop)["data"], output)


def _of(driver: Driver, study: str | None, call: Callable[[str], T]) -> T:
    """What a call makes of the study that is meant: the newest when none is named."""
    return call(_newest(driver)) if study is None else with_study(driver, study, call)


def _in_file(ids: list[str] | None, file: Path | None, study: str | None) -> dict[str, Any]:
    """The experiment that is meant; of a project file's study, with what the file says of it."""
    if ids:
        for option, value in {"--file": file, "--study": study}.items():
            if value is not None:
                raise InvalidRequest("say either this or ids", option)
        return dict(_IDS.read(ids))
    experiment, said = project_file(file, _IDS.expected).study(study)
    return {**said, **experiment}


def _read_space(path: Path) -> dict[str, Any]:
    try:
        space = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", "--space") from error
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON: {error}", "--space") from error
    if not isinstance(space, dict):
        raise InvalidRequest(f"{path} is no JSON object that has a range for each hyperparameter", "--space")
    return space


def _nature(metric: str) -> Direction:
    if metric not in METRICS:
        raise UnknownName(metric, METRICS, "--metric", f"one of {', '.join(METRICS)}")
    return METRICS[metric]


def _newest(driver: Driver) -> str:
    studies = driver.optimizations.studies(order="newest", limit=1, fields=["state"])["data"]
    if not studies:
        raise RecordNotFound("there is no study yet; `synergos tune start` begins one")
    return str(studies[0]["id"])


def _follow(driver: Driver, study_id: str, timeout: float | None, output: Format) -> None:
    # What remains to be seen goes to standard output afterwards.
    with display_study_on(standard_error(), transient=True) as display:
        ended = driver.optimizations.wait(study_id, timeout, on_progress=display.study, raise_errors=False)
    _show(ended, output)
    if ended["state"] in _OUTCOMES:
        raise typer.Exit(_OUTCOMES[ended["state"]])


def _show(study: Study, output: Format) -> None:
    if output is Format.JSON:
        print_json(study)
        return
    summary = [{"field": name, "value": value} for name, value in _summary(study).items()]
    print_table(f"Study {study['id']}", ("field", "value"), summary[1:])
    rows = trial_rows(study, study.get("trials") or [])
    if rows:
        print_table(counted(len(rows), "trial"), list(rows[0]), rows)


def _in_short(study: Study) -> dict[str, Any]:
    """A study in one line of a list."""
    return {
        "of": _of_experiment(study),
        "state": study["state"],
        "trials": f"{sum(study['counts'].values())} of {study['max_trial_num']}",
        "metric": study["metric"],
        "best": None if study["best"] is None else shown(study["best"]["objective"]),
        "created": moment(study["created_at"]),
    }


def _of_experiment(study: Study) -> str:
    return "/".join(study["keys"][name] for name in ("collab_id", "project_id", "expt_id"))


def _summary(study: Study) -> dict[str, Any]:
    return {
        "id": study["id"],
        "of": _of_experiment(study),
        "how_it_stands": headline(study),
        "created": moment(study["created_at"]),
        "finished": moment(study["finished_at"]),
        "picture": study["picture"],
    }
