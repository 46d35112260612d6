"""The tables of delivery_service, as the migrations make them; hot statements are written out as SQL.

Open and ended are two tables: the queue is what changes state and stays small, messages, deliveries and
attempts are insert-only and partitioned by the month of the occurrence date.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

SCHEMA = "delivery_service"

metadata = MetaData()

_INSTANT = DateTime(timezone=True)


def _attempt_columns() -> list[Column[object]]:
    return [
        Column("start_time", _INSTANT),
        Column("status_code", SmallInteger),
        Column("attempt_cause", SmallInteger),
        Column("connect_us", Integer),
        Column("first_byte_us", Integer),
        Column("total_us", Integer),
        Column("answer_bytes", Integer),
        Column("answer", LargeBinary),
        Column("url", Text),
        Column("secret_id", Text),
    ]


endpoints = Table(
    "endpoints",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("url", Text),
    Column("description", Text),
    Column("state", SmallInteger),
    Column("timeout", Interval),
    Column("version", BigInteger),
    Column("create_time", _INSTANT),
    Column("update_time", _INSTANT),
)

endpoint_secrets = Table(
    "endpoint_secrets",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("secret_id", Text, primary_key=True),
    Column("secret", LargeBinary),
    Column("create_time", _INSTANT),
    Column("expire_time", _INSTANT),
)

replicas = Table(
    "replicas",
    metadata,
    Column("number", BigInteger, primary_key=True),
    Column("replica_id", Text),
    Column("lease_until", _INSTANT),
)

messages = Table(
    "messages",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("occurrence_date", Date, primary_key=True),
    Column("tenant_id", Text),
    Column("user_id", Text),
    Column("event_type_id", Text),
    Column("due_time", _INSTANT),
    Column("decide_time", _INSTANT),
    Column("deliver_by", _INSTANT),
    Column("priority", SmallInteger),
    Column("body", LargeBinary),
    Column("metadata", Text),
    Column("traceparent", Text),
    Column("accept_time", _INSTANT),
)

queue = Table(
    "queue",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("tenant_id", Text),
    Column("user_id", Text),
    Column("occurrence_date", Date),
    Column("owner", BigInteger),
    Column("attempts", Integer),
    Column("cause", SmallInteger),
    Column("next_time", _INSTANT),
    Column("decide_time", _INSTANT),
    Column("deliver_by", _INSTANT),
    Column("accept_time", _INSTANT),
)

# The last attempt is inline; attempts before it, if any, are rows of `attempts`.
deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("occurrence_date", Date, primary_key=True),
    Column("tenant_id", Text),
    Column("state", SmallInteger),
    Column("cause", SmallInteger),
    Column("attempts", Integer),
    Column("accept_time", _INSTANT),
    Column("deliver_by", _INSTANT),
    Column("end_time", _INSTANT),
    *_attempt_columns(),
)

attempts = Table(
    "attempts",
    metadata,
    Column("event_id", Text, primary_key=True),
    Column("endpoint_id", Text, primary_key=True),
    Column("round", SmallInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("occurrence_date", Date, primary_key=True),
    *_attempt_columns(),
)

stops = Table(
    "stops",
    metadata,
    Column("tenant_id", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("number", BigInteger),
    Column("decided_before", _INSTANT),
    Column("until", _INSTANT),
    Column("reason", Text),
)
