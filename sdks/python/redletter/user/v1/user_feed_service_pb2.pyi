import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from redletter.common.v1 import on_enrol_pb2 as _on_enrol_pb2
from redletter.user.v1 import care_switch_pb2 as _care_switch_pb2
from redletter.user.v1 import preferences_pb2 as _preferences_pb2
from redletter.user.v1 import tenant_pb2 as _tenant_pb2
from redletter.user.v1 import user_pb2 as _user_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Restored(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESTORED_UNSPECIFIED: _ClassVar[Restored]
    RESTORED_READER: _ClassVar[Restored]
    RESTORED_STORE: _ClassVar[Restored]
RESTORED_UNSPECIFIED: Restored
RESTORED_READER: Restored
RESTORED_STORE: Restored

class Enrolment(_message.Message):
    __slots__ = ("occasion", "enrol_time", "on_enrol")
    OCCASION_FIELD_NUMBER: _ClassVar[int]
    ENROL_TIME_FIELD_NUMBER: _ClassVar[int]
    ON_ENROL_FIELD_NUMBER: _ClassVar[int]
    occasion: _user_pb2.Occasion
    enrol_time: _timestamp_pb2.Timestamp
    on_enrol: _on_enrol_pb2.OnEnrol
    def __init__(self, occasion: _Optional[_Union[_user_pb2.Occasion, _Mapping]] = ..., enrol_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., on_enrol: _Optional[_Union[_on_enrol_pb2.OnEnrol, str]] = ...) -> None: ...

class Recipient(_message.Message):
    __slots__ = ("time_zone", "locale", "given_name", "family_name", "enrolments", "attributes_json", "preferences")
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    GIVEN_NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_NAME_FIELD_NUMBER: _ClassVar[int]
    ENROLMENTS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_JSON_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    time_zone: str
    locale: str
    given_name: str
    family_name: str
    enrolments: _containers.RepeatedCompositeFieldContainer[Enrolment]
    attributes_json: bytes
    preferences: _preferences_pb2.Preferences
    def __init__(self, time_zone: _Optional[str] = ..., locale: _Optional[str] = ..., given_name: _Optional[str] = ..., family_name: _Optional[str] = ..., enrolments: _Optional[_Iterable[_Union[Enrolment, _Mapping]]] = ..., attributes_json: _Optional[bytes] = ..., preferences: _Optional[_Union[_preferences_pb2.Preferences, _Mapping]] = ...) -> None: ...

class CareSwitchState(_message.Message):
    __slots__ = ("occasion_id", "state", "change_time")
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    occasion_id: str
    state: _care_switch_pb2.CareSwitch.State
    change_time: _timestamp_pb2.Timestamp
    def __init__(self, occasion_id: _Optional[str] = ..., state: _Optional[_Union[_care_switch_pb2.CareSwitch.State, str]] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class UserTombstone(_message.Message):
    __slots__ = ("delete_time",)
    DELETE_TIME_FIELD_NUMBER: _ClassVar[int]
    delete_time: _timestamp_pb2.Timestamp
    def __init__(self, delete_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("tenant_id", "user_id", "version", "recipient", "user_tombstone", "tenant", "change_time", "care_switches")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_FIELD_NUMBER: _ClassVar[int]
    USER_TOMBSTONE_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    CARE_SWITCHES_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    user_id: str
    version: int
    recipient: Recipient
    user_tombstone: UserTombstone
    tenant: _tenant_pb2.Tenant
    change_time: _timestamp_pb2.Timestamp
    care_switches: _containers.RepeatedCompositeFieldContainer[CareSwitchState]
    def __init__(self, tenant_id: _Optional[str] = ..., user_id: _Optional[str] = ..., version: _Optional[int] = ..., recipient: _Optional[_Union[Recipient, _Mapping]] = ..., user_tombstone: _Optional[_Union[UserTombstone, _Mapping]] = ..., tenant: _Optional[_Union[_tenant_pb2.Tenant, _Mapping]] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., care_switches: _Optional[_Iterable[_Union[CareSwitchState, _Mapping]]] = ...) -> None: ...

class PullChangesRequest(_message.Message):
    __slots__ = ("max_items", "reader_serial", "confirmed_serial", "confirmed_epoch")
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    READER_SERIAL_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_SERIAL_FIELD_NUMBER: _ClassVar[int]
    CONFIRMED_EPOCH_FIELD_NUMBER: _ClassVar[int]
    max_items: int
    reader_serial: int
    confirmed_serial: int
    confirmed_epoch: str
    def __init__(self, max_items: _Optional[int] = ..., reader_serial: _Optional[int] = ..., confirmed_serial: _Optional[int] = ..., confirmed_epoch: _Optional[str] = ...) -> None: ...

class PullChangesResponse(_message.Message):
    __slots__ = ("epoch", "changes", "backlog", "restored")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_FIELD_NUMBER: _ClassVar[int]
    RESTORED_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    backlog: int
    restored: Restored
    def __init__(self, epoch: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., backlog: _Optional[int] = ..., restored: _Optional[_Union[Restored, str]] = ...) -> None: ...

class AppliedChange(_message.Message):
    __slots__ = ("tenant_id", "user_id", "version")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    user_id: str
    version: int
    def __init__(self, tenant_id: _Optional[str] = ..., user_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class AckChangesRequest(_message.Message):
    __slots__ = ("epoch", "changes", "reader_serial")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    READER_SERIAL_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    changes: _containers.RepeatedCompositeFieldContainer[AppliedChange]
    reader_serial: int
    def __init__(self, epoch: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[AppliedChange, _Mapping]]] = ..., reader_serial: _Optional[int] = ...) -> None: ...

class AckChangesResponse(_message.Message):
    __slots__ = ("removed",)
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    removed: int
    def __init__(self, removed: _Optional[int] = ...) -> None: ...

class ResyncRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResyncResponse(_message.Message):
    __slots__ = ("epoch",)
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    def __init__(self, epoch: _Optional[str] = ...) -> None: ...
