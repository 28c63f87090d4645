"""Whether a ledger is as it was written; offline, by its files and whatever heads others have kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synergos.errors import Conflict, WireFormatError
from synergos.identity.statements import Succession
from synergos.identity.syft_keys import PublicKeys
from synergos.ledger.ledger import noted_head
from synergos.ledger.line import FILE_BEGUN, HALF, RENEWED, START, UNNOTED, Head, Line, digest_of, line_of
from synergos.ledger.place import LedgerPlace

_UNKNOWN_END = (
    "nothing is noted beside it of how far it goes: whether lines were cut off at its end is known by a head alone that"
    " somebody has kept (--head)"
)

_UNNOTED = (
    "when the program started what is noted beside the ledger could not be read, as after a power failure: whether lines before this"
    " one were cut off is known by a head alone that somebody has kept (--head)"
)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written.

    Attributes:
        file: where.
        line: in the file, counted from 1; None where it is about no line that is there.
        number: of the line in the ledger; None where nobody can tell.
        is_wrong: whether somebody has changed something, or may have; otherwise it is said for people alone.
    """

    problem: str
    file: Path | None = None
    line: int | None = None
    number: int | None = None
    is_wrong: bool = True


@dataclass(frozen=True)
class Verified:
    """What was found of a ledger.

    Attributes:
        lines: how many there are that are whole.
        head: the last of them.
        signers: whose signatures there are, in order, each with the number of the first line.
    """

    lines: int
    head: Head
    signers: Sequence[tuple[str, int]]
    findings: Sequence[Finding]

    @property
    def is_sound(self) -> bool:
        """Whether all of it is as it was written, as far as can be known."""
        return not any(finding.is_wrong for finding in self.findings)


@dataclass(frozen=True)
class _Place:
    file: Path
    line: int
    line_read: Line | None
    content: bytes
    is_ended: bool = True


@dataclass
class _Look:
    """What is known while lines are looked at, one after the other."""

    digests: dict[int, str] = field(default_factory=dict)
    signers: list[tuple[str, int]] = field(default_factory=list)
    keys: dict[str, PublicKeys] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    edited: set[int] = field(default_factory=set)
    highest: Head = START

    def say(self, problem: str, at: _Place, *, is_wrong: bool = True) -> None:
        number = None if at.line_read is None else at.line_read.number
        self.findings.append(Finding(problem, at.file, at.line, number, is_wrong))


def verify(place: LedgerPlace, kept: Sequence[Head] = (), signers: Collection[str] = ()) -> Verified:
    """Look at every line of a ledger.

    Args:
        kept: how far it went at some times, as others have kept it.
        signers: fingerprints of whom it is known to be, one of which has to have signed; none where anybody may.

    Raises:
        OSError: a file cannot be read.
    """
    look = _Look()
    # Before the lines: what is written meanwhile comes after it.
    noted = _noted(place, look)
    lines = [line for file in place.files() for line in _lines_of(file)]
    halves = _explained(lines)
    counted = Counter(line.line_read.number for line in lines if line.line_read is not None)
    look.digests.update(
        {line.line_read.number: digest_of(line.content) for line in lines if line.line_read is not None}
    )
    for line in lines:
        _look_at(line, look, halves, counted)
    heads = [*([] if noted is None else [noted]), *kept]
    _look_at_end(look, heads)
    if not heads and lines:
        look.findings.append(Finding(_UNKNOWN_END))
    if signers and not {known for known, _ in look.signers}.intersection(signers):
        newest = look.signers[-1][0] if look.signers else "nobody"
        expected = next(iter(signers))
        look.findings.append(
            Finding(f"its newest lines are signed by {newest}, and none by {expected}, who should have")
        )
    return Verified(sum(counted.values()), look.highest, tuple(look.signers), tuple(look.findings))


def _noted(place: LedgerPlace, look: _Look) -> Head | None:
    try:
        return noted_head(place)
    except Conflict as error:
        look.findings.append(Finding(str(error), place.head))
        return None


def _lines_of(file: Path) -> Iterator[_Place]:
    *lines, rest = file.read_bytes().split(b"\n")
    for number, content in enumerate([*lines, *([rest] if rest else [])], 1):
        try:
            found: Line | None = line_of(content)
        except WireFormatError:
            found = None
        yield _Place(file, number, found, content, number <= len(lines))


