"""The tables of schema `user_service` as the newest migration leaves them (a test compares the two).

Names are unqualified: the session's search_path is the schema.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

metadata = MetaData()

_C = Text(collation="C")
_INSTANT = DateTime(timezone=True)

# Versions of users and tenants alike: they only grow, also across deletion and re-creation.
user_versions = Sequence("user_versions", metadata=metadata)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", Uuid(as_uuid=False), primary_key=True),
    Column("name", _C, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("leap_day_rule", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("create_time", _INSTANT, nullable=False),
    Column("update_time", _INSTANT, nullable=False),
    UniqueConstraint("name", name="tenants_name"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("api_key_id", _C, primary_key=True),
    Column("tenant_id", Uuid(as_uuid=False), ForeignKey("tenants.tenant_id")),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("create_time", _INSTANT, nullable=False),
    Column("expire_time", _INSTANT),
    Column("revoke_time", _INSTANT),
    Index("api_keys_of_tenant", "tenant_id", "api_key_id"),
)

api_key_secrets = Table(
    "api_key_secrets",
    metadata,
    Column("secret_hash", LargeBinary, primary_key=True),
    Column("api_key_id", _C, ForeignKey("api_keys.api_key_id"), nullable=False),
    Column("create_time", _INSTANT, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("tenant_id", Uuid(as_uuid=False), primary_key=True),
    Column("user_id", _C, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("occasions", JSONB, nullable=False),
    Column("attributes", JSON, nullable=False),
    Column("create_time", _INSTANT, nullable=False),
    Column("update_time", _INSTANT, nullable=False),
    Column("preferences", JSONB, nullable=False, server_default=text("'{}'")),
)

care_switches = Table(
    "care_switches",
    metadata,
    Column("tenant_id", Uuid(as_uuid=False), primary_key=True),
    Column("switch_hash", LargeBinary, primary_key=True),
    Column("set_time", _INSTANT, nullable=False),
    Column("clear_time", _INSTANT),
)

identity = Table(
    "identity",
    metadata,
    Column("only_row", Boolean, CheckConstraint("only_row"), primary_key=True, server_default=text("true")),
    Column("hmac_key", LargeBinary, nullable=False),
)

user_changes = Table(
    "user_changes",
    metadata,
    Column("tenant_id", Uuid(as_uuid=False), primary_key=True),
    Column("user_id", _C, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("urgency", SmallInteger, nullable=False),
    Column("change_time", _INSTANT, nullable=False),
    Column("delete_time", _INSTANT),
    Index("user_changes_by_urgency", "urgency", "change_time", "tenant_id", "user_id"),
)

feed_epoch = Table(
    "feed_epoch",
    metadata,
    Column("only_row", Boolean, CheckConstraint("only_row"), primary_key=True, server_default=text("true")),
    Column("epoch", Uuid(as_uuid=False), nullable=False),
    Column("reader_serial", BigInteger, nullable=False, server_default=text("0")),
    Column("suspected", Boolean, nullable=False, server_default=text("false")),
    Column("restored", Text),
)
