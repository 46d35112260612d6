"""An upgrade as the chart does it: expand, the old services run on, the new ones come, contract."""

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.image.installed import ROOT, SERVICES, Image, ports

MIGRATIONS = [f"{service}_service/store/migrations/versions" for service in SERVICES]


def before_the_last_migration(into: Path) -> Path:
    """Return the tree as it was before the newest migration came, or as it is when git knows no older one."""

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=False).stdout

    newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", *MIGRATIONS).decode().strip()
    found = git("archive", f"{newest}^") if newest else b""
    if not found:
        print("no older commit is known here: the upgrade is from this tree to itself")
        return ROOT
    with tarfile.open(fileobj=io.BytesIO(found)) as archive:
        archive.extractall(into, filter="data")
    return into


def test_old_services_run_on_the_new_schema_and_new_ones_before_the_contraction(
    image: Image, tmp_path: Path
) -> None:
    """One message before, one by the old services after the expansion, by the new ones before and after the rest."""
    old = before_the_last_migration(tmp_path)
    at = ports()
    env = {service: image.environment(service, at) for service in SERVICES}
    old_env = {
        service: {**env[service], "PYTHONPATH": f"{old}:{old / 'sdks' / 'python'}"} for service in SERVICES
    }
    for service in SERVICES:
        command = [sys.executable, "-m", f"{service}_service", "migrate"]
        subprocess.run(command, env=old_env[service], cwd=old, check=True, timeout=120)

    def start_old() -> None:
        for service in SERVICES:
            image.begin([sys.executable, "-m", f"{service}_service"], env=old_env[service], cwd=old)
        for role in image.roles:
            role.ready_after()

    start_old()
    key = image.bootstrap(env["user"])
    image.one_message(key, at)
    image.migrate("expand", env)
    image.one_message(key, at)
    # Also those that start now, for example because their node went away in the middle of the upgrade.
    image.end_all()
    start_old()
    image.one_message(key, at)
    image.end_all()
    for service in SERVICES:
        image.start(service, env[service]).ready_after()
    image.one_message(key, at)
    image.migrate("contract", env)
    image.one_message(key, at)
