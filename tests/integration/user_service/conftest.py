"""One running user_service per test, with an operator's key, and a tenant called acme."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from chassis.migrations import migrate
from tests.integration.user_service.harness import SECRET, Caller, Service, running
from user_service.__main__ import bootstrap
from user_service.settings import Settings
from user_service.store import MIGRATIONS, SCHEMA


@pytest.fixture
def settings(clone_database: Callable[..., str]) -> Settings:
    """Settings for a freshly migrated database."""
    url = clone_database("user_service", lambda url: migrate(url, schema=SCHEMA, directory=MIGRATIONS))
    return Settings(database_url=url, internal_secret=SECRET)


@pytest.fixture
async def service(settings: Settings) -> AsyncIterator[Service]:
    """A running service with an operator key."""
    operator_key = json.loads(await bootstrap(settings))["operator_key"]
    async with running(settings, operator_key) as started:
        yield started


@pytest.fixture
async def acme(service: Service) -> Caller:
    """The API of a tenant whose own change is applied already."""
    caller = await service.tenant()
    await service.drain()
    return caller
