"""Reading a project file: every mistake that can be found without an orchestrator is found here, with its line."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterator
from datetime import date, time
from pathlib import Path
from typing import Any

from synergos.bodies.declarations import NODE
from synergos.domain.grid import host_of
from synergos.domain.identifiers import RESERVED_RUN_IDS, check_new_identifier, check_told_apart
from synergos.domain.keys import JOB_IDS
from synergos.domain.tags import Purpose, check_tags
from synergos.driver.tag_lists import tag_list
from synergos.errors import InvalidRequest, RecordNotFound, UnknownName
from synergos.federation.federation import Federation
from synergos.federation.shape import PROJECT_FILE

FILE_NAME = "federation.toml"

Content = dict[str, Any]


def find_federation(path: Path | None = None) -> Federation | None:
    """The project file that is named, else that of this folder; None where none is named and none is here.

    Raises:
        RecordNotFound: the file that is named is not there.
        InvalidRequest: it is no project file; says where and why.
    """
    if path is None and not Path(FILE_NAME).is_file():
        return None
    return read_federation(path or Path(FILE_NAME))


def read_federation(path: Path) -> Federation:
    """Read a project file, with the JSON files it names in their places.

    Raises:
        RecordNotFound: it is not there.
        InvalidRequest: it is no project file; says where and why.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{path} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from None
    federation = Federation(path, text, content)
    try:
        _replace_texts(content, path.parent)
        _check(content)
    except InvalidRequest as error:
        raise federation.placed(error) from None
    return federation


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordNotFound(f"there is no file {path}; synergos init writes one") from None
    except UnicodeDecodeError:
        raise InvalidRequest(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}") from None


def _replace_texts(content: Content, folder: Path) -> None:
    """Put what JSON files hold where the project file names them, and moments as JSON has them."""
    for table, name, field in _references(content):
        if isinstance(table[name], str) and table[name]:
            table[name] = _json(folder / table[name], field)
    _in_json(content, "")


def _references(content: Content) -> Iterator[tuple[Content, str, str]]:
    """Where a text is a file's path, as far as tables are there: what holds it, its key, and its place."""
    for expt_id, experiment in _tables(content, "experiments"):
        at = f"experiments.{expt_id}"
        if "model" in experiment:
            yield experiment, "model", f"{at}.model"
        runs = experiment.get("runs")
        if not isinstance(runs, dict):
            runs = {}
        for run_id in list(runs):
            yield runs, run_id, f"{at}.runs.{run_id}"
        for study, searched in _tables(experiment, "studies"):
            if "search_space" in searched:
                yield searched, "search_space", f"{at}.studies.{study}.search_space"


def _tables(content: Content, name: str) -> Iterator[tuple[str, Content]]:
    found = content.get(name)
    for key, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, dict):
            yield key, value


def _json(path: Path, field: str) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror}", field) from None
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON: {error}", field) from None


def _in_json(value: Any, at: str) -> Any:
    """The same as JSON has it: moments are texts there.

    Raises:
        InvalidRequest: a number is none that JSON has.
    """
    if isinstance(value, dict):
        for name in value:
            value[name] = _in_json(value[name], f"{at}.{name}".removeprefix("."))
    elif isinstance(value, list):
        value[:] = [_in_json(item, f"{at}[{position}]") for position, item in enumerate(value)]
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest(f"expected a finite number, got {value}", at)
    elif isinstance(value, date | time):
        return value.isoformat()
    return value


def _check(content: Content) -> None:
    for participant_id, participant in _tables(content, "participants"):
        _check_tags(participant, f"participants.{participant_id}.tags")
    PROJECT_FILE.read(content)
    _check_ids(content)
    for participant_id, participant in _tables(content, "participants"):
        _check_nodes(participant["nodes"], f"participants.{participant_id}.nodes")
    for expt_id, experiment in _tables(content, "experiments"):
        _check_runs(experiment, f"experiments.{expt_id}")


def _check_tags(participant: Content, at: str) -> None:
    tags = participant.get("tags")
    for purpose in Purpose:
        if isinstance(tags, dict) and purpose in tags:
            check_tags(tag_list(tags[purpose], f"{at}.{purpose}"), f"{at}.{purpose}")


def _check_nodes(nodes: list[Content], at: str) -> None:
    for position, node in enumerate(nodes):
        NODE.read(node).refuse_half(f"{at}[{position}]")
    addresses = [(host_of(node), node.get("f_port")) for node in nodes]
    for position, address in enumerate(addresses):
        if (first := addresses.index(address)) < position:
            raise InvalidRequest(
                f"is the same worker as {at}[{first}]; expected one for each sub-grid", f"{at}[{position}]"
            )


def _check_ids(content: Content) -> None:
    for name in ("collaboration", "project"):
        check_new_identifier(content[name]["id"], f"{name}.id")
    for table in ("participants", "experiments"):
        _check_names([key for key, _ in _tables(content, table)], table)


def _check_names(names: list[str], at: str) -> None:
    for position, name in enumerate(names):
        check_new_identifier(name, f"{at}.{name}")
        check_told_apart(name, names[:position], f"{at}.{name}")


def _check_runs(experiment: Content, at: str) -> None:
    runs = experiment.get("runs", {})
    _check_names(list(runs), f"{at}.runs")
    for run_id, run in runs.items():
        if run_id in RESERVED_RUN_IDS:
            raise InvalidRequest("is the name of a route; expected another id", f"{at}.runs.{run_id}")
        for name in sorted(run.keys() & set(JOB_IDS)):
            raise InvalidRequest(
                "is no hyperparameter; a run's id is the name of its table", f"{at}.runs.{run_id}.{name}"
            )
    for study, searched in _tables(experiment, "studies"):
        base = searched.get("base_run")
        if base is not None and base not in runs:
            what = "a run of this experiment"
            raise UnknownName(base, runs, f"{at}.studies.{study}.base_run", what, listed=list(runs))
