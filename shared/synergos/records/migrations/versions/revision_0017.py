"""What has changed and in which order, for whoever watches; and which models are outdated, beside what else they say."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_KEY = ("collab_id", "project_id", "expt_id", "run_id")
_AT_ONCE = 20
"""Models; a payload may have mebibytes."""


def upgrade() -> None:
    """Add both; of changes before this nobody is told."""
    op.create_table(
        "change",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("item", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("key", sa.JSON, nullable=False),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
    )
    op.create_index("change_by_number", "change", ["number"], unique=True)
    op.add_column("model", sa.Column("is_outdated", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("model_outdated", "model", ["is_outdated", *_KEY])
    _fill()


def _fill() -> None:
    model = sa.table("model", *map(sa.column, ("doc_id", "payload", "is_outdated")))
    wanted = sa.select(model.c.doc_id, sa.cast(model.c.payload, sa.Text)).order_by(model.c.doc_id).limit(_AT_ONCE)
    after = 0
    while piece := op.get_bind().execute(wanted.where(model.c.doc_id > after)).all():
        if outdated := [number for number, payload in piece if _is_outdated(payload)]:
            op.execute(sa.update(model).where(model.c.doc_id.in_(outdated)).values(is_outdated=sa.true()))
        after = piece[-1].doc_id


def _is_outdated(payload: str | None) -> bool:
    try:
        said = json.loads(payload or "null")
    except ValueError:
        # It is damaged, and says nothing.
        return False
    return isinstance(said, dict) and said.get("is_outdated") is True
