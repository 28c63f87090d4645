"""The URL of a PostgreSQL server that is spoken to by TLS, and believed only when somebody vouches for it."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from synergos.errors import InvalidRequest
from synergos.tls.files import TlsFiles

_VERIFIES = "verify-full"


def is_postgresql(url: str) -> bool:
    """Whether an SQLAlchemy URL is one of PostgreSQL's; one that is none will be refused by who opens it."""
    parsed = _parsed(url)
    return parsed is not None and parsed.get_backend_name() == "postgresql"


def verifies(url: str) -> bool:
    """Whether who answers at an URL is verified, host name included."""
    parsed = _parsed(url)
    return parsed is not None and parsed.query.get("sslmode") == _VERIFIES


def secured_url(url: str, files: TlsFiles) -> str:
    """The URL with how its server is verified, and what it is shown (libpq's ``ssl…``); what it says of that itself counts.

    Args:
        files: who vouches for the server, and perhaps a certificate and its key.

    Raises:
        InvalidRequest: the file of authorities cannot be read.
    """
    parsed = _parsed(url)
    if parsed is None or "sslmode" in parsed.query or files.authority is None:
        return url
    said = {"sslmode": _VERIFIES, "sslrootcert": str(files.authority)}
    if files.has_revocations:
        said["sslcrl"] = str(files.authority)
    if files.certificate is not None and files.key is not None:
        said |= {"sslcert": str(files.certificate), "sslkey": str(files.key)}
    own = {name: value for name, value in said.items() if name not in parsed.query}
    return parsed.update_query_dict(own).render_as_string(hide_password=False)


def _parsed(url: str) -> URL | None:
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        return None


def refuse_useless_authority(url: str, flag: str) -> None:
    """See that a file of authorities is not named for a database that is a file.

    Raises:
        InvalidRequest: it is; names the flag.
    """
    if not is_postgresql(url):
        raise InvalidRequest(
            "has an effect for a PostgreSQL server alone: expected --database postgresql+psycopg://…", flag
        )
