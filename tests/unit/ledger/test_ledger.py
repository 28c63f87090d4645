"""A ledger is only ever added to; whatever else is done to it is seen, and where."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from support.full_disk import files_up_to
from synergos.errors import Conflict, InvalidRequest, NotRecorded
from synergos.identity.identity import Renewable, renew_identity
from synergos.ledger.ledger import Ledger, noted_head
from synergos.ledger.line import HALF, NOTHING_BEFORE, UNNOTED, Head
from synergos.ledger.place import LedgerPlace, places_in
from synergos.ledger.repeats import AGAIN, Repeats
from synergos.ledger.verification import Verified, verify


@pytest.fixture
def place(tmp_path: Path) -> LedgerPlace:
    return LedgerPlace(tmp_path, "worker")


@pytest.fixture
def keys(place: LedgerPlace) -> Renewable:
    return Renewable(place.own / ".trust" / "worker.json")


@pytest.fixture
def ledger(place: LedgerPlace, keys: Renewable) -> Ledger:
    """One of which lines 1 to 5 are numbered by what they say; line 0 begins the file."""
    made = Ledger(place, keys)
    for number in range(1, 6):
        made.append("use", {"number": number})
    return made


def written_again(ledger: Ledger, place: LedgerPlace, keys: Renewable, about: dict[str, object]) -> None:
    """A line by the process that comes after another."""
    ledger.close()
    again = Ledger(place, keys)
    again.append("use", about)
    again.close()


def lines_of(place: LedgerPlace) -> list[bytes]:
    [file] = place.files()
    return file.read_bytes().splitlines(keepends=True)


def rewritten(place: LedgerPlace, lines: list[bytes]) -> Verified:
    [file] = place.files()
    file.write_bytes(b"".join(lines))
    return verify(place)


def wrong(found: Verified) -> list[tuple[int | None, str]]:
    return [(finding.number, finding.problem) for finding in found.findings if finding.is_wrong]


def test_what_was_written_is_sound_and_says_who_signed(ledger: Ledger, place: LedgerPlace, keys: Renewable) -> None:
    found = verify(place, [ledger.head], [keys.now.fingerprint])

    assert found.is_sound
    assert found.findings == ()
    assert found.lines == 6
    assert found.head == ledger.head == noted_head(place)
    assert found.signers == ((keys.now.fingerprint, 0),)
    assert [each.program for each in places_in(place.own)] == ["worker"]


def test_every_line_names_the_one_before(ledger: Ledger, place: LedgerPlace) -> None:
    lines = [json.loads(line) for line in lines_of(place)]

    assert [line["number"] for line in lines] == list(range(6))
    assert lines[0]["before"] == NOTHING_BEFORE
    assert ledger.head == Head(5, ledger.head.digest)
    assert place.files()[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", range(6))
def test_a_line_that_was_edited_is_named(ledger: Ledger, place: LedgerPlace, number: int) -> None:
    lines = lines_of(place)
    lines[number] = lines[number].replace(b'"at":"2', b'"at":"1', 1)

    found = rewritten(place, lines)

    assert not found.is_sound
    assert (number, "was edited: it is not what was signed") in wrong(found)
    assert {each for each, _ in wrong(found)} == {number} if number else True


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        (b'"kind":"ledger"', b'"kind":"leadger"'),
        (b'"number":5,"sig', b'"number":-5,"sig'),
        (b'"at":"2', b'"at":["2"],"x":"'),
    ],
)
def test_a_line_of_other_content_is_no_line_any_more_and_stops_nobody_from_looking(
    ledger: Ledger, place: LedgerPlace, keys: Renewable, was: bytes, is_now: bytes
) -> None:
    lines = lines_of(place)
    lines[-1] = lines[-1].replace(was, is_now, 1)

    found = rewritten(place, lines)
    ledger.close()

    assert (None, "was edited: it is no line of a ledger any more") in wrong(found)
    with pytest.raises(Conflict, match="does not end as a ledger does"):
        Ledger(place, keys)


def test_a_line_that_is_written_otherwise_was_edited_too(ledger: Ledger, place: LedgerPlace) -> None:
    lines = lines_of(place)
    lines[-1] = lines[-1].replace(b'","', b'", "', 1)

    found = rewritten(place, lines)

    assert (None, "was edited: it is no line of a ledger any more") in wrong(found)
    assert any("line 5 was cut off at its end" in problem for _, problem in wrong(found))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda lines: lines[:2] + lines[3:], (3, "line 2 was cut out before it")),
        (lambda lines: lines[:1] + lines[4:], (4, "lines 1 to 3 were cut out before it")),
        (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], (2, "was moved: line 2 stood before line 3")),
        (lambda lines: [*lines, lines[3]], (3, "was moved: line 3 is there more than once")),
        (lambda lines: lines[:-1], (5, "line 5 was cut off at its end: somebody has kept that it went as far")),
        (lambda lines: lines[:3], (5, "lines 3 to 5 were cut off at its end: somebody has kept that it went as far")),
        (lambda lines: lines[1:], (1, "line 0 was cut out at its beginning")),
    ],
    ids=["a line", "lines", "reordered", "repeated", "the last", "the end", "the first"],
)
def test_lines_that_were_cut_or_moved_are_named(
    ledger: Ledger,
    place: LedgerPlace,
    change: Callable[[list[bytes]], list[bytes]],
    named: tuple[int, str],
) -> None:
    assert named in wrong(rewritten(place, change(lines_of(place))))


def test_an_end_that_was_cut_off_with_what_is_noted_beside_it_is_seen_by_a_head_that_somebody_has_kept(
    ledger: Ledger, place: LedgerPlace
) -> None:
    kept = ledger.head
    place.head.unlink()
    lines = lines_of(place)

    unknown = rewritten(place, lines[:-1])

    assert ["nothing is noted beside it" in problem for _, problem in wrong(unknown)] == [True]
    [(number, problem)] = wrong(verify(place, [kept]))
    assert (number, "line 5 was cut off" in problem) == (5, True)
    assert verify(place, [Head(4, json.loads(lines[5])["before"])]).is_sound


def test_a_ledger_that_was_written_anew_by_who_has_the_keys_is_seen_by_a_head(
    tmp_path: Path, ledger: Ledger, keys: Renewable
) -> None:
    other = LedgerPlace(tmp_path / "other", "worker")
    forged = Ledger(other, keys)
    for number in range(1, 6):
        forged.append("use", {"number": number * 10})

    assert verify(other).is_sound
    assert [number for number, problem in wrong(verify(other, [ledger.head])) if "another one" in problem] == [5]


def test_a_ledger_that_a_stranger_has_written_is_not_by_who_should_have(tmp_path: Path, keys: Renewable) -> None:
    place = LedgerPlace(tmp_path / "other", "worker")
    Ledger(place, Renewable(tmp_path / "stranger.json")).append("use", {})

    found = verify(place, signers=[keys.now.fingerprint])

    assert [f"none by {keys.now.fingerprint}" in problem for _, problem in wrong(found)] == [True]


def test_a_stranger_adds_no_line(ledger: Ledger, place: LedgerPlace, tmp_path: Path) -> None:
    written_again(ledger, place, Renewable(tmp_path / "stranger.json"), {"number": 6})

    found = verify(place)

    assert any("nothing says that this one came after" in problem for _, problem in wrong(found))


def test_renewed_identities_go_on_with_it(ledger: Ledger, place: LedgerPlace, keys: Renewable) -> None:
    fingerprints = [keys.now.fingerprint]
    for number in (6, 7):
        renew_identity(keys.path)
        ledger.append("use", {"number": number})
        fingerprints.append(keys.now.fingerprint)
    # Also where the program did not run meanwhile.
    renew_identity(keys.path)
    renew_identity(keys.path)
    written_again(ledger, place, Renewable(keys.path), {"number": 8})

    found = verify(place)

    assert wrong(found) == []
    assert [signer for signer, _ in found.signers] == [*fingerprints, Renewable(keys.path).now.fingerprint]


def test_a_renewal_is_known_long_after_its_grace_is_over(place: LedgerPlace, keys: Renewable) -> None:
    ledger = Ledger(place, keys)
    ledger.append("use", {})
    renew_identity(keys.path, timedelta(days=-20))
    ledger.append("use", {})

    assert wrong(verify(place)) == []


def test_rotation_keeps_the_chain(place: LedgerPlace, keys: Renewable) -> None:
    ledger = Ledger(place, keys, largest=4000)
    for number in range(20):
        ledger.append("use", {"number": number})
    written_again(ledger, place, keys, {"number": 20})

    files = place.files()
    found = verify(place)

    assert len(files) > 2
    assert found.is_sound
    assert found.lines == 21 + len(files)
    files[1].rename(files[1].with_suffix(".away"))
    [(_, problem)] = wrong(verify(place))
    assert re.fullmatch(r"lines \d+ to \d+ were cut out before it", problem)


@pytest.mark.parametrize("bytes_left", [1, 40, 200, -1])
def test_a_line_that_a_killed_process_has_begun_is_told_of_and_no_harm(
    ledger: Ledger, place: LedgerPlace, keys: Renewable, bytes_left: int
) -> None:
    ledger.append("use", {"number": 6})
    *whole, last = lines_of(place)
    # As it was while the line was written: nothing said that it was there.
    rewritten(place, [*whole, last[:bytes_left]])
    place.head.write_text(json.dumps({"number": 5, "digest": json.loads(last)["before"]}))

    before = verify(place)
    written_again(ledger, place, keys, {"number": 7})
    after = verify(place)

    assert before.is_sound
    assert wrong(after) == []
    said = [json.loads(line) for line in lines_of(place) if line.startswith(b'{"about"') and line.endswith(b"}\n")]
    if bytes_left == -1:
        # All but the line break: it is a line, and nothing is lost.
        assert [line["about"].get("number") for line in said][-2:] == [6, 7]
    else:
        assert [line["what"] for line in said][-2:] == [HALF, "use"]
        assert said[-2]["about"]["bytes"] == len(last[:bytes_left])


def test_a_first_line_that_was_never_finished_is_no_harm(place: LedgerPlace, keys: Renewable) -> None:
    place.folder.mkdir(parents=True)
    place.file(0).write_bytes(b'{"about":{"docu')

    Ledger(place, keys).append("use", {})

    assert wrong(verify(place)) == []


def test_a_ledger_whose_end_is_gone_goes_on_after_it_so_that_it_shows(
    ledger: Ledger, place: LedgerPlace, keys: Renewable
) -> None:
    rewritten(place, lines_of(place)[:3])

    written_again(ledger, place, keys, {"number": 6})

    assert wrong(verify(place)) == [(6, "lines 3 to 5 were cut out before it")]


def test_a_ledger_that_was_taken_away_goes_on_as_well(ledger: Ledger, place: LedgerPlace, keys: Renewable) -> None:
    place.files()[0].unlink()

    written_again(ledger, place, keys, {"number": 6})

    assert wrong(verify(place)) == [(6, "lines 0 to 5 were cut out at its beginning")]


def test_a_ledger_that_ends_in_nothing_of_a_ledger_stops_the_program(
    ledger: Ledger, place: LedgerPlace, keys: Renewable
) -> None:
    with place.files()[0].open("ab") as file:
        file.write(b"hello\n")
    ledger.close()

    with pytest.raises(Conflict, match="does not end as a ledger does"):
        Ledger(place, keys)


def test_what_cannot_be_written_down_is_refused_and_what_has_been_done_is_written_later(
    ledger: Ledger, place: LedgerPlace
) -> None:
    size = place.files()[0].stat().st_size
    with files_up_to(size + 30):
        with pytest.raises(NotRecorded, match="ledger of use cannot be written"):
            ledger.append("opening", {})
        ledger.note("ended", {"number": 6})
        ledger.mention("refused", {})
        with pytest.raises(NotRecorded):
            ledger.refuse_unwritable()
        assert ledger.problem() == "cannot be written: File too large"
        assert place.files()[0].stat().st_size == size

    assert ledger.problem() is None
    ledger.append("opening", {})
    assert [json.loads(line)["what"] for line in lines_of(place)][6:] == ["ended", "not written down", "opening"]
    assert verify(place).is_sound


@pytest.mark.parametrize(
    "about",
    [
        {"a": "\udcff"},
        {"a": [{"\udcff": ("\ud800",)}]},
        {"a": float("nan")},
        {"a": object()},
        {"a": 2**70},
        {"a": {1: 2, "b": 3}},
    ],
    ids=["a text", "a name", "no number", "no value", "a large number", "unlike names"],
)
def test_what_no_line_can_hold_breaks_none(
    ledger: Ledger, place: LedgerPlace, keys: Renewable, about: dict[str, object]
) -> None:
    ledger.note("use", about)
    ledger.mention("use", about)
    ledger.append("use", {"number": 8})
    written_again(ledger, place, keys, {"number": 9})

    assert verify(place).is_sound
    assert verify(place).lines == 10


def test_a_name_that_is_no_text_is_spelled_out(ledger: Ledger, place: LedgerPlace) -> None:
    ledger.append("refused", {"reason": "b\udcffd.csv é 😀"})

    assert json.loads(lines_of(place)[-1])["about"] == {"reason": "b\\udcffd.csv é 😀"}


@pytest.mark.parametrize("content", ["", "{", '{"number": -3}'])
def test_a_noted_end_that_cannot_be_read_is_told_of_and_keeps_nobody_from_starting(
    ledger: Ledger, place: LedgerPlace, keys: Renewable, content: str
) -> None:
    place.head.write_text(content)

    written_again(ledger, place, keys, {"number": 6})
    found = verify(place)

    assert [(each.number, each.is_wrong) for each in found.findings] == [(6, False)]
    assert "could not be read" in found.findings[0].problem
    assert json.loads(lines_of(place)[6])["what"] == UNNOTED
    assert noted_head(place) == found.head


def test_a_program_begins_where_nothing_can_be_written_and_does_nothing(place: LedgerPlace, keys: Renewable) -> None:
    place.folder.parent.write_text("no folder")
    ledger = Ledger(place, keys)

    with pytest.raises(NotRecorded):
        ledger.append("use", {})

    assert str(ledger.problem()).startswith("cannot be written")
    place.folder.parent.unlink()
    ledger.append("use", {})
    assert verify(place).is_sound


def test_what_comes_again_and_again_is_counted(ledger: Ledger, place: LedgerPlace) -> None:
    now = 0.0
    repeats = Repeats(ledger, lambda: now, burst=3, rate=0.1)
    for _ in range(5):
        repeats.mention("refused", {"who": "a"})
    for other in "bcdef":
        repeats.mention("refused", {"who": other})
    now = AGAIN
    repeats.mention("refused", {"who": "a"})

    said = [json.loads(line)["about"] for line in lines_of(place)][6:]

    assert said == [{"who": "a"}, {"who": "b"}, {"who": "c"}, {"who": "a", "times": 5, "others": 3}]
    for _ in range(2):
        repeats.mention("refused", {"who": "b"})
    repeats.mention("refused", {"who": "b"})
    repeats.flush()
    repeats.flush()
    assert [json.loads(line)["about"] for line in lines_of(place)][10:] == [{"who": "b"}, {"who": "b", "times": 2}]


def test_what_was_counted_and_does_not_come_again_is_written_an_hour_later(ledger: Ledger, place: LedgerPlace) -> None:
    """Without a word at the end: whoever counts may be killed."""
    now = 0.0
    repeats = Repeats(ledger, lambda: now)
    for _ in range(5):
        repeats.mention("refused", {"who": "a"})
    repeats.append("refused", {"who": "b"})
    now = AGAIN - 1
    repeats.mention("refused", {"who": "c"})
    now = 2 * AGAIN
    repeats.append("refused", {"who": "d"})
    # That was its line of this hour.
    repeats.mention("refused", {"who": "a"})
    now = 3 * AGAIN
    repeats.mention("refused", {"who": "a"})

    said = [json.loads(line)["about"] for line in lines_of(place)][6:]

    assert said == [*({"who": who} for who in "abcd"), {"who": "a", "times": 4}, {"who": "a", "times": 2}]


def test_what_is_written_an_hour_later_makes_no_more_lines_than_there_may_be(
    ledger: Ledger, place: LedgerPlace
) -> None:
    now = 0.0
    repeats = Repeats(ledger, lambda: now, burst=4, rate=1 / AGAIN)
    for _ in range(2):
        for who in "abcd":
            repeats.mention("refused", {"who": who})
    now = 2 * AGAIN
    repeats.mention("refused", {"who": "e"})
    repeats.flush()

    said = [json.loads(line)["about"] for line in lines_of(place)][6:]

    assert said == [*({"who": who} for who in "abcde"), {"who": "a", "times": 1}, {"lines": 3}]


def test_two_processes_write_no_line_of_one_ledger(ledger: Ledger, place: LedgerPlace, keys: Renewable) -> None:
    with pytest.raises(BlockingIOError):
        Ledger(place, keys)

    second = Ledger.of_several(place, keys)
    second.append("use", {})
    second.close()

    assert [(each.program, each.name, each.number) for each in places_in(place.own)] == [
        ("worker", "worker", 1),
        ("worker", "worker.2", 2),
    ]
    assert [verify(each).is_sound for each in places_in(place.own)] == [True, True]


@pytest.mark.parametrize("text", ["", "5", "5:", "-1:" + "0" * 64, "5:" + "g" * 64, "٥:" + "0" * 64])
def test_a_head_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="NUMBER:DIGEST"):
        Head.read(text)
