"""What OpenSSL says of a failed handshake, people can read."""

from __future__ import annotations

import ssl

import pytest

from synergos.tls.handshake_errors import reason_of


def failed(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] words of the library")
    error.reason = reason
    return error


def test_a_reason_is_found_under_what_was_made_of_it() -> None:
    broken = ConnectionError("broken")
    broken.__cause__ = failed("TLSV13_ALERT_CERTIFICATE_REQUIRED")

    assert (reason_of(broken) or "").startswith("it wants a certificate of this program")


@pytest.mark.parametrize(
    "reason", ["TLSV1_ALERT_UNKNOWN_CA", "SSLV3_ALERT_CERTIFICATE_REVOKED", "WRONG_VERSION_NUMBER", "ODD"]
)
def test_every_reason_has_words(reason: str) -> None:
    assert reason_of(failed(reason))


def test_what_is_no_matter_of_tls_has_none() -> None:
    assert reason_of(ConnectionResetError()) is None
    assert reason_of(None) is None
    assert reason_of(ssl.SSLEOFError(8, "EOF")) is None
