import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from redletter.delivery.v1 import delivery_pb2 as _delivery_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Endpoint(_message.Message):
    __slots__ = ("endpoint_id", "url", "description", "state", "timeout", "create_time", "update_time", "etag", "event_type_filters", "headers", "metadata", "disable_reason", "disable_time", "disable_note", "max_rate", "max_concurrency", "retry_policy", "breaker_policy", "client_certificate")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Endpoint.State]
        STATE_ENABLED: _ClassVar[Endpoint.State]
        STATE_DISABLED: _ClassVar[Endpoint.State]
    STATE_UNSPECIFIED: Endpoint.State
    STATE_ENABLED: Endpoint.State
    STATE_DISABLED: Endpoint.State
    class DisableReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DISABLE_REASON_UNSPECIFIED: _ClassVar[Endpoint.DisableReason]
        DISABLE_REASON_BY_CALLER: _ClassVar[Endpoint.DisableReason]
        DISABLE_REASON_GONE: _ClassVar[Endpoint.DisableReason]
    DISABLE_REASON_UNSPECIFIED: Endpoint.DisableReason
    DISABLE_REASON_BY_CALLER: Endpoint.DisableReason
    DISABLE_REASON_GONE: Endpoint.DisableReason
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FILTERS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    DISABLE_REASON_FIELD_NUMBER: _ClassVar[int]
    DISABLE_TIME_FIELD_NUMBER: _ClassVar[int]
    DISABLE_NOTE_FIELD_NUMBER: _ClassVar[int]
    MAX_RATE_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    RETRY_POLICY_FIELD_NUMBER: _ClassVar[int]
    BREAKER_POLICY_FIELD_NUMBER: _ClassVar[int]
    CLIENT_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    url: str
    description: str
    state: Endpoint.State
    timeout: _duration_pb2.Duration
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    event_type_filters: _containers.RepeatedScalarFieldContainer[str]
    headers: _containers.ScalarMap[str, str]
    metadata: _containers.ScalarMap[str, str]
    disable_reason: Endpoint.DisableReason
    disable_time: _timestamp_pb2.Timestamp
    disable_note: str
    max_rate: float
    max_concurrency: int
    retry_policy: RetryPolicy
    breaker_policy: BreakerPolicy
    client_certificate: ClientCertificate
    def __init__(self, endpoint_id: _Optional[str] = ..., url: _Optional[str] = ..., description: _Optional[str] = ..., state: _Optional[_Union[Endpoint.State, str]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., event_type_filters: _Optional[_Iterable[str]] = ..., headers: _Optional[_Mapping[str, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., disable_reason: _Optional[_Union[Endpoint.DisableReason, str]] = ..., disable_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., disable_note: _Optional[str] = ..., max_rate: _Optional[float] = ..., max_concurrency: _Optional[int] = ..., retry_policy: _Optional[_Union[RetryPolicy, _Mapping]] = ..., breaker_policy: _Optional[_Union[BreakerPolicy, _Mapping]] = ..., client_certificate: _Optional[_Union[ClientCertificate, _Mapping]] = ...) -> None: ...

class RetryPolicy(_message.Message):
    __slots__ = ("first_delay", "longest_delay", "max_attempts", "retry_statuses", "fail_statuses", "fail_causes", "keep_on_gone")
    FIRST_DELAY_FIELD_NUMBER: _ClassVar[int]
    LONGEST_DELAY_FIELD_NUMBER: _ClassVar[int]
    MAX_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    RETRY_STATUSES_FIELD_NUMBER: _ClassVar[int]
    FAIL_STATUSES_FIELD_NUMBER: _ClassVar[int]
    FAIL_CAUSES_FIELD_NUMBER: _ClassVar[int]
    KEEP_ON_GONE_FIELD_NUMBER: _ClassVar[int]
    first_delay: _duration_pb2.Duration
    longest_delay: _duration_pb2.Duration
    max_attempts: int
    retry_statuses: _containers.RepeatedScalarFieldContainer[int]
    fail_statuses: _containers.RepeatedScalarFieldContainer[int]
    fail_causes: _containers.RepeatedScalarFieldContainer[_delivery_pb2.DeliveryCause]
    keep_on_gone: bool
    def __init__(self, first_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., longest_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_attempts: _Optional[int] = ..., retry_statuses: _Optional[_Iterable[int]] = ..., fail_statuses: _Optional[_Iterable[int]] = ..., fail_causes: _Optional[_Iterable[_Union[_delivery_pb2.DeliveryCause, str]]] = ..., keep_on_gone: _Optional[bool] = ...) -> None: ...

class BreakerPolicy(_message.Message):
    __slots__ = ("disabled", "failure_rate", "minimum_attempts", "window", "first_open", "longest_open", "successes")
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_RATE_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    FIRST_OPEN_FIELD_NUMBER: _ClassVar[int]
    LONGEST_OPEN_FIELD_NUMBER: _ClassVar[int]
    SUCCESSES_FIELD_NUMBER: _ClassVar[int]
    disabled: bool
    failure_rate: float
    minimum_attempts: int
    window: _duration_pb2.Duration
    first_open: _duration_pb2.Duration
    longest_open: _duration_pb2.Duration
    successes: int
    def __init__(self, disabled: _Optional[bool] = ..., failure_rate: _Optional[float] = ..., minimum_attempts: _Optional[int] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., first_open: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., longest_open: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., successes: _Optional[int] = ...) -> None: ...

class ClientCertificate(_message.Message):
    __slots__ = ("certificate", "key", "expire_time")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    certificate: str
    key: str
    expire_time: _timestamp_pb2.Timestamp
    def __init__(self, certificate: _Optional[str] = ..., key: _Optional[str] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
