"""What the secure overlay is given before it starts: made once, and renewed before it is over."""

from __future__ import annotations

import importlib.util
import os
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from synergos.accounts.administration import administration
from synergos.pki.authority import CERTIFICATE_DAYS, Authority

SETUP = Path(__file__).parents[2] / "docker" / "secure" / "setup.py"
ME = (os.getuid(), os.getgid())


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("secure_setup", SETUP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SECURE", tmp_path / "secure")
    monkeypatch.setattr(module, "RECORDS", tmp_path / "records")
    for folder in ("secure", "records"):
        (tmp_path / folder).mkdir()
    return module


def test_a_certificate_that_is_over_soon_is_renewed_for_the_same_key(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "secure" / "queue"

    def certified() -> tuple[bytes, bytes]:
        setup._certify("queue", ("172.20.2.16",), ME)
        return (home / "certificate.pem").read_bytes(), (home / "key.pem").read_bytes()

    first = certified()
    assert certified() == first
    monkeypatch.setattr(setup, "RENEWED_BEFORE", timedelta(days=CERTIFICATE_DAYS + 1))
    certificate, key = certified()

    assert certificate != first[0]
    assert key == first[1]


def test_what_was_revoked_since_reaches_who_holds_a_certificate_already(setup: ModuleType, tmp_path: Path) -> None:
    for name in ("queue", "ttp_1"):
        setup._certify(name, (), ME)
    authority = Authority.in_folder(tmp_path / "secure" / "pki")
    authority.revoke("ttp_1")
    # An authority of an earlier release has written no list by itself.
    authority.listed.unlink()

    setup._certify("queue", (), ME)

    home = tmp_path / "secure" / "queue"
    for path in (authority.believed, authority.listed):
        assert (home / path.name).read_bytes() == path.read_bytes()
    (tmp_path / "secure" / "pki").rename(tmp_path / "elsewhere")
    setup._certify("queue", (), ME)
    assert not (tmp_path / "secure" / "pki").exists()


def test_a_token_that_is_over_soon_is_followed_by_another(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secure" / "accounts" / "lead"

    def told() -> str:
        setup._let_in()
        return file.read_text()

    first = told()
    assert told() == first
    monkeypatch.setattr(setup, "RENEWED_BEFORE", setup.LIFE + timedelta(days=1))
    second = told()

    assert second != first
    with administration(tmp_path / "records", None) as accounts:
        assert len(accounts.tokens("lead")) == 2
        assert len(accounts.all()) == 3


@pytest.mark.parametrize(("said", "user"), [("1001", (1001, 1001)), ("1001:50", (1001, 50))])
def test_the_user_of_the_programs_is_a_number(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, said: str, user: tuple[int, int]
) -> None:
    monkeypatch.setenv("SYNERGOS_USER", said)

    assert setup._user() == user


@pytest.mark.parametrize("said", ["synergos", "1001:", ":5", "-1", "1e3", "٣"])
def test_a_user_that_is_no_number_is_refused_by_its_name(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setenv("SYNERGOS_USER", said)

    with pytest.raises(SystemExit, match="SYNERGOS_USER: expected the number of a user"):
        setup._user()
