"""A use of a dataset folder: for which project, and for what; and how a rule of a permission file names such uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import ProjectKey
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest

FILE_NAME = "syft.pub.yaml"
"""Beside a folder's ``metadata.json``: the name that the library of permission files gives them."""
PREFIX = "synergos/"
"""What the pattern of a rule about uses begins with. A permission file may have others, of files, which are none of ours."""
ANY = "*"


@dataclass(frozen=True)
class Use:
    """What somebody wants to do with a folder."""

    project: ProjectKey
    purpose: Purpose

    @property
    def path(self) -> str:
        """As a path that patterns match."""
        return PREFIX + "/".join((*self.project.ids, self.purpose.value))

    def __str__(self) -> str:
        """In words."""
        return f"to {self.purpose.value} for {'/'.join(self.project.ids)}"


@dataclass(frozen=True)
class Uses:
    """Those that one rule is about; an asterisk stands for any.

    Attributes:
        purpose: of :class:`Purpose`, or an asterisk.
    """

    collaboration: str = ANY
    project: str = ANY
    purpose: str = ANY

    @classmethod
    def checked(cls, collaboration: str, project: str, purpose: str) -> Self:
        """The same, provided that there can be such uses.

        Raises:
            InvalidRequest: names what cannot be so.
        """
        for name, value in (("collaboration", collaboration), ("project", project)):
            if value != ANY:
                check_identifier(value, name)
        if purpose not in (ANY, *Purpose):
            raise InvalidRequest(f"expected one of {', '.join(Purpose)}, or *, got {purpose[:40]!r}", "purpose")
        return cls(collaboration, project, purpose)

    @classmethod
    def of(cls, pattern: str) -> Self:
        """What the pattern of a rule means.

        Raises:
            InvalidRequest: it is not synergos/<collaboration>/<project>/<purpose>.
        """
        parts = pattern.removeprefix(PREFIX).split("/")
        if len(parts) != 3 or not pattern.startswith(PREFIX):
            raise InvalidRequest("expected synergos/<collaboration>/<project>/<purpose>", "pattern")
        return cls.checked(*parts)

    @classmethod
    def only(cls, use: Use) -> Self:
        """That one alone."""
        return cls(use.project.collab_id, use.project.project_id, use.purpose.value)

    @property
    def pattern(self) -> str:
        """As a rule has it."""
        return PREFIX + "/".join(self._parts)

    def __str__(self) -> str:
        """In words."""
        what = "anything" if self.purpose == ANY else self.purpose
        where = "any project" if self._parts[:2] == (ANY, ANY) else "/".join(self._parts[:2])
        return f"{what} for {where}"

    def covers(self, other: Uses) -> bool:
        """Whether all of the other ones are among these."""
        return all(mine in (ANY, its) for mine, its in zip(self._parts, other._parts, strict=True))

    def meets(self, other: Uses) -> bool:
        """Whether some are among both."""
        return all(mine == its or ANY in (mine, its) for mine, its in zip(self._parts, other._parts, strict=True))

    def samples(self, others: Iterator[Uses]) -> Iterator[Use]:
        """One use for each way in which rules can tell these apart."""
        told = [self, *others]
        collaborations, projects = ({each._parts[place] for each in told} - {ANY} for place in (0, 1))
        for collaboration in sorted({*collaborations, _other(collaborations)}):
            for project in sorted({*projects, _other(projects)}):
                for purpose in Purpose:
                    if self.covers(Uses(collaboration, project, purpose)):
                        yield Use(ProjectKey(collaboration, project), purpose)

    @property
    def _parts(self) -> tuple[str, str, str]:
        return self.collaboration, self.project, self.purpose


def _other(known: set[str]) -> str:
    """A name that none of these is."""
    name = "any"
    while name in known:
        name += "x"
    return name


_READER = re.compile(r"(\*|[0-9a-f]{64})(?: at most ([1-9][0-9]{0,5}) a day)?")


@dataclass(frozen=True)
class Reader:
    """Who may do what a rule is about.

    Attributes:
        who: the fingerprint of an identity, or an asterisk: everybody whom the worker serves.
        most: how often a day; None for any number.
    """

    who: str
    most: int | None = None

    @classmethod
    def of(cls, text: str) -> Self:
        """As a rule has it.

        Raises:
            InvalidRequest: it is nobody.
        """
        found = _READER.fullmatch(text)
        if found is None:
            raise InvalidRequest(
                "expected a fingerprint of 64 hexadecimal digits, or *, with at most <number> a day behind it or nothing"
            )
        return cls(found[1], None if found[2] is None else int(found[2]))

    def __str__(self) -> str:
        """As a rule has it."""
        return self.who if self.most is None else f"{self.who} at most {self.most} a day"
