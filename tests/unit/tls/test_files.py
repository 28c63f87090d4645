"""Files make contexts that verify, or are refused by the flag that names them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from synergos.errors import InvalidRequest
from synergos.pki.consortium import LocalConsortium
from synergos.tls.files import TlsFiles, client_context


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    certificate, key, authority = LocalConsortium(tmp_path_factory.mktemp("pki")).files("ttp")
    return TlsFiles(certificate, key, authority, asks_clients=True)


def test_whoever_is_connected_to_is_verified_and_so_is_what_was_revoked(files: TlsFiles) -> None:
    context = files.client()

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.verify_flags & ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    assert not context.hostname_checks_common_name
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_without_a_list_of_what_was_revoked_there_is_none_to_be_looked_at(files: TlsFiles, tmp_path: Path) -> None:
    assert files.authority is not None
    alone = tmp_path / "ca.pem"
    alone.write_text(files.authority.read_text().partition("-----BEGIN X509 CRL")[0])

    assert not TlsFiles(authority=alone).client().verify_flags & ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF


def test_where_no_file_is_named_none_is_read_to_check_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_context: ssl.SSLContext, _purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        raise AssertionError("whom the system believes takes tens of milliseconds to read")

    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", load)

    TlsFiles().check()


def test_a_server_asks_clients_for_certificates_where_it_is_to(files: TlsFiles) -> None:
    asking, open_to_all = files.server(), TlsFiles(files.certificate, files.key, files.authority).server()

    assert (asking.verify_mode, open_to_all.verify_mode) == (ssl.CERT_REQUIRED, ssl.CERT_NONE)
    assert asking.verify_flags & ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    assert asking.minimum_version is ssl.TLSVersion.TLSv1_2


def test_nothing_is_sent_before_it_is_asked_and_nothing_is_taken_up_unverified(files: TlsFiles) -> None:
    context = files.server()

    assert context.num_tickets == 0, "a ticket would be taken for the beginning of an answer"
    assert context.options & ssl.OP_NO_TICKET


def test_files_that_cannot_be_used_are_named_by_their_flag(files: TlsFiles, tmp_path: Path) -> None:
    empty, gone, sealed = tmp_path / "empty.pem", tmp_path / "gone.pem", tmp_path / "sealed.key"
    empty.write_text("")
    sealed.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    _, other_key, _ = LocalConsortium(tmp_path / "pki").files("other")
    certificate, key, authority = files.certificate, files.key, files.authority

    for wrong, complaint in (
        (TlsFiles(gone, key), r"^--tls_cert: .*gone\.pem cannot be read: No such file"),
        (TlsFiles(certificate), r"^--tls_cert: expected --tls_cert and --tls_key together"),
        (TlsFiles(key=key), r"^--tls_cert: expected --tls_cert and --tls_key together"),
        (TlsFiles(empty, key), r"^--tls_cert: expected a certificate in .*empty\.pem"),
        (TlsFiles(certificate, other_key), r"^--tls_key: the key in .*other\.key is not that of .*ttp\.pem"),
        (TlsFiles(certificate, sealed), r"^--tls_key: expected a key without a password"),
        (TlsFiles(authority=empty), r"^--tls_ca: .*empty\.pem holds no certificates in PEM"),
        (TlsFiles(certificate, key, None, asks_clients=True), r"^--tls_ca: expected a file of those who vouch"),
    ):
        with pytest.raises(InvalidRequest, match=complaint):
            wrong.check()
    with pytest.raises(InvalidRequest, match="together"):
        client_context(authority, certificate)
