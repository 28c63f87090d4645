"""Whether a permission file allows a use, and why: asked by a worker before data is read, and by the command that explains it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from synergos.permission.counts import Line
from synergos.permission.folders import Held
from synergos.permission.use import FILE_NAME, Use, Uses


class Unlisted(StrEnum):
    """What holds for folders without a permission file, neither of their own nor above."""

    DENY = "deny"
    ALLOW = "allow"


@dataclass(frozen=True)
class Verdict:
    """Whether a use is allowed.

    Attributes:
        reason: why, or why not.
        lines: of which one has to be left for today; none where there is no limit.
    """

    is_allowed: bool
    reason: str
    lines: tuple[Line, ...] = ()


@lru_cache(4096)
def judge(held: Held | None, use: Use, line: frozenset[str], unlisted: Unlisted) -> Verdict:
    """Whether whoever is one of these identities may use a folder. Asked before each round: what was found for a file is remembered with it.

    Args:
        held: the file that holds for the folder; None where there is none.
        line: the fingerprints that stand for who asks; none where it did not show who it is.
    """
    if held is None:
        reason = f"there is no {FILE_NAME} for it, and this worker has --unlisted {unlisted}"
        return Verdict(unlisted is Unlisted.ALLOW, reason)
    if held.rules is None:
        return Verdict(False, f"{held.name} cannot be believed: {held.problem}")
    rule = held.rules.deciding(use)
    if rule is None:
        return Verdict(False, f"no rule of {held.name} is about that")
    pattern = rule.uses.pattern
    readers = held.rules.allowing(use, line)
    if not readers:
        return Verdict(False, f"the rule {pattern} of {held.name} decides that, and does not name it")
    reason = f"the rule {pattern} of {held.name} allows it"
    limited = tuple(Line(held.name, pattern, reader.who, reader.most) for reader in readers if reader.most is not None)
    if len(limited) < len(readers):
        return Verdict(True, reason)
    return Verdict(True, f"{reason}, {' or '.join(f'at most {each.most} a day' for each in limited)}", limited)


def command(verb: str, folder: str, who: str, uses: Uses) -> str:
    """The command that grants or revokes some uses of a folder, as it is typed at its worker."""
    return shlex.join(("synergos", "permission", verb, folder or ".", who, *_options(uses)))


def granting(folder: str, who: str, use: Use) -> str:
    """The command that allows a use."""
    return command("grant", folder, who, Uses.only(use))


def _options(uses: Uses) -> Iterator[str]:
    for name, value in (
        ("--collaboration", uses.collaboration),
        ("--project", uses.project),
        ("--purpose", uses.purpose),
    ):
        if value != "*":
            yield from (name, value)
