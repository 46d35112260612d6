import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeliveryCause(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_CAUSE_UNSPECIFIED: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_HTTP_STATUS: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_TIMEOUT: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_CONNECTION: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_TLS: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_DNS: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_FORBIDDEN_ADDRESS: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_PROTOCOL: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_DEADLINE: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_CANCELLED: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_ENDPOINT_DISABLED: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_ACKNOWLEDGED: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_DISCARDED: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_REDELIVERED: _ClassVar[DeliveryCause]
    DELIVERY_CAUSE_IN_DOUBT: _ClassVar[DeliveryCause]
DELIVERY_CAUSE_UNSPECIFIED: DeliveryCause
DELIVERY_CAUSE_HTTP_STATUS: DeliveryCause
DELIVERY_CAUSE_TIMEOUT: DeliveryCause
DELIVERY_CAUSE_CONNECTION: DeliveryCause
DELIVERY_CAUSE_TLS: DeliveryCause
DELIVERY_CAUSE_DNS: DeliveryCause
DELIVERY_CAUSE_FORBIDDEN_ADDRESS: DeliveryCause
DELIVERY_CAUSE_PROTOCOL: DeliveryCause
DELIVERY_CAUSE_DEADLINE: DeliveryCause
DELIVERY_CAUSE_CANCELLED: DeliveryCause
DELIVERY_CAUSE_ENDPOINT_DISABLED: DeliveryCause
DELIVERY_CAUSE_ACKNOWLEDGED: DeliveryCause
DELIVERY_CAUSE_DISCARDED: DeliveryCause
DELIVERY_CAUSE_REDELIVERED: DeliveryCause
DELIVERY_CAUSE_IN_DOUBT: DeliveryCause

class Delivery(_message.Message):
    __slots__ = ("event_id", "endpoint_id", "round", "state", "cause", "attempts", "first_attempt", "last_attempt", "next_time", "deliver_by", "create_time", "end_time", "metadata", "settlement", "settle_time", "settle_reason")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Delivery.State]
        STATE_PENDING: _ClassVar[Delivery.State]
        STATE_DELIVERED: _ClassVar[Delivery.State]
        STATE_DEAD: _ClassVar[Delivery.State]
        STATE_EXPIRED: _ClassVar[Delivery.State]
        STATE_CANCELLED: _ClassVar[Delivery.State]
    STATE_UNSPECIFIED: Delivery.State
    STATE_PENDING: Delivery.State
    STATE_DELIVERED: Delivery.State
    STATE_DEAD: Delivery.State
    STATE_EXPIRED: Delivery.State
    STATE_CANCELLED: Delivery.State
    class Settlement(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SETTLEMENT_UNSPECIFIED: _ClassVar[Delivery.Settlement]
        SETTLEMENT_REDELIVERED: _ClassVar[Delivery.Settlement]
        SETTLEMENT_DISCARDED: _ClassVar[Delivery.Settlement]
    SETTLEMENT_UNSPECIFIED: Delivery.Settlement
    SETTLEMENT_REDELIVERED: Delivery.Settlement
    SETTLEMENT_DISCARDED: Delivery.Settlement
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    LAST_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    NEXT_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_BY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_FIELD_NUMBER: _ClassVar[int]
    SETTLE_TIME_FIELD_NUMBER: _ClassVar[int]
    SETTLE_REASON_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    endpoint_id: str
    round: int
    state: Delivery.State
    cause: DeliveryCause
    attempts: int
    first_attempt: Attempt
    last_attempt: Attempt
    next_time: _timestamp_pb2.Timestamp
    deliver_by: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    metadata: _containers.ScalarMap[str, str]
    settlement: Delivery.Settlement
    settle_time: _timestamp_pb2.Timestamp
    settle_reason: str
    def __init__(self, event_id: _Optional[str] = ..., endpoint_id: _Optional[str] = ..., round: _Optional[int] = ..., state: _Optional[_Union[Delivery.State, str]] = ..., cause: _Optional[_Union[DeliveryCause, str]] = ..., attempts: _Optional[int] = ..., first_attempt: _Optional[_Union[Attempt, _Mapping]] = ..., last_attempt: _Optional[_Union[Attempt, _Mapping]] = ..., next_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., settlement: _Optional[_Union[Delivery.Settlement, str]] = ..., settle_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., settle_reason: _Optional[str] = ...) -> None: ...

class Attempt(_message.Message):
    __slots__ = ("number", "start_time", "status_code", "cause", "connect", "first_byte", "total", "answer_bytes", "answer", "url", "secret_id")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CONNECT_FIELD_NUMBER: _ClassVar[int]
    FIRST_BYTE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ANSWER_BYTES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    number: int
    start_time: _timestamp_pb2.Timestamp
    status_code: int
    cause: DeliveryCause
    connect: _duration_pb2.Duration
    first_byte: _duration_pb2.Duration
    total: _duration_pb2.Duration
    answer_bytes: int
    answer: bytes
    url: str
    secret_id: str
    def __init__(self, number: _Optional[int] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status_code: _Optional[int] = ..., cause: _Optional[_Union[DeliveryCause, str]] = ..., connect: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., first_byte: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., total: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., answer_bytes: _Optional[int] = ..., answer: _Optional[bytes] = ..., url: _Optional[str] = ..., secret_id: _Optional[str] = ...) -> None: ...
