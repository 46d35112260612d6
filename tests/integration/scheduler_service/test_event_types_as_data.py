"""Rules are data: every field is kept, every change is a version, wrong input changes nothing."""

import asyncio

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import on_enrol_pb2, priority_pb2
from redletter.scheduler.v1 import event_type_pb2 as pb

from tests.integration.scheduler_service.conftest import OTHER_KEY, OTHER_TENANT, TENANT, World, utc
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import INVALID, Rules, days, greeting

START = utc("2028-03-02T08:00:00+00:00")

EDITS: dict[str, tuple[pb.EventType, bool]] = {
    "display_name": (pb.EventType(display_name="Hi"), False),
    "state": (pb.EventType(state=pb.EventType.STATE_PAUSED), True),
    "local_time": (pb.EventType(local_time=TimeOfDay(hours=11, seconds=1)), True),
    "day_offset": (pb.EventType(day_offset=-7), True),
    "deliver_within": (pb.EventType(deliver_within=days(3)), True),
    "priority": (pb.EventType(priority=priority_pb2.PRIORITY_HIGH), False),
    "templates": (
        pb.EventType(templates=[pb.Template(title="a", body="b", belated_title="c", belated_body="d")]),
        False,
    ),
    "attributes": (pb.EventType(attributes=["shoe", "hat"]), False),
    "gap_policy": (pb.EventType(gap_policy=pb.GAP_POLICY_END), True),
    "fold_policy": (pb.EventType(fold_policy=pb.FOLD_POLICY_SECOND), True),
    "skipped_date_policy": (pb.EventType(skipped_date_policy=pb.SKIPPED_DATE_POLICY_PREVIOUS), True),
    "late_policy": (pb.EventType(late_policy=pb.LATE_POLICY_EXPIRE), False),
    "on_enrol": (pb.EventType(on_enrol=on_enrol_pb2.ON_ENROL_SAME_DAY), True),
    "weekend_shift": (pb.EventType(weekend_shift=pb.WEEKEND_SHIFT_BEFORE), True),
    "min_gap": (pb.EventType(min_gap=days(30)), False),
    "spread": (pb.EventType(spread=Duration(seconds=3600)), True),
}


async def test_what_is_created_is_answered_with_its_defaults(world: World) -> None:
    """A rule with the least fields has every default of the contract; the answer is what is read later."""
    rules = Rules(await world.start(START))
    made = await rules.create(greeting())
    assert made == await rules.get("greeting")
    expected = greeting(
        display_name="greeting",
        version=1,
        etag="1",
        state=pb.EventType.STATE_ACTIVE,
        priority=priority_pb2.PRIORITY_NORMAL,
        recurrence=pb.RECURRENCE_YEARLY,
        gap_policy=pb.GAP_POLICY_FORWARD,
        fold_policy=pb.FOLD_POLICY_FIRST,
        skipped_date_policy=pb.SKIPPED_DATE_POLICY_NEXT,
        late_policy=pb.LATE_POLICY_SEND,
        weekend_shift=pb.WEEKEND_SHIFT_NONE,
        spread=Duration(),
        create_time=made.create_time,
        update_time=made.create_time,
    )
    assert made == expected


async def test_what_is_created_keeps_every_field(world: World) -> None:
    """A rule with all fields set is answered as given."""
    rules = Rules(await world.start(START))
    given = greeting(display_name="Hi", recurrence=pb.RECURRENCE_RRULE, rrule="FREQ=MONTHLY;BYDAY=2TU")
    for edit, _ in EDITS.values():
        given.MergeFrom(pb.EventType.FromString(edit.SerializeToString()))
    del given.templates[0]  # the edit has brought a fallback of its own
    made = await rules.create(given)
    given.MergeFrom(pb.EventType(version=1, etag="1"))
    given.create_time.CopyFrom(made.create_time)
    given.update_time.CopyFrom(made.update_time)
    assert made == given
    assert await rules.get("greeting") == given


