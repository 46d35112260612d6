"""The index that carries the ledger: the messages of one tenant and occurrence date.

Without the event id on purpose: equal keys are kept together and grow at their end, which costs an accepted event
2 us instead of 8 (of about 38, measured side by side). A listing in the order of ids goes by the primary key.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX messages_ledger ON messages (tenant_id, occurrence_date)")
