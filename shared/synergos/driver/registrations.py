"""Registrations: which participants take part in which project, and where their workers listen."""

from __future__ import annotations

from typing import Any, Unpack

from synergos.driver.errors import UsageError
from synergos.driver.lists import Page
from synergos.driver.members import all_of, one_of
from synergos.driver.request import Request
from synergos.driver.task import Task, refuse_others
from synergos.driver.terms import NO_TERMS, Terms
from synergos.driver.transport import Response, Transport, route

Node = dict[str, Any]


class RegistrationTask(Task):
    """Calls about registrations.

    A participant may run several workers ("nodes"); node ``i`` of every participant together forms sub-grid ``i``.
    Gather them with :meth:`add_node`, then call :meth:`create` on this same object.
    """

    def __init__(self, address: str | Transport) -> None:
        super().__init__(address)
        self._nodes: list[Node] = []

    def add_node(
        self,
        host: str | None = None,
        port: int | None = None,
        f_port: int | None = None,
        log_msgs: bool = False,
        verbose: bool = False,
        fingerprint: str | None = None,
    ) -> str:
        """Gather one worker for the next :meth:`create`; one that is there already is not gathered twice.

        Args:
            host: name or address of the worker, as the orchestrator reaches it; not said, nor are its ports, of one that joins
                by itself and has its fingerprint alone.
            port: the worker's data port.
            f_port: the worker's command port.
            fingerprint: of the worker's identity; the orchestrator takes no other for it. Without it, the first that it shows.

        Returns:
            The node's name, ``node_<i>``.

        Raises:
            UsageError: it is not said where the worker is, nor which one it is that joins.
        """
        where = {"host": host, "port": port, "f_port": f_port}
        missing = [name for name, value in where.items() if value is None]
        if missing and (fingerprint is None or len(missing) < len(where)):
            raise UsageError(
                "is required; only a worker that joins by itself is given without host, port and f_port, by its fingerprint alone",
                missing[0],
            )
        node: Node = {**({} if missing else where), "log_msgs": log_msgs, "verbose": verbose}
        if fingerprint is not None:
            node["fingerprint"] = fingerprint
        if node not in self._nodes:
            self._nodes.append(node)
        return f"node_{self._nodes.index(node)}"

    def list_nodes(self) -> list[Node]:
        """The workers gathered so far, in order."""
        return [dict(node) for node in self._nodes]

    def count_nodes(self) -> int:
        """How many workers are gathered so far."""
        return len(self._nodes)

    def remove_node(self, node_id: str) -> Node:
        """Drop the gathered worker called ``node_<i>``; those after it move up by one.

        Raises:
            UsageError: there is no such node.
        """
        names = [f"node_{index}" for index in range(len(self._nodes))]
        if node_id not in names:
            raise UsageError(f"no node {node_id!r}; there is {', '.join(names) or 'none'}", "node_id")
        return self._nodes.pop(names.index(node_id))

    def create(self, collab_id: str, project_id: str, participant_id: str, role: str, **kwargs: Any) -> Response:
        """Register a participant's gathered workers for a project, in the place of an earlier registration.

        An earlier registration goes with its tags and alignment, so tags must be created afterwards.

        Args:
            role: ``host``, ``guest`` or ``arbiter``.
            kwargs: those of :class:`~synergos.driver.terms.Terms`; others are refused.

        Raises:
            UsageError: no worker was added; nothing was sent, and an earlier registration stands.
        """
        terms = Terms.taken_from(kwargs)
        refuse_others(self.create, kwargs)
        if not self._nodes:
            how = "registration = driver.registrations; registration.add_node(…); registration.create(…)"
            raise UsageError(f"add a worker with add_node() first, to this same object: {how}", "node_0")
        path = one_of(collab_id, project_id, participant_id, "registration")
        # As the original's client has it; on terms it is the orchestrator that replaces it, or does not.
        if terms == NO_TERMS and self._transport.exchange(Request("GET", path))[1].get("status") == 200:
            self._delete(path)
        nodes = {f"node_{index}": node for index, node in enumerate(self._nodes)}
        answer = self._post(path, {"role": role, "n_count": len(nodes), **nodes}, terms)
        if not terms.check:
            self._nodes.clear()
        return answer

    def read_all(
        self,
        collab_id: str | None = None,
        project_id: str | None = None,
        participant_id: str | None = None,
        **choices: Unpack[Page],
    ) -> Response:
        """The registrations of a participant, of a collaboration, of both, or of a project.

        Args:
            choices: which of them, see :data:`synergos.driver.lists.Page`.

        Raises:
            UsageError: another combination of ids (a project needs its collaboration).
        """
        match collab_id, project_id, participant_id:
            case str(), None, str():
                path = route("connect", "participants", participant_id, "collaborations", collab_id, "registrations")
            case str(), str(), str():
                path = one_of(collab_id, project_id, participant_id, "registration")
            case _:
                found = all_of(collab_id, project_id, participant_id, "registrations")
                if found is None:
                    raise UsageError("give a participant, a collaboration, both, or a collaboration and its project")
                path = found
        return self._list(path, choices)

    def read(self, collab_id: str, project_id: str, participant_id: str) -> Response:
        """One registration, with its tags."""
        return self._get(one_of(collab_id, project_id, participant_id, "registration"))

    def update(self, collab_id: str, project_id: str, participant_id: str, **updates: Any) -> Response:
        """Change fields of a registration; a node that is given replaces the stored one.

        Args:
            updates: what they say now; and on which terms, see :class:`~synergos.driver.terms.Terms`.
        """
        terms = Terms.taken_from(updates)
        return self._put(one_of(collab_id, project_id, participant_id, "registration"), updates, terms)

    def delete(self, collab_id: str, project_id: str, participant_id: str, if_unchanged: str | None = None) -> Response:
        """Delete a registration with its tags and alignment; the answer is the record as it was.

        Whatever the participant is needed for is cancelled first. Its validations and predictions stay, with the models that
        they are of; the project has to be aligned again.

        Args:
            if_unchanged: only if it says what it said when it was read, see :class:`~synergos.driver.terms.Terms`.
        """
        return self._delete(one_of(collab_id, project_id, participant_id, "registration"), if_unchanged=if_unchanged)
