from google.api import annotations_pb2 as _annotations_pb2
from redletter.scheduler.v1 import scheduler_status_pb2 as _scheduler_status_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetSchedulerStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSchedulerStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _scheduler_status_pb2.SchedulerStatus
    def __init__(self, status: _Optional[_Union[_scheduler_status_pb2.SchedulerStatus, _Mapping]] = ...) -> None: ...
