"""What documents and docstrings name is there: files, links, modules, and what is defined in them."""

from __future__ import annotations

import builtins
import re
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = ("shared", "manager", "director", "ttp", "worker", "simulator", "portal")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "simulator").glob("*.md")]
PACKAGES = {folder.name: folder for code in CODE for folder in (ROOT / code).glob("syn*")}

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")
FILE = re.compile(r"`([\w./-]+\.py)\b")
DOTTED = re.compile(r"`((?:synergos|synmanager)(?:_[a-z]+)?(?:\.\w+)+)`")
ROLE = re.compile(r":(?:mod|class|func|meth|data|attr|exc):`~?(\.?[\w.]+)`")
DEFINITION = re.compile(r"^\s*(?:class |def )?(\w+(?:, \w+)*)(?= ?[=:(\[])", re.MULTILINE)
IN_DOTS = (
    "commands", "orchestrators", "round", "exchange", "kept", "epochs", "seconds", "rows", "train_loss", "first_loss", "evaluation",
    "job", "job_id", "run", "study", "trial", "outcome", "experiment", "best_run",
)  # fmt: skip
"""What follows ``synergos.`` in entry points, keys of messages, tags at MLflow and attributes of spans, which are no modules."""


@cache
def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@cache
def ends_of_paths() -> frozenset[str]:
    """Each file of the tree by all that its path may be shortened to."""
    found = set[str]()
    for top in (*CODE, "tests", "docker", "release", "docs"):
        for file in (ROOT / top).rglob("*.py"):
            parts = file.relative_to(ROOT).parts
            found.update("/".join(parts[start:]) for start in range(len(parts)))
    return frozenset(found)


def is_there(dotted: str) -> bool:
    """Whether a module is there, and what is named in it stands in its text."""
    package, *rest = dotted.split(".")
    place = PACKAGES[package]
    while rest and (place / rest[0]).is_dir():
        place /= rest.pop(0)
    place /= f"{rest.pop(0)}.py" if rest and (place / f"{rest[0]}.py").is_file() else "__init__.py"
    return place.is_file() and (not rest or re.search(rf"\b{rest[0]}\b", text_of(place)) is not None)


@cache
def modules() -> tuple[Path, ...]:
    return tuple(file for folder in PACKAGES.values() for file in folder.rglob("*.py"))


@cache
def defined() -> frozenset[str]:
    """All that is given a name at the beginning of a line, in whichever module."""
    found = (names.split(", ") for module in modules() for names in DEFINITION.findall(text_of(module)))
    return frozenset(chain.from_iterable(found))


def is_known(name: str, module: Path) -> bool:
    """Whether a docstring of a module may speak of something under this name."""
    if name.startswith("."):
        return is_there(".".join((*module.relative_to(ROOT).parts[1:-1], name[1:])))
    first, last = name.split(".")[0], name.split(".")[-1]
    if first in PACKAGES:
        return is_there(name)
    return {first, last} <= defined() or hasattr(builtins, first) or find_spec(first) is not None


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_what_a_document_names_is_there(document: Path) -> None:
    text = text_of(document)

    assert [link for link in LINK.findall(text) if not (document.parent / link).exists()] == []
    assert [file for file in FILE.findall(text) if file not in ends_of_paths()] == []
    assert [name for name in DOTTED.findall(text) if name.split(".")[1] not in IN_DOTS and not is_there(name)] == []


def test_what_docstrings_refer_to_is_there() -> None:
    named = [(module, name) for module in modules() for name in ROLE.findall(text_of(module))]

    assert len(named) > 300
    assert [f"{module.name}: {name}" for module, name in named if not is_known(name, module)] == []
