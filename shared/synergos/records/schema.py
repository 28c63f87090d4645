"""Migrating the database's schema to the newest revision; the revisions are Alembic's, in ``migrations/versions``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from synergos.errors import Conflict

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"


@cache
def _steps(folder: Path) -> ScriptDirectory:
    """The steps in a folder, which stay as they are while a program runs: each is a module, and reading them takes time."""
    return ScriptDirectory(str(folder))


class Schema:
    """The steps that lead from an empty database to the schema of this version.

    Args:
        folder: Alembic's ``env.py``, and ``versions/`` with one file per step.
    """

    def __init__(self, folder: Path = MIGRATIONS) -> None:
        self._config = Config()
        self._config.set_main_option("script_location", str(folder).replace("%", "%%"))
        self._config.set_main_option("path_separator", "os")
        self._steps = _steps(folder)

    def is_current(self, connection: Connection) -> bool:
        """Whether nothing has to be done.

        Raises:
            Conflict: the database was made by a newer version.
        """
        found = MigrationContext.configure(connection).get_current_revision()
        if found == self._newest:
            return True
        known = {step.revision for step in self._steps.walk_revisions()}
        if found is not None and found not in known:
            raise Conflict(
                f"the record store's database has schema {found}, which a newer version of Synergos made; this version "
                f"knows schemas up to {self._newest}: update Synergos, or give it another database"
            )
        return False

    def upgrade(self, connection: Connection) -> None:
        """Take the steps that are missing, in the transaction at hand, which must be the only one that writes.

        Raises:
            Conflict: the database was made by a newer version.
        """
        if self.is_current(connection):
            return
        self._config.attributes["connection"] = connection
        command.upgrade(self._config, "head")
        log.info("record store is up to date", schema=self._newest)

    @property
    def _newest(self) -> str | None:
        return self._steps.get_current_head()
