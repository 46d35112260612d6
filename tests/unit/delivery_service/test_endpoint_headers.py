"""Which headers a tenant may add to its webhooks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from delivery_service.domain.endpoint_headers import RESERVED, RESERVED_PREFIXES, require_headers


def test_own_headers_are_kept_as_given() -> None:
    """Authorization and headers of one's own are taken, in the order of their names, values unchanged."""
    given_headers = {"X-Route": "eu; q=1", "Authorization": "Bearer abc=="}
    assert require_headers(given_headers) == (("Authorization", "Bearer abc=="), ("X-Route", "eu; q=1"))


@pytest.mark.parametrize(
    "name",
    [*sorted(RESERVED), "webhook-id", "webhook-anything", "proxy-authorization", "Host", "TraceParent"],
)
def test_what_redletter_sets_itself_is_refused(name: str) -> None:
    """Reserved names are refused in any case; the field names the header."""
    for spelled in (name, name.upper()):
        with pytest.raises(InvalidInput, match="reserved") as refused:
            require_headers({"x-ok": "1", spelled: "1"})
        assert refused.value.violations[0].field == f"headers[{spelled}]"


def test_everything_the_brief_reserves_is_reserved() -> None:
    """The names that would change what a request is are all there."""
    wanted = {"host", "content-length", "content-type", "traceparent", "tracestate", "connection"}
    assert wanted | {"transfer-encoding", "user-agent"} <= RESERVED
    assert "webhook-" in RESERVED_PREFIXES
    assert "authorization" not in RESERVED


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nHost", "ä", "a\0", "x" * 65])
def test_what_is_no_name_is_refused(name: str) -> None:
    """Only the characters of a header name, 1 to 64 of them."""
    with pytest.raises(InvalidInput, match="not the name of a header"):
        require_headers({name: "1"})


@pytest.mark.parametrize(
    "value", ["", " ", " a", "a ", "a\r\nx-b: c", "a\n", "a\0b", "a\tb", "ü", "\x7f", "x" * 1025]
)
def test_what_cannot_be_sent_is_refused_and_not_repeated(value: str) -> None:
    """A value is visible ASCII; what was given is not in the refusal, for it may be a credential."""
    with pytest.raises(InvalidInput, match="cannot be sent") as refused:
        require_headers({"x-token": value})
    assert refused.value.violations[0].value == ""


@given(st.text(max_size=12), st.text(max_size=12))
def test_nothing_accepted_can_begin_another_line(name: str, value: str) -> None:
    """Whatever is taken is one line of visible ASCII."""
    try:
        taken = require_headers({name: value})
    except InvalidInput:
        return
    line = f"{taken[0][0]}: {taken[0][1]}"
    assert line.isascii()
    assert line.isprintable()


def test_one_name_in_two_cases_is_refused() -> None:
    """A header stands there once whatever its case."""
    with pytest.raises(InvalidInput, match="twice"):
        require_headers({"X-A": "1", "x-a": "2"})


def test_headers_are_bounded() -> None:
    """At most 20, and at most 4,096 bytes with their separators."""
    assert len(require_headers({f"x-{n}": "1" for n in range(20)})) == 20
    with pytest.raises(InvalidInput, match="has 21 headers"):
        require_headers({f"x-{n}": "1" for n in range(21)})
    with pytest.raises(InvalidInput, match="bytes in all") as refused:
        require_headers({f"x-{n}": "1" * 1024 for n in range(4)})
    assert refused.value.reason == "TOO_LARGE"
