"""The books of a day on which everything happens, and what is found when somebody falsifies them."""

from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.user.v1 import preferences_pb2

from chassis.database import create_engine
from scheduler_service.domain.ids import event_id
from scheduler_service.store import SCHEMA, identity
from scheduler_service.workers.balances import Ledgers, Peer
from tests.integration.scheduler_service.conftest import (
    KEY,
    OPERATOR,
    OTHER_KEY,
    OTHER_TENANT,
    TENANT,
    Replica,
    World,
    eventually,
    until,
    utc,
)
from tests.integration.scheduler_service.event_calls import asked, created
from tests.integration.scheduler_service.ledger_calls import (
    DAY,
    ENROLLED,
    full_day,
    ledger,
    listed,
    sides,
    table,
)
from tests.integration.scheduler_service.refusals import refusal


async def test_a_full_day_balances(world: World) -> None:
    """Everything is accounted for: what has changed since is listed, what is open or never applied is not."""
    day = await full_day(world)
    found = await ledger(day.replica)
    print("\n" + table(found))
    assert found.difference == 0
    assert sides(found.sent) == (7, 7, 0)
    assert sides(found.outcomes) == (7, 7, 0)
    # sent, leapling, suppressed, missed, open, and the caller's own; moved, corrected, deleted and
    # stopped, which nobody calls for any more; omitted, late and idle have nothing on this day.
    assert sides(found.expected) == (10, 10, 0)
    assert {count.name: count.count for count in found.ended} == {
        "SENT": 7,
        "SUPPRESSED(OPTED_OUT)": 1,
        "EXPIRED(MISSED)": 1,
    }
    changed = {day.ids[name] for name in ("corrected", "deleted", "stopped", "moved")}
    assert listed(found.expected) == dict.fromkeys(changed, "CHANGED_SINCE")
    texts = {d.event_id: d.text for d in found.expected.differences}
    assert "gone" in texts[day.ids["deleted"]]
    assert "rule has changed" in texts[day.ids["stopped"]]
    assert "enrolment" in texts[day.ids["moved"]]


async def test_a_corrected_date_is_accounted_for_on_the_other_date(world: World) -> None:
    """The turn of this year was decided on 28 February: on 5 March it is listed, and no difference."""
    day = await full_day(world)
    found = await ledger(day.replica, Date(year=2027, month=3, day=5))
    assert listed(found.expected) == {day.ids["corrected"]: "CHANGED_SINCE"}
    assert (sides(found.expected), found.difference) == ((0, 0, 0), 0)


@dataclass
class Evening:
    """The same date with four people: ids of what was sent, suppressed, is open, and was asked for."""

    world: World
    replica: Replica
    sent: str
    suppressed: str
    open: str
    asked: str

    async def sabotage(self, statement: str, *arguments: object) -> None:
        """Change one row behind everybody's back."""
        assert len(await self.world.rows(statement + " RETURNING 1", *arguments)) == 1


async def planned_by_the_rules(world: World) -> bool:
    """Return whether no rule's people are being planned again: that would account for anything."""
    return not await world.rows("SELECT 1 FROM event_types WHERE replanned_version < timing_version")


@pytest.fixture
async def evening(world: World) -> Evening:
    """One sent, one suppressed, one open in Honolulu, one asked for in half a year: the day balances."""
    people: dict[str, Any] = {"month": 2, "day": 28, "enrolled": ENROLLED}
    unwanted = preferences_pb2.Preferences(
        event_types=[preferences_pb2.EventTypePreference(event_type_id="birthday", opted_out=True)]
    )
    world.feed.put_tenant(ENROLLED)
    world.feed.put_user("sent", "UTC", **people)
    world.feed.put_user("suppressed", "UTC", **people, preferences=unwanted)
    world.feed.put_user("open", "Pacific/Honolulu", **people)
    replica = await world.start(utc("2027-02-28T17:00:00+00:00"))
    await until(lambda: world.sent_to("sent"))
    later = Timestamp(seconds=utc("2027-08-01T00:00:00+00:00").timestamp())
    own = (await created(replica, asked("own", "open", due_time=later))).event.event_id
    ended = await world.ended("sent"), await world.ended("suppressed")
    plan = await world.planned("open")
    found = Evening(
        world,
        replica,
        ended[0]["event_id"],
        ended[1]["event_id"],
        event_id(bytes(plan["plan_id"]), plan["cycle"]),
        own,
    )
    await eventually(lambda: planned_by_the_rules(world))
    balance = await ledger(replica)
    assert (balance.difference, sides(balance.expected)) == (0, (3, 3, 0))
    assert not balance.closed
    return found


