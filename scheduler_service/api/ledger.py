"""LedgerService: the books, computed now or as they were kept."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import date as day
from typing import Any, Final

import grpc
import orjson
import structlog
from redletter.common.v1 import outcome_pb2
from redletter.scheduler.v1 import ledger_pb2 as pb
from redletter.scheduler.v1 import ledger_service_pb2 as service_pb
from redletter.scheduler.v1 import ledger_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Date

from chassis import pages
from chassis.errors import Forbidden, InvalidInput
from chassis.rpc import credentials
from chassis.wire import civil_date, date, timestamp
from scheduler_service.api.spans import covered
from scheduler_service.domain.ledger import Equation
from scheduler_service.store import ledger as store
from scheduler_service.workers.balances import Balance, Ledgers

log = structlog.get_logger()

MAX_DIFFERENCES: Final = 1000
_EQUATIONS: Final = ("expected", "sent", "outcomes")
_NOTHING: Final[Mapping[str, Any]] = {
    "closed": False,
    **dict.fromkeys(_EQUATIONS, (0, 0, 0)),
    "ended": {},
    "message_outcomes": {},
}


class Ledger(service_grpc.LedgerServiceServicer):
    """A tenant sees its own books, an operator those of all."""

    def __init__(self, engine: AsyncEngine, ledgers: Ledgers) -> None:
        self._engine = engine
        self._ledgers = ledgers

    async def GetLedger(
        self, request: service_pb.GetLedgerRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetLedgerResponse:
        """Return the balance of a date as it stands now."""
        on = covered(civil_date(request.date), field="date")
        tenant_id = _tenant(request.tenant_id)
        if not tenant_id:
            raise InvalidInput.at(
                "tenant_id", "an operator has no tenant of its own", allowed="the id of a tenant"
            )
        balance = await self._ledgers.compute(tenant_id, on)
        return service_pb.GetLedgerResponse(ledger=_ledger(balance))

    async def ListLedgerDays(
        self, request: service_pb.ListLedgerDaysRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListLedgerDaysResponse:
        """Return a page of kept balances, the newest first."""
        tenant_id = _tenant(request.tenant_id)
        bound = [tenant_id, request.only_differences]
        key = pages.decode(request.page_token, bound)
        size = pages.page_size(request.page_size)
        before = (day.fromisoformat(str(key[0])), str(key[1])) if key else (day.max, "")
        async with self._engine.connect() as connection:
            rows = await store.days(
                connection,
                tenant_id=tenant_id,
                only_differences=request.only_differences,
                before=before,
                size=size + 1,
            )
        token = ""
        if len(rows) > size:
            last = rows[size - 1]
            token = pages.encode([last[1].isoformat(), last[0]], bound)
        return service_pb.ListLedgerDaysResponse(
            days=[self._kept(row) for row in rows[:size]], next_page_token=token
        )

    def _kept(self, row: Sequence[Any]) -> pb.Ledger:
        body = orjson.loads(row[3])
        signed = hmac.compare_digest(self._ledgers.sign(body), bytes(row[4]))
        said = (row[0], row[1].isoformat(), row[2], row[5].isoformat())
        if signed and said == tuple(
            body[name] for name in ("tenant_id", "date", "difference", "compute_time")
        ):
            return _kept(row, body, signature=bytes(row[4]).hex())
        log.error("ledger.tampered", tenant_id=row[0], date=str(row[1]))
        return _kept(row, body if _is_whole(body) else _NOTHING, signature="")


def _tenant(asked: str) -> str:
    """Return whose books the caller may see; empty: an operator who named no tenant."""
    if credentials.OPERATOR in credentials.principal().scopes:
        return asked
    own = credentials.tenant_id()
    if asked not in ("", own):
        raise Forbidden(f'the books of tenant "{asked}" are its own; leave tenant_id empty for yours')
    return own


def _ledger(balance: Balance) -> pb.Ledger:
    return pb.Ledger(
        tenant_id=balance.tenant_id,
        date=date(balance.on),
        compute_time=timestamp(balance.computed),
        closed=balance.closed,
        expected=_equation(balance.expected),
        sent=_equation(balance.sent),
        outcomes=_equation(balance.outcomes),
        ended=[pb.LedgerCount(name=name, count=count) for name, count in balance.ended.items()],
        message_outcomes=_outcomes(balance.message_outcomes),
        difference=balance.difference,
    )


def _equation(equation: Equation) -> pb.LedgerEquation:
    return pb.LedgerEquation(
        left=equation.left,
        right=equation.right,
        difference=equation.difference,
        differences=[
            pb.LedgerDifference(event_id=d.event_id, reason=f"REASON_{d.why}", text=d.text)
            for d in equation.differences[:MAX_DIFFERENCES]
        ],
    )


def _outcomes(counts: Mapping[str, int]) -> list[pb.LedgerOutcome]:
    return [pb.LedgerOutcome(outcome=name, count=count) for name, count in counts.items()]


def _kept(row: Sequence[Any], body: Mapping[str, Any], *, signature: str) -> pb.Ledger:
    equations = {
        name: pb.LedgerEquation(left=body[name][0], right=body[name][1], difference=body[name][2])
        for name in _EQUATIONS
    }
    return pb.Ledger(
        tenant_id=row[0],
        date=date(Date(row[1])),
        compute_time=timestamp(row[5]),
        closed=body["closed"],
        **equations,
        ended=[pb.LedgerCount(name=name, count=count) for name, count in body["ended"].items()],
        message_outcomes=_outcomes(body["message_outcomes"]),
        difference=row[2],
        signature=signature,
    )


def _is_whole(body: Any) -> bool:
    """Return whether a balance that is not what was signed can still be shown."""
    if not isinstance(body, dict) or not isinstance(body.get("closed"), bool):
        return False
    counts = [body.get("ended"), body.get("message_outcomes")]
    numbers = [body.get(name) for name in _EQUATIONS]
    return (
        all(isinstance(tally, dict) and _are_counts(tally.values()) for tally in counts)
        and all(name in outcome_pb2.Outcome.keys() for name in body["message_outcomes"])  # noqa: SIM118
        and all(isinstance(three, list) and len(three) == 3 and _are_counts(three) for three in numbers)
    )


def _are_counts(values: Iterable[Any]) -> bool:
    return all(isinstance(value, int) and abs(value) < 2**63 for value in values)
