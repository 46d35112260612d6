"""Which URLs an endpoint may have."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from delivery_service.domain.addresses import networks
from delivery_service.domain.destinations import Destinations, PlainHttp, ports
from delivery_service.domain.endpoints import require_id
from delivery_service.domain.urls import require_url

ANYWHERE = Destinations(http=PlainHttp.ALWAYS)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hooks",
        "http://example.com",
        "https://example.com:8443/a?b=c",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/x",
        "https://xn--mnchen-3ya.de/",
    ],
)
def test_a_public_url_is_taken_as_it_is(url: str) -> None:
    """http and https, names and public addresses."""
    assert require_url(url, ANYWHERE) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/hooks",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com",
        "https://",
        "https:///hooks",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://example.com/#part",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://exa mple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://[::1",
        "https://example.com/\n",
        "https://example.com/" + "x" * 2048,
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    """Other schemes, credentials, fragments, ports and characters that two parsers read differently."""
    with pytest.raises(InvalidInput) as refused:
        require_url(url, ANYWHERE)
    assert refused.value.reason == "INVALID_FIELD"
    assert refused.value.violations[0].field == "url"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:10.0.0.1]",
        "169.254.169.254",
        "localhost",
        "a.localhost.",
    ],
)
def test_an_inner_host_is_forbidden_unless_the_operator_allows_it(host: str) -> None:
    """The reason is FORBIDDEN_ADDRESS; the operator's networks lift it."""
    with pytest.raises(InvalidInput) as refused:
        require_url(f"http://{host}:8080/hook", ANYWHERE)
    assert refused.value.reason == "FORBIDDEN_ADDRESS"
    allowed = networks("127.0.0.0/8,::1/128,10.0.0.0/8,169.254.0.0/16")
    assert require_url(f"http://{host}:8080/hook", Destinations(allowed, http=PlainHttp.INSIDE))


@pytest.mark.parametrize(
    "host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1.", "0x08080808", "010.8.8.8"]
)
def test_an_address_is_written_one_way(host: str) -> None:
    """Hexadecimal, octal and dotless spellings are refused, also of addresses that may be reached."""
    everything = Destinations(networks("0.0.0.0/0"), http=PlainHttp.ALWAYS)
    with pytest.raises(InvalidInput, match="spells an address oddly"):
        require_url(f"https://{host}/hook", everything)


def test_http_is_for_the_operator_to_allow() -> None:
    """Never, only inside the allowed networks, or always; a name is judged when it is dialled."""
    inside = Destinations(networks("127.0.0.0/8"), http=PlainHttp.INSIDE)
    for url, refused_by in (
        ("http://example.com/", [Destinations()]),
        ("http://8.8.8.8/", [Destinations(), inside]),
        ("http://127.0.0.1/", [Destinations(networks("127.0.0.0/8")), ANYWHERE]),
    ):
        for destinations in (Destinations(), inside, Destinations(networks("127.0.0.0/8")), ANYWHERE):
            if destinations in refused_by or (destinations == Destinations() and "127" in url):
                with pytest.raises(InvalidInput) as refused:
                    require_url(url, destinations)
                assert refused.value.reason == "FORBIDDEN_ADDRESS"


def test_ports_are_for_the_operator_to_allow() -> None:
    """By default 80, 443 and those above 1023: nothing else that listens below is a receiver of webhooks."""
    for port in (80, 443, 1024, 8443, 65535):
        assert require_url(f"https://example.com:{port}/", Destinations())
    for port in (1, 22, 25, 110, 465, 587, 853, 1023):
        with pytest.raises(InvalidInput, match=f"port {port} is not allowed"):
            require_url(f"https://example.com:{port}/", Destinations())
    assert require_url("https://example.com:25/", Destinations(ports=ports("25")))


def test_the_inbox_is_no_endpoint() -> None:
    """Its id is taken."""
    assert require_id("hook") == "hook"
    with pytest.raises(InvalidInput, match="inbox"):
        require_id("inbox")


@given(st.text())
def test_any_text_is_either_taken_or_refused_with_a_sentence(text: str) -> None:
    """Nothing but InvalidInput escapes, whatever is written."""
    with contextlib.suppress(InvalidInput):
        assert require_url(text, ANYWHERE) == text
