"""One installed environment for the tests of the image; each test its own database."""

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from redletter_cli.embedded import Postgres, Valkey
from redletter_cli.embedded.databases import drop_database, ensure_database
from tests.image.installed import SERVICES, Image, install

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def environment() -> Iterator[Path]:
    """Install once; the directory is nobody's to write."""
    with tempfile.TemporaryDirectory(prefix="redletter-image-", ignore_cleanup_errors=True) as made:
        root = Path(made)
        root.chmod(0o755)
        install(root)
        yield root


@pytest.fixture
def image(environment: Path, postgres: Postgres, valkey: Valkey, redis_url: str) -> Iterator[Image]:
    """Give the environment with a database of three empty schemas; what a test has started is ended."""
    database = f"image_{next(_NUMBERS)}"
    # A schema belongs to its role in every database: roles are the server's.
    ensure_database(postgres, database, roles=[f"{service}_service" for service in SERVICES])
    made = Image(environment, postgres, valkey, database)
    yield made
    made.end_all()
    drop_database(postgres, database)
