"""Event types and tenants' defaults, kept in memory for as long as a moment.

Being behind is harmless: a decision compares the event type's version and loses when it is old.
"""

import time
from collections.abc import Iterable
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.recipients import TenantDefaults
from scheduler_service.store import event_types, tenants

MAX_AGE_SECONDS: Final = 0.5


class Rules:
    """What deciding needs of a tenant."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str], EventType] = {}
        self._defaults: dict[str, TenantDefaults] = {}
        self._loaded: dict[str, float] = {}

    async def load(self, connection: AsyncConnection, tenant_ids: Iterable[str]) -> None:
        """Read these tenants' rules again if what is known of them is older than half a second."""
        now = time.monotonic()
        old = {t for t in tenant_ids if now - self._loaded.get(t, float("-inf")) > MAX_AGE_SECONDS}
        if not old:
            return
        # Rules first: a change of the defaults raises their versions, so that a mixture loses.
        for rules in (await event_types.of_tenants(connection, old)).values():
            self._rules.update({(rule.tenant_id, rule.event_type_id): rule for rule in rules})
        self._defaults.update(await tenants.load(connection, old))
        self._loaded.update(dict.fromkeys(old, now))

    def forget(self) -> None:
        """Read everything again at the next `load`: a decision has just lost against a newer version."""
        self._loaded.clear()

    def event_type(self, tenant_id: str, event_type_id: str) -> EventType | None:
        """Return the rule as it was last read."""
        return self._rules.get((tenant_id, event_type_id))

    def defaults(self, tenant_id: str) -> TenantDefaults | None:
        """Return the tenant's defaults as they were last read."""
        return self._defaults.get(tenant_id)
