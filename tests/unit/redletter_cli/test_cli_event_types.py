"""The verbs of `redletter event-types`: the request each sends, what it prints, how it ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import on_enrol_pb2, priority_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

NINE = ("--at", "09:00")
BIRTHDAY = ("--occasion-kind", "birthday", *NINE)


def test_create_sends_every_field_of_a_rule(services: StandIn, redletter: Run) -> None:
    """Each field of the contract that a caller sets has an option."""
    code, _, _ = redletter(
        "event-types", "create", "payday", "--occasion-kind", "contract", "--rrule", "FREQ=MONTHLY;BYDAY=2TU",
        "--at", "09:30", "--title", "t", "--body", "b", "--belated-title", "bt", "--belated-body", "bb",
        "--day-offset", "-7", "--deliver-within", "6h", "--priority", "high", "--state", "paused",
        "--display-name", "Pay", "--attribute", "team", "--gap-policy", "end", "--fold-policy", "second",
        "--skipped-date-policy", "previous", "--late-policy", "expire", "--on-enrol", "same-day",
        "--weekend-shift", "before", "--min-gap", "20d", "--spread", "2h",
    )  # fmt: skip
    assert code == 0
    [request] = services.named("CreateEventType")
    assert request.event_type == event_type_pb2.EventType(
        event_type_id="payday",
        occasion_kind="contract",
        recurrence=event_type_pb2.RECURRENCE_RRULE,
        rrule="FREQ=MONTHLY;BYDAY=2TU",
        local_time=TimeOfDay(hours=9, minutes=30),
        templates=[event_type_pb2.Template(title="t", body="b", belated_title="bt", belated_body="bb")],
        day_offset=-7,
        deliver_within=Duration(seconds=21600),
        priority=priority_pb2.PRIORITY_HIGH,
        state=event_type_pb2.EventType.STATE_PAUSED,
        display_name="Pay",
        attributes=["team"],
        gap_policy=event_type_pb2.GAP_POLICY_END,
        fold_policy=event_type_pb2.FOLD_POLICY_SECOND,
        skipped_date_policy=event_type_pb2.SKIPPED_DATE_POLICY_PREVIOUS,
        late_policy=event_type_pb2.LATE_POLICY_EXPIRE,
        on_enrol=on_enrol_pb2.ON_ENROL_SAME_DAY,
        weekend_shift=event_type_pb2.WEEKEND_SHIFT_BEFORE,
        min_gap=Duration(seconds=20 * 86400),
        spread=Duration(seconds=7200),
    )


def test_create_without_occasion_is_for_events_of_ones_own(services: StandIn, redletter: Run) -> None:
    """Recurrence none needs no kind of occasion."""
    assert redletter("event-types", "create", "order", "--recurrence", "none", *NINE, "--body", "b")[0] == 0
    [request] = services.named("CreateEventType")
    assert (request.event_type.recurrence, request.event_type.occasion_kind) == (
        event_type_pb2.RECURRENCE_NONE,
        "",
    )


def test_update_names_what_was_given_and_the_operation(services: StandIn, redletter: Run) -> None:
    """The mask has the given fields only; a default word is a field without a value."""
    services.answers["UpdateEventType"] = event_type_service_pb2.UpdateEventTypeResponse(operation_id="op-1")
    code, out, err = redletter(
        "event-types", "update", "birthday", "--at", "10:00", "--spread", "0s", "--min-gap", "default",
        "--on-enrol", "default", "--deliver-within", "day-end", "-o", "json",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["operation_id"] == "op-1"
    assert "`redletter operations wait op-1`" in err
    [request] = services.named("UpdateEventType")
    assert set(request.update_mask.paths) == {"local_time", "spread", "min_gap", "on_enrol", "deliver_within"}
    assert request.event_type.HasField("spread")
    assert not request.event_type.HasField("min_gap")
    assert not request.event_type.HasField("deliver_within")


def test_update_of_words_keeps_other_locales(services: StandIn, redletter: Run) -> None:
    """The stored templates are read, the fallback's given parts are replaced, the etag guards them."""
    stored = event_type_pb2.EventType(
        etag="7",
        templates=[
            event_type_pb2.Template(locale="de", body="Hallo"),
            event_type_pb2.Template(title="old", body="Hello"),
        ],
    )
    services.answers["GetEventType"] = event_type_service_pb2.GetEventTypeResponse(event_type=stored)
    assert redletter("event-types", "update", "birthday", "--belated-body", "Sorry")[0] == 0
    [request] = services.named("UpdateEventType")
    german, fallback = request.event_type.templates
    assert (german.body, fallback.body, fallback.belated_body) == ("Hallo", "Hello", "Sorry")
    assert (request.event_type.etag, list(request.update_mask.paths)) == ("7", ["templates"])


def test_delete_names_the_operation_that_ends_plans(services: StandIn, redletter: Run) -> None:
    """The rule is deleted by its id; the operation is in the answer."""
    services.answers["DeleteEventType"] = event_type_service_pb2.DeleteEventTypeResponse(operation_id="op-2")
    code, out, err = redletter("event-types", "delete", "birthday", "-o", "json")
    assert code == 0
    assert json.loads(out) == {"event_type_id": "birthday", "deleted": True, "operation_id": "op-2"}
    assert "op-2" in err
    assert services.named("DeleteEventType")[0].event_type_id == "birthday"


