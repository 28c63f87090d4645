"""Whatever is read at an edge can be refused in words: each definition has a JSON Schema, which errors are explained from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from synergos.schema import Definition

ROOT = Path(__file__).parents[3]
PACKAGES = [*ROOT.glob("*/syn*")]
DEFINES = re.compile(r"^\w+ *(?::.*)?= Definition\(", re.MULTILINE)


def modules() -> Iterator[str]:
    """Those that define a shape."""
    for package in PACKAGES:
        for path in sorted(package.rglob("*.py")):
            if DEFINES.search(path.read_text()):
                yield ".".join(path.relative_to(package.parent).with_suffix("").parts)


@pytest.mark.parametrize("module", list(modules()))
def test_has_a_json_schema(module: str) -> None:
    found = [value for value in vars(import_module(module)).values() if isinstance(value, Definition)]

    assert found
    for definition in found:
        assert definition.json_schema["type"] == "object", definition.name