def _explained(lines: Sequence[_Place]) -> frozenset[str]:
    """The digests of what processes that were killed have left, as the ledger says itself."""
    said = (line.line_read for line in lines if line.line_read is not None and line.line_read.what == HALF)
    return frozenset(str(line.about.get("digest")) for line in said)


def _look_at(at: _Place, look: _Look, halves: frozenset[str], counted: Mapping[int, int]) -> None:
    line = at.line_read
    if line is None:
        if digest_of(at.content) in halves:
            look.say("the process was killed while it wrote this line, as it has said itself since", at, is_wrong=False)
        elif not at.is_ended:
            look.say(
                "the last line is not whole: it is being written, or its process was killed meanwhile",
                at,
                is_wrong=False,
            )
        else:
            look.say("was edited: it is no line of a ledger any more", at)
        return
    _look_at_place(line, at, look, counted)
    if not _is_signed(line, at, look):
        return
    if line.what == UNNOTED:
        look.say(_UNNOTED, at, is_wrong=False)
    before = START.digest if line.number == 0 else look.digests.get(line.number - 1, line.before)
    if line.before != before and line.number - 1 not in look.edited:
        look.say(f"line {line.number - 1} is another one than it was when this line was written after it", at)
    if line.number > look.highest.number:
        look.highest = Head(line.number, digest_of(at.content))


def _look_at_place(line: Line, at: _Place, look: _Look, counted: Mapping[int, int]) -> None:
    expected = look.highest.number + 1
    if line.number < expected:
        twice = "is there more than once" if counted[line.number] > 1 else f"stood before line {look.highest.number}"
        look.say(f"was moved: line {line.number} {twice}", at)
    elif missing := [number for number in range(expected, min(line.number, expected + 10**6)) if number not in counted]:
        which = f"line {missing[0]} was" if len(missing) == 1 else f"lines {missing[0]} to {missing[-1]} were"
        where = "at its beginning" if expected == 0 else "before it"
        look.say(f"{which} cut out {where}", at)


def _is_signed(line: Line, at: _Place, look: _Look) -> bool:
    if line.what in (FILE_BEGUN, RENEWED):
        _introduce(line, at, look)
    known = look.keys.get(line.signer)
    if known is None:
        look.say(f"is signed by {line.signer}, who was not introduced before", at)
        return False
    try:
        line.verify(known)
    except WireFormatError:
        look.edited.add(line.number)
        look.say("was edited: it is not what was signed", at)
        return False
    if not look.signers or look.signers[-1][0] != line.signer:
        if any(line.signer == signer for signer, _ in look.signers):
            look.say(f"is signed by {line.signer}, who was renewed before", at)
        look.signers.append((line.signer, line.number))
    return True


def _introduce(line: Line, at: _Place, look: _Look) -> None:
    """Know who signs from here on, and whether whoever signed until here has said that they come after them."""
    try:
        shown = PublicKeys.read(line.about.get("document"))
    except WireFormatError as error:
        look.say(f"was edited: {error}", at)
        return
    if shown.fingerprint != line.signer:
        look.say("introduces another one than has signed it", at)
        return
    before = look.signers[-1][0] if look.signers else line.signer
    if line.signer != before and before not in came_after(line.about.get("succession"), line.signer):
        look.say(f"is signed by {line.signer}, and nothing says that this one came after {before}", at)
    look.keys[line.signer] = shown


def came_after(shown: Any, subject: str) -> Iterator[str]:
    """Whom an identity came after, as far as each of them has signed that, whenever that was."""
    while isinstance(shown, Mapping):
        try:
            said = Succession.read_ever(shown)
        except WireFormatError:
            return
        if said.subject != subject:
            return
        yield (subject := said.issuer)
        shown = shown.get("before")


def _look_at_end(look: _Look, kept: Sequence[Head]) -> None:
    for head in kept:
        found = look.digests.get(head.number)
        if found is None and head.number > look.highest.number:
            first = look.highest.number + 1
            what = f"line {first} was" if first == head.number else f"lines {first} to {head.number} were"
            look.findings.append(
                Finding(f"{what} cut off at its end: somebody has kept that it went as far", number=head.number)
            )
        elif found is not None and found != head.digest:
            look.findings.append(
                Finding(f"line {head.number} is another one than somebody has kept: {head.digest}", number=head.number)
            )
