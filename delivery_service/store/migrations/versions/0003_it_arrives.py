"""What an endpoint is told, its breaker, redelivery and dead letters, leases and settings of the inbox."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = (
    # What the tenant decides about an endpoint. Empty filters: every event type; 0: the deployment's setting.
    """
    ALTER TABLE endpoints
        ADD COLUMN event_type_filters text[] NOT NULL DEFAULT '{}',
        ADD COLUMN headers jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN disable_reason smallint NOT NULL DEFAULT 0,
        ADD COLUMN disable_time timestamptz,
        ADD COLUMN disable_note text NOT NULL DEFAULT '',
        ADD COLUMN max_rate double precision NOT NULL DEFAULT 0,
        ADD COLUMN max_concurrency integer NOT NULL DEFAULT 0,
        ADD COLUMN retry_policy jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN breaker_policy jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN client_certificate text NOT NULL DEFAULT '',
        ADD COLUMN client_key bytea NOT NULL DEFAULT ''
    """,
    # 1: HMAC-SHA256 (v1), 2: ed25519 (v1a).
    "ALTER TABLE endpoint_secrets ADD COLUMN kind smallint NOT NULL DEFAULT 1",
    # One row per endpoint that left CLOSED or was forced. Instants are real time: `open_until` is when a probe may
    # go. Whoever changes the state raises the version and names the one it saw.
    """
    CREATE TABLE endpoint_breakers (
        tenant_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        state smallint NOT NULL,
        mode smallint NOT NULL,
        reason text NOT NULL,
        opened integer NOT NULL,
        successes integer NOT NULL,
        open_until timestamptz,
        probe_owner bigint,
        probe_until timestamptz,
        change_time timestamptz NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (tenant_id, endpoint_id),
        FOREIGN KEY (tenant_id, endpoint_id) REFERENCES endpoints ON DELETE CASCADE
    )
    """,
    # Closed and automatic is as good as no row: what the replicas read again each second leaves it out.
    """
    CREATE INDEX endpoint_breakers_standing ON endpoint_breakers (tenant_id, endpoint_id)
        WHERE state <> 1 OR mode <> 1
    """,
    "CREATE INDEX endpoint_breakers_changed ON endpoint_breakers (change_time)",
    # A dead letter is an ended delivery that was not received and that nobody has settled: redelivered (1)
    # or discarded (2). Its outcome stays as it was. What nobody claimed from the inbox in time is none.
    """
    ALTER TABLE deliveries
        ADD COLUMN settlement smallint NOT NULL DEFAULT 0,
        ADD COLUMN settle_time timestamptz,
        ADD COLUMN settle_reason text NOT NULL DEFAULT ''
    """,
    """
    CREATE INDEX deliveries_dead ON deliveries (tenant_id, endpoint_id, cause, end_time, event_id)
        WHERE state IN (3, 4) AND settlement = 0 AND endpoint_id <> 'inbox'
    """,
    # The same by their end, of all endpoints. Every round is above 0: only a statement that says so may use this one,
    # so that no planner without statistics takes it for an endpoint that has few among millions.
    """
    CREATE INDEX deliveries_dead_ends ON deliveries (tenant_id, end_time, event_id, endpoint_id)
        WHERE state IN (3, 4) AND settlement = 0 AND endpoint_id <> 'inbox' AND round > 0
    """,
    # Redelivery and discarding by filter: the same shape as the scheduler's.
    """
    CREATE TABLE operations (
        operation_id uuid PRIMARY KEY,
        tenant_id text COLLATE "C" NOT NULL,
        kind text NOT NULL,
        subject text NOT NULL DEFAULT '',
        state text NOT NULL,
        total bigint NOT NULL DEFAULT 0,
        done bigint NOT NULL DEFAULT 0,
        succeeded bigint NOT NULL DEFAULT 0,
        failed bigint NOT NULL DEFAULT 0,
        error text NOT NULL DEFAULT '',
        position jsonb NOT NULL DEFAULT '{}',
        request jsonb NOT NULL DEFAULT '{}',
        create_time timestamptz NOT NULL,
        update_time timestamptz NOT NULL,
        end_time timestamptz
    )
    """,
    "CREATE INDEX operations_of_tenant ON operations (tenant_id, create_time, operation_id)",
    "CREATE INDEX operations_open ON operations (create_time) WHERE end_time IS NULL",
    # A reader of the inbox works on a message until then (real time); the token is whose lease it is. No index has
    # them: to lease, extend and release touches none.
    "ALTER TABLE queue ADD COLUMN lease_until timestamptz, ADD COLUMN lease_token text NOT NULL DEFAULT ''",
    # One person's messages in a large inbox. Rows of endpoints have no part in it.
    """
    CREATE INDEX queue_inbox_user ON queue (tenant_id, user_id, next_time, event_id)
        WHERE endpoint_id = 'inbox' AND owner IS NULL
    """,
    # Pending deliveries whose message was acknowledged in the inbox while a replica held them: it ends them as
    # soon as it looks, and the row goes. Few and short-lived.
    """
    CREATE TABLE withdrawals (
        event_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        round smallint NOT NULL,
        PRIMARY KEY (event_id, endpoint_id, round)
    ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
    """,
    # What a tenant has decided for itself; no row: the defaults. inbox_mode 1: what no endpoint wanted or
    # received, 2: everything. 0 days: the deployment's setting.
    """
    CREATE TABLE tenant_settings (
        tenant_id text COLLATE "C" PRIMARY KEY,
        inbox_mode smallint NOT NULL DEFAULT 1,
        retention_days integer NOT NULL DEFAULT 0,
        version bigint NOT NULL DEFAULT 1,
        update_time timestamptz NOT NULL
    )
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
