"""The validation rules of the contracts, enforced on generated messages as every service enforces them."""

from typing import cast

import protovalidate
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1.leap_day_rule_pb2 import LEAP_DAY_RULE_FORWARD, LeapDayRule
from redletter.delivery.v1.endpoint_service_pb2 import CreateEndpointRequest
from redletter.delivery.v1.inbox_service_pb2 import AckInboxRequest
from redletter.delivery.v1.intake_service_pb2 import AcceptedEvent, AcceptEventsRequest, CancelEventsRequest
from redletter.scheduler.v1.event_service_pb2 import GetEventRequest, ListEventsRequest
from redletter.scheduler.v1.event_type_pb2 import EventType, Template
from redletter.scheduler.v1.event_type_service_pb2 import CreateEventTypeRequest, UpdateEventTypeRequest
from redletter.user.v1.user_pb2 import Occasion, User
from redletter.user.v1.user_service_pb2 import (
    BatchUpsertUsersRequest,
    ImportUsersRequest,
    ListUsersRequest,
    UpsertUserRequest,
)


def violations(message: Message) -> dict[str, str]:
    """Return the rule that each field breaks, by its path, for example `occasions[1].date`."""
    found: dict[str, str] = {}
    for violation in protovalidate.collect_violations(message):
        path = ""
        for element in violation.proto.field.elements if violation.proto.field else ():
            index = f"[{element.subscript.value}]" if element.subscript else ""
            path += f".{element.field_name}{index}"
        found[path.removeprefix(".")] = violation.proto.rule_id
    return found


def good_user() -> User:
    """Return a user that uses every field a caller may set."""
    attributes = Struct()
    attributes.update({"plan": "gold", "tags": ["a", "b"]})
    return User(
        user_id="crm/4711 ü",
        time_zone="Asia/Kathmandu",
        locale="zh-Hant-TW",
        given_name="सीता",
        family_name="O'Neill-Łoś",
        occasions=[
            Occasion(
                kind="birthday", date=Date(year=1899, month=2, day=29), leap_day_rule=LEAP_DAY_RULE_FORWARD
            ),
            Occasion(occasion_id="anniversary:2", kind="anniversary", date=Date(month=4, day=5)),
        ],
        attributes=attributes,
    )


def good_event_type() -> EventType:
    """Return an event type that may be created."""
    return EventType(
        event_type_id="birthday",
        occasion_kind="birthday",
        local_time=TimeOfDay(hours=9),
        deliver_within=Duration(seconds=3600),
        templates=[Template(body="Happy birthday!"), Template(locale="de", body="Alles Gute!")],
    )


def test_a_user_with_every_field_is_accepted() -> None:
    """Foreign scripts, a yearless date, a date before 1900 and two occasions break no rule."""
    assert violations(UpsertUserRequest(user=good_user())) == {}


def test_a_user_needs_no_more_than_an_id_and_a_zone() -> None:
    """Names, locale, occasions and attributes are optional."""
    assert violations(User(user_id="1", time_zone="UTC")) == {}


@pytest.mark.parametrize(
    ("change", "path", "rule"),
    [
        ({"user_id": ""}, "user_id", "string.min_len"),
        ({"user_id": "é" * 65}, "user_id", "string.max_bytes"),
        ({"user_id": "a\nb"}, "user_id", "string.pattern"),
        ({"time_zone": ""}, "time_zone", "string.min_len"),
        ({"time_zone": "A" * 65}, "time_zone", "string.max_len"),
        ({"locale": "en_US"}, "locale", "string.pattern"),
        ({"given_name": "x" * 201}, "given_name", "string.max_len"),
        ({"given_name": "Ann\x00"}, "given_name", "string.pattern"),
        ({"family_name": "a\x85b"}, "family_name", "string.pattern"),
        ({"etag": "e" * 65}, "etag", "string.max_len"),
    ],
)
def test_a_bad_field_of_a_user_is_named(change: dict[str, str], path: str, rule: str) -> None:
    """One bad field gives one violation that carries its path and rule."""
    user = good_user()
    for name, value in change.items():
        setattr(user, name, value)
    assert violations(UpsertUserRequest(user=user)) == {f"user.{path}": rule}


@pytest.mark.parametrize(
    ("occasion", "path", "rule"),
    [
        (Occasion(kind="birthday"), "date", "required"),
        (Occasion(kind="Birthday", date=Date(month=1, day=1)), "kind", "string.pattern"),
        (Occasion(kind="", date=Date(month=1, day=1)), "kind", "string.pattern"),
        (Occasion(kind="k" * 41, date=Date(month=1, day=1)), "kind", "string.pattern"),
        (Occasion(occasion_id=" x", kind="k", date=Date(month=1, day=1)), "occasion_id", "string.pattern"),
        (
            Occasion(kind="k", date=Date(month=1, day=1), leap_day_rule=cast("LeapDayRule", 9)),
            "leap_day_rule",
            "enum.defined_only",
        ),
    ],
)
def test_a_bad_occasion_is_named_by_its_position(occasion: Occasion, path: str, rule: str) -> None:
    """The path of a violation carries the index of the occasion."""
    user = User(
        user_id="1", time_zone="UTC", occasions=[Occasion(kind="ok", date=Date(month=1, day=1)), occasion]
    )
    assert violations(user) == {f"occasions[1].{path}": rule}


