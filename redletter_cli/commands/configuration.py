"""Where the services are and which key to use: a small JSON file that `redletter dev` writes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from redletter.addresses import Addresses

from redletter_cli.commands.failure import Failure

FILE = Path(".redletter") / "client.json"
"""Looked for in the working directory and every directory above it."""

_EXAMPLE = '{"user": "127.0.0.1:7710", "scheduler": "...", "delivery": "...", "api_key": "..."}'


@dataclass(frozen=True)
class Configuration:
    """What the verbs need to know; `directory` is where the file stands and keys of `listen` are kept."""

    addresses: Addresses
    api_key: str
    operator_key: str
    directory: Path

    def require_api_key(self) -> str:
        """Return the tenant's key.

        Raises:
            Failure: there is none.
        """
        if not self.api_key:
            raise Failure(
                "there is no API key: give one by --api-key or REDLETTER_API_KEY, "
                'or start everything with "redletter dev", which makes one'
            )
        return self.api_key

    def require_operator_key(self) -> str:
        """Return the operator's key.

        Raises:
            Failure: there is none.
        """
        if not self.operator_key:
            raise Failure(
                'there is no operator key: add "operator_key" to the configuration '
                '(the bootstrap of user_service prints it once; "redletter dev" writes it)'
            )
        return self.operator_key


def load(config: Path | None, api_key: str | None, *, working_directory: Path) -> Configuration:
    """Return the configuration from `config`, else from the nearest `.redletter/client.json`.

    `api_key`, if given, takes the place of the file's.

    Raises:
        Failure: there is no file, or it does not say what it must.
    """
    path = config or nearest(working_directory)
    if path is None:
        raise Failure(
            f"there is no {FILE} in {working_directory} or above; start everything with "
            '"redletter dev", which writes it, or name a file by --config or REDLETTER_CONFIG'
        )
    found = _parse(path)
    return replace(found, api_key=api_key) if api_key else found


def nearest(directory: Path) -> Path | None:
    """Return the configuration file in `directory` or the nearest one above, None if there is none."""
    return next((d / FILE for d in (directory, *directory.parents) if (d / FILE).is_file()), None)


def _parse(path: Path) -> Configuration:
    try:
        content = orjson.loads(path.read_bytes())
    except OSError as error:
        raise Failure(f"cannot read the configuration {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise Failure(f"the configuration {path} is not JSON: {error}") from None
    if not isinstance(content, Mapping):
        raise Failure(f"the configuration {path} is not a JSON object; it has the form {_EXAMPLE}")
    try:
        addresses = Addresses.of(content)
    except ValueError as error:
        raise Failure(f"the configuration {path} is incomplete: {error}") from None
    return Configuration(
        addresses, str(content.get("api_key") or ""), str(content.get("operator_key") or ""), path.parent
    )
