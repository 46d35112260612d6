"""What the verbs print: the form of documents and tables."""

import io
import json

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.delivery.v1 import message_pb2
from redletter.scheduler.v1 import event_pb2, event_type_pb2, scheduler_status_pb2
from redletter.user.v1 import user_pb2

from redletter_cli.render.document import document, json_text
from redletter_cli.render.table import print_fields, print_rows


def test_user_as_document() -> None:
    """Names are those of the contract, dates are text, what is not set is null or empty, never absent."""
    user = user_pb2.User(user_id="zoë", time_zone="Asia/Kathmandu", create_time=Timestamp(seconds=1))
    user.occasions.add(kind="birthday", date=Date(year=1899, month=2, day=3))
    user.occasions.add(kind="birthday", occasion_id="second", date=Date(month=2, day=29))
    user.attributes["level"] = 3
    assert json.loads(json_text(document(user))) == {
        "user_id": "zoë",
        "time_zone": "Asia/Kathmandu",
        "locale": "",
        "given_name": "",
        "family_name": "",
        "occasions": [
            {"occasion_id": "", "kind": "birthday", "date": "1899-02-03", "leap_day_rule": None},
            {"occasion_id": "second", "kind": "birthday", "date": "--02-29", "leap_day_rule": None},
        ],
        "attributes": {"level": 3.0},
        "create_time": "1970-01-01T00:00:01Z",
        "update_time": None,
        "etag": "",
        "preferences": None,
    }


def test_enums_times_and_spans_as_document() -> None:
    """Enum values lose their prefix, times of day and durations are text, big numbers stay numbers."""
    rule = event_type_pb2.EventType(
        state=event_type_pb2.EventType.STATE_PAUSED,
        local_time=TimeOfDay(hours=9, minutes=5),
        deliver_within=Duration(seconds=5400),
    )
    found = document(rule)
    assert (found["state"], found["priority"]) == ("PAUSED", None)
    assert (found["local_time"], found["deliver_within"]) == ("09:05:00", "5400s")
    status = scheduler_status_pb2.SchedulerStatus(term=2**60)
    assert json.loads(json_text(document(status)))["term"] == 2**60


def test_repeated_enums_maps_and_bytes_as_document() -> None:
    """Lists of enums, maps and bytes are what a reader of JSON expects; a value from the future is its number."""
    event = event_pb2.Event(metadata={"order": "7"})
    event.decision.shifts.extend([event_pb2.SHIFT_GAP, event_pb2.SHIFT_LEAP_DAY])
    event.state = 99  # type: ignore[assignment]
    found = document(event)
    assert found["decision"]["shifts"] == ["GAP", "LEAP_DAY"]
    assert (found["metadata"], found["state"]) == ({"order": "7"}, "99")
    assert document(message_pb2.Message(body="{“”}".encode()))["body"] == "{“”}"


def test_table_is_not_cut_in_a_pipe() -> None:
    """Another program gets every column whole, one row a line, and markup is text."""
    out = io.StringIO()
    print_rows(out, {"ID": "id", "ZONE": "deep.zone", "TAGS": "tags"}, [
        {"id": "x" * 300, "deep": {"zone": "[red]UTC[/red]"}, "tags": ["a", "b"]},
        {"id": "2", "deep": None, "tags": []},
    ])  # fmt: skip
    heading, first, second = out.getvalue().splitlines()
    assert heading.split() == ["ID", "ZONE", "TAGS"]
    assert first.split() == ["x" * 300, "[red]UTC[/red]", "a,", "b"]
    assert second.split() == ["2"]


def test_names_cannot_steer_the_terminal() -> None:
    """Control characters and turned directions in a value are shown, not obeyed; other scripts stay."""
    out = io.StringIO()
    print_fields(out, {"name": "Zo\x1b[2Jë \u202eevil", "title": "नमस्ते 👩‍👩‍👧", "nothing": None})
    assert "Zo\\x1b[2Jë \\u202eevil" in out.getvalue()
    assert "नमस्ते 👩‍👩‍👧" in out.getvalue()
    assert "nothing" not in out.getvalue()
