"""Files from an orchestrator: checked, taken up again where they broke off, and in their place only when they are whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from synergos.driver.errors import DriverError, ServerUnreachable, UsageError
from synergos.driver.request import Request
from synergos.driver.transport import Transport, check

CHUNK = 2**16
"""Bytes that are written at a time; of what was not, nothing is kept when a connection breaks."""
TRIES = 3
"""How often a file is taken up again without a byte more than before, and a list read anew because its run has changed."""


@dataclass(frozen=True)
class Artifact:
    """A file that an orchestrator has."""

    name: str
    bytes: int
    sha256: str
    etag: str

    @classmethod
    def of(cls, listed: Mapping[str, Any]) -> Artifact:
        """Read one item of a list.

        Raises:
            DriverError: it is none, or its name would lead out of a folder.
        """
        try:
            found = cls(*(listed[name] for name in ("name", "bytes", "sha256", "etag")))
        except KeyError as error:
            raise DriverError(f"a file is listed without its {error.args[0]}") from error
        if found.name.startswith(".") or any(letter in found.name for letter in "/\\\0"):
            raise DriverError(f"a file is listed under a name it cannot have: {found.name[:80]!r}")
        return found


class ChangedMeanwhile(DriverError):
    """The files are not those any more that were listed."""


class Downloads:
    """The files below one route, written to one folder.

    Args:
        path: the route of their list.
        folder: made when it is not there.
    """

    def __init__(self, transport: Transport, path: str, folder: Path) -> None:
        self._transport = transport
        self._path = path
        self._folder = folder

    def fetch(self, names: Sequence[str] | None) -> dict[str, Path]:
        """Have files in the folder; one that is there already, and is the same, is not asked for again.

        Args:
            names: which; None for all there are.

        Returns:
            Where each is, by name.

        Raises:
            UsageError: there is no file of a name.
            DriverError: a file cannot be had whole, or not be written; what was there before is untouched.
        """
        tries = 0
        while True:
            tries += 1
            try:
                return {artifact.name: self._fetch(artifact) for artifact in _chosen(self._listed(), names)}
            except ChangedMeanwhile:
                if tries == TRIES:
                    raise

    def _listed(self) -> list[Artifact]:
        return [Artifact.of(listed) for listed in self._transport.checked(Request("GET", self._path))["data"]]

    def _fetch(self, artifact: Artifact) -> Path:
        target = self._folder / artifact.name
        # By its content: what is left of an earlier attempt is gone on with, whatever the run has become since.
        partial = self._folder / f".{artifact.sha256}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if target.is_file() and _sha256(target) == artifact.sha256:
                return target
            self._receive(artifact, partial)
            if (found := _sha256(partial)) != artifact.sha256:
                partial.unlink()
                raise DriverError(f"{artifact.name} arrived damaged: expected SHA-256 {artifact.sha256}, got {found}")
            return partial.replace(target)
        except ChangedMeanwhile:
            partial.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise DriverError(f"{target} cannot be written: {error.strerror or type(error).__name__}") from error

    def _receive(self, artifact: Artifact, partial: Path) -> None:
        """Have the whole file under its partial name, going on after what is there, however often it breaks off."""
        idle = 0
        while (before := _size(partial)) != artifact.bytes or not partial.exists():
            try:
                self._receive_rest(artifact, partial, before if before < artifact.bytes else 0)
            except ServerUnreachable:
                idle = 0 if _size(partial) > before else idle + 1
                if idle == TRIES:
                    raise

    def _receive_rest(self, artifact: Artifact, partial: Path, begin: int) -> None:
        headers = {"If-Match": f'"{artifact.etag}"', "Accept-Encoding": "identity"}
        if begin:
            headers["Range"] = f"bytes={begin}-"
        with self._transport.stream(f"{self._path}/{quote(artifact.name, safe='')}", headers) as answer:
            self._expect_file(answer, artifact)
            is_rest = answer.status_code == HTTPStatus.PARTIAL_CONTENT
            with partial.open("ab" if is_rest else "wb") as file:
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
        if _size(partial) > artifact.bytes:
            partial.unlink()
            raise DriverError(f"{artifact.name} is longer than the {artifact.bytes} bytes it is listed with")
        if _size(partial) < artifact.bytes:
            raise ServerUnreachable(f"{artifact.name} broke off after {_size(partial)} of {artifact.bytes} bytes")

    def _expect_file(self, answer: requests.Response, artifact: Artifact) -> None:
        if answer.status_code in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            return
        if answer.status_code in {HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND}:
            raise ChangedMeanwhile(
                f"{artifact.name} was written anew while it was being downloaded", answer.status_code
            )
        raise DriverError(f"{artifact.name} cannot be had: {answer.reason}", answer.status_code)


def fetch_file(transport: Transport, path: str, target: Path) -> Path:
    """Have one file that no list has the digest of, as a whole or not at all.

    Raises:
        DriverError: it cannot be had, or not be written.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with transport.stream(path, {"Accept-Encoding": "identity"}) as answer:
            if answer.status_code != HTTPStatus.OK:
                check(answer.status_code, answer.json())
            with partial.open("wb") as file:
                for chunk in answer.iter_content(CHUNK):
                    file.write(chunk)
        return partial.replace(target)
    except OSError as error:
        raise DriverError(f"{target} cannot be written: {error.strerror or type(error).__name__}") from error
    finally:
        partial.unlink(missing_ok=True)


def _chosen(listed: Sequence[Artifact], names: Sequence[str] | None) -> list[Artifact]:
    if names is None:
        return list(listed)
    known = {artifact.name: artifact for artifact in listed}
    for name in names:
        if name not in known:
            raise UsageError(f"there is no file {name!r}; there is {', '.join(known) or 'none'}", "names")
    return [known[name] for name in names]


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
