"""A worker takes part for its participant alone, in projects that it has signed for, as they are registered now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from support.full_disk import files_up_to
from synergos.domain.keys import ProjectKey
from synergos.errors import Conflict, NotAllowed, RecordNotFound, WireFormatError
from synergos.identity.identity import Renewable
from synergos.identity.projects_taken_part import CONSENTS, projects_in, release
from synergos.identity.small_file import before_now, stored_in
from synergos.identity.statements import Consent
from synergos_worker.consents import Asked, Consents

ASKED = Asked("1" * 64, ProjectKey("c", "p"), "hospital_1", "a" * 64)


@pytest.fixture
def keys(tmp_path: Path) -> Renewable:
    return Renewable(tmp_path / "worker.json")


@pytest.fixture
def consents(tmp_path: Path, keys: Renewable) -> Consents:
    return Consents(tmp_path, keys, "hospital_1")


def test_it_signs_who_what_and_for_which_registration(consents: Consents, keys: Renewable) -> None:
    statement, is_other = consents.give(ASKED)

    said = Consent.read(statement)
    assert (said.issuer, said.subject) == (keys.now.fingerprint, ASKED.peer)
    assert (said.collaboration, said.project, said.participant, said.nonce) == ("c", "p", "hospital_1", "a" * 64)
    assert not is_other
    signed = statement["statement"]
    assert isinstance(signed, dict)
    with pytest.raises(WireFormatError):
        Consent.read({**statement, "statement": {**signed, "participant": "hospital_2"}})


def test_it_is_nobody_elses_worker(consents: Consents) -> None:
    with pytest.raises(NotAllowed, match="that of hospital_1"):
        consents.give(replace(ASKED, participant="hospital_2"))


def test_nothing_is_done_without(consents: Consents, tmp_path: Path, keys: Renewable) -> None:
    with pytest.raises(NotAllowed, match="has not consented"):
        consents.refuse_without(ASKED.peer, ASKED.project)
    consents.give(ASKED)

    Consents(tmp_path, keys, "hospital_1").refuse_without(ASKED.peer, ASKED.project)
    for peer, project in ((None, ASKED.project), ("2" * 64, ASKED.project), (ASKED.peer, ProjectKey("c", "q"))):
        with pytest.raises(NotAllowed):
            consents.refuse_without(peer, project)


def test_a_registration_that_has_changed_is_consented_to_anew_and_the_one_before_is_over(consents: Consents) -> None:
    consents.give(ASKED)
    again = consents.give(ASKED)[1]
    changed = consents.give(replace(ASKED, nonce="b" * 64))[1]

    assert (again, changed) == (False, True)
    with pytest.raises(NotAllowed, match="was replaced"):
        consents.give(ASKED)


def test_one_orchestrator_has_so_many_projects_and_no_more(
    consents: Consents, tmp_path: Path, keys: Renewable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos_worker.consents.MOST_PROJECTS", 2)
    for name in ("p", "q"):
        consents.give(replace(ASKED, project=ProjectKey("c", name)))
    one_more = replace(ASKED, project=ProjectKey("c", "r"))

    with pytest.raises(NotAllowed, match=f"at most 2 projects of one orchestrator, and does of {ASKED.peer}"):
        consents.give(one_more)

    consents.give(replace(one_more, peer="2" * 64))
    consents.give(replace(ASKED, nonce="b" * 64))
    assert Consents(tmp_path, keys, "hospital_1").projects_of(ASKED.peer) == [
        ProjectKey("c", "p"),
        ProjectKey("c", "q"),
    ]


def test_its_file_never_grows_to_what_is_not_read_again(
    consents: Consents, tmp_path: Path, keys: Renewable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synergos_worker.consents.LARGEST_FILE", 400)
    consents.give(ASKED)
    with pytest.raises(NotAllowed, match="is full"):
        consents.give(replace(ASKED, project=ProjectKey("c", "p" * 99)))

    again = Consents(tmp_path, keys, "hospital_1")
    assert again.projects_of(ASKED.peer) == consents.projects_of(ASKED.peer)


TTP, RENEWED, OTHER, STRANGER = (digit * 64 for digit in "1234")
D1, D2 = "d" * 64, "e" * 64


def line(fingerprint: str) -> Collection[str]:
    """The TTP and the director have renewed their identities."""
    return next((each for each in ({TTP, RENEWED}, {D1, D2}) if fingerprint in each), {fingerprint})


@pytest.fixture
def lined(tmp_path: Path, keys: Renewable) -> Consents:
    """Of a worker whose owner approves of everybody."""
    return Consents(tmp_path, keys, "hospital_1", line, lambda _other, _director: True)


@pytest.mark.parametrize(
    ("known", "asking"),
    [
        ((TTP, ""), (RENEWED, "")),
        ((RENEWED, ""), (TTP, D1)),
        ((TTP, D1), (OTHER, D1)),
        ((TTP, D1), (OTHER, D2)),
        ((TTP, D2), (OTHER, D1)),
        ((D1, ""), (OTHER, D2)),
    ],
)
def test_who_is_one_with_who_has_asked_first_goes_on_with_the_project(
    lined: Consents, known: tuple[str, str], asking: tuple[str, str]
) -> None:
    lined.give(replace(ASKED, peer=known[0], director=known[1]))

    lined.give(replace(ASKED, peer=asking[0], director=asking[1]))

    assert lined.projects_of(*asking) == [ASKED.project]


@pytest.mark.parametrize(
    ("known", "asking"), [((TTP, ""), (OTHER, "")), ((TTP, D1), (OTHER, "")), ((TTP, ""), (OTHER, D1))]
)
def test_anybody_else_gets_neither_the_project_nor_what_is_in_it(
    lined: Consents, known: tuple[str, str], asking: tuple[str, str]
) -> None:
    lined.give(replace(ASKED, peer=known[0], director=known[1]))

    with pytest.raises(NotAllowed, match=f"of the orchestrator {known[0]}"):
        lined.give(replace(ASKED, peer=asking[0], director=asking[1]))
    assert lined.projects_of(*asking) == []
    assert lined.projects_of(None) == []


def test_what_a_ttp_had_on_its_own_is_its_clusters_from_when_it_has_shown_its_director(lined: Consents) -> None:
    lined.give(ASKED)
    second = replace(ASKED, peer=OTHER, director=D1)
    with pytest.raises(NotAllowed):
        lined.give(second)

    lined.give(replace(ASKED, director=D1))

    lined.give(second)
    with pytest.raises(NotAllowed):
        lined.give(replace(ASKED, peer=STRANGER))


def test_a_project_that_its_orchestrator_has_deleted_is_anybodys_and_what_was_registered_since_is_not(
    tmp_path: Path, keys: Renewable
) -> None:
    consents = Consents(tmp_path, keys, "hospital_1", may_rival=lambda _other, _director: True)
    consents.give(ASKED)
    rival = replace(ASKED, peer="9" * 64)
    with pytest.raises(NotAllowed):
        consents.give(rival)

    consents.end("8" * 64, "", ASKED.project.ids, before_now(-1))
    consents.end(ASKED.peer, "", ASKED.project.ids, before_now(60))
    with pytest.raises(NotAllowed):
        consents.give(rival)
    consents.end(ASKED.peer, "", ASKED.project.ids[:1], before_now(-1))

    with pytest.raises(NotAllowed):
        consents.refuse_without(ASKED.peer, ASKED.project)
    consents.give(rival)
    # As the file has it.
    assert Consents(tmp_path, keys, "hospital_1").projects_of(rival.peer) == [ASKED.project]


def test_a_project_that_the_owner_has_ended_is_anybodys(tmp_path: Path, keys: Renewable) -> None:
    consents = Consents(tmp_path, keys, "hospital_1")
    consents.give(ASKED)
    assert [(each.collaboration, each.project, each.who) for each in projects_in(tmp_path)] == [
        (*ASKED.project.ids, ASKED.peer)
    ]

    ended = release(tmp_path, *ASKED.project.ids)

    assert [each.who for each in ended] == [ASKED.peer]
    assert projects_in(tmp_path) == []
    assert consents.look() == [(ASKED.peer, ASKED.project)]
    assert consents.look() == []
    assert consents.projects_of(ASKED.peer) == []
    consents.give(ASKED)
    assert consents.look() == []
    assert Consents(tmp_path, keys, "hospital_1").projects_of(ASKED.peer) == [ASKED.project]
    with pytest.raises(RecordNotFound):
        release(tmp_path, "c", "another")


def test_what_was_ended_stays_so_while_it_cannot_be_written_down(tmp_path: Path, keys: Renewable) -> None:
    consents = Consents(tmp_path, keys, "hospital_1")
    consents.give(ASKED)
    consents.give(replace(ASKED, project=ProjectKey("c", "q")))
    release(tmp_path, *ASKED.project.ids)

    # What is logged is written to a file as well.
    with files_up_to(1), capture_logs() as logged:
        assert consents.look() == [(ASKED.peer, ASKED.project)]
        assert consents.look() == []
        with pytest.raises(NotAllowed):
            consents.refuse_without(ASKED.peer, ASKED.project)
        with pytest.raises(Conflict, match="cannot be written"):
            consents.end(ASKED.peer, "", ("c", "q"), before_now(-1))
        with pytest.raises(Conflict, match="cannot be written"):
            consents.give(ASKED)
        assert consents.projects_of(ASKED.peer) == []
        assert Consents(tmp_path, keys, "hospital_1").projects_of(ASKED.peer) == [ProjectKey("c", "q")]

    assert [each["log_level"] for each in logged].count("error") == 2
    consents.look()
    assert set(stored_in(tmp_path / CONSENTS)) == set()
