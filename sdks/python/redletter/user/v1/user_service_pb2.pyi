from google.api import annotations_pb2 as _annotations_pb2
from redletter.common.v1 import item_result_pb2 as _item_result_pb2
from redletter.common.v1 import on_enrol_pb2 as _on_enrol_pb2
from redletter.user.v1 import care_switch_pb2 as _care_switch_pb2
from redletter.user.v1 import preferences_pb2 as _preferences_pb2
from redletter.user.v1 import user_pb2 as _user_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpsertUserRequest(_message.Message):
    __slots__ = ("user", "on_enrol")
    USER_FIELD_NUMBER: _ClassVar[int]
    ON_ENROL_FIELD_NUMBER: _ClassVar[int]
    user: _user_pb2.User
    on_enrol: _on_enrol_pb2.OnEnrol
    def __init__(self, user: _Optional[_Union[_user_pb2.User, _Mapping]] = ..., on_enrol: _Optional[_Union[_on_enrol_pb2.OnEnrol, str]] = ...) -> None: ...

class UpsertUserResponse(_message.Message):
    __slots__ = ("user", "change")
    class Change(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        CHANGE_UNSPECIFIED: _ClassVar[UpsertUserResponse.Change]
        CHANGE_CREATED: _ClassVar[UpsertUserResponse.Change]
        CHANGE_UPDATED: _ClassVar[UpsertUserResponse.Change]
        CHANGE_UNCHANGED: _ClassVar[UpsertUserResponse.Change]
    CHANGE_UNSPECIFIED: UpsertUserResponse.Change
    CHANGE_CREATED: UpsertUserResponse.Change
    CHANGE_UPDATED: UpsertUserResponse.Change
    CHANGE_UNCHANGED: UpsertUserResponse.Change
    USER_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    user: _user_pb2.User
    change: UpsertUserResponse.Change
    def __init__(self, user: _Optional[_Union[_user_pb2.User, _Mapping]] = ..., change: _Optional[_Union[UpsertUserResponse.Change, str]] = ...) -> None: ...

class GetUserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class GetUserResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _user_pb2.User
    def __init__(self, user: _Optional[_Union[_user_pb2.User, _Mapping]] = ...) -> None: ...

class ListUsersRequest(_message.Message):
    __slots__ = ("time_zone", "page_size", "page_token")
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    time_zone: str
    page_size: int
    page_token: str
    def __init__(self, time_zone: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListUsersResponse(_message.Message):
    __slots__ = ("users", "next_page_token")
    USERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[_user_pb2.User]
    next_page_token: str
    def __init__(self, users: _Optional[_Iterable[_Union[_user_pb2.User, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteUserRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class DeleteUserResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class BatchUpsertUsersRequest(_message.Message):
    __slots__ = ("users", "on_enrol")
    USERS_FIELD_NUMBER: _ClassVar[int]
    ON_ENROL_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[_user_pb2.User]
    on_enrol: _on_enrol_pb2.OnEnrol
    def __init__(self, users: _Optional[_Iterable[_Union[_user_pb2.User, _Mapping]]] = ..., on_enrol: _Optional[_Union[_on_enrol_pb2.OnEnrol, str]] = ...) -> None: ...

class BatchUpsertUsersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_item_result_pb2.ItemResult]
    def __init__(self, results: _Optional[_Iterable[_Union[_item_result_pb2.ItemResult, _Mapping]]] = ...) -> None: ...

class ImportUsersRequest(_message.Message):
    __slots__ = ("on_enrol", "rows")
    class Row(_message.Message):
        __slots__ = ("line", "user")
        LINE_FIELD_NUMBER: _ClassVar[int]
        USER_FIELD_NUMBER: _ClassVar[int]
        line: int
        user: _user_pb2.User
        def __init__(self, line: _Optional[int] = ..., user: _Optional[_Union[_user_pb2.User, _Mapping]] = ...) -> None: ...
    ON_ENROL_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    on_enrol: _on_enrol_pb2.OnEnrol
    rows: _containers.RepeatedCompositeFieldContainer[ImportUsersRequest.Row]
    def __init__(self, on_enrol: _Optional[_Union[_on_enrol_pb2.OnEnrol, str]] = ..., rows: _Optional[_Iterable[_Union[ImportUsersRequest.Row, _Mapping]]] = ...) -> None: ...

class ImportUsersResponse(_message.Message):
    __slots__ = ("acknowledged_line", "accepted", "rejected_rows")
    class RejectedRow(_message.Message):
        __slots__ = ("line", "user_id", "field", "value", "reason", "allowed")
        LINE_FIELD_NUMBER: _ClassVar[int]
        USER_ID_FIELD_NUMBER: _ClassVar[int]
        FIELD_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        REASON_FIELD_NUMBER: _ClassVar[int]
        ALLOWED_FIELD_NUMBER: _ClassVar[int]
        line: int
        user_id: str
        field: str
        value: str
        reason: str
        allowed: str
        def __init__(self, line: _Optional[int] = ..., user_id: _Optional[str] = ..., field: _Optional[str] = ..., value: _Optional[str] = ..., reason: _Optional[str] = ..., allowed: _Optional[str] = ...) -> None: ...
    ACKNOWLEDGED_LINE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_ROWS_FIELD_NUMBER: _ClassVar[int]
    acknowledged_line: int
    accepted: int
    rejected_rows: _containers.RepeatedCompositeFieldContainer[ImportUsersResponse.RejectedRow]
    def __init__(self, acknowledged_line: _Optional[int] = ..., accepted: _Optional[int] = ..., rejected_rows: _Optional[_Iterable[_Union[ImportUsersResponse.RejectedRow, _Mapping]]] = ...) -> None: ...

class SetPreferencesRequest(_message.Message):
    __slots__ = ("user_id", "preferences")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    preferences: _preferences_pb2.Preferences
    def __init__(self, user_id: _Optional[str] = ..., preferences: _Optional[_Union[_preferences_pb2.Preferences, _Mapping]] = ...) -> None: ...

class SetPreferencesResponse(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: _user_pb2.User
    def __init__(self, user: _Optional[_Union[_user_pb2.User, _Mapping]] = ...) -> None: ...

class SetCareSwitchRequest(_message.Message):
    __slots__ = ("user_id", "occasion_id", "reason")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    occasion_id: str
    reason: str
    def __init__(self, user_id: _Optional[str] = ..., occasion_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SetCareSwitchResponse(_message.Message):
    __slots__ = ("care_switch",)
    CARE_SWITCH_FIELD_NUMBER: _ClassVar[int]
    care_switch: _care_switch_pb2.CareSwitch
    def __init__(self, care_switch: _Optional[_Union[_care_switch_pb2.CareSwitch, _Mapping]] = ...) -> None: ...

class ClearCareSwitchRequest(_message.Message):
    __slots__ = ("user_id", "occasion_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    occasion_id: str
    def __init__(self, user_id: _Optional[str] = ..., occasion_id: _Optional[str] = ...) -> None: ...

class ClearCareSwitchResponse(_message.Message):
    __slots__ = ("care_switch",)
    CARE_SWITCH_FIELD_NUMBER: _ClassVar[int]
    care_switch: _care_switch_pb2.CareSwitch
    def __init__(self, care_switch: _Optional[_Union[_care_switch_pb2.CareSwitch, _Mapping]] = ...) -> None: ...

class ListCareSwitchesRequest(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    def __init__(self, user_id: _Optional[str] = ...) -> None: ...

class ListCareSwitchesResponse(_message.Message):
    __slots__ = ("care_switches",)
    CARE_SWITCHES_FIELD_NUMBER: _ClassVar[int]
    care_switches: _containers.RepeatedCompositeFieldContainer[_care_switch_pb2.CareSwitch]
    def __init__(self, care_switches: _Optional[_Iterable[_Union[_care_switch_pb2.CareSwitch, _Mapping]]] = ...) -> None: ...
