"""Where the files of a training may go: to the very server that is written to, or into this TTP's own folder; whatever is said of that."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

_PROXIED, _SERVICE = "mlflow-artifacts", "/api/2.0/mlflow-artifacts/artifacts/"
_FOLDER = "artifacts"


class PlaceNotAllowed(Exception):
    """A run's files are to go where they may not. What was said is not repeated: it is a stranger's."""


def folder_of(store: Path, collaboration: str) -> Path:
    """The folder of a collaboration's files in the local store."""
    return store / _FOLDER / collaboration


def check_local(uri: str, store: Path, collaboration: str, run: str) -> str:
    """The place of a run's files in the local store.

    Raises:
        PlaceNotAllowed: it is not in the collaboration's folder; whoever can write to the store's database may have said so.
    """
    parts = urlsplit(uri)
    if parts.scheme != "file" or parts.netloc:
        raise PlaceNotAllowed
    path, root = Path(url2pathname(parts.path)).resolve(), (store / _FOLDER).resolve()
    # Experiments of before collaborations had folders have those of their runs beside them.
    if folder_of(store.resolve(), collaboration) in path.parents or path == root / run / _FOLDER:
        return uri
    raise PlaceNotAllowed


def check_remote(uri: str, server: str) -> str:
    """The place of a run's files on a server, at its address.

    Raises:
        PlaceNotAllowed: they would not go to that server, by its own hands.
    """
    try:
        parts, own = urlsplit(uri), urlsplit(server)
        is_there = (parts.hostname, parts.port) == (own.hostname, own.port)
    except ValueError:
        raise PlaceNotAllowed from None
    if parts.query or parts.fragment or "@" in parts.netloc or "\\" in uri or ".." in unquote(parts.path).split("/"):
        raise PlaceNotAllowed
    if parts.scheme == _PROXIED and (is_there or not parts.netloc):
        return uri
    if parts.scheme == own.scheme and is_there and parts.path.startswith(_SERVICE):
        return uri
    raise PlaceNotAllowed