async def test_a_rule_without_occasion(world: World) -> None:
    """Recurrence NONE has no kind of occasion; a kind and NONE, or neither, are refused."""
    rules = Rules(await world.start(START))
    made = await rules.create(greeting(occasion_kind="", recurrence=pb.RECURRENCE_NONE))
    assert (made.occasion_kind, made.recurrence) == ("", pb.RECURRENCE_NONE)
    both = await refusal(rules.create(greeting("both", recurrence=pb.RECURRENCE_NONE)))
    assert "event_type.occasion_kind" in both.fields
    neither = await refusal(rules.create(greeting("neither", occasion_kind="")))
    assert neither.code is INVALID
    assert await rules.names() == ["greeting"]


@pytest.mark.parametrize("path", EDITS)
async def test_each_field_can_be_changed_alone(world: World, path: str) -> None:
    """A change is one version, moves plans only if it is about time, and the same again is none."""
    rules = Rules(await world.start(START))
    before = await rules.create(greeting())
    edit, moves = EDITS[path]
    wire = pb.EventType(event_type_id="greeting", etag="1")
    wire.MergeFrom(edit)
    answer = await rules.update(wire, path)
    expected = pb.EventType()
    expected.CopyFrom(before)
    expected.ClearField(path)
    expected.MergeFrom(edit)
    expected.MergeFrom(pb.EventType(version=2, etag="2"))
    expected.update_time.CopyFrom(answer.event_type.update_time)
    assert answer.event_type == expected
    assert bool(answer.operation_id) == moves
    ((timing_version,),) = await world.rows("SELECT timing_version FROM event_types")
    assert timing_version == 1 + moves
    wire.etag = "2"
    again = await rules.update(wire, path)
    assert (again.event_type, again.operation_id) == (expected, "")


async def test_a_recurrence_rule_can_be_changed(world: World) -> None:
    """`rrule` moves plans; of another recurrence it is refused at its field."""
    rules = Rules(await world.start(START))
    await rules.create(greeting(recurrence=pb.RECURRENCE_RRULE, rrule="FREQ=MONTHLY"))
    answer = await rules.update(pb.EventType(event_type_id="greeting", rrule="FREQ=WEEKLY"), "rrule")
    assert answer.event_type.rrule == "FREQ=WEEKLY"
    assert answer.operation_id
    await rules.create(greeting("yearly"))
    wrong = await refusal(rules.update(pb.EventType(event_type_id="yearly", rrule="FREQ=WEEKLY"), "rrule"))
    assert (wrong.code, list(wrong.fields)) == (INVALID, ["event_type.rrule"])


async def test_what_is_not_named_stays(world: World) -> None:
    """A span that is named and has no value goes back to its default; a time without value is refused."""
    rules = Rules(await world.start(START))
    await rules.create(greeting(deliver_within=days(2), min_gap=days(1), spread=Duration(seconds=60)))
    cleared = pb.EventType(event_type_id="greeting", day_offset=3)
    after = (await rules.update(cleared, "deliver_within", "min_gap", "spread")).event_type
    assert not after.HasField("deliver_within")
    assert not after.HasField("min_gap")
    assert (after.spread.seconds, after.day_offset) == (0, 0)
    timeless = await refusal(rules.update(pb.EventType(event_type_id="greeting"), "local_time"))
    assert list(timeless.fields) == ["event_type.local_time"]
    assert (await rules.get("greeting")).version == 2


