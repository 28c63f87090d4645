"""What a failed handshake means, in words; OpenSSL's own are for those who wrote it."""

from __future__ import annotations

import ssl

_ALERTS = {
    "CERTIFICATE_REQUIRED": "it wants a certificate of this program, which has none to show (--tls_cert, --tls_key)",
    "UNKNOWN_CA": "it does not know who vouches for the certificate of this program",
    "CERTIFICATE_REVOKED": "it says that the certificate of this program was revoked",
    "CERTIFICATE_EXPIRED": "it says that the certificate of this program has expired",
    "BAD_CERTIFICATE": "it does not take the certificate of this program",
    "UNSUPPORTED_CERTIFICATE": "the certificate of this program is not one to connect with",
    "HANDSHAKE_FAILURE": "it agrees on no way to speak TLS: it may want a certificate of this program (--tls_cert, --tls_key)",
    "PROTOCOL_VERSION": "the two have no version of TLS in common; expected 1.2 or later",
}
"""What the other end says, by the end of the library's word for it."""
_OURS = {
    "WRONG_VERSION_NUMBER": "it does not speak TLS",
    "RECORD_LAYER_FAILURE": "it does not speak TLS",
    "UNSUPPORTED_PROTOCOL": "the two have no version of TLS in common; expected 1.2 or later",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it showed no certificate",
    "NO_SHARED_CIPHER": "the two have no cipher in common",
}
_CERTIFICATES = {
    7: "nobody that is believed vouches for it",
    10: "it has expired",
    9: "it is not valid yet; is the clock right?",
    12: "the list of what its authority has revoked is too old",
    3: "there is no list of what its authority has revoked (--tls_ca)",
    18: "it vouches for itself, and nobody else does",
    19: "nobody that is believed vouches for it",
    20: "nobody that is believed vouches for it",
    23: "it was revoked",
    26: "it is not for that use",
}
"""By X509_V_ERR_…"""


def _wrapped_by(error: BaseException) -> BaseException | None:
    """What an error was made of that was not raised while that was caught, as urllib3's are where a proxy is between."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, BaseException) else None


def reason_of(error: BaseException | None) -> str | None:
    """Why TLS failed; None where something else did.

    Args:
        error: with what it was made of.
    """
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__ or _wrapped_by(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {_CERTIFICATES.get(error.verify_code, error.verify_message)}"
    if error is None or isinstance(error, ssl.SSLZeroReturnError | ssl.SSLEOFError):
        return None
    reason = error.reason or ""
    said = _OURS.get(reason) or next((words for end, words in _ALERTS.items() if reason.endswith(end)), None)
    return said or f"TLS failed ({reason or 'no reason given'})"
