"""What is worth knowing of an alignment: names that only some participants have, with those of others that look alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from synergos.domain.agreement import Note
from synergos.domain.feature_space import LABEL, Feature, FeatureSpace
from synergos.domain.preparation import Prepared
from synergos.domain.tags import Purpose
from synergos.errors import InvalidRequest
from synergos.learning.column_alignment import unseen
from synergos.learning.near_misses import difference, folded, listed, look_alikes, shown

_MOST_ALIKE = 20
"""Of names that look alike so many are said."""


@dataclass(frozen=True)
class _Names:
    """Names of one kind that are compared with one another.

    Attributes:
        what: they are: ``column``, ``label``, ``level of column 'sex'``.
        column: that they are levels of; None for columns themselves.
        holders: the participants whose training rows have each name.
        participants: all who could have.
    """

    what: str
    column: str | None
    holders: Mapping[str, list[str]]
    participants: frozenset[str]

    @property
    def _partial(self) -> dict[str, list[str]]:
        """Those that only some participants have, and who."""
        return {name: who for name, who in self.holders.items() if len(who) < len(self.participants)}

    @property
    def _alike(self) -> list[list[str]]:
        """The groups that look alike, of which somebody lacks one."""
        partial = self._partial
        return [group for group in look_alikes(self.holders) if any(name in partial for name in group)]

    def in_short(self) -> Iterator[str]:
        """The notes as errors may have them: without any level or label."""
        if self.column is None:
            yield from (note.text for note in self.notes())
        elif alike := self._alike:
            yield f"{self.what}: {len(alike)} that look alike are not the same; they differ in {_differences(alike)}"

    def notes(self) -> Iterator[Note]:
        """One for each group of names that look alike, and one for each group of participants who alone have others."""
        partial, alike = self._partial, self._alike
        for group in alike:
            yield self._note(_alike(self.what, group, self.holders))
        told = {name for group in alike for name in group}
        alone: dict[tuple[str, ...], list[str]] = {}
        for name, who in partial.items():
            if name not in told:
                alone.setdefault(tuple(who), []).append(name)
        for holders, names in sorted(alone.items()):
            have = "has" if len(holders) == 1 else "have"
            yield self._note(f"{self.what}: only {', '.join(holders)} {have} {listed(sorted(names))}")

    def _note(self, text: str) -> Note:
        return Note(text=text, levels_of=self.column)


def agreement_notes(polled: Mapping[str, Prepared], space: FeatureSpace) -> tuple[Note, ...]:
    """Every name that only some participants' training rows have, and every one that no training row has."""
    kinds = [note for names in _compared(polled) for note in names.notes()]
    return (*kinds, *_never_trained(polled, space))


def notes_without_levels(polled: Mapping[str, Prepared]) -> list[str]:
    """As :func:`agreement_notes` of training rows, for errors: of levels and labels, how many look alike and what they differ in."""
    return [text for names in _compared(polled) for text in names.in_short()]


def check_shared_labels(polled: Mapping[str, Prepared]) -> None:
    """Refuse a participant none of whose labels any other one has: they mean different things, or spell them differently.

    Raises:
        InvalidRequest: names the participants, and what their labels differ in where they look alike; not the labels, which
            are in the notes of a dry run.
    """
    labels = {who: _levels(found.headers[Purpose.TRAIN].y) for who, found in _training(polled).items()}
    for participant, own in labels.items():
        others = {level: who for who, theirs in labels.items() if who != participant for level in theirs}
        if not own or not others or own & others.keys():
            continue
        raise InvalidRequest(
            f"{participant} shares no label with {', '.join(sorted(set(others.values())))}: {_alike_in_short(own, others)}; "
            "map labels to one spelling in schema.json (map), or ask with shared_labels=false if they are meant; a dry run "
            "with it names them in its notes",
            LABEL,
        )