WRONG: dict[str, tuple[pb.EventType, str]] = {
    "an id in capitals": (greeting("Greeting"), "event_type.event_type_id"),
    "a name with a control character": (greeting(display_name="a\nb"), "event_type.display_name"),
    "deleted from the start": (greeting(state=pb.EventType.STATE_DELETED), "event_type.state"),
    "a kind with a blank": (greeting(occasion_kind="my day"), "event_type.occasion_kind"),
    "an hour of 25": (greeting(local_time=TimeOfDay(hours=25)), "event_type.local_time"),
    "a fraction of a second": (greeting(local_time=TimeOfDay(nanos=1)), "event_type.local_time"),
    "an offset of 367 days": (greeting(day_offset=367), "event_type.day_offset"),
    "31 days to deliver": (greeting(deliver_within=days(31)), "event_type.deliver_within"),
    "no time to deliver": (greeting(deliver_within=days(0)), "event_type.deliver_within"),
    "a priority of 9": (greeting(priority=9), "event_type.priority"),
    "an attribute twice": (greeting(attributes=["a", "a"]), "event_type.attributes"),
    "a recurrence of 9": (greeting(recurrence=9), "event_type.recurrence"),
    "a rule of hours": (
        greeting(recurrence=pb.RECURRENCE_RRULE, rrule="FREQ=HOURLY"),
        "event_type.rrule",
    ),
    "no rule": (greeting(recurrence=pb.RECURRENCE_RRULE), "event_type.rrule"),
    "a rule of a yearly": (greeting(rrule="FREQ=DAILY"), "event_type.rrule"),
    "a rule with a start": (
        greeting(recurrence=pb.RECURRENCE_RRULE, rrule="FREQ=DAILY;DTSTART=20270101"),
        "event_type.rrule",
    ),
    "a gap policy of 9": (greeting(gap_policy=9), "event_type.gap_policy"),
    "a fold policy of 9": (greeting(fold_policy=9), "event_type.fold_policy"),
    "a skipped date policy of 9": (greeting(skipped_date_policy=9), "event_type.skipped_date_policy"),
    "a late policy of 9": (greeting(late_policy=9), "event_type.late_policy"),
    "an enrolment of 9": (greeting(on_enrol=9), "event_type.on_enrol"),
    "a weekend shift of 9": (greeting(weekend_shift=9), "event_type.weekend_shift"),
    "a gap of half a day": (greeting(min_gap=days(0.5)), "event_type.min_gap"),
    "a gap of 361 days": (greeting(min_gap=days(361)), "event_type.min_gap"),
    "a spread of 7 hours": (greeting(spread=Duration(seconds=25_200)), "event_type.spread"),
    "a spread beyond the window": (
        greeting(spread=Duration(seconds=3600), deliver_within=Duration(seconds=3600)),
        "event_type.spread",
    ),
    "a NUL in a title": (
        greeting(templates=[pb.Template(title="a\x00", body="b")]),
        "event_type.templates[0].title",
    ),
    "a NUL in belated words": (
        greeting(templates=[pb.Template(body="b", belated_body="\x00")]),
        "event_type.templates[0].belated_body",
    ),
    "a title of 501 characters": (
        greeting(templates=[pb.Template(title="x" * 501, body="b")]),
        "event_type.templates[0].title",
    ),
    "a belated title of 501 characters": (
        greeting(templates=[pb.Template(body="b", belated_title="x" * 501)]),
        "event_type.templates[0].belated_title",
    ),
    "no body": (greeting(templates=[pb.Template(title="t")]), "event_type.templates[0].body"),
    "belated words of a broken kind": (
        greeting(templates=[pb.Template(body="b", belated_body="{{ user.nickname }}")]),
        "event_type.templates[0].belated_body",
    ),
    "a locale with a blank": (
        greeting(templates=[pb.Template(body="b"), pb.Template(locale="d e", body="b")]),
        "event_type.templates[1].locale",
    ),
    "an etag of 65 characters": (greeting(etag="x" * 65), "event_type.etag"),
}


async def test_wrong_fields_are_refused_before_anything_is_written(world: World) -> None:
    """Each wrong field is named, and no rule, version or operation comes of it."""
    rules = Rules(await world.start(START))
    for what, (wire, field) in WRONG.items():
        refused = await refusal(rules.create(wire))
        assert (refused.code, list(refused.fields)) == (INVALID, [field]), what
    for table in ("event_types", "event_type_versions", "operations"):
        assert await world.rows(f"SELECT 1 FROM {table}") == []


