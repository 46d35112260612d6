"""Time rules, preferences, requests of callers, operations, the ledger: what the second milestone adds."""

from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = (
    # How often a rule turns and what it does on days that are not like others.
    """
    ALTER TABLE event_types
        ADD COLUMN recurrence text NOT NULL DEFAULT 'YEARLY',
        ADD COLUMN rrule text NOT NULL DEFAULT '',
        ADD COLUMN gap text NOT NULL DEFAULT 'FORWARD',
        ADD COLUMN fold text NOT NULL DEFAULT 'FIRST',
        ADD COLUMN skipped_date text NOT NULL DEFAULT 'NEXT',
        ADD COLUMN late text NOT NULL DEFAULT 'SEND',
        ADD COLUMN on_enrol text,
        ADD COLUMN weekend_shift text NOT NULL DEFAULT 'NONE',
        ADD COLUMN min_gap interval,
        ADD COLUMN spread interval NOT NULL DEFAULT '0'
    """,
    # Every version of a rule as it was, because events name the version they were decided with.
    """
    CREATE TABLE event_type_versions (
        tenant_id text COLLATE "C" NOT NULL,
        event_type_id text COLLATE "C" NOT NULL,
        version int NOT NULL,
        body jsonb NOT NULL,
        create_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, event_type_id, version)
    )
    """,
    # A tenant's holidays: rules with a weekend shift keep away from them as from a Saturday.
    """
    CREATE TABLE holidays (
        tenant_id text COLLATE "C" NOT NULL,
        holiday_date date NOT NULL,
        name text NOT NULL,
        PRIMARY KEY (tenant_id, holiday_date)
    )
    """,
    # Whether the feed's epoch has confirmed this tenant.
    "ALTER TABLE tenants ADD COLUMN epoch text NOT NULL DEFAULT ''",
    # Pages applied so far: by it user_service notices that one of the two stores went back to a backup.
    "ALTER TABLE feed ADD COLUMN serial bigint NOT NULL DEFAULT 0",
    """
    ALTER TABLE recipients
        ADD COLUMN preferences jsonb NOT NULL DEFAULT '{}',
        ADD COLUMN care_switches jsonb NOT NULL DEFAULT '[]'
    """,
    # "Never again", as hashes of our own: kept when the person is erased, and when user_service's store
    # goes back to a backup that does not know of it; of two states the later one holds. occasion_hash is
    # empty for the whole person.
    """
    CREATE TABLE care_switches (
        tenant_id text COLLATE "C" NOT NULL,
        user_hash bytea NOT NULL,
        occasion_hash bytea NOT NULL,
        is_set boolean NOT NULL,
        change_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, user_hash, occasion_hash)
    )
    """,
    # The zone a plan was made in, an instant somebody chose by hand, and what a caller asked for.
    """
    ALTER TABLE plans
        ADD COLUMN time_zone text NOT NULL DEFAULT '',
        ADD COLUMN due_override timestamptz,
        ADD COLUMN request jsonb
    """,
    # What callers have planned is little beside what rules have; lists by metadata or creation go by this.
    """
    CREATE INDEX plans_requested ON plans (tenant_id, due_time, plan_id)
    WHERE request IS NOT NULL AND due_time IS NOT NULL
    """,
    "ALTER TABLE events ADD COLUMN request jsonb",
    # Events are written in the order of time, so that a summary per block finds a date's rows.
    "CREATE INDEX events_of_date ON events USING brin (occurrence_date) WITH (autosummarize = on)",
    """
    CREATE INDEX events_by_metadata ON events USING gin ((request -> 'metadata') jsonb_path_ops)
    WHERE request IS NOT NULL
    """,
    # A caller's own ids: what was asked under each, so that the same call again gets the same answer.
    """
    CREATE TABLE event_requests (
        tenant_id text COLLATE "C" NOT NULL,
        instance text COLLATE "C" NOT NULL,
        event_id text COLLATE "C" NOT NULL,
        body_hash bytea NOT NULL,
        create_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, instance)
    )
    """,
    "CREATE INDEX event_requests_of_day ON event_requests (tenant_id, create_time)",
    # A cancellation may be about one event instead of everything of a person (event_id empty).
    """
    ALTER TABLE cancellations
        ADD COLUMN event_id text COLLATE "C" NOT NULL DEFAULT '',
        ADD COLUMN reason text NOT NULL DEFAULT 'user_deleted',
        DROP CONSTRAINT cancellations_pkey,
        ADD PRIMARY KEY (tenant_id, user_id, event_id)
    """,
    # Long work with its progress: a replan, a re-issue, the approval of new zone data.
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
    # What an operator has said: deciding is paused; plans due in [guard_since, guard_until) are held.
    """
    CREATE TABLE controls (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        paused boolean NOT NULL DEFAULT false,
        pause_reason text NOT NULL DEFAULT '',
        pause_time timestamptz,
        guard_since timestamptz,
        guard_until timestamptz,
        guard_reason text NOT NULL DEFAULT '',
        seen_time timestamptz,
        cluster text NOT NULL DEFAULT ''
    )
    """,
    "INSERT INTO controls DEFAULT VALUES",
    # Which release of the zone data the open plans were made with, and what a newer one would move.
    """
    CREATE TABLE tzdata (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        version text NOT NULL DEFAULT '',
        pending_version text NOT NULL DEFAULT '',
        state text NOT NULL DEFAULT 'CURRENT',
        position bytea NOT NULL DEFAULT '',
        checked bigint NOT NULL DEFAULT 0
    )
    """,
    "INSERT INTO tzdata DEFAULT VALUES",
    """
    CREATE TABLE tzdata_changes (
        plan_id bytea PRIMARY KEY,
        tenant_id text COLLATE "C" NOT NULL,
        user_id text COLLATE "C" NOT NULL,
        event_type_id text COLLATE "C" NOT NULL,
        time_zone text NOT NULL,
        old_due_time timestamptz NOT NULL,
        new_due_time timestamptz
    )
    """,
    # The daily balance: one row per tenant and date, signed.
    """
    CREATE TABLE ledger_days (
        tenant_id text COLLATE "C" NOT NULL,
        ledger_date date NOT NULL,
        difference bigint NOT NULL,
        body jsonb NOT NULL,
        signature bytea NOT NULL,
        compute_time timestamptz NOT NULL,
        PRIMARY KEY (tenant_id, ledger_date)
    )
    """,
    # What the holder of a shard is rendering right now: rendering can abort a process, and the next
    # holder has to know which plans were in its hands.
    """
    CREATE TABLE shard_work (
        shard smallint PRIMARY KEY,
        holder text NOT NULL,
        plan_ids bytea[] NOT NULL,
        takeovers int NOT NULL DEFAULT 0
    )
    """,
)


def upgrade() -> None:
    """Add everything; nothing that is there is lost."""
    for statement in STATEMENTS:
        op.execute(statement)