async def differences(evening: Evening) -> tuple[dict[str, str], int]:
    """Return what the books list without an account, and the sum."""
    found = await ledger(evening.replica)
    names: dict[str, str] = {}
    for equation in (found.expected, found.sent, found.outcomes):
        assert equation.difference == len(equation.differences)
        names |= listed(equation)
    return names, found.difference


async def test_a_plan_is_missing(evening: Evening) -> None:
    """Deleted behind everybody's back: recipient and rule still call for it."""
    await evening.sabotage("DELETE FROM plans WHERE user_id = 'open' AND instance = ''")
    assert await differences(evening) == ({evening.open: "NEVER_PLANNED"}, 1)


async def test_a_plan_has_passed_over_its_turn(evening: Evening) -> None:
    """It stands at the next year, though nothing was decided and nothing has changed."""
    await evening.sabotage(
        "UPDATE plans SET cycle = '2028', occurrence_date = occurrence_date + 365, due_time = due_time + interval '1 year'"
        " WHERE user_id = 'open' AND instance = ''"
    )
    assert await differences(evening) == ({evening.open: "NEVER_PLANNED"}, 1)


async def test_a_plan_is_on_another_date(evening: Evening) -> None:
    """It is missing on its own date, and nothing calls for it on the other."""
    await evening.sabotage(
        "UPDATE plans SET occurrence_date = occurrence_date + 1 WHERE user_id = 'open' AND instance = ''"
    )
    assert await differences(evening) == ({evening.open: "NEVER_PLANNED"}, 1)
    other = await ledger(evening.replica, Date(year=2027, month=3, day=1))
    assert (listed(other.expected), other.difference) == ({evening.open: "UNEXPECTED"}, 1)


async def test_an_event_is_missing(evening: Evening) -> None:
    """Its plan has moved on, so that only the books know; of a sent one delivery has the message, too."""
    await evening.sabotage("DELETE FROM events WHERE event_id = $1", evening.suppressed)
    assert await differences(evening) == ({evening.suppressed: "NEVER_PLANNED"}, 1)
    await evening.sabotage("DELETE FROM events WHERE event_id = $1", evening.sent)
    found = await ledger(evening.replica)
    assert found.expected.difference == 2
    assert listed(found.sent) == {evening.sent: "NO_EVENT"}


async def test_an_event_that_nothing_calls_for(evening: Evening) -> None:
    """Of an occasion that the person never had, with the versions of today."""
    await evening.sabotage(
        "INSERT INTO events SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', $1::text,"
        " 'occasion_id', 'other'))).* FROM events e WHERE user_id = 'suppressed'",
        "evt_forged_2027",
    )
    assert await differences(evening) == ({"evt_forged_2027": "UNEXPECTED"}, 1)


async def test_a_message_is_missing_or_too_many(evening: Evening) -> None:
    """Delivery has lost one; delivery has one of an event that was suppressed."""
    lost = evening.world.intake.accepted.pop(evening.sent)
    assert await differences(evening) == ({evening.sent: "NO_MESSAGE"}, 1)
    extra = intake_pb2.AcceptedEvent()
    extra.CopyFrom(lost)
    extra.event_id = evening.suppressed
    evening.world.intake.accepted |= {evening.sent: lost, evening.suppressed: extra}
    assert await differences(evening) == ({evening.suppressed: "NO_EVENT"}, 1)


async def test_a_callers_request_is_lost(evening: Evening) -> None:
    """What was asked for on this day and is neither planned nor ended is missed on this day."""
    await evening.sabotage("DELETE FROM plans WHERE instance = 'own'")
    assert await differences(evening) == ({evening.asked: "NEVER_PLANNED"}, 1)


