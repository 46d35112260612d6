"""Which plans have ended a process that rendered them, found out by notes that are written before.

A chunk is noted, rendered, and not noted any more. Whoever finds the note of a process that is gone
renders its plans apart from all others; if that ends a process as well, one by one; and what is found
alone after that is never rendered again.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.database import unit_of_work
from scheduler_service.coordination.shards import LEASE_SECONDS
from scheduler_service.domain.ids import shard_of
from scheduler_service.store import shard_work
from scheduler_service.store.shard_work import QUARANTINE, Note

log = structlog.get_logger()

ALONE_AFTER: Final = 2
"""Plans that were in the hands of so many processes that ended are rendered one by one."""
_OLD_SECONDS: Final = 2 * LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Chunk:
    """Plans to render under one note, which `takeovers` processes before did not survive."""

    plan_ids: list[bytes]
    takeovers: int = 0


@dataclass
class WorkNotes:
    """This process's notes, and what it has taken over.

    `claims_are_locks` says whether a shard is worked on by one replica at a time. Without Redis it is
    not, and only a note that is older than any rendering is one of a process that is gone.
    """

    engine: AsyncEngine
    claims_are_locks: Callable[[], bool]
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    _suspects: dict[bytes, int] = field(default_factory=dict)
    _quarantined: frozenset[bytes] = frozenset()
    _elsewhere: frozenset[bytes] = frozenset()

    def __post_init__(self) -> None:
        # One exchange with the store for each note.
        self._at_once = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    def is_quarantined(self, plan_id: bytes) -> bool:
        """Return whether this plan must not be rendered."""
        return plan_id in self._quarantined

    async def take_over(self, shards: Sequence[int]) -> None:
        """Look for the notes of processes that are gone."""
        async with self._at_once.connect() as connection:
            notes = await shard_work.of_others(connection, self.holder, shards, lease=_OLD_SECONDS)
        self._quarantined = frozenset(i for note in notes if note.holder == QUARANTINE for i in note.plan_ids)
        working = [note for note in notes if note.holder != QUARANTINE]
        left = [note for note in working if note.old or self.claims_are_locks()]
        self._elsewhere = frozenset(i for note in working if note not in left for i in note.plan_ids)
        held = frozenset(shards)
        self._suspects = {i: n for i, n in self._suspects.items() if shard_of(i) in held}
        for note in left:
            await self._take(note)

    def chunks(self, plan_ids: Iterable[bytes], *, size: int) -> list[Chunk]:
        """Return what to render together: first what nothing speaks against, last what is to be alone.

        What another replica is rendering at this moment is left out.
        """
        by_care: dict[int, list[bytes]] = {}
        for plan_id in plan_ids:
            if plan_id not in self._elsewhere:
                by_care.setdefault(self._suspects.get(plan_id, 0), []).append(plan_id)
        return [
            Chunk(ids[start : start + step], takeovers)
            for takeovers, ids in sorted(by_care.items())
            for step in [1 if takeovers >= ALONE_AFTER else size]
            for start in range(0, len(ids), step)
        ]

    async def begin(self, chunk: Chunk) -> None:
        """Note a chunk before any of it is rendered."""
        async with self._at_once.connect() as connection:
            await shard_work.note(connection, self.holder, chunk.plan_ids, takeovers=chunk.takeovers)

    def survived(self, chunk: Chunk) -> None:
        """Nothing of this chunk ends a process."""
        if self._suspects:
            for plan_id in chunk.plan_ids:
                self._suspects.pop(plan_id, None)

    async def end(self) -> None:
        """Note that nothing is being rendered any more."""
        async with self._at_once.connect() as connection:
            await shard_work.clear(connection, self.holder)

    async def _take(self, note: Note) -> None:
        poison = note.takeovers >= ALONE_AFTER and len(note.plan_ids) == 1
        async with unit_of_work(self.engine) as connection:
            if not await shard_work.take_over(connection, note):
                return
            if poison:
                await shard_work.quarantine(connection, note.plan_ids)
        takeovers = note.takeovers + 1
        log.warning("work.taken_over", shard=note.shard, plans=len(note.plan_ids), takeovers=takeovers)
        if poison:
            self._quarantined |= frozenset(note.plan_ids)
            return
        for plan_id in note.plan_ids:
            self._suspects[plan_id] = max(takeovers, self._suspects.get(plan_id, 0))
