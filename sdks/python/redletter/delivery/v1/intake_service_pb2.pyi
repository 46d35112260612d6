import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import date_pb2 as _date_pb2
from redletter.common.v1 import outcome_pb2 as _outcome_pb2
from redletter.common.v1 import priority_pb2 as _priority_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AcceptedEvent(_message.Message):
    __slots__ = ("event_id", "tenant_id", "user_id", "event_type_id", "occurrence_date", "due_time", "decide_time", "deliver_by", "priority", "body", "metadata", "traceparent", "endpoint_id")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_DATE_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_BY_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    tenant_id: str
    user_id: str
    event_type_id: str
    occurrence_date: _date_pb2.Date
    due_time: _timestamp_pb2.Timestamp
    decide_time: _timestamp_pb2.Timestamp
    deliver_by: _timestamp_pb2.Timestamp
    priority: _priority_pb2.Priority
    body: bytes
    metadata: _containers.ScalarMap[str, str]
    traceparent: str
    endpoint_id: str
    def __init__(self, event_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., user_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., occurrence_date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., body: _Optional[bytes] = ..., metadata: _Optional[_Mapping[str, str]] = ..., traceparent: _Optional[str] = ..., endpoint_id: _Optional[str] = ...) -> None: ...

class AcceptResult(_message.Message):
    __slots__ = ("result", "reason")
    class Result(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RESULT_UNSPECIFIED: _ClassVar[AcceptResult.Result]
        RESULT_ACCEPTED: _ClassVar[AcceptResult.Result]
        RESULT_KNOWN: _ClassVar[AcceptResult.Result]
        RESULT_STOPPED: _ClassVar[AcceptResult.Result]
        RESULT_REFUSED: _ClassVar[AcceptResult.Result]
    RESULT_UNSPECIFIED: AcceptResult.Result
    RESULT_ACCEPTED: AcceptResult.Result
    RESULT_KNOWN: AcceptResult.Result
    RESULT_STOPPED: AcceptResult.Result
    RESULT_REFUSED: AcceptResult.Result
    RESULT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    result: AcceptResult.Result
    reason: str
    def __init__(self, result: _Optional[_Union[AcceptResult.Result, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class AcceptEventsRequest(_message.Message):
    __slots__ = ("handover_id", "events", "traceparent")
    HANDOVER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    handover_id: str
    events: _containers.RepeatedCompositeFieldContainer[AcceptedEvent]
    traceparent: str
    def __init__(self, handover_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[AcceptedEvent, _Mapping]]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class AcceptEventsResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[AcceptResult]
    def __init__(self, results: _Optional[_Iterable[_Union[AcceptResult, _Mapping]]] = ...) -> None: ...

class EventIds(_message.Message):
    __slots__ = ("event_ids",)
    EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    event_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, event_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class CancelEventsRequest(_message.Message):
    __slots__ = ("tenant_id", "events", "user_id", "decided_before", "reason")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BEFORE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    events: EventIds
    user_id: str
    decided_before: _timestamp_pb2.Timestamp
    reason: str
    def __init__(self, tenant_id: _Optional[str] = ..., events: _Optional[_Union[EventIds, _Mapping]] = ..., user_id: _Optional[str] = ..., decided_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ...) -> None: ...

class CancelEventsResponse(_message.Message):
    __slots__ = ("cancelled", "on_the_wire", "cancelled_event_ids", "too_late_event_ids")
    CANCELLED_FIELD_NUMBER: _ClassVar[int]
    ON_THE_WIRE_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    TOO_LATE_EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    cancelled: int
    on_the_wire: _containers.RepeatedScalarFieldContainer[str]
    cancelled_event_ids: _containers.RepeatedScalarFieldContainer[str]
    too_late_event_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, cancelled: _Optional[int] = ..., on_the_wire: _Optional[_Iterable[str]] = ..., cancelled_event_ids: _Optional[_Iterable[str]] = ..., too_late_event_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class OutcomeQuery(_message.Message):
    __slots__ = ("event_id", "occurrence_date")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_DATE_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    occurrence_date: _date_pb2.Date
    def __init__(self, event_id: _Optional[str] = ..., occurrence_date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ...) -> None: ...

class EventOutcome(_message.Message):
    __slots__ = ("event_id", "outcome", "receive_time")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    outcome: _outcome_pb2.Outcome
    receive_time: _timestamp_pb2.Timestamp
    def __init__(self, event_id: _Optional[str] = ..., outcome: _Optional[_Union[_outcome_pb2.Outcome, str]] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class BatchGetOutcomesRequest(_message.Message):
    __slots__ = ("tenant_id", "events")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    events: _containers.RepeatedCompositeFieldContainer[OutcomeQuery]
    def __init__(self, tenant_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[OutcomeQuery, _Mapping]]] = ...) -> None: ...

class BatchGetOutcomesResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[EventOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[EventOutcome, _Mapping]]] = ...) -> None: ...

class SummarizeDateRequest(_message.Message):
    __slots__ = ("tenant_id", "occurrence_date")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_DATE_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    occurrence_date: _date_pb2.Date
    def __init__(self, tenant_id: _Optional[str] = ..., occurrence_date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ...) -> None: ...

class OutcomeCount(_message.Message):
    __slots__ = ("outcome", "count")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    outcome: _outcome_pb2.Outcome
    count: int
    def __init__(self, outcome: _Optional[_Union[_outcome_pb2.Outcome, str]] = ..., count: _Optional[int] = ...) -> None: ...

class SummarizeDateResponse(_message.Message):
    __slots__ = ("messages", "checksum", "outcomes")
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    messages: int
    checksum: int
    outcomes: _containers.RepeatedCompositeFieldContainer[OutcomeCount]
    def __init__(self, messages: _Optional[int] = ..., checksum: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[OutcomeCount, _Mapping]]] = ...) -> None: ...

class ListMessagesRequest(_message.Message):
    __slots__ = ("tenant_id", "occurrence_date", "after_event_id", "page_size")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_DATE_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    occurrence_date: _date_pb2.Date
    after_event_id: str
    page_size: int
    def __init__(self, tenant_id: _Optional[str] = ..., occurrence_date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., after_event_id: _Optional[str] = ..., page_size: _Optional[int] = ...) -> None: ...

class ListMessagesResponse(_message.Message):
    __slots__ = ("outcomes",)
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    outcomes: _containers.RepeatedCompositeFieldContainer[EventOutcome]
    def __init__(self, outcomes: _Optional[_Iterable[_Union[EventOutcome, _Mapping]]] = ...) -> None: ...
