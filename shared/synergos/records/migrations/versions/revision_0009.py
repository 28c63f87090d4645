"""What each collaboration has of the record store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_IN_COLLABORATIONS = (
    "collaboration",
    "project",
    "experiment",
    "run",
    "registration",
    "tag",
    "alignment",
    "feature_space",
    "model",
    "model_version",
    "validation",
    "prediction",
    "study",
    "trial",
)


def upgrade() -> None:
    """Add the table, and count what is there."""
    share = op.create_table(
        "share",
        sa.Column("collab_id", sa.String(128), primary_key=True),
        sa.Column("records", sa.Integer, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
    )
    sizes = sa.union_all(
        *(_sizes(name, sa.column("collab_id")) for name in _IN_COLLABORATIONS),
        # They belong to no collaboration.
        _sizes("participant", sa.literal_column("''")),
    ).subquery()
    counted = sa.select(sizes.c.who, sa.func.count(), sa.func.sum(sizes.c.size)).group_by(sizes.c.who)
    op.execute(sa.insert(share).from_select(["collab_id", "records", "size"], counted))


def _sizes(name: str, who: sa.ColumnElement[str]) -> sa.Select[tuple[str, int]]:
    size = sa.func.length(sa.cast(sa.column("payload"), sa.Text))
    return sa.select(who.label("who"), size.label("size")).select_from(sa.table(name))