def test_a_user_has_at_most_twenty_occasions() -> None:
    """Twenty occasions are accepted, twenty-one are not."""
    occasions = [Occasion(occasion_id=f"o{n}", kind="k", date=Date(month=1, day=1)) for n in range(21)]
    assert violations(User(user_id="1", time_zone="UTC", occasions=occasions[:20])) == {}
    assert violations(User(user_id="1", time_zone="UTC", occasions=occasions)) == {
        "occasions": "repeated.max_items"
    }


def test_a_bad_item_does_not_refuse_its_batch() -> None:
    """Items of batches are left to the handler, which answers each of them by itself."""
    bad = User(user_id="\x00")
    rows = [ImportUsersRequest.Row(line=-1, user=bad)]
    assert violations(BatchUpsertUsersRequest(users=[good_user(), bad])) == {}
    assert violations(ImportUsersRequest(rows=rows, on_enrol="ON_ENROL_NEXT")) == {}
    assert violations(AckInboxRequest(event_ids=["nonsense"])) == {}
    assert violations(AcceptEventsRequest(handover_id="h", events=[AcceptedEvent()])) == {}


@pytest.mark.parametrize(
    ("message", "path", "rule"),
    [
        (BatchUpsertUsersRequest(), "users", "repeated.min_items"),
        (BatchUpsertUsersRequest(users=[User()] * 501), "users", "repeated.max_items"),
        (ImportUsersRequest(rows=[ImportUsersRequest.Row()] * 501), "rows", "repeated.max_items"),
        (AckInboxRequest(event_ids=["x"] * 501), "event_ids", "repeated.max_items"),
        (UpsertUserRequest(), "user", "required"),
        (ListUsersRequest(page_size=1001), "page_size", "int32.gte_lte"),
        (ListUsersRequest(page_size=-1), "page_size", "int32.gte_lte"),
        (GetEventRequest(event_id="evt_1"), "event_id", "string.pattern"),
        (ListEventsRequest(states=["STATE_UNSPECIFIED"]), "states[0]", "enum.not_in"),
        (CreateEndpointRequest(url="ftp://example.com"), "url", "string.pattern"),
        (CreateEndpointRequest(url="https://a b"), "url", "string.pattern"),
        (CreateEndpointRequest(url="https://a", endpoint_id="inbox"), "endpoint_id", "string.not_in"),
        (CreateEndpointRequest(url="https://a", timeout=Duration(seconds=61)), "timeout", "duration.gte_lte"),
    ],
)
def test_limits_of_requests_hold(message: Message, path: str, rule: str) -> None:
    """Too many items, wrong page sizes, malformed ids and URLs are refused with path and rule."""
    assert violations(message) == {path: rule}


def test_an_event_id_of_the_documented_form_is_accepted() -> None:
    """`evt_`, 26 characters of base32, `_` and a cycle, yearly or of a recurrence."""
    for cycle in ("2027", "2027-03", "once", "20270304T0900"):
        assert violations(GetEventRequest(event_id=f"evt_{'a2' * 13}_{cycle}")) == {}


def test_an_event_type_may_be_created() -> None:
    """A kind, a local time and a fallback template are enough."""
    assert violations(CreateEventTypeRequest(event_type=good_event_type())) == {}


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("occasion_kind", "event_type.occasion_kind.required"),
        ("local_time", "event_type.local_time.required"),
        ("templates", "event_type.templates.required"),
    ],
)
def test_a_new_event_type_lacks_nothing(field: str, rule: str) -> None:
    """Creating without kind, local time or fallback template is refused by name of what is missing."""
    event_type = good_event_type()
    event_type.ClearField(field)
    assert violations(CreateEventTypeRequest(event_type=event_type)) == {"event_type": rule}


@pytest.mark.parametrize(
    "local_time",
    [
        TimeOfDay(hours=24),
        TimeOfDay(hours=-1),
        TimeOfDay(minutes=60),
        TimeOfDay(seconds=60),
        TimeOfDay(nanos=1),
    ],
)
def test_a_local_time_is_a_time_of_day_in_whole_seconds(local_time: TimeOfDay) -> None:
    """24:00, negative parts, leap seconds and fractions are refused."""
    event_type = good_event_type()
    event_type.local_time.CopyFrom(local_time)
    assert violations(event_type) == {"local_time": "event_type.local_time"}


def test_an_update_may_carry_only_what_it_changes() -> None:
    """Pausing needs the id, the new state and its mask; unknown and empty masks are refused."""
    paused = EventType(event_type_id="birthday", state=EventType.STATE_PAUSED)
    assert violations(UpdateEventTypeRequest(event_type=paused, update_mask=FieldMask(paths=["state"]))) == {}
    for paths in ([], ["occasion_kind"], ["state", "version"]):
        request = UpdateEventTypeRequest(event_type=paused, update_mask=FieldMask(paths=paths))
        assert violations(request) == {"update_mask": "update_mask.paths"}


def test_a_stop_names_its_subject() -> None:
    """CancelEvents without events and without a user is refused."""
    assert violations(CancelEventsRequest(tenant_id="t")) == {
        "subject": "required",
        "decided_before": "required",
    }
