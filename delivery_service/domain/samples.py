"""The message that an endpoint is tried with: like a birthday's, under an id that no event can have."""

import json
import secrets
from typing import Final

from whenever import Instant

PREFIX: Final = "test_"
DEFAULT_TYPE: Final = "test"
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz234567"


def new_test_id() -> str:
    """Return a new `webhook-id` for a sample; every event's begins with `evt_`."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(26))


def sample_body(test_id: str, event_type_id: str, *, now: Instant) -> bytes:
    """Return the body of a sample: every part of a real one, nobody's data, and `test` in it.

    Not all of it is ASCII: a receiver that decodes before it verifies is to fail now, not with the first name.
    """
    kind = event_type_id or DEFAULT_TYPE
    message = {
        "type": kind,
        "schema": 1,
        "timestamp": now.format_iso(),
        "data": {
            "event_id": test_id,
            "event_type": kind,
            "cycle": "test",
            "occurrence_date": now.to_tz("UTC").date().format_iso(),
            "late": False,
            "user": {"id": "test"},
            "message": {
                "title": "A test",
                "body": "Redletter sends this to try your endpoint. Grüße – 你好 🎂",
                "locale": "en",
            },
            "metadata": {},
            "test": True,
        },
    }
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
