"""Plans by tenant, so that reading what is due is fair; notes of rendering by holder; the end of guard mode."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    # One probe per tenant instead of one per shard; the shard is in the plan id.
    "DROP INDEX plans_due",
    "CREATE INDEX plans_due ON plans (tenant_id, due_time, plan_id) WHERE due_time IS NOT NULL",
    # Without Redis several replicas work on one shard: each notes its own. Nothing in it outlives a
    # crash of PostgreSQL, and nothing has to.
    """
    ALTER TABLE shard_work
        DROP CONSTRAINT shard_work_pkey,
        ADD PRIMARY KEY (shard, holder),
        ADD COLUMN note_time timestamptz NOT NULL DEFAULT clock_timestamp()
    """,
    "ALTER TABLE shard_work SET UNLOGGED",
    # Whether what guard mode holds is being ended instead.
    "ALTER TABLE controls ADD COLUMN guard_expires boolean NOT NULL DEFAULT false",
)


def upgrade() -> None:
    """Replace the index, widen the notes."""
    for statement in STATEMENTS:
        op.execute(statement)