async def test_a_message_without_an_outcome(evening: Evening) -> None:
    """Delivery knows the message and none of its deliveries."""

    async def summarize(_request: object) -> intake_pb2.SummarizeDateResponse:
        answer: Any = await evening.world.intake.SummarizeDate(
            intake_pb2.SummarizeDateRequest(tenant_id=TENANT, occurrence_date=DAY), None
        )
        answer.outcomes[0].outcome = outcome_pb2.OUTCOME_NONE
        return answer

    async def list_messages(_request: object) -> intake_pb2.ListMessagesResponse:
        none = intake_pb2.EventOutcome(event_id=evening.sent, outcome=outcome_pb2.OUTCOME_NONE)
        return intake_pb2.ListMessagesResponse(outcomes=[none])

    engine = create_engine(evening.world.database_url, name="test", schema=SCHEMA)
    ledgers = Ledgers(
        engine,
        evening.replica.clock,
        key=await identity.hmac_key(engine),
        peer=Peer(summarize=summarize, list_messages=list_messages),
    )
    found = await ledgers.compute(TENANT, utc("2027-02-28T00:00:00+00:00").to_tz("UTC").date())
    await engine.dispose()
    assert (found.difference, found.sent.difference) == (1, 0)
    assert [(d.event_id, d.why) for d in found.outcomes.differences] == [(evening.sent, "NO_OUTCOME")]


async def test_what_is_still_to_come_balances(evening: Evening) -> None:
    """The date of next year: expected by the rules, open behind this year's turn or as the next one."""
    found = await ledger(evening.replica, Date(year=2028, month=2, day=28))
    assert (sides(found.expected), found.difference) == ((3, 3, 0), 0)


async def test_deleting_somebody_ends_what_was_asked_for_them(evening: Evening) -> None:
    """Their own event is cancelled and so is not lost; everything else of theirs is accounted for."""
    evening.world.feed.delete_user("open")
    await evening.world.drained()
    found = await ledger(evening.replica)
    assert (found.difference, found.expected.left) == (0, 2)


async def test_who_may_see_which_books(evening: Evening) -> None:
    """A tenant its own, an operator any by its name; a tenant that does not exist has none."""
    assert (await ledger(evening.replica, key=OPERATOR, tenant_id=TENANT)).expected.left == 3
    foreign = await refusal(ledger(evening.replica, tenant_id=OTHER_TENANT))
    assert foreign.code is grpc.StatusCode.PERMISSION_DENIED
    unnamed = await refusal(ledger(evening.replica, key=OPERATOR))
    assert (unnamed.code, list(unnamed.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["tenant_id"])
    nobody = await refusal(ledger(evening.replica, key=OPERATOR, tenant_id="nobody"))
    assert nobody.code is grpc.StatusCode.NOT_FOUND
    assert (await refusal(ledger(evening.replica, key=OTHER_KEY))).code is grpc.StatusCode.NOT_FOUND
    evening.world.feed.put_tenant(ENROLLED, tenant_id=OTHER_TENANT)
    await evening.world.drained()
    assert (await ledger(evening.replica, key=OTHER_KEY)).expected.left == 0
    assert (await ledger(evening.replica, key=KEY, tenant_id=TENANT)).expected.left == 3


@pytest.mark.parametrize(
    "wrong",
    [
        Date(year=2027, month=2, day=30),
        Date(year=2027, month=2),
        Date(year=1, month=1, day=1),
        Date(year=9999, month=12, day=31),
    ],
)
async def test_a_date_that_has_no_books(world: World, wrong: Date) -> None:
    """It does not exist, is not whole, or is where the calendar ends: refused at `date`."""
    world.feed.put_tenant(ENROLLED)
    replica = await world.start()
    found = await refusal(ledger(replica, wrong))
    assert (found.code, list(found.fields)) == (grpc.StatusCode.INVALID_ARGUMENT, ["date"])


async def test_without_delivery_there_are_no_books(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
    """UNAVAILABLE, and the sentence says who does not answer."""

    def gone(*_: object) -> list[str]:
        raise OSError

    monkeypatch.setattr(evening.world.intake, "_of", gone)
    found = await refusal(ledger(evening.replica))
    assert found.code is grpc.StatusCode.UNAVAILABLE
    assert "delivery_service" in found.message


async def test_an_open_plan_is_awaited_under_the_new_date(evening: Evening) -> None:
    """Corrected before it is decided: the plan goes with it, and neither date lists anything."""
    evening.world.feed.put_user(
        "open", "Pacific/Honolulu", month=3, day=4, enrolled=evening.replica.clock.now()
    )
    await evening.world.drained()
    for on, expected in ((DAY, 2), (Date(year=2027, month=3, day=4), 1)):
        found = await ledger(evening.replica, on)
        assert (sides(found.expected), found.difference) == ((expected, expected, 0), 0)
        assert not found.expected.differences
