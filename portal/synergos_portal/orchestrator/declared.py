"""What is declared before anything runs: read with its revision, declared, changed and deleted on condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synergos.foreign_json import mapping, text, texts
from synergos_portal.orchestrator.client import Client, Listing, Query
from synergos_portal.orchestrator.problems import Nonsense

_BELOW = ("collaborations", "projects", "experiments", "runs")
_IDS = ("collab_id", "project_id", "expt_id", "run_id")


@dataclass(frozen=True)
class Spot:
    """A place in the tree of collaborations, projects, experiments and runs.

    Attributes:
        ids: outermost first; none stands for the whole grid.
    """

    ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, *ids: str) -> Spot:
        """The one with these ids, outermost first."""
        return cls(ids)

    @classmethod
    def of_keys(cls, keys: Mapping[str, str], innermost: str) -> Spot:
        """The one that a key names, down to the id of this name.

        Raises:
            Nonsense: the key has not all of them.
        """
        names = _IDS[: _IDS.index(innermost) + 1]
        if not all(name in keys for name in names):
            raise Nonsense(f"the orchestrator's answer is not what was expected: a key without {innermost}")
        return cls(tuple(keys[name] for name in names))

    def within(self, own: str) -> Spot:
        """The one below it that is called so."""
        return Spot((*self.ids, own))

    @property
    def outer(self) -> Spot:
        """The one it lies in."""
        return Spot(self.ids[:-1])

    @property
    def id(self) -> str:
        """What it is called itself."""
        return self.ids[-1]

    @property
    def key(self) -> dict[str, str]:
        """Its ids by name."""
        return dict(zip(_IDS, self.ids, strict=False))

    @property
    def parts(self) -> tuple[str, ...]:
        """Of its path."""
        return ("connect", *(part for pair in zip(_BELOW, self.ids, strict=False) for part in pair))

    @property
    def inner(self) -> tuple[str, ...]:
        """Of the path of the list of what lies in it."""
        return (*self.parts, _BELOW[len(self.ids)])

    @property
    def project(self) -> tuple[str, ...]:
        """The same project's part of other paths."""
        return tuple(part for pair in zip(_BELOW, self.ids[:2], strict=False) for part in pair)


@dataclass(frozen=True)
class Declared:
    """A record.

    Attributes:
        fields: what is declared, and what the orchestrator writes there.
        counts: how many records of each kind hang under it.
        revision: stands for what was read, so that a change can say what it is of.
    """

    spot: Spot
    fields: Mapping[str, object]
    counts: Mapping[str, int] = field(default_factory=dict)
    revision: str | None = None
    warnings: Sequence[str] = ()

    @property
    def id(self) -> str:
        """What it is called."""
        return self.spot.id

    @property
    def path(self) -> str:
        """Of a run, with its experiment: ``experiment/run``, as no id has a slash in it."""
        return "/".join(self.spot.ids[2:])

    def count(self, *kinds: str) -> int:
        """How many of these kinds hang under it."""
        return sum(self.counts.get(kind, 0) for kind in kinds)


_NOT_DECLARED = frozenset({"kind", "key", "doc_id", "relations", "created_at", "damaged"})


def read(client: Client, spot: Spot) -> Declared:
    """One record, with how much hangs under it."""
    answer = client.answer("GET", *spot.parts, query={"relations": "counts"})
    return _declared(spot, answer.get("data"), answer)


def listed(client: Client, outer: Spot, query: Query) -> Listing[Declared]:
    """A page of what lies in a place, with how much hangs under each."""
    found = client.records(dict[str, object], *outer.inner, query={**query, "relations": "counts"})
    items = [_declared(outer.within(_own_id(each, _IDS[len(outer.ids)])), each) for each in found.items]
    return Listing(items, found.next, found.params)


def counted(client: Client, outer: Spot, query: Query) -> Listing[Declared]:
    """A page of what lies in a project or an experiment, with how much hangs under each and nothing else."""
    return listed(client, outer, {**query, "fields": "relations"})


def declare(client: Client, outer: Spot, body: Mapping[str, object]) -> list[str]:
    """Declare something that is not there yet; warnings.

    Raises:
        Refused: its id is taken, or a field is wrong.
    """
    answer = client.answer("POST", *outer.inner, body=body, headers={"If-None-Match": "*"})
    return texts(answer.get("warnings"))


def change(client: Client, spot: Spot, changes: Mapping[str, object], revision: str) -> list[str]:
    """Change fields of what was read, and keep the others; warnings.

    Raises:
        Refused: it has been changed since, or a field is wrong.
    """
    return texts(client.answer("PUT", *spot.parts, body=changes, headers=_if(revision)).get("warnings"))


def replace(client: Client, spot: Spot, body: Mapping[str, object], revision: str) -> list[str]:
    """Declare what was read anew, so that nothing stays that is not said; warnings.

    Raises:
        Refused: it has been changed since, or a field is wrong.
    """
    answer = client.answer("POST", *spot.outer.inner, body=body, headers=_if(revision))
    # That it has replaced another is what was wanted.
    return [each for each in texts(answer.get("warnings")) if "was declared before" not in each]


def delete(client: Client, spot: Spot, revision: str, *, keep_files: bool = False) -> Mapping[str, object]:
    """Delete what was read with everything under it; what became of files.

    Raises:
        Refused: it has been changed since, or something at work on it does not end.
    """
    query = {"keep_files": "true"} if keep_files else {}
    return mapping(client.answer("DELETE", *spot.parts, query=query, headers=_if(revision)).get("files"))


def _own_id(record: Mapping[str, object], name: str) -> str:
    own = mapping(record.get("key")).get(name)
    if not isinstance(own, str):
        raise Nonsense(f"the orchestrator's answer is not what was expected: a record without {name}")
    return own


def _if(revision: str) -> dict[str, str]:
    return {"If-Match": f'"{revision}"'}


def _declared(spot: Spot, data: object, answer: Mapping[str, object] | None = None) -> Declared:
    shown, told = mapping(data), answer or {}
    revision = told.get("revision")
    return Declared(
        spot,
        {name: value for name, value in shown.items() if name not in _NOT_DECLARED},
        {name: count for name, count in mapping(shown.get("relations")).items() if isinstance(count, int)},
        text(revision),
        texts(told.get("warnings")),
    )
