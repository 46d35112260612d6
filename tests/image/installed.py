"""The image without a container engine: its environment installed, its roles run as a user who may write to /tmp only."""

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from redletter_cli.dev.ports import free_base
from redletter_cli.embedded import Postgres, Valkey

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
NOBODY = 65532
GRACE_SECONDS = 10
SERVICES = ("user", "scheduler", "delivery")
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass
class Role:
    """A process of the image."""

    process: subprocess.Popen[bytes]
    public: int
    log: Path
    began: float = field(default_factory=time.monotonic)

    def health(self, service: str = "") -> "int | None":
        """Return what the health service says; None while nobody answers."""
        with grpc.insecure_channel(f"127.0.0.1:{self.public}") as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(service=service), timeout=1
                )
            except grpc.RpcError:
                return None
            return int(answer.status)

    def ready_after(self, within: float = 30.0) -> float:
        """Wait until it is ready; return the seconds since its start."""
        while self.health() != SERVING:
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() - self.began < within, self.log.read_text()[-2000:]
            time.sleep(0.05)
        return time.monotonic() - self.began

    def user(self) -> int:
        """Return the user that the process runs as, in the kernel's words."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"^Uid:\s+\d+\s+(\d+)", status, re.MULTILINE)
        assert found is not None, status
        return int(found[1])

    def end(self) -> int:
        """Send SIGTERM and return the exit code, which must come within the grace time."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(GRACE_SECONDS)


@dataclass
class Image:
    """The installed environment, and how its roles are run."""

    root: Path
    postgres: Postgres
    valkey: Valkey
    database: str
    roles: list[Role] = field(default_factory=list)
    writers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def python(self) -> Path:
        return self.root / "venv" / "bin" / "python"

    def environment(self, service: str, ports: Mapping[str, int]) -> dict[str, str]:
        """Return the variables that the chart gives a role, on ports of this machine."""
        base = ports[service]
        role = f"{service}_service"
        return {
            "PATH": "/usr/bin:/bin",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "REDLETTER_DATABASE_URL": self.postgres.url(self.database, role=role),
            "REDLETTER_REDIS_URL": self.valkey.url(),
            "REDLETTER_INTERNAL_SECRET": "a secret of the tests, long enough for it",
            "REDLETTER_HOST": "127.0.0.1",
            "REDLETTER_PUBLIC_PORT": str(base),
            "REDLETTER_INTERNAL_PORT": str(base + 1),
            "REDLETTER_METRICS_PORT": str(base + 2),
            "REDLETTER_GRACE_SECONDS": str(GRACE_SECONDS),
            "REDLETTER_USER_SERVICE_ADDRESS": f"127.0.0.1:{ports['user'] + 1}",
            "REDLETTER_DELIVERY_SERVICE_ADDRESS": f"127.0.0.1:{ports['delivery'] + 1}",
        }

    def one_message(self, key: str, ports: Mapping[str, int]) -> str:
        """Send one message through the running services; return what was said about it."""
        addresses = {
            f"REDLETTER_{service.upper()}_ADDRESS": f"127.0.0.1:{ports[service]}" for service in SERVICES
        }
        done = self.run(
            "one-message", env={"PATH": "/usr/bin:/bin", **addresses, "REDLETTER_OPERATOR_KEY": key}
        )
        assert done.returncode == 0, done.stderr + "".join(
            role.log.read_text()[-3000:] for role in self.roles
        )
        return done.stdout

    def bootstrap(self, env: Mapping[str, str]) -> str:
        """Make the operator's key and return it."""
        made = self.run("bootstrap", env=env)
        key = re.search(r'"operator_key": "([^"]+)"', made.stdout)
        assert key is not None, made.stderr
        return key[1]

    def migrate(self, half: str, env: Mapping[str, Mapping[str, str]]) -> None:
        """Run one half of every service's migrations."""
        for service in SERVICES:
            done = self.run("migrate", service, half, env=env[service])
            assert done.returncode == 0, done.stderr

    def run(self, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a role to its end."""
        return self.python_says("-m", "roles", *arguments, env=env)

    def python_says(self, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run the image's Python to its end, confined as a role is."""
        return subprocess.run(
            [self.python, *arguments],
            env=dict(env), cwd="/tmp", capture_output=True, text=True, timeout=120, check=False, **confined(),
        )  # fmt: skip

    def start(self, service: str, env: Mapping[str, str]) -> Role:
        """Start a role that serves."""
        return self.begin([self.python, "-m", "roles", service], env=env, cwd=Path("/tmp"), **confined())

    def begin(
        self, command: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, **confinement: Any
    ) -> Role:
        """Start a process that serves; it is ended with the test."""
        log = self.root / f"{len(self.roles)}.log"
        # Through a pipe: who may write no file may not write its log either.
        with log.open("wb") as out:
            writer = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=out)
        assert writer.stdin is not None
        with writer.stdin as pipe:
            process = subprocess.Popen(
                command, env=dict(env), cwd=cwd, stdout=pipe, stderr=pipe, **confinement
            )
        self.writers.append(writer)
        self.roles.append(Role(process, int(env["REDLETTER_PUBLIC_PORT"]), log))
        return self.roles[-1]

    def end_all(self) -> None:
        """End whatever is left."""
        for role in self.roles:
            if role.process.poll() is None:
                role.process.kill()
                role.process.wait()
        for writer in self.writers:
            writer.wait()
        self.roles.clear()
        self.writers.clear()


