"""A PostgreSQL server is verified where somebody may vouch for it, unless its URL says how that is done."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from synergos.errors import InvalidRequest
from synergos.pki.consortium import LocalConsortium
from synergos.records.secured_url import is_postgresql, refuse_useless_authority, secured_url, verifies
from synergos.tls.files import TlsFiles

URL = "postgresql+psycopg://me:se%40cret@db.example:5432/synergos"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return TlsFiles(*LocalConsortium(tmp_path_factory.mktemp("pki")).files("ttp"))


def test_a_server_is_verified_its_host_and_what_was_revoked_included(files: TlsFiles) -> None:
    found = make_url(secured_url(URL, files))

    assert found.query == {
        "sslmode": "verify-full",
        "sslrootcert": str(files.authority),
        "sslcrl": str(files.authority),
        "sslcert": str(files.certificate),
        "sslkey": str(files.key),
    }
    assert found.set(query={}) == make_url(URL), "all else stays, the password too"
    assert verifies(secured_url(URL, files))


def test_a_program_without_a_certificate_shows_none(files: TlsFiles) -> None:
    found = make_url(secured_url(URL, TlsFiles(authority=files.authority)))

    assert set(found.query) == {"sslmode", "sslrootcert", "sslcrl"}


def test_what_an_url_says_itself_counts(files: TlsFiles) -> None:
    own = f"{URL}?sslmode=require"

    assert secured_url(own, files) == own
    assert not verifies(own)
    assert make_url(secured_url(f"{URL}?sslrootcert=/own.pem", files)).query["sslrootcert"] == "/own.pem"


def test_nobody_is_verified_where_nobody_vouches_for_anybody() -> None:
    assert secured_url(URL, TlsFiles()) == URL


@pytest.mark.parametrize("url", ["sqlite:////tmp/records.sqlite", "nonsense", ""])
def test_a_file_needs_nobody_to_vouch_for_it(url: str) -> None:
    assert not is_postgresql(url)
    with pytest.raises(InvalidRequest, match=r"^--database_ca: has an effect for a PostgreSQL server alone"):
        refuse_useless_authority(url, "--database_ca")


def test_a_file_of_authorities_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        secured_url(URL, TlsFiles(authority=tmp_path / "gone.pem"))
