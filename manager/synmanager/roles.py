"""Who may do what at a broker: one user for each role, and what is there before any of them comes.

    python -m synmanager.roles FOLDER    # prints what ``rabbitmqctl import_definitions`` takes; users and passwords are in FOLDER
    python -m synmanager.roles           # the same without users, their permissions by the names of roles

A broker that has these definitions declares everything itself, so that neither role may: a TTP publishes no job, and the director no
outcome. Where a single user may do everything, whoever connects declares what is not there, and nothing of this is needed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synmanager.config import COMPLETED, RANKED, SET_ASIDE_EXCHANGE_NAME, TOPOLOGY, Queue


@dataclass(frozen=True)
class Role:
    """What a user may do: the names of exchanges and queues that it may make, write to, and read.

    Attributes:
        tags: of its user; ``administrator`` sees the broker's own pages.
    """

    name: str
    configure: str = "^$"
    write: str = "^$"
    read: str = "^$"
    tags: tuple[str, ...] = ()


def _any_of(names: Sequence[str]) -> str:
    return f"^({'|'.join(re.escape(name) for name in names)})$"


def _exchanges(*queues: Queue) -> list[str]:
    return sorted({queue.exchange for queue in queues if queue.exchange is not None})


# Whoever may write to the exchange without a name may write to every queue, so nobody does.
DIRECTOR = Role(
    "director",
    write=_any_of([*_exchanges(*RANKED), SET_ASIDE_EXCHANGE_NAME]),
    read=_any_of([COMPLETED.name]),
)
TTP = Role(
    "ttp",
    write=_any_of([*_exchanges(COMPLETED), SET_ASIDE_EXCHANGE_NAME]),
    read=_any_of([queue.name for queue in RANKED]),
)
ADMINISTRATOR = Role("administrator", ".*", ".*", ".*", ("administrator",))
"""For people."""
ROLES = (ADMINISTRATOR, DIRECTOR, TTP)


@dataclass(frozen=True)
class Credentials:
    """By which a broker knows a user."""

    user: str
    password: str = field(repr=False)


def credentials_in(folder: Path, role: Role) -> Credentials:
    """Those of a role, in a folder of its own, so that who is shown it sees no other's; made up where there are none."""
    own = folder / role.name
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    user = _content(own / "user") or _written(own / "user", role.name)
    return Credentials(user, _content(own / "password") or _written(own / "password", secrets.token_hex(24)))


def definitions(users: Mapping[Role, Credentials], virtual_host: str = "/") -> dict[str, list[dict[str, object]]]:
    """What a broker is told: its users, what they may do, and what is there; in RabbitMQ's own words."""
    names = {role: known.user for role, known in users.items()}
    return {
        "users": [_user(role, known) for role, known in users.items()],
        **without_users(names, virtual_host),
    }


def without_users(names: Mapping[Role, str], virtual_host: str = "/") -> dict[str, list[dict[str, object]]]:
    """The same of a broker that is told of its users elsewhere.

    Args:
        names: what each role's is called.
    """
    permissions = [_permission(role, user, virtual_host) for role, user in names.items()]
    return {"vhosts": [{"name": virtual_host}], "permissions": permissions, **_topology(virtual_host)}


def _topology(virtual_host: str) -> dict[str, list[dict[str, object]]]:
    """The exchanges and queues of :mod:`synmanager.config`, in RabbitMQ's own words."""
    kinds = {queue.exchange: queue.exchange_type for queue in TOPOLOGY if queue.exchange is not None}
    lasting = {"vhost": virtual_host, "durable": True, "auto_delete": False, "arguments": {}}
    return {
        "exchanges": [{"name": name, **lasting, "type": kind, "internal": False} for name, kind in kinds.items()],
        "queues": [{"name": queue.name, **lasting} for queue in TOPOLOGY],
        "bindings": [_binding(queue, virtual_host) for queue in TOPOLOGY if queue.exchange is not None],
    }


def password_hash(password: str, salt: bytes) -> str:
    """What a broker keeps of a password (RabbitMQ's ``rabbit_password_hashing_sha256``).

    Args:
        salt: four bytes.
    """
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _user(role: Role, known: Credentials) -> dict[str, object]:
    return {
        "name": known.user,
        "password_hash": password_hash(known.password, secrets.token_bytes(4)),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ",".join(role.tags),
    }


def _permission(role: Role, user: str, virtual_host: str) -> dict[str, object]:
    rights = {"configure": role.configure, "write": role.write, "read": role.read}
    return {"user": user, "vhost": virtual_host, **rights}


def _binding(queue: Queue, virtual_host: str) -> dict[str, object]:
    ends = {"source": queue.exchange, "destination": queue.name, "destination_type": "queue"}
    return {"vhost": virtual_host, **ends, "routing_key": queue.routing_key, "arguments": {}}


def _content(file: Path) -> str:
    return file.read_text(encoding="utf-8").rstrip("\r\n") if file.exists() else ""


def _written(file: Path, content: str) -> str:
    draft = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
    draft.replace(file)
    return content


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the definitions of a broker."""
    parser = argparse.ArgumentParser(description="Print what RabbitMQ is to be told of a cluster's users and queues.")
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        help="of users and passwords, one folder a role, made up where they are missing; left out for no users",
    )
    parser.add_argument("--virtual_host", "--virtual-host", default="/", help="which of the broker's separate worlds")
    given = parser.parse_args(arguments)
    if given.folder is None:
        said = without_users({role: role.name for role in ROLES}, given.virtual_host)
    else:
        said = definitions({role: credentials_in(given.folder, role) for role in ROLES}, given.virtual_host)
    sys.stdout.write(json.dumps(said, indent=1, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
