"""A replica that stops while a receiver hangs: the others go on with what waited, and with what fails then."""

import asyncio
import signal
import time

from tests.integration.delivery_service.conftest import running
from tests.integration.delivery_service.processes import process
from tests.receiver import OK, Behaviour, Receiver


async def test_what_waits_does_not_wait_for_what_hangs(database_url: str, receiver: Receiver) -> None:
    """With 8 POSTs of 60 hanging, another replica sends the other 52 within 2 s, while the first one still drains."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold, status=503) if receiver.count <= 8 else OK
    async with running(database_url, replica_id="r2") as other:
        await other.endpoint(receiver.url())
        with process(database_url, "r1", REDLETTER_GRACE_SECONDS="20") as first:
            await first.accept(*[other.event() for _ in range(60)])
            await receiver.wait_for(8)
            first.popen.send_signal(signal.SIGTERM)
            began = time.monotonic()
            await receiver.wait_for(60)
            assert time.monotonic() - began < 2
            assert first.popen.poll() is None
            hold.set()
            # What failed while the first one drained is due again a second later, and nobody waits longer.
            await other.ended(60, page_size=1000)
            assert time.monotonic() - began < 6
            await asyncio.to_thread(first.popen.wait, 20)
    arrived = [got.webhook_id for got in receiver.received]
    assert len(set(arrived)) == 60
    assert len(arrived) == 68  # eight were answered 503 and are no repeats of what was received