def test_pause_and_resume_print_the_rule_as_it_is(services: StandIn, redletter: Run) -> None:
    """Both are calls of their own."""
    rule = event_type_pb2.EventType(event_type_id="birthday", state=event_type_pb2.EventType.STATE_PAUSED)
    services.answers["PauseEventType"] = event_type_service_pb2.PauseEventTypeResponse(event_type=rule)
    code, out, _ = redletter("event-types", "pause", "birthday")
    assert (code, "PAUSED" in out) == (0, True)
    assert redletter("event-types", "resume", "birthday")[0] == 0
    assert [name for name, _ in services.calls] == ["PauseEventType", "ResumeEventType"]


def test_get_of_a_version_and_list_with_deleted_ones(services: StandIn, redletter: Run) -> None:
    """A version, and whether deleted ones are listed, are in the requests; by default neither is."""
    assert redletter("event-types", "get", "birthday", "--version", "3")[0] == 0
    assert redletter("event-types", "get", "birthday")[0] == 0
    assert [request.version for request in services.named("GetEventType")] == [3, 0]
    redletter("event-types", "list", "--deleted")
    redletter("event-types", "list")
    assert [request.show_deleted for request in services.named("ListEventTypes")] == [True, False]


def test_preview_ends_with_1_when_words_fail_for_somebody(services: StandIn, redletter: Run) -> None:
    """Each person's words are a row; an error is one too, with status 1."""
    answer = event_type_service_pb2.PreviewTemplateResponse(
        messages=[event_type_service_pb2.RenderedMessage(person="ada", title="Hi", body="Ada")]
    )
    services.answers["PreviewTemplate"] = answer
    code, out, _ = redletter("event-types", "preview", "birthday", "--user", "ada", "--belated", "-o", "json")
    assert (code, json.loads(out)[0]["body"]) == (0, "Ada")
    answer.messages.add(person="no year", error="turns is undefined")
    code, out, _ = redletter("event-types", "preview", "birthday", "--body", "{{ turns }}")
    assert code == 1
    assert "turns is undefined" in out
    stored, given = services.named("PreviewTemplate")
    assert (stored.user_id, stored.belated, list(stored.templates)) == ("ada", True, [])
    assert [template.body for template in given.templates] == ["{{ turns }}"]


def test_preview_of_a_file(services: StandIn, redletter: Run, tmp_path: Path) -> None:
    """Templates of a file are tried instead of the stored ones."""
    words = [{"locale": "", "body": "b", "belated_body": "late"}]
    (tmp_path / "t.json").write_text(json.dumps(words), encoding="utf-8")
    redletter("event-types", "preview", "birthday", "--templates", "t.json")
    assert services.named("PreviewTemplate")[0].templates[0].belated_body == "late"


def test_test_sends_to_one_endpoint(services: StandIn, redletter: Run) -> None:
    """User, endpoint and occasion are in the request; how to look is said."""
    services.answers["TestEventType"] = event_type_service_pb2.TestEventTypeResponse(event_id="evt_1")
    code, out, err = redletter(
        "event-types", "test", "birthday", "--user", "ada", "--endpoint", "shop", "--occasion", "second"
    )
    assert code == 0
    assert "evt_1" in out
    assert err == "`redletter deliveries get evt_1 shop` says what became of it\n"
    assert services.named("TestEventType") == [
        event_type_service_pb2.TestEventTypeRequest(
            event_type_id="birthday", user_id="ada", endpoint_id="shop", occasion_id="second"
        )
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("create", "x", *NINE, "--body", "b"), "the occasion is missing; give --occasion-kind"),
        (("create", "x", *BIRTHDAY, "--recurrence", "none", "--body", "b"), "has no occasion"),
        (
            ("create", "x", *BIRTHDAY, "--recurrence", "rrule", "--body", "b"),
            "--recurrence rrule and --rrule go",
        ),
        (("create", "x", *BIRTHDAY, "--recurrence", "daily", "--body", "b"), '"daily" is not one of yearly,'),
        (("create", "x", *BIRTHDAY), "the words are missing"),
        (("update", "x", "--gap-policy", "skip"), '"skip" is not one of forward, end, backward'),
        (("update", "x", "--on-enrol", "x"), '"x" is not one of next, same-day'),
        (("update", "x", "--state", "deleted"), '"deleted" is not one of active, paused'),
        (("update", "x", "--spread", "7h"), '"7h" is not a duration of 0s to 6h'),
        (("update", "x", "--min-gap", "361d"), '"361d" is not a duration of 0d to 360d'),
        (("update", "x"), "nothing to change"),
        (("get", "x", "--version", "0"), "--version"),
        (("delete",), "EVENT_TYPE"),
        (("preview", "x", "--title", "t"), "words to try need a body"),
        (("test", "x", "--user", "ada"), "--endpoint"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter("event-types", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
