"""The verbs of `redletter events`: the request each sends, what it prints, how it ends."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import item_result_pb2, priority_pb2
from redletter.scheduler.v1 import event_pb2, event_service_pb2

from tests.unit.redletter.sdk_examples import status
from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

EVENT = event_pb2.Event(event_id="evt_1", user_id="ada", state=event_pb2.Event.STATE_PLANNED)
WHO = ("--user", "ada", "--type", "order")
WHICH = ("--state", "expired", "--from", "2027-03-04", "--to", "2027-03-05", "--reason", "outage")


def refused(index: int, message: str) -> item_result_pb2.ItemResult:
    """Return the result of an item that was refused."""
    info = error_details_pb2.ErrorInfo(reason="NOT_FOUND", domain="redletter")
    found = status(grpc.StatusCode.NOT_FOUND, message, info)
    return item_result_pb2.ItemResult(index=index, status=found)


def test_create_sends_everything_that_was_given(services: StandIn, redletter: Run) -> None:
    """Instance, user, type, instant, window, priority and metadata are in the request, the event is printed."""
    services.answers["CreateEvent"] = event_service_pb2.CreateEventResponse(event=EVENT, created=True)
    code, out, err = redletter(
        "events", "create", "--instance", "o-1", *WHO, "--at", "2027-03-04T08:00:00Z", "--deliver-within", "6h",
        "--priority", "high", "--metadata", "order=7", "--metadata", "note=a=b", "-o", "json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert (json.loads(out)["event_id"], json.loads(out)["created"]) == ("evt_1", True)
    [request] = services.named("CreateEvent")
    assert request == event_service_pb2.CreateEventRequest(
        instance="o-1",
        user_id="ada",
        event_type_id="order",
        due_time=Timestamp(seconds=1804147200),
        deliver_within=Duration(seconds=21600),
        priority=priority_pb2.PRIORITY_HIGH,
        metadata={"order": "7", "note": "a=b"},
    )


def test_create_at_a_local_time(services: StandIn, redletter: Run) -> None:
    """A local date and time is sent as such; without either the event is due now."""
    assert redletter("events", "create", "--instance", "1", *WHO, "--local", "2027-03-04 09:00")[0] == 0
    assert redletter("events", "create", "--instance", "2", *WHO)[0] == 0
    local, now = services.named("CreateEvent")
    moment = event_service_pb2.LocalMoment(
        date=Date(year=2027, month=3, day=4), time=TimeOfDay(hours=9, minutes=0)
    )
    assert local.local_time == moment
    assert now.WhichOneof("due") is None


def test_create_again_is_said_to_be_the_same_event(services: StandIn, redletter: Run) -> None:
    """The same call again is no failure, but the person is told."""
    services.answers["CreateEvent"] = event_service_pb2.CreateEventResponse(event=EVENT)
    code, _, err = redletter("events", "create", "--instance", "o-1", *WHO)
    assert (code, err) == (0, 'the same call had made it before: instance "o-1"\n')


def test_batch_keeps_the_good_ones_and_names_each_refused_line(
    services: StandIn, redletter: Run, tmp_path: Path
) -> None:
    """What the file or the service refuses is listed by line with its reason; the others are made; 1."""

    def answer(request: Any) -> event_service_pb2.BatchCreateEventsResponse:
        return event_service_pb2.BatchCreateEventsResponse(
            event_ids=["evt_a", ""],
            results=[item_result_pb2.ItemResult(), refused(1, 'there is no user "x"')],
        )

    services.answers["BatchCreateEvents"] = answer
    lines = [
        {"instance": "a", "user_id": "ada", "event_type_id": "order", "local_time": "2027-03-04 09:00"},
        {"instance": "b", "user_id": "ada", "event_type_id": "order", "deliver_within": "soon"},
        {
            "instance": "c",
            "user_id": "x",
            "event_type_id": "order",
            "deliver_within": "6h",
            "priority": "low",
        },
        {"instance": "d", "usr_id": "x"},
    ]
    text = "\n".join(json.dumps(line) for line in lines) + "\n\n{\n[]\n"
    (tmp_path / "e.jsonl").write_text(text, encoding="utf-8")
    code, out, err = redletter("events", "create-batch", "e.jsonl", "-o", "json")
    assert (code, err) == (1, "1 of 6 events made\n")
    rows = {row["line"]: row for row in json.loads(out)}
    assert rows[1] == {"line": 1, "instance": "a", "event_id": "evt_a", "reason": None}
    assert rows[2]["reason"] == '"soon" is not a duration of 1s to 30d; write for example 90s, 30m, 6h or 2d'
    assert rows[3]["reason"] == 'there is no user "x"'
    assert "usr_id" in rows[4]["reason"]
    assert rows[6]["reason"].startswith("the line is not JSON")
    assert rows[7]["reason"] == "the line is not a JSON object"
    [request] = services.named("BatchCreateEvents")
    first, second = request.events
    assert (first.local_time.time.hours, second.priority) == (9, priority_pb2.PRIORITY_LOW)
    assert second.deliver_within.seconds == 21600


def test_batch_is_sent_in_requests_of_500(services: StandIn, redletter: Run, tmp_path: Path) -> None:
    """A long file is several requests; everything made is 0."""
    services.answers["BatchCreateEvents"] = lambda request: event_service_pb2.BatchCreateEventsResponse(
        event_ids=[f"evt_{event.instance}" for event in request.events],
        results=[item_result_pb2.ItemResult(index=index) for index in range(len(request.events))],
    )
    line = '{{"instance": "{}", "user_id": "ada", "event_type_id": "order"}}\n'
    (tmp_path / "e.jsonl").write_text("".join(line.format(n) for n in range(501)), encoding="utf-8")
    code, out, err = redletter("events", "create-batch", "e.jsonl")
    assert (code, err) == (0, "501 of 501 events made\n")
    assert "evt_500" in out
    assert [len(request.events) for request in services.named("BatchCreateEvents")] == [500, 1]


def test_batch_of_large_events_stays_below_what_a_request_may_have(
    services: StandIn, redletter: Run, tmp_path: Path
) -> None:
    """Events of 25 kB each are more requests of fewer events, none over 3 MiB; nothing is left out."""
    services.answers["BatchCreateEvents"] = lambda request: event_service_pb2.BatchCreateEventsResponse(
        event_ids=[f"evt_{event.instance}" for event in request.events],
        results=[item_result_pb2.ItemResult(index=index) for index in range(len(request.events))],
    )
    metadata = {f"k{number}": "v" * 500 for number in range(50)}
    lines = [
        {"instance": str(number), "user_id": "ada", "event_type_id": "order", "metadata": metadata}
        for number in range(130)
    ]
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert redletter("events", "create-batch", "e.jsonl")[::2] == (0, "130 of 130 events made\n")
    requests = services.named("BatchCreateEvents")
    assert len(requests) == 2
    assert all(request.ByteSize() <= 3 * 1024 * 1024 + 4096 for request in requests)


def test_batch_that_stops_prints_what_was_made(services: StandIn, redletter: Run, tmp_path: Path) -> None:
    """A refusal of the whole request ends with 1, after what was answered before it."""
    services.answers["BatchCreateEvents"] = (grpc.StatusCode.PERMISSION_DENIED, "the key was revoked")
    line = '{"instance": "1", "user_id": "ada", "event_type_id": "order"}\n'
    (tmp_path / "e.jsonl").write_text(line, encoding="utf-8")
    code, _, err = redletter("events", "create-batch", "e.jsonl")
    assert code == 1
    assert "stopped after 0 of 1 events; repeat it to go on, none is made twice" in err
    assert err.endswith("redletter: the key was revoked\n")


def test_list_sends_all_filters(services: StandIn, redletter: Run) -> None:
    """Each filter of the contract has an option."""
    code, _, _ = redletter(
        "events", "list", "--user", "ada", "--type", "order", "--state", "sent", "--due-after", "2027-03-04",
        "--due-before", "2027-03-05", "--created-after", "2027-03-01", "--created-before", "2027-03-02",
        "--priority", "low", "--metadata", "order=7",
    )  # fmt: skip
    assert code == 0
    [request] = services.named("ListEvents")
    day = 86400
    assert request == event_service_pb2.ListEventsRequest(
        user_id="ada",
        event_type_id="order",
        states=[event_pb2.Event.STATE_SENT],
        due_after=Timestamp(seconds=1804118400),
        due_before=Timestamp(seconds=1804118400 + day),
        created_after=Timestamp(seconds=1804118400 - 3 * day),
        created_before=Timestamp(seconds=1804118400 - 2 * day),
        priority=priority_pb2.PRIORITY_LOW,
        metadata={"order": "7"},
        page_size=101,
    )


def test_trigger_says_for_whom_and_whether_the_cycle_is_used_up(services: StandIn, redletter: Run) -> None:
    """User, rule, occasion, consumption and instance are in the request."""
    services.answers["TriggerEvent"] = event_service_pb2.TriggerEventResponse(event=EVENT)
    code, out, _ = redletter(
        "events", "trigger", *WHO, "--occasion", "second", "--consume", "--instance", "t"
    )
    assert code == 0
    assert "evt_1" in out
    assert services.named("TriggerEvent") == [
        event_service_pb2.TriggerEventRequest(
            user_id="ada", event_type_id="order", occasion_id="second", consume=True, instance="t"
        )
    ]


def test_skip_and_reschedule_send_the_id_and_the_moment(services: StandIn, redletter: Run) -> None:
    """Both print the event as it is now."""
    services.answers["SkipEvent"] = event_service_pb2.SkipEventResponse(event=EVENT)
    services.answers["RescheduleEvent"] = event_service_pb2.RescheduleEventResponse(event=EVENT)
    assert "evt_1" in redletter("events", "skip", "evt_1")[1]
    assert "evt_1" in redletter("events", "reschedule", "evt_1", "--at", "2027-03-04")[1]
    assert services.named("SkipEvent")[0].event_id == "evt_1"
    assert services.named("RescheduleEvent")[0].due_time.seconds == 1804118400


def test_cancel_ends_with_1_when_one_was_too_late_or_unknown(services: StandIn, redletter: Run) -> None:
    """Each event has its answer; ids given twice are asked once."""
    achieved = event_service_pb2
    services.answers["BatchCancelEvents"] = event_service_pb2.BatchCancelEventsResponse(
        results=[item_result_pb2.ItemResult()] * 2 + [refused(2, "there is no event evt_3")],
        cancel_results=[
            achieved.CANCEL_RESULT_CANCELLED,
            achieved.CANCEL_RESULT_TOO_LATE,
            achieved.CANCEL_RESULT_UNSPECIFIED,
        ],
    )
    code, out, _ = redletter("events", "cancel", "evt_1", "evt_2", "evt_1", "evt_3", "-o", "json")
    assert code == 1
    assert list(services.named("BatchCancelEvents")[0].event_ids) == ["evt_1", "evt_2", "evt_3"]
    first, second, third = json.loads(out)
    assert first == {"event_id": "evt_1", "result": "CANCELLED", "reason": None}
    assert second["result"] == "TOO_LATE"
    assert third == {"event_id": "evt_3", "result": None, "reason": "there is no event evt_3"}


def test_cancel_that_worked_ends_with_0(services: StandIn, redletter: Run) -> None:
    """CANCELLED and CANCELLING are what was asked for."""
    services.answers["BatchCancelEvents"] = event_service_pb2.BatchCancelEventsResponse(
        results=[item_result_pb2.ItemResult()], cancel_results=[event_service_pb2.CANCEL_RESULT_CANCELLING]
    )
    code, out, _ = redletter("events", "cancel", "evt_1")
    assert code == 0
    assert "CANCELLING" in out


def test_reissue_sends_its_reason(services: StandIn, redletter: Run) -> None:
    """Id, reason and instance are in the request, the new event is printed."""
    services.answers["ReissueEvent"] = event_service_pb2.ReissueEventResponse(event=EVENT)
    assert "evt_1" in redletter("events", "reissue", "evt_0", "--reason", "lost", "--instance", "r-1")[1]
    assert services.named("ReissueEvent") == [
        event_service_pb2.ReissueEventRequest(event_id="evt_0", reason="lost", instance="r-1")
    ]


def counting(request: Any) -> event_service_pb2.ReissueEventsResponse:
    """Return 3 events, and an operation unless they are only counted."""
    return event_service_pb2.ReissueEventsResponse(count=3, operation_id="" if request.dry_run else "op-1")


def test_reissue_all_counts_first_and_goes_on_with_yes(services: StandIn, redletter: Run) -> None:
    """Two calls with the same filter: one that counts, one that acts; the operation is named."""
    services.answers["ReissueEvents"] = counting
    code, out, err = redletter(
        "events", "reissue-all", *WHICH, "--type", "order", "--ended-reason", "missed", "--max-per-second", "9",
        "--yes", "-o", "json",
    )  # fmt: skip
    assert (code, json.loads(out)) == (0, {"count": 3, "operation_id": "op-1"})
    assert "redletter operations wait op-1" in err
    count, act = services.named("ReissueEvents")
    assert (count.dry_run, act.dry_run) == (True, False)
    count.dry_run = False
    assert count == act
    assert act.ended_reason == event_pb2.EVENT_REASON_MISSED
    assert (act.max_per_second, act.event_type_id, act.reason) == (9, "order", "outage")
    assert (act.due_after.seconds, act.due_before.seconds) == (1804118400, 1804204800)


def test_reissue_all_with_dry_run_only_counts(services: StandIn, redletter: Run) -> None:
    """Nothing is issued and nobody is asked."""
    services.answers["ReissueEvents"] = counting
    code, out, err = redletter("events", "reissue-all", *WHICH, "--dry-run", "-o", "json")
    assert (code, json.loads(out), err) == (0, {"count": 3, "operation_id": None}, "")
    assert [request.dry_run for request in services.named("ReissueEvents")] == [True]


class _Terminal(io.StringIO):
    """Standard input with somebody in front of it."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("said", "calls"), [("n\n", 1), ("y\n", 2)])
