import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeliverySettings(_message.Message):
    __slots__ = ("inbox_mode", "retention_days", "update_time", "etag")
    class InboxMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INBOX_MODE_UNSPECIFIED: _ClassVar[DeliverySettings.InboxMode]
        INBOX_MODE_UNRECEIVED: _ClassVar[DeliverySettings.InboxMode]
        INBOX_MODE_ALL: _ClassVar[DeliverySettings.InboxMode]
    INBOX_MODE_UNSPECIFIED: DeliverySettings.InboxMode
    INBOX_MODE_UNRECEIVED: DeliverySettings.InboxMode
    INBOX_MODE_ALL: DeliverySettings.InboxMode
    INBOX_MODE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_DAYS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    inbox_mode: DeliverySettings.InboxMode
    retention_days: int
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, inbox_mode: _Optional[_Union[DeliverySettings.InboxMode, str]] = ..., retention_days: _Optional[int] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...
