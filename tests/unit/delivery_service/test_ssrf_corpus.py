"""Every known way to make a webhook server reach what is inside, against what is saved and what is dialled.

The corpus is data: URL, why it is one, whether it is refused when it is saved or only when it is dialled, and to
what its name would resolve. Nothing is sent anywhere and no name is looked up: the opener records and makes no socket.
Sources: OWASP SSRF prevention, PortSwigger's cheat sheet, Orange Tsai's "A New Era of SSRF", the CVEs it names.
"""

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from chassis.errors import InvalidInput
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.destinations import Destinations, PlainHttp
from delivery_service.domain.urls import require_url
from delivery_service.transport.curl_sender import CurlSender
from delivery_service.transport.dialling import REFUSED
from delivery_service.transport.requests import Answer, Request

# The laxest operator who still names no network: what is refused is refused for its address or its spelling.
LAX = Destinations(http=PlainHttp.ALWAYS, ports=(range(1, 65_536),))
_PORTS = (80, 443, 8080, 8443)


class Entry(NamedTuple):
    """One attempt; `resolves` is what its name would resolve to, when it has one."""

    url: str
    refused_at: str
    why: str
    resolves: str = ""


CORPUS = [
    Entry(**entry) for entry in json.loads((Path(__file__).parent / "ssrf_corpus.json").read_text("ascii"))
]


class Opener:
    """Notes where a socket would go and makes none."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, _family: int, _kind: int, _protocol: int, address: str, port: int) -> int:
        """Note the address."""
        self.asked.append((address, port))
        return REFUSED


async def sent(url: str, opener: Opener, *, resolves: str = "", destinations: Destinations = LAX) -> Answer:
    """Send to a URL whose name, whatever it is, resolves to these addresses."""
    resolve = [f"*:{port}:{resolves}" for port in _PORTS] if resolves else []
    sender = CurlSender(destinations=destinations, dial=opener, resolve=resolve)
    await sender.start()
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    sender.send(Request(url, ["Expect:"], b"{}", 2000), answered.set_result)
    try:
        return await asyncio.wait_for(answered, 5)
    finally:
        await sender.stop()


def test_the_corpus_is_large_and_without_doubles() -> None:
    """At least 120 attempts, of both kinds, each once."""
    assert len(CORPUS) >= 120
    assert len({(entry.url, entry.resolves) for entry in CORPUS}) == len(CORPUS)
    assert {entry.refused_at for entry in CORPUS} == {"save", "dial"}


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: ascii(entry.url)[1:60])
def test_an_attempt_is_refused_when_it_is_saved_or_left_to_the_dial(entry: Entry) -> None:
    """What its text gives away is refused at once; a plain name is taken, and judged when it is dialled."""
    if entry.refused_at == "dial":
        assert require_url(entry.url, LAX) == entry.url
    else:
        with pytest.raises(InvalidInput):
            require_url(entry.url, LAX)


async def test_no_attempt_makes_a_socket() -> None:
    """Past the check of the URL, the sender alone lets none of the corpus through; the score is N of N."""
    passed: list[tuple[Entry, object]] = []
    for entry in CORPUS:
        opener = Opener()
        answer = await sent(entry.url, opener, resolves=entry.resolves)
        forbidden = answer.cause is DeliveryCause.FORBIDDEN_ADDRESS
        if opener.asked or answer.status_code or (entry.refused_at == "dial" and not forbidden):
            passed.append((entry, opener.asked or answer))
    assert passed == [], f"{len(CORPUS) - len(passed)} of {len(CORPUS)} refused"


@pytest.mark.parametrize("resolves", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
async def test_a_public_address_reaches_the_opener(resolves: str) -> None:
    """The opener would be asked if an attempt got through: the corpus proves something."""
    opener = Opener()
    answer = await sent("https://a.example.com/hook", opener, resolves=resolves)
    assert [port for _, port in opener.asked] == [443]
    assert answer.cause is DeliveryCause.CONNECTION


async def test_of_a_name_with_two_addresses_only_the_public_one_is_dialled() -> None:
    """In either order; that the other one was refused does not hide how the public one failed."""
    for resolves in ("8.8.8.8,127.0.0.1", "127.0.0.1,8.8.8.8"):
        opener = Opener()
        answer = await sent("https://a.example.com/hook", opener, resolves=resolves)
        assert opener.asked == [("8.8.8.8", 443)]
        assert answer.cause is DeliveryCause.CONNECTION


async def test_a_name_that_moves_inside_after_it_was_saved_is_refused() -> None:
    """DNS rebinding: public when saved and at the first attempt, private at the second. Each dial is judged."""
    url = "https://rebind.example.com/hook"
    assert require_url(url, LAX) == url
    public, private = Opener(), Opener()
    assert (await sent(url, public, resolves="8.8.8.8")).cause is DeliveryCause.CONNECTION
    assert (await sent(url, private, resolves="169.254.169.254")).cause is DeliveryCause.FORBIDDEN_ADDRESS
    assert (public.asked, private.asked) == ([("8.8.8.8", 443)], [])


async def test_the_port_is_judged_at_the_dial_too() -> None:
    """A URL saved under another setting does not outlive it."""
    for url, asked in (("https://8.8.8.8:25/", 0), ("https://8.8.8.8:8443/", 1), ("https://8.8.8.8/", 1)):
        opener = Opener()
        answer = await sent(url, opener, destinations=Destinations())
        assert len(opener.asked) == asked
        assert (answer.cause is DeliveryCause.FORBIDDEN_ADDRESS) is (not asked)


async def test_http_is_judged_at_the_dial_too() -> None:
    """Without TLS nothing leaves unless the operator allows it, by name or by address."""
    for http, asked in ((PlainHttp.NEVER, 0), (PlainHttp.INSIDE, 0), (PlainHttp.ALWAYS, 1)):
        for url, resolves in (("http://8.8.8.8/", ""), ("HTTP://a.example.com/", "8.8.8.8")):
            opener = Opener()
            answer = await sent(url, opener, resolves=resolves, destinations=Destinations(http=http))
            assert len(opener.asked) == asked
            assert (answer.cause is DeliveryCause.FORBIDDEN_ADDRESS) is (not asked)
