"""What the groups of the driver's calls have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any

from synergos.driver.errors import DriverError, UnknownKeyword, UsageError, WrongServer
from synergos.driver.lists import query
from synergos.driver.request import Request
from synergos.driver.stage_requests import jobs_named
from synergos.driver.terms import NO_TERMS, Terms
from synergos.driver.transport import Response, Transport

COLLABORATIONS = ("connect", "collaborations")


class Task:
    """A group of calls about one noun.

    Args:
        address: the server to talk to, or a :class:`Transport` that does already.
    """

    def __init__(self, address: str | Transport) -> None:
        self._transport = address if isinstance(address, Transport) else Transport(address)

    @property
    def address(self) -> str:
        """``http://host:port`` of the server."""
        return self._transport.address

    def create(self, *args: Any, **kwargs: Any) -> Response:
        """Not available here."""
        raise NotImplementedError(f"{type(self).__name__} has no create")

    def read_all(self, *args: Any, **kwargs: Any) -> Response:
        """Not available here."""
        raise NotImplementedError(f"{type(self).__name__} has no read_all")

    def read(self, *args: Any, **kwargs: Any) -> Response:
        """Not available here."""
        raise NotImplementedError(f"{type(self).__name__} has no read")

    def update(self, *args: Any, **kwargs: Any) -> Response:
        """Not available here."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def delete(self, *args: Any, **kwargs: Any) -> Response:
        """Not available here."""
        raise NotImplementedError(f"{type(self).__name__} has no delete")

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Response:
        return self._transport.call(Request("GET", path, query=query))

    def _found(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """The data of an answer.

        Raises:
            DriverError: it is an error, whatever the driver was told to do with those.
        """
        return self._transport.checked(Request("GET", path, query=query))["data"]

    def _all_found(self, path: str, query: Mapping[str, str] | None = None) -> list[Any]:
        """The data of an answer that has a list; none where there is nothing yet.

        Raises:
            DriverError: it is another error.
        """
        try:
            return list(self._found(path, query))
        except DriverError as error:
            if error.status != HTTPStatus.NOT_FOUND or isinstance(error, WrongServer):
                raise
            return []

    def _list(self, path: str, choices: Mapping[str, object]) -> Response:
        return self._get(path, query(choices))

    def _post(self, path: str, payload: object = None, terms: Terms = NO_TERMS) -> Response:
        return self._transport.call(Request("POST", path, payload, terms.query, terms.headers))

    def _request_stage(
        self,
        stage: str,
        ids: Mapping[str, str | None],
        path: str,
        payload: object,
        respond_async: bool,
        terms: Terms = NO_TERMS,
    ) -> Response:
        """Ask for a stage.

        Args:
            stage: of the jobs that it becomes.
            ids: of what it is about, by name; None for all there are.
            terms: whether it is only for a try; there is no other condition of a stage.
        """
        if terms.headers:
            name = "if_absent" if terms.if_absent else "if_unchanged"
            raise UsageError("expected of what is declared alone: a stage is not asked for on a condition", name)
        headers = {"Prefer": "respond-async"} if respond_async else None
        request = Request("POST", path, payload, terms.query, headers, takes_long=True)
        with jobs_named(self._transport, stage, ids):
            return self._transport.call(request)

    def _put(self, path: str, payload: object, terms: Terms = NO_TERMS) -> Response:
        return self._transport.call(Request("PUT", path, payload, terms.query, terms.headers))

    def _delete(self, path: str, keep_files: bool = False, if_unchanged: str | None = None) -> Response:
        query = {"keep_files": "true"} if keep_files else {}
        headers = Terms(if_unchanged=if_unchanged).headers
        return self._transport.call(Request("DELETE", path, query=query, headers=headers))


NOTEBOOKS_WORDS: Mapping[str, str] = {
    "log_msg": "the original's notebooks misspell log_msgs so, and its client ignores what it does not know",
    "log_msgs": "the original's notebooks pass it to every stage; an alignment has nothing to say with it",
    "verbose": "the original's notebooks pass it to every stage; an alignment has nothing to say with it",
    "dockerised": "the original's notebooks pass it to every stage; it is without effect everywhere",
}
"""Arguments that calls take beside those they name, and why: the original's notebooks run unchanged."""


def refuse_others(call: Callable[..., object], others: Mapping[str, object], known: Collection[str] = ()) -> None:
    """Refuse arguments that a call does not take.

    Args:
        others: what it was given beside the arguments that it names.
        known: those that it takes all the same.

    Raises:
        UnknownKeyword: names the first one, and what was probably meant.
    """
    for name in others:
        if name not in known:
            named = [
                parameter.name
                for parameter in inspect.signature(call).parameters.values()
                if parameter.kind is not parameter.VAR_KEYWORD
            ]
            raise UnknownKeyword(name, named, name, f"an argument of {call.__name__}()", listed=named)


def stage_options(
    auto_align: bool,
    dockerised: bool,
    verbose: bool,
    log_msgs: bool,
    others: Mapping[str, object],
    priority: int | None = None,
) -> dict[str, object]:
    """The body of a stage request. ``log_msg``, as some notebooks have it, means ``log_msgs``."""
    return {
        "auto_align": auto_align,
        "dockerised": dockerised,
        "verbose": verbose,
        "log_msgs": others.get("log_msg", log_msgs),
    } | ({} if priority is None else {"priority": priority})
