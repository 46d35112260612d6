import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import date_pb2 as _date_pb2
from redletter.common.v1 import outcome_pb2 as _outcome_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LedgerDifference(_message.Message):
    __slots__ = ("event_id", "reason", "text")
    class Reason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        REASON_UNSPECIFIED: _ClassVar[LedgerDifference.Reason]
        REASON_NEVER_PLANNED: _ClassVar[LedgerDifference.Reason]
        REASON_UNEXPECTED: _ClassVar[LedgerDifference.Reason]
        REASON_CHANGED_SINCE: _ClassVar[LedgerDifference.Reason]
        REASON_NO_MESSAGE: _ClassVar[LedgerDifference.Reason]
        REASON_NO_EVENT: _ClassVar[LedgerDifference.Reason]
        REASON_NO_OUTCOME: _ClassVar[LedgerDifference.Reason]
    REASON_UNSPECIFIED: LedgerDifference.Reason
    REASON_NEVER_PLANNED: LedgerDifference.Reason
    REASON_UNEXPECTED: LedgerDifference.Reason
    REASON_CHANGED_SINCE: LedgerDifference.Reason
    REASON_NO_MESSAGE: LedgerDifference.Reason
    REASON_NO_EVENT: LedgerDifference.Reason
    REASON_NO_OUTCOME: LedgerDifference.Reason
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    reason: LedgerDifference.Reason
    text: str
    def __init__(self, event_id: _Optional[str] = ..., reason: _Optional[_Union[LedgerDifference.Reason, str]] = ..., text: _Optional[str] = ...) -> None: ...

class LedgerEquation(_message.Message):
    __slots__ = ("left", "right", "difference", "differences")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    left: int
    right: int
    difference: int
    differences: _containers.RepeatedCompositeFieldContainer[LedgerDifference]
    def __init__(self, left: _Optional[int] = ..., right: _Optional[int] = ..., difference: _Optional[int] = ..., differences: _Optional[_Iterable[_Union[LedgerDifference, _Mapping]]] = ...) -> None: ...

class LedgerCount(_message.Message):
    __slots__ = ("name", "count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    count: int
    def __init__(self, name: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class LedgerOutcome(_message.Message):
    __slots__ = ("outcome", "count")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    outcome: _outcome_pb2.Outcome
    count: int
    def __init__(self, outcome: _Optional[_Union[_outcome_pb2.Outcome, str]] = ..., count: _Optional[int] = ...) -> None: ...

class Ledger(_message.Message):
    __slots__ = ("tenant_id", "date", "compute_time", "closed", "expected", "sent", "outcomes", "ended", "message_outcomes", "difference", "signature")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    COMPUTE_TIME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    date: _date_pb2.Date
    compute_time: _timestamp_pb2.Timestamp
    closed: bool
    expected: LedgerEquation
    sent: LedgerEquation
    outcomes: LedgerEquation
    ended: _containers.RepeatedCompositeFieldContainer[LedgerCount]
    message_outcomes: _containers.RepeatedCompositeFieldContainer[LedgerOutcome]
    difference: int
    signature: str
    def __init__(self, tenant_id: _Optional[str] = ..., date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., compute_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., closed: _Optional[bool] = ..., expected: _Optional[_Union[LedgerEquation, _Mapping]] = ..., sent: _Optional[_Union[LedgerEquation, _Mapping]] = ..., outcomes: _Optional[_Union[LedgerEquation, _Mapping]] = ..., ended: _Optional[_Iterable[_Union[LedgerCount, _Mapping]]] = ..., message_outcomes: _Optional[_Iterable[_Union[LedgerOutcome, _Mapping]]] = ..., difference: _Optional[int] = ..., signature: _Optional[str] = ...) -> None: ...
