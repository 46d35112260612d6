"""Who may call: the operator's key, the tenant `dev` with its key, the receiver's endpoint. Made once, kept in client.json."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from redletter.client import Client
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.errors import ApiError
from redletter.user.v1 import tenant_pb2, tenant_service_pb2

from redletter_cli.dev.errors import Refused
from redletter_cli.dev.places import read_json, write_json
from redletter_cli.embedded import StartFailed

TENANT = "dev"
ENDPOINT = "dev-receiver"

_WITHIN_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The content of client.json: addresses, keys, and where the receiver listens; empty is not made yet."""

    user: str = ""
    scheduler: str = ""
    delivery: str = ""
    operator_key: str = ""
    api_key: str = ""
    receiver_port: int = 0
    receiver_secret: str = ""

    @classmethod
    def read(cls, path: Path) -> "Accounts":
        """Return what an earlier start wrote, all empty at the first one."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in read_json(path).items() if name in known})

    def write(self, path: Path) -> "Accounts":
        """Write and return it."""
        write_json(path, asdict(self))
        return self

    def as_tenant(self) -> Client:
        """Return a client that calls as the tenant."""
        return Client(self._addresses(), self.api_key)

    def as_operator(self) -> Client:
        """Return a client that calls as the operator."""
        return Client(self._addresses(), self.operator_key)

    def _addresses(self) -> Mapping[str, str]:
        return {"user": self.user, "scheduler": self.scheduler, "delivery": self.delivery}


def ensure_accounts(
    accounts: Accounts, path: Path, *, bootstrap: Mapping[str, str], receiver_port: int
) -> Accounts:
    """Return `accounts` with everything that was missing made and written to `path`, each thing as soon as it exists.

    `bootstrap` is the environment of `python -m user_service bootstrap`.

    Raises:
        StartFailed: the operator's key could not be made.
        Refused: an earlier start was killed between making something and noting its secret.
    """
    if not accounts.operator_key:
        accounts = replace(accounts, operator_key=_operator_key(bootstrap, path)).write(path)
    if not accounts.api_key:
        accounts = replace(accounts, api_key=_tenant_key(accounts, path)).write(path)
    if not accounts.receiver_secret:
        accounts = replace(
            accounts,
            receiver_port=receiver_port,
            receiver_secret=_endpoint_secret(accounts, path, receiver_port),
        )
    return accounts.write(path)


def _operator_key(environment: Mapping[str, str], path: Path) -> str:
    # Not through a log file: what it prints is the key.
    done = subprocess.run(
        (sys.executable, "-m", "user_service", "bootstrap"),
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=_WITHIN_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise StartFailed(
            f"the operator's key could not be made: {(done.stderr or done.stdout).strip()[-500:]}"
        )
    line = done.stdout.strip().rpartition("\n")[2]
    if not line.startswith("{"):
        raise _lost("operator's key", path)
    return str(json.loads(line)["operator_key"])


def _tenant_key(accounts: Accounts, path: Path) -> str:
    with accounts.as_operator() as client:
        try:
            answer = client.tenants.CreateTenant(
                tenant_service_pb2.CreateTenantRequest(tenant=tenant_pb2.Tenant(name=TENANT))
            )
        except ApiError as error:
            raise _unfinished(error, f"tenant {TENANT}", path) from error
    return answer.secret


def _endpoint_secret(accounts: Accounts, path: Path, port: int) -> str:
    request = endpoint_service_pb2.CreateEndpointRequest(
        endpoint_id=ENDPOINT,
        url=receiver_url(port),
        description="The receiver of redletter dev",
    )
    with accounts.as_tenant() as client:
        try:
            return client.endpoints.CreateEndpoint(request).secret
        except ApiError as error:
            raise _unfinished(error, f"endpoint {ENDPOINT}", path) from error


def receiver_url(port: int) -> str:
    """Return where the receiver listens."""
    return f"http://127.0.0.1:{port}/"


def _unfinished(error: ApiError, what: str, path: Path) -> Exception:
    return _lost(what, path) if error.code == "ALREADY_EXISTS" else error


def _lost(what: str, path: Path) -> Refused:
    return Refused(
        f"the {what} exists, but {path} does not have its secret, which is shown only once; "
        f"remove {path.parent} or choose another --data"
    )