def confined() -> dict[str, Any]:
    """Return how a child becomes the image's user, which writes no file; an ordinary user runs it as itself.

    The chart mounts the root file system read-only and gives `/tmp`. A limit of 0 bytes per file forbids more:
    whatever writes a byte into a file, wherever, fails.
    """
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return {**user, "preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))}


def interpreter() -> Path:
    """Return a Python of this version that the image's user may run: root's own may be in root's home."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [Path(sys.executable).resolve(), Path("/usr/bin") / name, Path("/usr/local/bin") / name]
    for path in candidates:
        if path.exists() and (
            os.geteuid() != 0 or all(p.stat().st_mode & 0o001 for p in path.resolve().parents)
        ):
            return path
    pytest.fail(
        f"no {name} that user {NOBODY} may run; install Debian's python3.11 or run the tests as a user"
    )


def install(root: Path) -> None:
    """Do what the Dockerfile's first stage does: locked wheels, our packages as files, compiled."""
    uv = Path(sys.executable).with_name("uv")
    venv = root / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", interpreter(), venv], check=True)
    lock = ROOT / "requirements" / "service.lock"
    install = [
        uv,
        "pip",
        "install",
        "--quiet",
        "--python",
        venv / "bin" / "python",
        "--require-hashes",
        "-r",
        lock,
    ]
    subprocess.run(install, check=True, env={**os.environ, **package_settings()})
    site = next((venv / "lib").glob("python*/site-packages"))
    copied = re.search(r"cp -R (.+?) \"\$site/\"", DOCKERFILE)
    assert copied is not None
    for name in copied[1].split():
        shutil.copytree(
            ROOT / name,
            site / Path(name).name,
            ignore=shutil.ignore_patterns("__pycache__"),
            dirs_exist_ok=True,
        )
    subprocess.run(
        [venv / "bin" / "python", "-m", "compileall", "-q", "-j", "0", "-x", "_typing_312", site], check=True
    )


def package_settings() -> dict[str, str]:
    """Return what pip was told about its index, for uv, which does not ask; see scripts/setup/install.sh."""
    found = {}
    for variable, name in (("UV_DEFAULT_INDEX", "index-url"), ("SSL_CERT_FILE", "cert")):
        told = subprocess.run(
            [sys.executable, "-m", "pip", "config", "get", f"global.{name}"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
        told = os.environ.get(f"PIP_{name.upper().replace('-', '_')}", told)
        if told and variable not in os.environ:
            found[variable] = told
    return found


def ports() -> dict[str, int]:
    """Return free ports: each service's public one, the two behind it are free as well."""
    base = free_base()
    return {service: base + 10 * number for number, service in enumerate(SERVICES)}
