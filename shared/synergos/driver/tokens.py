"""Tokens: signing in at an orchestrator with accounts, and out."""

from __future__ import annotations

from synergos.driver.task import Task
from synergos.driver.transport import Response, route


class TokenTask(Task):
    """Calls about who you are to an orchestrator, and about your tokens there.

    A token has ``id``, ``label``, ``created_at`` and ``expires_at``; ``token``, by which it signs in, is in the answer to
    :meth:`create` and nowhere else.
    """

    def create(self, expires_in: int | None = None, label: str | None = None) -> Response:
        """Sign in: be given a token.

        Args:
            expires_in: seconds until it expires, a year at most; by default 12 hours.
            label: what it is for.
        """
        said = {"expires_in": expires_in, "label": label}
        return self._post(route("tokens"), {name: value for name, value in said.items() if value is not None})

    def read(self, owned: bool = False) -> Response:
        """Who you are: ``name``, ``role``, ``participant_id``, and until when what you have signed in with holds.

        Args:
            owned: say also which ``collaborations`` belong to you, and which ``participants`` you act for.
        """
        return self._get(route("account"), {"owned": "true"} if owned else None)

    def read_all(self) -> Response:
        """Your tokens that have not expired."""
        return self._get(route("tokens"))

    def delete(self, token_id: str) -> Response:
        """Sign out: a token of yours is good for nothing from now on."""
        return self._delete(route("tokens", token_id))
