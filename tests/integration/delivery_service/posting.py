"""One POST through the real sender to this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from delivery_service.domain.addresses import networks
from delivery_service.domain.destinations import Destinations, PlainHttp
from delivery_service.transport.curl_sender import CurlSender
from delivery_service.transport.requests import Answer, ClientIdentity, Request

HERE = Destinations(networks("127.0.0.0/8"), http=PlainHttp.INSIDE, ports=(range(1, 65_536),))
"""This machine may be reached, also by plain http."""


@asynccontextmanager
async def sending(**options: Any) -> AsyncIterator[CurlSender]:
    """Run a sender that may reach this machine."""
    sender = CurlSender(**{"destinations": HERE, **options})
    await sender.start()
    try:
        yield sender
    finally:
        await sender.stop()


async def post(
    sender: CurlSender,
    url: str,
    *,
    timeout_ms: int = 2000,
    body: bytes = b'{"a":1}',
    identity: ClientIdentity | None = None,
    keep_headers: bool = False,
) -> Answer:
    """Send one request and return its answer."""
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    headers = ["Content-Type: application/json", "Accept:", "Expect:"]
    sender.send(Request(url, headers, body, timeout_ms, identity, keep_headers), answered.set_result)
    return await asyncio.wait_for(answered, 10)
