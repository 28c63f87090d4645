"""``synergos pki``: a site asks, the authority signs, and the site's files are what programs and drivers take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synergos.cli.exits import ExitCode
from synergos.tls.files import TlsFiles

Run = Callable[..., Any]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(done: Any) -> Any:
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_site_has_a_certificate_for_a_key_that_never_left_it(run: Run, here: Path) -> None:
    assert run("pki", "init", "--name", "Hospitals").code == 0
    [asked] = shown(
        run(
            "pki",
            "request",
            "ward",
            "--host",
            "ward.example",
            "--host",
            "10.0.0.1",
            "--folder",
            "site",
            "--format",
            "json",
        )
    )
    [issued] = shown(run("pki", "issue", "site/ward.csr", "--key", asked["key"], "--days", "30", "--format", "json"))

    TlsFiles(here / "site" / "ward.pem", here / "site" / "ward.key", here / "synergos-pki" / "ca.pem", True).check()
    assert (issued["name"], issued["hosts"], issued["state"]) == ("ward", "ward.example, 10.0.0.1", "holds")
    assert sorted(str(path.relative_to(here)) for path in here.rglob("*.key")) == [
        "site/ward.key",
        "synergos-pki/authority.key",
    ]


def test_a_request_of_another_key_than_the_site_has_read_out_is_not_signed(run: Run, here: Path) -> None:
    run("pki", "init")
    run("pki", "request", "ward", "--host", "ward.example")

    done = run("pki", "issue", "ward.csr", "--key", "ab" * 32)

    assert (done.code, "--key: the request is of another key" in done.err) == (ExitCode.USAGE, True)
    assert not (here / "ward.pem").exists()


def test_hosts_and_uses_are_shown_before_anything_is_signed(run: Run, here: Path) -> None:
    run("pki", "init")
    run("pki", "request", "ttp", "--host", "ttp.example")
    run("pki", "issue", "ttp.csr")
    run("pki", "request", "ward", "--host", "ttp.example", "--host", "ward.example")

    refused = run("pki", "issue", "ward.csr")
    agreed = run("pki", "issue", "ward.csr", "--host", "ttp.example")

    assert "ward asks to be believed at ttp.example, ward.example, as server and client" in refused.err
    assert (refused.code == 0, "ttp.example is ttp's by a certificate that holds" in refused.err) == (False, True)
    assert agreed.code == 0, agreed.err


def test_a_certificate_is_renewed_and_revoked_by_its_name(run: Run, here: Path) -> None:
    run("pki", "init")
    run("pki", "request", "ward", "--host", "ward.example")
    run("pki", "issue", "ward.csr")
    before = (here / "ward.pem").read_bytes()

    [renewed] = shown(run("pki", "renew", "ward", "--format", "json"))
    revoked = shown(run("pki", "revoke", "ward", "--reason", "superseded", "--format", "json"))

    assert (here / "ward.pem").read_bytes() != before
    assert renewed["serial"] in {each["serial"] for each in revoked}
    assert {(each["state"], each["reason"]) for each in revoked} == {("revoked", "superseded")}
    assert [each["state"] for each in shown(run("pki", "list", "--format", "json"))] == ["revoked"] * 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("pki", "list"), "there is no authority in synergos-pki: expected authority.key"),
        (("pki", "request", "ward"), "host: expected the names and addresses by which others connect"),
        (("pki", "request", "ward", "--host", "a", "--use", "mail"), "--use: expected server or client, got 'mail'"),
        (("pki", "issue", "nothing.csr"), "nothing.csr cannot be read: No such file"),
        (("pki", "renew", "ward", "--authority", "elsewhere"), "there is no authority in elsewhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_explained(run: Run, here: Path, words: tuple[str, ...], complaint: str) -> None:
    done = run(*words)

    assert (done.code, complaint in done.err) == (ExitCode.USAGE, True), done.err


def test_a_profile_keeps_the_files_by_which_an_orchestrator_is_believed(run: Run, here: Path) -> None:
    run("pki", "init")
    own = here / "synergos-pki" / "ca.pem"

    [profile] = shown(
        run(
            "profile",
            "add",
            "north",
            "--address",
            "https://ttp.example:5000",
            "--tls-ca",
            "synergos-pki/ca.pem",
            "--format",
            "json",
        )
    )
    refused = run("profile", "add", "south", "--address", "http://ttp.example:5000", "--tls-ca", str(own))

    assert profile["tls_ca"] == str(own)
    assert (refused.code, "--address: expected https://" in refused.err) == (ExitCode.USAGE, True)