def test_reissue_all_asks_with_the_number(
    services: StandIn, redletter: Run, monkeypatch: pytest.MonkeyPatch, said: str, calls: int
) -> None:
    """The question says how many and how long; only a yes goes on."""
    services.answers["ReissueEvents"] = counting
    monkeypatch.setattr("sys.stdin", _Terminal(said))
    code, _, err = redletter("events", "reissue-all", *WHICH, "--max-per-second", "2")
    assert code == 0
    assert "issue 3 events again, at most 2 a second (about 2 s)?" in err
    assert len(services.named("ReissueEvents")) == calls


def test_reissue_all_of_nothing_asks_nobody(services: StandIn, redletter: Run) -> None:
    """A filter that finds nothing is counted and that is all."""
    code, _, err = redletter("events", "reissue-all", *WHICH, "--yes")
    assert (code, err) == (0, "nothing was issued again\n")
    assert len(services.named("ReissueEvents")) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "--instance", "1", *WHO, "--at", "x"), '"x" is not an instant'),
        (
            ("create", "--instance", "1", *WHO, "--at", "2027-03-04", "--local", "2027-03-04 09:00"),
            "not both",
        ),
        (("create", "--instance", "1", *WHO, "--local", "2027-02-29 09:00"), "is not a date of the calendar"),
        (("create", "--instance", "1", *WHO, "--local", "2027-03-04"), "is not a local date and time"),
        (("create", "--instance", "1", *WHO, "--metadata", "x"), '"x" has not the form NAME=VALUE'),
        (("create", "--instance", "1", *WHO, "--metadata", "x=1", "--metadata", "x=2"), "given twice"),
        (("create", *WHO), "--instance"),
        (("list", "--priority", "urgent"), '"urgent" is not one of low, normal, high'),
        (("trigger", "--user", "ada"), "--event-type"),
        (("skip",), "EVENT_ID"),
        (("reschedule", "evt_1"), "to when? give --at INSTANT"),
        (("cancel",), "EVENT_ID"),
        (("reissue", "evt_1"), "--reason"),
        (("reissue-all", *WHICH, "--state", "planned", "--yes"), '"planned" is not one of sent, suppressed'),
        (("reissue-all", *WHICH), "there is nobody to ask"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter("events", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []


@pytest.mark.parametrize(("content", "sentence"), [(None, "cannot read"), ("\n", "has no events")])
def test_file_that_is_no_list_of_events_is_a_sentence_and_2(
    services: StandIn, redletter: Run, tmp_path: Path, content: str | None, sentence: str
) -> None:
    """A file that is missing or empty ends before any call."""
    if content is not None:
        (tmp_path / "e.jsonl").write_text(content, encoding="utf-8")
    code, out, err = redletter("events", "create-batch", "e.jsonl")
    assert (code, out) == (2, "")
    assert sentence in err
    assert services.calls == []
