"""The message that an endpoint is tried with."""

import json
import re

from whenever import Instant

from delivery_service.domain.samples import new_test_id, sample_body

NOW = Instant.from_utc(2027, 3, 4, 9)


def test_a_sample_has_an_id_that_no_event_has() -> None:
    """An event's begins with `evt_`; a sample's is `test_` and 26 characters, another one each time."""
    names = {new_test_id() for _ in range(100)}
    assert len(names) == 100
    assert all(re.fullmatch("test_[a-z2-7]{26}", name) for name in names)


def test_a_sample_looks_like_a_message_and_says_that_it_is_none() -> None:
    """Type, time, id and words of a real one, `test` set, and text that is not ASCII as it is."""
    body = sample_body("test_x", "birthday", now=NOW)
    message = json.loads(body)
    assert (message["type"], message["timestamp"]) == ("birthday", "2027-03-04T09:00:00Z")
    assert message["data"]["event_id"] == "test_x"
    assert message["data"]["occurrence_date"] == "2027-03-04"
    assert message["data"]["test"] is True
    assert "你好".encode() in body
    assert json.loads(sample_body("test_x", "", now=NOW))["type"] == "test"
