"""Collaborations: who works together, and which shared services they use."""

from __future__ import annotations

import warnings
from typing import Any, Unpack

from synergos.driver.lists import OfCollaboration
from synergos.driver.task import COLLABORATIONS, Task
from synergos.driver.terms import Terms
from synergos.driver.transport import Response, Transport, route

_METHODS = {"logs": "logger"}
"""By what is sent, the ends of methods that are called otherwise."""


class CollaborationTask(Task):
    """Calls about collaborations.

    The ``configure_…`` methods send nothing: they gather the addresses of shared services for the next ``create`` or
    ``update`` of this same object. What goes with the object without having been sent is warned of.
    """

    def __init__(self, address: str | Transport) -> None:
        super().__init__(address)
        self._pending: dict[str, dict[str, object]] = {}

    def configure_catalogue(self, host: str, port: int, ui_port: int = 0, secure: bool = False) -> None:
        """Name the data catalogue the collaboration uses."""
        self._configure("catalogue", host, secure, main=port, ui=ui_port)

    def configure_logger(
        self,
        host: str,
        port: int,
        sysmetrics_port: int,
        director_port: int,
        ttp_port: int,
        worker_port: int,
        ui_port: int = 0,
        secure: bool = False,
    ) -> None:
        """Name the log server the collaboration uses; every kind of program has its own port there."""
        self._configure(
            "logs",
            host,
            secure,
            main=port,
            ui=ui_port,
            sysmetrics=sysmetrics_port,
            director=director_port,
            ttp=ttp_port,
            worker=worker_port,
        )

    def configure_meter(self, host: str, port: int, ui_port: int = 0, secure: bool = False) -> None:
        """Name the contribution meter the collaboration uses."""
        self._configure("meter", host, secure, main=port, ui=ui_port)

    def configure_mlops(
        self, host: str, port: int, ui_port: int = 0, secure: bool = False, register: bool = False
    ) -> None:
        """Name the MLflow server the collaboration's runs are written to: one that the orchestrator was given (``--allow_mlops``).

        Args:
            register: whether trained models become versions in its registry, of a study the best one.
        """
        self._configure("mlops", host, secure, main=port, ui=ui_port)
        if register:
            self._pending["mlops"]["register"] = True

    def configure_mq(self, host: str, port: int, ui_port: int = 0, secure: bool = False) -> None:
        """Name the message queue a cluster's jobs go through."""
        self._configure("mq", host, secure, main=port, ui=ui_port)

    def create(self, collab_id: str, **kwargs: Any) -> Response:
        """Declare a collaboration, with what was configured before. Declaring it again replaces it."""
        terms = Terms.taken_from(kwargs)
        payload = {"collab_id": collab_id, **self._take_pending(terms), **kwargs}
        return self._post(route(*COLLABORATIONS), payload, terms)

    def read_all(self, **choices: Unpack[OfCollaboration]) -> Response:
        """All collaborations, or those that ``choices`` choose (:data:`synergos.driver.lists.Page`)."""
        return self._list(route(*COLLABORATIONS), choices)

    def read(self, collab_id: str) -> Response:
        """One collaboration, with everything declared and stored under it."""
        return self._get(route(*COLLABORATIONS, collab_id))

    def update(self, collab_id: str, **updates: Any) -> Response:
        """Change fields of a collaboration: what was configured before, and those given here.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        return self._put(route(*COLLABORATIONS, collab_id), {**self._take_pending(terms), **updates}, terms)

    def delete(self, collab_id: str, keep_files: bool = False, if_unchanged: str | None = None) -> Response:
        """Delete a collaboration and everything under it; the answer is the record as it was.

        What is at work on it is cancelled first, and waited for. Files go as well, here and at the participants' workers:
        ``files`` of the answer says where none is left (``removed``), where they go as soon as somebody is back
        (``waiting``, see :attr:`~synergos.driver.client.Driver.removals`), and what stays for which reason.

        Args:
            keep_files: leave files where they are.
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(route(*COLLABORATIONS, collab_id), keep_files, if_unchanged)

    def __del__(self) -> None:
        # As after driver.collaborations.configure_mlops(…), which is nobody's object any more in the next line.
        if self.__dict__.get("_pending"):
            names = ", ".join(f"configure_{_METHODS.get(name, name)}()" for name in self._pending)
            how = "collaboration = driver.collaborations; collaboration.configure_…(…); collaboration.create(…)"
            warnings.warn(f"what {names} gathered was never sent; keep the object: {how}", stacklevel=2)

    def _configure(self, name: str, host: str, secure: bool, **ports: int) -> None:
        self._pending[name] = {"host": host, "ports": ports, "secure": secure}

    def _take_pending(self, terms: Terms) -> dict[str, dict[str, object]]:
        """What was configured; it is still there after a try."""
        if terms.check:
            return dict(self._pending)
        pending, self._pending = self._pending, {}
        return pending
