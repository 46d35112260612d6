"""One import stream: chunks of rows in, an acknowledgement and the refused rows out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

import structlog
from prometheus_client import Counter
from redletter.user.v1 import user_service_pb2

from chassis.clocks import BusinessClock
from chassis.errors import FieldViolation, InvalidInput, RedletterError, StaleVersion
from user_service.api import parsing
from user_service.api.calls import circumstances
from user_service.api.items import checked_draft
from user_service.domain.changes import Urgency
from user_service.domain.occasions import OnEnrol
from user_service.domain.users import UserDraft
from user_service.store.users import Change, Users, Written

log = structlog.get_logger()

ROWS = Counter(
    "redletter_user_imported_rows_total",
    "Rows of import streams, by what became of them: stored, unchanged or rejected.",
    ["result"],
)
_STORED = ROWS.labels("stored")
_UNCHANGED = ROWS.labels("unchanged")
_REJECTED = ROWS.labels("rejected")
_LONGEST_VALUE = 200

_Rejected = user_service_pb2.ImportUsersResponse.RejectedRow

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A chunk whose rows have been checked: the good ones and their lines, and the refused ones."""

    last_line: int
    on_enrol: OnEnrol
    good: list[UserDraft]
    lines: list[int]
    rejected: list[_Rejected]


class Import:
    """The state of one stream: its policy, how far it is, what it has stored."""

    def __init__(self, tenant_id: str, users: Users, clock: BusinessClock) -> None:
        self._tenant_id = tenant_id
        self._users = users
        self._clock = clock
        self._policy: OnEnrol | None = None
        self._line = 0
        self._accepted = 0
        self._rejected = 0

    def check(self, request: user_service_pb2.ImportUsersRequest) -> Chunk:
        """Check the rows of the next chunk.

        Raises:
            InvalidInput: the lines do not grow; nothing of the chunk will be stored.
        """
        if self._policy is None:
            self._policy = parsing.on_enrol(request.on_enrol, default=OnEnrol.NEXT)
        self._line = _last_line(request, self._line)
        return _checked(request, self._line, self._policy)

    async def store(self, chunk: Chunk) -> user_service_pb2.ImportUsersResponse:
        """Commit the good rows of a chunk and answer what became of all of them."""
        under = circumstances(self._clock, chunk.on_enrol, Urgency.BATCH)
        written = await self._users.upsert(self._tenant_id, chunk.good, under=under)
        rejected = [*chunk.rejected, *_stale(chunk, written)]
        rejected.sort(key=attrgetter("line"))
        self._count(written, len(rejected))
        return user_service_pb2.ImportUsersResponse(
            acknowledged_line=chunk.last_line, accepted=self._accepted, rejected_rows=rejected
        )

    def end(self) -> None:
        """Say what the whole stream did."""
        log.info("import.ended", tenant_id=self._tenant_id, accepted=self._accepted, rejected=self._rejected)

    def _count(self, written: list[Written | StaleVersion], rejected: int) -> None:
        kept = [outcome for outcome in written if isinstance(outcome, Written)]
        unchanged = sum(outcome.change is Change.UNCHANGED for outcome in kept)
        self._accepted += len(kept)
        self._rejected += rejected
        _STORED.inc(len(kept) - unchanged)
        _UNCHANGED.inc(unchanged)
        _REJECTED.inc(rejected)


def _last_line(chunk: user_service_pb2.ImportUsersRequest, line: int) -> int:
    for index, row in enumerate(chunk.rows):
        if row.line <= line:
            raise InvalidInput.at(
                f"rows[{index}].line",
                f"line {row.line} follows line {line}",
                value=str(row.line),
                allowed="lines from 1 that grow from row to row of the stream",
            )
        line = row.line
    return line


def _checked(request: user_service_pb2.ImportUsersRequest, last_line: int, policy: OnEnrol) -> Chunk:
    chunk = Chunk(last_line, policy, [], [], [])
    line_of: dict[str, int] = {}
    for row in request.rows:
        draft = checked_draft(row.user)
        if isinstance(draft, UserDraft) and draft.user_id in line_of:
            draft = _twice(draft.user_id, line_of[draft.user_id])
        if isinstance(draft, InvalidInput):
            chunk.rejected.append(_rejected(row.line, row.user.user_id, "", draft))
        else:
            chunk.good.append(draft)
            chunk.lines.append(row.line)
            line_of[draft.user_id] = row.line
    return chunk


def _stale(chunk: Chunk, written: Sequence[Written | StaleVersion]) -> Iterator[_Rejected]:
    for line, draft, outcome in zip(chunk.lines, chunk.good, written, strict=True):
        if isinstance(outcome, StaleVersion):
            yield _rejected(line, draft.user_id, draft.etag, outcome)


def _twice(user_id: str, line: int) -> InvalidInput:
    return InvalidInput.at(
        "user_id",
        f"line {line} has the same user already; this row was not stored",
        value=user_id,
        allowed="each user once",
    )


def _rejected(line: int, user_id: str, etag: str, error: RedletterError) -> _Rejected:
    first = (
        error.violations[0]
        if isinstance(error, InvalidInput)
        else FieldViolation("etag", error.message, etag, "the etag of the stored user, or none")
    )
    others = len(error.violations) - 1 if isinstance(error, InvalidInput) else 0
    more = f" (and {others} more)" if others else ""
    return _Rejected(
        line=line,
        user_id=user_id,
        field=first.field,
        value=first.value[:_LONGEST_VALUE],
        reason=first.reason + more,
        allowed=first.allowed,
    )


async def ahead(check: Callable[[A], B], requests: AsyncIterator[A]) -> AsyncGenerator[B, None]:
    """Yield each request checked, in order; one more is checked while the caller stores this one.

    What `check` or the stream raises is raised after everything before it was yielded.
    """
    # One place, so that a fast sender is held back; None is the end of the stream.
    checked: asyncio.Queue[B | Exception | None] = asyncio.Queue(maxsize=1)

    async def read() -> None:
        try:
            async for request in requests:
                await checked.put(check(request))
        except Exception as error:  # noqa: BLE001 - raised where the caller waits
            await checked.put(error)
        else:
            await checked.put(None)

    reader = asyncio.create_task(read())
    try:
        while (item := await checked.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        reader.cancel()
