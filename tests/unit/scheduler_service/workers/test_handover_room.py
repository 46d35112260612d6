"""How much may be decided at once, by what is on its way to delivery already."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from scheduler_service.store.handovers import Handover
from scheduler_service.workers.handover import (
    LARGE,
    LARGE_BESIDE,
    MAX_LARGE,
    MAX_LARGE_BESIDE,
    MAX_OPEN,
    SMALL,
    Handovers,
)


@pytest.fixture
async def handovers() -> AsyncIterator[Handovers]:
    """Hand-overs that delivery never answers."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def accept(_body: bytes) -> Any:
        return await answer

    made = Handovers(cast("Any", None), accept)
    yield made
    answer.cancel()
    await asyncio.sleep(0)


def offer(handovers: Handovers, events: int) -> None:
    """Put one more under way."""
    handovers.offer(Handover(uuid.uuid4(), events, b""))


async def test_alone_a_tenant_goes_by_large_steps(handovers: Handovers) -> None:
    """Three large hand-overs may be under way; then only small ones, then none."""
    for _ in range(MAX_LARGE):
        assert handovers.room(beside=False) == LARGE
        offer(handovers, LARGE)
    for _ in range(MAX_OPEN - MAX_LARGE):
        assert handovers.room(beside=False) == SMALL
        offer(handovers, SMALL)
    assert handovers.room(beside=False) == 0


async def test_beside_others_it_goes_by_smaller_ones(handovers: Handovers) -> None:
    """One of 60 may be under way while another tenant has something due; whoever is small finds room."""
    for _ in range(MAX_LARGE_BESIDE):
        assert handovers.room(beside=True) == LARGE_BESIDE
        offer(handovers, LARGE_BESIDE)
    assert handovers.room(beside=True) == SMALL
    assert handovers.room(beside=False) == LARGE
