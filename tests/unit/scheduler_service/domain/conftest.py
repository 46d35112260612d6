"""Every domain test runs on the pinned zone data, as every process does."""

from chassis import zones

zones.pin()
