"""A program takes up changed files, keeps those before where the new ones cannot be used, and says when its certificate ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from synergos.pki import pem
from synergos.pki.authority import Authority
from synergos.pki.consortium import LocalConsortium
from synergos.tls.files import TlsFiles
from synergos.tls.secured import Secured


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0
        self.time = datetime.now(UTC)

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def consortium(tmp_path: Path) -> LocalConsortium:
    return LocalConsortium(tmp_path / "pki")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def secured(consortium: LocalConsortium, clock: Clock) -> Secured:
    found = Secured(TlsFiles(*consortium.files("ttp")), clock, lambda: clock.time)
    found.server()
    return found


def renewed(consortium: LocalConsortium, days: int) -> None:
    issued = Authority.in_folder(consortium.folder).renew("ttp", days)
    pem.write(consortium.folder / "ttp" / "ttp.pem", issued.certificate.encode())


def test_a_renewed_certificate_is_shown_from_the_next_connection_on(
    consortium: LocalConsortium, secured: Secured, clock: Clock
) -> None:
    before = secured.server()
    assert secured.server() is before, "nothing is read again while nothing has changed"
    renewed(consortium, 20)
    clock.seconds += 2

    with capture_logs() as said:
        assert secured.server() is not before
    assert [(line["event"], line["looks_for_revoked"]) for line in said] == [("TLS files taken up anew", True)]
    # Well within a day, however the seconds of the two clocks fall.
    clock.time += timedelta(hours=1)
    assert secured.told()["certificate"]["days_left"] == 19  # type: ignore[index]


def test_a_list_of_what_was_revoked_is_taken_up_too(
    consortium: LocalConsortium, secured: Secured, clock: Clock
) -> None:
    before = secured.client()
    Authority.in_folder(consortium.folder).revoke("ttp")
    clock.seconds += 2

    assert secured.client() is not before


def test_files_that_have_lost_the_list_of_what_was_revoked_change_nothing(
    consortium: LocalConsortium, secured: Secured, clock: Clock
) -> None:
    believed = consortium.folder / "ca.pem"
    before, whole = secured.client(), believed.read_bytes()
    believed.write_bytes(whole.partition(b"-----BEGIN X509 CRL-----")[0])
    clock.seconds += 2

    with capture_logs() as said:
        assert secured.client() is before
    assert "--tls_ca: expected a list of what was revoked" in said[0]["reason"]

    believed.write_bytes(whole)
    clock.seconds += 2
    assert secured.client() is not before


def test_files_that_never_had_a_list_need_none(consortium: LocalConsortium, clock: Clock) -> None:
    files = TlsFiles(*consortium.files("ttp"))
    believed = consortium.folder / "ca.pem"
    believed.write_bytes(believed.read_bytes().partition(b"-----BEGIN X509 CRL-----")[0])
    secured = Secured(files, clock, lambda: clock.time)
    before = secured.client()
    believed.write_bytes(believed.read_bytes() + b"\n")
    clock.seconds += 2

    with capture_logs() as said:
        assert secured.client() is not before
    assert [line["looks_for_revoked"] for line in said] == [False]


@pytest.mark.parametrize(
    "broken", ["", "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n"], ids=["empty", "no PEM"]
)
def test_a_broken_file_changes_nothing_and_is_said_once(
    consortium: LocalConsortium, secured: Secured, clock: Clock, broken: str
) -> None:
    before = secured.server()
    certificate = consortium.folder / "ttp" / "ttp.pem"
    certificate.write_text(broken)

    with capture_logs() as said:
        for _ in range(3):
            clock.seconds += 2
            assert secured.server() is before
    assert [line["event"] for line in said] == ["changed TLS files cannot be used, those before count on"]
    assert "--tls_cert" in said[0]["reason"]

    renewed(consortium, 20)
    clock.seconds += 2
    assert secured.server() is not before


def test_a_file_that_is_gone_changes_nothing(consortium: LocalConsortium, secured: Secured, clock: Clock) -> None:
    before = secured.client()
    (consortium.folder / "ca.pem").unlink()
    clock.seconds += 2

    assert secured.client() is before


def test_a_certificate_that_ends_soon_is_said_once_a_day_and_one_that_has_ended_is_a_problem(
    consortium: LocalConsortium, secured: Secured, clock: Clock
) -> None:
    assert secured.problem() is None
    clock.time += timedelta(days=355)

    with capture_logs() as said:
        assert [secured.problem() for _ in range(3)] == [None] * 3
        clock.time += timedelta(days=1)
        assert secured.problem() is None
    assert [line["event"] for line in said] == ["the certificate of this program is to be renewed"] * 2

    clock.time += timedelta(days=30)
    assert (secured.problem() or "").startswith("has expired on ")


def test_a_program_that_only_connects_has_no_certificate_to_speak_of(consortium: LocalConsortium) -> None:
    alone = Secured(TlsFiles(authority=consortium.authority.believed))

    assert (alone.problem(), alone.told()) == (None, {})
