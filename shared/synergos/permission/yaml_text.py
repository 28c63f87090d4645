"""YAML of files that may be anybody's: small, plain, and refused where it is anything else."""

from __future__ import annotations

from typing import Any

import yaml

from synergos.errors import InvalidRequest

LARGEST = 2**16
"""Bytes."""


class _Plain(yaml.SafeLoader):  # type: ignore[misc]
    """Takes no anchors, which can make much out of little, and no key twice, of which readers take one or the other."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As of any loader."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise yaml.MarkedYAMLError(problem="expected neither anchors nor aliases", problem_mark=event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """As of any loader."""
        names = [key.value for key, _ in node.value]
        if any(not isinstance(name, str) for name in names) or len(set(names)) < len(names):
            raise yaml.MarkedYAMLError(problem="expected no name twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def plain(text: str) -> Any:
    """What a text says; nothing where there is only blank and comments.

    Raises:
        InvalidRequest: it is not YAML, or more of it than is taken; says in which line.
    """
    if len(text) > LARGEST:
        raise InvalidRequest(f"expected at most {LARGEST} bytes")
    try:
        return yaml.load(text, Loader=_Plain)  # noqa: S506 - it is a safe one
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" in line {mark.line + 1}"
        # Of what the library says the fixed part alone: it may repeat what stands there.
        ours = getattr(error, "problem", None) or ""
        problem = ours if ours.startswith("expected neither") or ours.startswith("expected no name") else "is not YAML"
        raise InvalidRequest(f"{problem}{where}") from None
    except (ValueError, RecursionError, TypeError, AttributeError):
        raise InvalidRequest("is not YAML that can be read") from None


def nodes(text: str) -> Any:
    """The same as nodes, that say where they stand; of a text that :func:`plain` takes."""
    return yaml.compose(text, Loader=_Plain)


def written(content: Any) -> str:
    """Content as YAML, in the layout that the library of permission files has."""
    return str(yaml.safe_dump(content, default_flow_style=False, sort_keys=False, allow_unicode=True, width=10_000))
