from google.api import annotations_pb2 as _annotations_pb2
from google.type import date_pb2 as _date_pb2
from redletter.scheduler.v1 import holiday_pb2 as _holiday_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SetHolidayRequest(_message.Message):
    __slots__ = ("holiday",)
    HOLIDAY_FIELD_NUMBER: _ClassVar[int]
    holiday: _holiday_pb2.Holiday
    def __init__(self, holiday: _Optional[_Union[_holiday_pb2.Holiday, _Mapping]] = ...) -> None: ...

class SetHolidayResponse(_message.Message):
    __slots__ = ("holiday",)
    HOLIDAY_FIELD_NUMBER: _ClassVar[int]
    holiday: _holiday_pb2.Holiday
    def __init__(self, holiday: _Optional[_Union[_holiday_pb2.Holiday, _Mapping]] = ...) -> None: ...

class DeleteHolidayRequest(_message.Message):
    __slots__ = ("date",)
    DATE_FIELD_NUMBER: _ClassVar[int]
    date: _date_pb2.Date
    def __init__(self, date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ...) -> None: ...

class DeleteHolidayResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListHolidaysRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListHolidaysResponse(_message.Message):
    __slots__ = ("holidays", "next_page_token")
    HOLIDAYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    holidays: _containers.RepeatedCompositeFieldContainer[_holiday_pb2.Holiday]
    next_page_token: str
    def __init__(self, holidays: _Optional[_Iterable[_Union[_holiday_pb2.Holiday, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
