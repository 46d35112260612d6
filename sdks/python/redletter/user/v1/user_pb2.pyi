import datetime

from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import date_pb2 as _date_pb2
from redletter.common.v1 import leap_day_rule_pb2 as _leap_day_rule_pb2
from redletter.user.v1 import preferences_pb2 as _preferences_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class User(_message.Message):
    __slots__ = ("user_id", "time_zone", "locale", "given_name", "family_name", "occasions", "attributes", "create_time", "update_time", "etag", "preferences")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    GIVEN_NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_NAME_FIELD_NUMBER: _ClassVar[int]
    OCCASIONS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    time_zone: str
    locale: str
    given_name: str
    family_name: str
    occasions: _containers.RepeatedCompositeFieldContainer[Occasion]
    attributes: _struct_pb2.Struct
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    preferences: _preferences_pb2.Preferences
    def __init__(self, user_id: _Optional[str] = ..., time_zone: _Optional[str] = ..., locale: _Optional[str] = ..., given_name: _Optional[str] = ..., family_name: _Optional[str] = ..., occasions: _Optional[_Iterable[_Union[Occasion, _Mapping]]] = ..., attributes: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., preferences: _Optional[_Union[_preferences_pb2.Preferences, _Mapping]] = ...) -> None: ...

class Occasion(_message.Message):
    __slots__ = ("occasion_id", "kind", "date", "leap_day_rule")
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    LEAP_DAY_RULE_FIELD_NUMBER: _ClassVar[int]
    occasion_id: str
    kind: str
    date: _date_pb2.Date
    leap_day_rule: _leap_day_rule_pb2.LeapDayRule
    def __init__(self, occasion_id: _Optional[str] = ..., kind: _Optional[str] = ..., date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., leap_day_rule: _Optional[_Union[_leap_day_rule_pb2.LeapDayRule, str]] = ...) -> None: ...
