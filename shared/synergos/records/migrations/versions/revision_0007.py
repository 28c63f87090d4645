"""Turns between collaborations: when each last had one is looked up."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the index."""
    op.create_index("job_turns", "job", ["collab_id", "started_at"])
