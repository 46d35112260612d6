"""Is a message from whom it claims to be? Asked of the official `standardwebhooks` library, not of our code."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

from redletter_cli.receiver.message import Verdict

_FORM = re.compile(r"(whsec_)?[A-Za-z0-9+/]+={0,2}", re.ASCII)
_MALFORMED = "the secret is not of the form whsec_... (base64)"


class Verification(Protocol):
    """Says whether headers and body belong together."""

    def verdict(self, headers: Mapping[str, str], body: bytes) -> tuple[Verdict, str]:
        """Return the verdict and, for a refusal, its reason."""


class NoVerification:
    """For benchmarks of the sender: everything is UNCHECKED."""

    def verdict(self, headers: Mapping[str, str], body: bytes) -> tuple[Verdict, str]:  # noqa: ARG002
        """Return UNCHECKED."""
        return Verdict.UNCHECKED, ""


class SecretVerification:
    """One secret or several; a message that any of them verifies is VERIFIED.

    Raises:
        ValueError: a secret is not `whsec_` and base64.
    """

    def __init__(self, *secrets: str) -> None:
        self._webhooks = tuple(_webhook(secret) for secret in secrets)

    def verdict(self, headers: Mapping[str, str], body: bytes) -> tuple[Verdict, str]:
        """Return VERIFIED, or REFUSED with the reason of the last secret that was tried."""
        reason = "no secret is known"
        for webhook in self._webhooks:
            try:
                webhook.verify(body, dict(headers), json_parse=False)
            except WebhookVerificationError as error:
                reason = str(error)
            except ValueError as error:  # the library lets malformed base64 and UTF-8 through as they are
                reason = f"malformed signature or body: {error}"
            else:
                return Verdict.VERIFIED, ""
        return Verdict.REFUSED, reason


class FileVerification:
    """Secrets from a file, one a line, read again when it changes.

    The file may appear later than the receiver: an endpoint's secret is known only after the endpoint is created
    with the receiver's port.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._current = SecretVerification()

    def verdict(self, headers: Mapping[str, str], body: bytes) -> tuple[Verdict, str]:
        """Return what the file's secrets say."""
        verdict, reason = self._current.verdict(headers, body)
        if verdict is Verdict.VERIFIED or not self._read_again():
            return verdict, reason
        return self._current.verdict(headers, body)

    def _read_again(self) -> bool:
        try:
            state = os.stat(self._path)  # noqa: PTH116 - once per refused message
            seen = (state.st_mtime_ns, state.st_size, state.st_ino)
            if seen == self._seen:
                return False
            self._current = SecretVerification(*self._path.read_text(encoding="utf-8").split())
        except (OSError, ValueError):
            return False
        self._seen = seen
        return True


def _webhook(secret: str) -> Webhook:
    # The library passes over what is not base64, so a mistyped secret would only ever refuse.
    if not _FORM.fullmatch(secret):
        raise ValueError(_MALFORMED)
    try:
        return Webhook(secret)
    except (ValueError, EmptyWebhookSecretError):
        raise ValueError(_MALFORMED) from None
