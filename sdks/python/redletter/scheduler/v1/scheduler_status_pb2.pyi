import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SchedulerStatus(_message.Message):
    __slots__ = ("leader", "term", "leader_since", "shard_holders", "plans_open", "backlog", "oldest_due_age", "tzdata_version", "feed_lag", "feed_backlog", "open_handovers", "business_time", "redis_available", "feed_pull_time", "paused", "pause_reason", "guarded", "pending_tzdata_version")
    LEADER_FIELD_NUMBER: _ClassVar[int]
    TERM_FIELD_NUMBER: _ClassVar[int]
    LEADER_SINCE_FIELD_NUMBER: _ClassVar[int]
    SHARD_HOLDERS_FIELD_NUMBER: _ClassVar[int]
    PLANS_OPEN_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    OLDEST_DUE_AGE_FIELD_NUMBER: _ClassVar[int]
    TZDATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEED_LAG_FIELD_NUMBER: _ClassVar[int]
    FEED_BACKLOG_FIELD_NUMBER: _ClassVar[int]
    OPEN_HANDOVERS_FIELD_NUMBER: _ClassVar[int]
    BUSINESS_TIME_FIELD_NUMBER: _ClassVar[int]
    REDIS_AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    FEED_PULL_TIME_FIELD_NUMBER: _ClassVar[int]
    PAUSED_FIELD_NUMBER: _ClassVar[int]
    PAUSE_REASON_FIELD_NUMBER: _ClassVar[int]
    GUARDED_FIELD_NUMBER: _ClassVar[int]
    PENDING_TZDATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    leader: str
    term: int
    leader_since: _timestamp_pb2.Timestamp
    shard_holders: _containers.RepeatedCompositeFieldContainer[ShardHolder]
    plans_open: int
    backlog: int
    oldest_due_age: _duration_pb2.Duration
    tzdata_version: str
    feed_lag: _duration_pb2.Duration
    feed_backlog: int
    open_handovers: int
    business_time: _timestamp_pb2.Timestamp
    redis_available: bool
    feed_pull_time: _timestamp_pb2.Timestamp
    paused: bool
    pause_reason: str
    guarded: bool
    pending_tzdata_version: str
    def __init__(self, leader: _Optional[str] = ..., term: _Optional[int] = ..., leader_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., shard_holders: _Optional[_Iterable[_Union[ShardHolder, _Mapping]]] = ..., plans_open: _Optional[int] = ..., backlog: _Optional[int] = ..., oldest_due_age: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., tzdata_version: _Optional[str] = ..., feed_lag: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., feed_backlog: _Optional[int] = ..., open_handovers: _Optional[int] = ..., business_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., redis_available: _Optional[bool] = ..., feed_pull_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., paused: _Optional[bool] = ..., pause_reason: _Optional[str] = ..., guarded: _Optional[bool] = ..., pending_tzdata_version: _Optional[str] = ...) -> None: ...

class ShardHolder(_message.Message):
    __slots__ = ("holder", "shards")
    HOLDER_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    holder: str
    shards: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, holder: _Optional[str] = ..., shards: _Optional[_Iterable[int]] = ...) -> None: ...
