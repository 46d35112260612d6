"""What the scheduler remembers; the tables are in migrations/versions/, each statement beside its use."""

from pathlib import Path

SCHEMA = "scheduler_service"
MIGRATIONS = Path(__file__).parent / "migrations"
