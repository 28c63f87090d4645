"""The commands about a run: open a session, predict, end it, remove results. See docs/wire-formats.md, section 1."""

from __future__ import annotations

import os
from dataclasses import asdict, replace
from http import HTTPStatus

import structlog
from flask import Response

from synergos.domain.identifiers import check_identifier
from synergos.domain.keys import ProjectKey, RunKey
from synergos.domain.removal import folder_key
from synergos.errors import InvalidRequest
from synergos.identity.small_file import before_now
from synergos.program.removal import remove_files
from synergos_worker import bodies, request_log
from synergos_worker.allowance import Both
from synergos_worker.command import Command, asking_director, asking_peer, read_body, success
from synergos_worker.consents import not_consented
from synergos_worker.permissions import purposes_of

log = structlog.get_logger(__name__)


class Initialise(Command):
    """Opening a session."""

    def post(self, **ids: str) -> Response:
        """Open a session for one run: 201; 200 when it is open already."""
        run = RunKey.checked(ids)
        self._refuse_without_consent(run.project)
        body = read_body(bodies.INITIALISE)
        asked = body.session(run, request_log.asker(), asking_peer(), asking_director())
        if not self.parts.is_open:
            self.parts.consents.refuse_others(asked.participant_id)
        permit = self._permitted(run.project, purposes_of(asked.tags, asked.purposes))
        approved = self.parts.approvals.of(asked, body.search)
        approved.refuse()
        session, is_new = self.parts.sessions.open(replace(asked, allowance=Both((permit, approved))))
        live = self.parts.sessions.live_runs(run.collab_id, run.project_id, self._whose)
        data = {
            "key": asdict(run),
            "is_live": True,
            "session_id": session.id,
            "rows": {purpose.value: 0 for purpose in asked.purposes} | session.counts,
            **({"measurable": session.measurable} if session.measurable else {}),
            # Whoever keeps them can tell later whether the data is what it was.
            "digests": session.digests,
            "connections": [str(pair) for pair in live],
            # Whoever keeps it can tell later whether what the ledger says until here is as it was.
            "ledger": str(self.parts.use.ledger.head),
        }
        return success("initialise.post", data, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


class Predict(Command):
    """Measuring a model."""

    def post(self, **ids: str) -> Response:
        """Predict with the model that was put, write what comes of it, and answer the statistics; 202 while it runs."""
        run = RunKey.checked(ids)
        body = read_body(bodies.PREDICT)
        session = self.parts.sessions.of_run(body.session_id, run, asking_peer())
        work = session.predict(body.purposes)
        if not work.wait(body.wait):
            return success("predict.post", {"key": asdict(run)}, HTTPStatus.ACCEPTED)
        return success("predict.post", {"key": asdict(run), "results": session.found(work)})


class Terminate(Command):
    """Ending a session."""

    def post(self, **ids: str) -> Response:
        """End a session by its id; 200 also when there is none."""
        run = RunKey.checked(ids)
        body = read_body(bodies.TERMINATE)
        self.parts.sessions.terminate(run, body.session_id, asking_peer())
        return success("terminate.post", {"key": asdict(run), "is_live": False})


class Remove(Command):
    """Results that belong to nothing any more."""

    def post(self, **ids: str) -> Response:
        """Remove what was written of something that was deleted, and nothing outside its folder; also when there is nothing."""
        keys = {name: check_identifier(value, name) for name, value in ids.items()}
        key = folder_key(keys)
        body = read_body(bodies.REMOVE)
        if body.purposes is not None and not isinstance(key, RunKey):
            raise InvalidRequest("expected nothing: only the results of a run are told apart by purpose", "metas")
        inner = self._own_folders(key.ids)
        folders = inner if body.purposes is None else [(*ids, purpose) for ids in inner for purpose in body.purposes]
        files = sum(remove_files(self.parts.outputs, folder, body.age) for folder in folders)
        self.parts.use.removed(keys, request_log.asker(), asking_peer(), files)
        if len(key.ids) <= len(ProjectKey.fields()) and (peer := asking_peer()) is not None:
            # What was deleted is nobody's any more: its ids are free, and what was given since is not meant.
            self.parts.consents.end(peer, asking_director(), key.ids, before_now(body.age))
        log.info("results removed", files=files, **keys, **({} if body.purposes is None else {"metas": body.purposes}))
        return success("remove.post", {"key": keys, "files": files})

    def _own_folders(self, ids: tuple[str, ...]) -> list[tuple[str, ...]]:
        """What is meant, as far as it belongs to projects of who asks; all of it where everybody is trusted.

        Raises:
            NotAllowed: it is of a project that is not, and there is something of it.
        """
        if self.parts.is_open:
            return [ids]
        consented = self.parts.consents.projects_of(asking_peer(), asking_director())
        if len(ids) == 1:
            return [project.ids for project in consented if project.collab_id == ids[0]]
        if ProjectKey(*ids[:2]) in consented:
            return [ids]
        if os.path.lexists(self.parts.outputs.joinpath(*ids)):
            # Not as if it were done: who asks would forget of it, and it would stay for ever.
            raise not_consented()
        return []
