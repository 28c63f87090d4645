"""Tags as they are given, and as they are sent: a list of folders, each a list of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synergos.driver.errors import UsageError

Tags = Sequence[Sequence[str]]
"""Dataset folders, each as the names of the folders that lead to it below the worker's data folder, outermost first."""


def tag_list(tags: Any, field: str) -> list[list[str]]:
    """Tags of one purpose as they are sent.

    Raises:
        UsageError: they are something else, with what was probably meant.
    """
    if isinstance(tags, str):
        raise UsageError(
            f"expected a list of folders, each a list of names; write {[_parts(tags)]} for {tags!r}", field
        )
    if isinstance(tags, Mapping) or not isinstance(tags, Sequence):
        raise UsageError(f"expected a list of folders, each a list of names, got {_kind(tags)}", field)
    if tags and all(isinstance(each, str) for each in tags):
        one, several = [list(tags)], [_parts(each) for each in tags]
        meant = f"{one}, or {several} for several folders" if len(tags) > 1 else f"{several}"
        raise UsageError(f"expected a list of folders, each a list of names; write {meant} for {list(tags)}", field)
    return [_folder(each, f"{field}[{index}]") for index, each in enumerate(tags)]


def tags_by_project(tags: Any) -> dict[str, list[list[str]]]:
    """The tags of a prediction as they are sent.

    Raises:
        UsageError: they are not by project, or those of a project are something else.
    """
    if not isinstance(tags, Mapping):
        expected = 'expected the folders of each project by its id, as {"risk": [["predict"]]}'
        raise UsageError(f"{expected}, got {_kind(tags)}", "tags")
    return {project: tag_list(chosen, f"tags.{project}") for project, chosen in tags.items()}


def _folder(folder: Any, field: str) -> list[str]:
    if isinstance(folder, str):
        raise UsageError(f"expected a list of names; write {_parts(folder)} for {folder!r}", field)
    if not isinstance(folder, Sequence):
        raise UsageError(f"expected a list of names, got {_kind(folder)}", field)
    for index, name in enumerate(folder):
        if not isinstance(name, str):
            raise UsageError(f"expected the name of a folder, got {_kind(name)}", f"{field}[{index}]")
    return list(folder)


def _parts(folder: str) -> list[str]:
    """A folder that is written with slashes, as a list of names."""
    return [part for part in folder.split("/") if part] or [folder]


def _kind(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case str():
            return f"the text {value!r}"
        case Mapping():
            return "a dict"
        case Sequence():
            return "a list"
        case _:
            return f"a {type(value).__name__}"
