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
    # One row per endpoint that ever left CLOSED. Instants are real time: `open_until` is when a probe may go.
    # Whoever changes the state raises the version and names the one it saw.
    """
    CREATE TABLE endpoint_breakers (
        tenant_id text COLLATE "C" NOT NULL,
        endpoint_id text COLLATE "C" NOT NULL,
        state smallint NOT NULL,
        forced smallint NOT NULL DEFAULT 0,
        forced_reason text NOT NULL DEFAULT '',
        opened integer NOT NULL DEFAULT 0,
        successes integer NOT NULL DEFAULT 0,
        open_until timestamptz,
        probe_owner bigint,
        probe_until timestamptz,
        change_time timestamptz NOT NULL,
        version bigint NOT NULL,
        PRIMARY KEY (tenant_id, endpoint_id)
    )
    """,
    "CREATE INDEX endpoint_breakers_changed ON endpoint_breakers (change_time)",
    # A dead letter is an ended delivery that was not received and that nobody has settled: redelivered (1)
    # or discarded (2). Its outcome stays as it was.
    """
    ALTER TABLE deliveries
        ADD COLUMN settlement smallint NOT NULL DEFAULT 0,
        ADD COLUMN settle_time timestamptz,
        ADD COLUMN settle_reason text NOT NULL DEFAULT ''
    """,
    """
    CREATE INDEX deliveries_dead ON deliveries (tenant_id, endpoint_id, cause, end_time, event_id)
        WHERE state IN (3, 4) AND settlement = 0
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
    # A reader of the inbox works on a message until then (business time); the token is whose lease it is.
    "ALTER TABLE queue ADD COLUMN lease_until timestamptz, ADD COLUMN lease_token text NOT NULL DEFAULT ''",
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
