"""What the secure overlay of a cluster is given before it starts; made where it is missing or over soon, and left as it is where it is there.

Run by an image that has synergos, as root: certificates of an authority of the grid's own, a folder for each program; the director's
identity and who trusts it; and an account for whom the collaboration belongs to and for each participant. See docs/containers.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from synergos.accounts.administration import administration
from synergos.domain.roles import Role
from synergos.identity.identity import FOLDER as TRUST
from synergos.identity.identity import identity_in
from synergos.pki import pem
from synergos.pki.authority import KEY
from synergos.pki.consortium import LocalConsortium

LEAD = "lead"
"""The account of whom the collaboration belongs to."""
SECURE, RECORDS = Path("/secure"), Path("/orchestrator/data")
HOSTS = {
    "director": ("172.20.0.2", "synergos_director"),
    "ttp_1": ("172.20.0.3", "synergos_ttp_1"),
    "ttp_2": ("172.20.0.6", "synergos_ttp_2"),
    "mlops": ("172.20.0.15", "synergos_mlops"),
    "queue": ("172.20.2.16", "synergos_mq"),
    "portal_nav": ("172.20.0.9", "synergos_portal_nav"),
    "portal_view": ("172.20.0.10", "synergos_portal_view"),
    "portal_track": ("172.20.0.11", "synergos_portal_track"),
    **{f"worker_{participant}_n{node}": () for participant in (1, 2) for node in (1, 2)},
}
"""Where programs are found beside their own machine; workers listen nowhere."""
OWN_MACHINE = ("127.0.0.1", "localhost")
PARTICIPANTS = ("worker_1", "worker_2")
LIFE = timedelta(days=90)
"""Of their tokens."""
RENEWED_BEFORE = timedelta(days=30)
"""How long before a certificate or the last token of an account is over another one is made, when the grid is started."""


def main() -> None:
    """Make everything."""
    os.umask(0o077)
    user = _user()
    for name, hosts in HOSTS.items():
        _certify(name, hosts, user)
    fingerprint = identity_in(RECORDS / TRUST / "director.json").fingerprint
    trusted = SECURE / "trust" / "fingerprints"
    trusted.parent.mkdir(exist_ok=True)
    trusted.write_text(f"{fingerprint}\n", encoding="utf-8")
    _let_in()
    for path in (*_all_of(RECORDS), *_all_of(trusted.parent), *_all_of(SECURE / "accounts")):
        os.lchown(path, *user)


def _user() -> tuple[int, int]:
    """Who the programs run as: see docker/entrypoint.sh."""
    said, found = os.environ.get("SYNERGOS_USER") or "", RECORDS.stat()
    if said:
        numbers = re.fullmatch(r"(\d{1,9})(?::(\d{1,9}))?", said, re.ASCII)
        if numbers is None:
            raise SystemExit(f"SYNERGOS_USER: expected the number of a user, or UID:GID, got {said[:40]!r}")
        return int(numbers[1]), int(numbers[2] or numbers[1])
    return (found.st_uid, found.st_gid) if found.st_uid else (1000, 1000)


def _certify(name: str, hosts: tuple[str, ...], user: tuple[int, int]) -> None:
    """A certificate and its key, for one program, which stay while they hold for a while yet; who vouches for others, and for whom no more."""
    home, consortium = SECURE / name, LocalConsortium(SECURE / "pki", (*OWN_MACHINE, *hosts))
    if not _holds(home / "certificate.pem"):
        own, key, _ = consortium.files(name)
        home.mkdir(exist_ok=True)
        for path, called in ((key, "key.pem"), (own, "certificate.pem")):
            pem.write(home / called, path.read_bytes(), is_secret=path is key)
    elif not (SECURE / "pki" / KEY).exists():
        # The authority is kept elsewhere; what it has listed since is brought here by hand.
        return
    authority = consortium.authority
    # Of an earlier release, it has no list by itself yet.
    authority.complete()
    for path in (authority.believed, authority.listed):
        pem.write(home / path.name, path.read_bytes())
    for path in _all_of(home):
        os.chown(path, *user)


def _holds(file: Path) -> bool:
    """Whether a certificate is there that is not over soon; the same key gets another one else."""
    if not file.exists():
        return False
    return pem.certificate(file.read_bytes(), file).not_valid_after_utc - datetime.now(UTC) > RENEWED_BEFORE


def _let_in() -> None:
    """Accounts and their tokens, which are in files for people on this machine; those that hold for a while yet stay."""
    home = SECURE / "accounts"
    home.mkdir(exist_ok=True)
    with administration(RECORDS, None, make=True) as accounts:
        known = {account.name for account in accounts.all()}
        for name in (LEAD, *PARTICIPANTS):
            if name not in known:
                role = Role.ORCHESTRATOR if name == LEAD else Role.PARTICIPANT
                accounts.add(name, role, None if name == LEAD else name, None)
            elif any(token.expires_at - datetime.now(UTC) > RENEWED_BEFORE for token in accounts.tokens(name)):
                continue
            _, token = accounts.add_token(name, LIFE, "of this grid's set-up")
            (home / name).write_text(f"{token}\n", encoding="utf-8")


def _all_of(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.rglob("*")


if __name__ == "__main__":
    main()
