"""Until when a certificate holds, and what is said when that is near."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from synergos.errors import InvalidRequest
from synergos.tls.files import CERTIFICATE_FLAG

SOON = timedelta(days=14)
"""So long before a certificate ends it is said every day."""


@dataclass(frozen=True)
class Validity:
    """When a certificate holds; both times in UTC."""

    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, path: Path) -> Validity:
        """That of the first certificate in a PEM file.

        Raises:
            InvalidRequest: there is none.
        """
        # Late: it takes some megabytes, and most programs show no certificate.
        from cryptography import x509

        try:
            found = x509.load_pem_x509_certificates(path.read_bytes())[0]
        except (OSError, ValueError):
            raise InvalidRequest(f"expected a certificate in PEM in {path}", CERTIFICATE_FLAG) from None
        return cls(found.not_valid_before_utc, found.not_valid_after_utc)

    def problem(self, now: datetime | None = None) -> str | None:
        """Why it does not hold; None where it does."""
        now = now or datetime.now(UTC)
        if now > self.ends:
            return f"has expired on {self.ends:%Y-%m-%d}"
        if now < self.begins:
            return f"does not hold before {self.begins:%Y-%m-%d %H:%M} UTC: is the clock right"
        return None

    def days_left(self, now: datetime | None = None) -> int:
        """Whole days for which it still holds."""
        return (self.ends - (now or datetime.now(UTC))).days

    def is_soon_over(self, now: datetime | None = None) -> bool:
        """Whether somebody should see to another one."""
        return self.ends - (now or datetime.now(UTC)) < SOON