async def test_a_wrong_change_changes_nothing(world: World) -> None:
    """A field that does not go with the stored ones is refused, and the rule stays as it is."""
    rules = Rules(await world.start(START))
    before = await rules.create(greeting(deliver_within=Duration(seconds=3600)))
    wrong: dict[str, pb.EventType] = {
        "spread": pb.EventType(spread=Duration(seconds=3600)),
        "min_gap": pb.EventType(min_gap=days(0.5)),
        "rrule": pb.EventType(rrule="FREQ=DAILY"),
        "templates": pb.EventType(),
        "state": pb.EventType(state=pb.EventType.STATE_DELETED),
    }
    for path, wire in wrong.items():
        wire.event_type_id = "greeting"
        refused = await refusal(rules.update(wire, path))
        assert (refused.code, list(refused.fields)) == (INVALID, [f"event_type.{path}"]), path
    assert await rules.get("greeting") == before
    assert len(await world.rows("SELECT 1 FROM event_type_versions")) == 1


async def test_of_two_changes_at_once_one_wins(world: World) -> None:
    """Both have read etag 1; one is stored, the other learns that it is stale."""
    rules = Rules(await world.start(START))
    await rules.create(greeting())
    edits = [pb.EventType(event_type_id="greeting", display_name=name, etag="1") for name in "ab"]
    results = await asyncio.gather(
        *(rules.update(edit, "display_name") for edit in edits), return_exceptions=True
    )
    failed = [r for r in results if isinstance(r, grpc.aio.AioRpcError)]
    assert [r.code() for r in failed] == [grpc.StatusCode.ABORTED]
    assert (await rules.get("greeting")).version == 2


async def test_words_that_would_end_a_process_are_refused(world: World) -> None:
    """A name joined with itself, again and again, asks for a terabyte: refused, and the scheduler goes on."""
    rules = Rules(await world.start(START))
    name = "user.name | default('x')"
    bomb = f"{{{{ {name} | join({name}) | join({name}) | join({name}) | length }}}}"
    refused = await refusal(rules.create(greeting(templates=[pb.Template(body=bomb)])))
    assert (refused.code, refused.reason) == (INVALID, "INVALID_TEMPLATE")
    assert "a person with a very long name" in refused.fields["event_type.templates[0].body"]
    assert (await rules.create(greeting())).version == 1


async def test_a_tenant_has_at_most_a_thousand(world: World) -> None:
    """The 1,001st is refused with the number; a deleted one makes room, and counts when it is revived."""
    rules = Rules(await world.start(START))
    await rules.create(greeting("rule-0000"))
    await world.rows(
        "INSERT INTO event_types SELECT (jsonb_populate_record(e, jsonb_build_object('event_type_id',"
        " 'rule-' || to_char(n, 'FM0000')))).* FROM event_types e, generate_series(1, 999) AS n"
    )
    full = await refusal(rules.create(greeting("one-more")))
    assert full.code is grpc.StatusCode.FAILED_PRECONDITION
    assert "1000 event types" in full.message
    await rules.delete("rule-0500")
    await rules.create(greeting("one-more"))
    assert (await refusal(rules.create(greeting("rule-0500")))).code is grpc.StatusCode.FAILED_PRECONDITION
    assert (await Rules(world.replicas[0], OTHER_KEY).create(greeting("one-more"))).version == 1


async def test_built_in_rules_are_the_tenants_own(world: World) -> None:
    """A tenant changes its birthday rule; another tenant's stays as it came."""
    world.feed.put_tenant(START)
    world.feed.put_tenant(START, tenant_id=OTHER_TENANT)
    replica = await world.start(START)
    await world.drained()
    mine, theirs = Rules(replica), Rules(replica, OTHER_KEY)
    assert await mine.names() == ["anniversary", "birthday", "reminder"]
    edit = pb.EventType(event_type_id="birthday", local_time=TimeOfDay(hours=7))
    assert (await mine.update(edit, "local_time")).event_type.built_in
    await mine.delete("reminder")
    assert await mine.names() == ["anniversary", "birthday"]
    assert await theirs.names() == ["anniversary", "birthday", "reminder"]
    assert (await theirs.get("birthday")).local_time.hours == 9
    found = await world.rows("SELECT count(*) FROM event_types WHERE tenant_id = $1", TENANT)
    assert found[0][0] == 3