def _alike_in_short(own: set[str], others: Iterable[str]) -> str:
    """How many of somebody's labels look like others', and what they differ in; errors name none."""
    near = [group for group in look_alikes([*own, *others]) if own & set(group)]
    if not near:
        return f"none of its {len(own)} looks like one of theirs"
    return f"{len(near)} of its {len(own)} look like theirs and differ in {_differences(near)}"


def _differences(alike: Iterable[list[str]]) -> str:
    return " or ".join(dict.fromkeys(difference(*group[:2]) for group in alike))


def _training(polled: Mapping[str, Prepared]) -> dict[str, Prepared]:
    """Those with training rows: others are compared with what these agree on."""
    return {who: found for who, found in polled.items() if Purpose.TRAIN in found.headers}


def _compared(polled: Mapping[str, Prepared]) -> Iterator[_Names]:
    columns: dict[str, list[str]] = {}
    levels: dict[str, dict[str, list[str]]] = {}
    having: dict[str, set[str]] = {}
    labels: dict[str, list[str]] = {}
    training = _training(polled)
    for participant, prepared in training.items():
        header = prepared.headers[Purpose.TRAIN]
        for column in dict.fromkeys(column for column, _ in header.X):
            columns.setdefault(column, []).append(participant)
        for column, level in header.X:
            if level is not None:
                levels.setdefault(column, {}).setdefault(level, []).append(participant)
                having.setdefault(column, set()).add(participant)
        for level in _levels(header.y):
            labels.setdefault(level, []).append(participant)
    everyone = frozenset(training)
    yield _Names("columns", None, columns, everyone)
    yield _Names("labels", LABEL, labels, everyone)
    for column, holders in sorted(levels.items()):
        yield _Names(f"levels of column {shown(column)}", column, holders, frozenset(having[column]))


def _never_trained(polled: Mapping[str, Prepared], space: FeatureSpace) -> Iterator[Note]:
    """What rows of other purposes have and no training row does."""
    # Everything in here is linear in the number of levels: a participant may have any number of them.
    known: dict[str | None, dict[str, None]] = {None: dict.fromkeys(column for column, _ in space.X)}
    for column, level in (*space.X, *space.y):
        known.setdefault(column, {})[level or ""] = None
    for participant, prepared in polled.items():
        for purpose, header in prepared.headers.items():
            by_column: dict[str | None, dict[str, None]] = {}
            for column, level in unseen(header, space):
                is_level = level is not None and (column in known[None] or column == LABEL)
                name = level if is_level and level is not None else column
                by_column.setdefault(column if is_level else None, {})[name] = None
            for levels_of, names in by_column.items():
                text = _unknown(participant, purpose, levels_of, list(names), known.get(levels_of, {}))
                yield Note(text=text, levels_of=levels_of)


def _unknown(participant: str, purpose: Purpose, column: str | None, names: list[str], known: Iterable[str]) -> str:
    what = "labels" if column == LABEL else "columns" if column is None else f"levels of column {shown(column)}"
    alike = {folded(name): name for name in known}
    near = [_pair(name, alike[folded(name)]) for name in names if folded(name) in alike][:_MOST_ALIKE]
    text = f"{what}: the {purpose} rows of {participant} have {listed(names)}, which no training row has"
    return f"{text}; {'; '.join(near)}" if near else text


def _alike(what: str, group: list[str], holders: Mapping[str, list[str]]) -> str:
    some = group[:_MOST_ALIKE]
    named = [f"{_visible(name, some)} ({', '.join(holders[name])})" for name in some]
    more = f" and {len(group) - len(some)} more" if len(group) > len(some) else ""
    return f"{what}: {' and '.join(named)}{more} are not the same; they differ in {difference(*group[:2])}"


def _pair(one: str, other: str) -> str:
    both = [one, other]
    return f"{_visible(one, both)} and {_visible(other, both)} differ in {difference(one, other)}"


def _visible(name: str, beside: Iterable[str]) -> str:
    """A name so that it can be told from those beside it."""
    return shown(name) if sum(shown(name) == shown(other) for other in beside) == 1 else ascii(name)


def _levels(labels: Iterable[Feature]) -> set[str]:
    return {level for _, level in labels if level is not None}
