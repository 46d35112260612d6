"""What user_service remembers: tables in `tables`, one module per aggregate, migrations beside them."""

from pathlib import Path

SCHEMA = "user_service"
MIGRATIONS = Path(__file__).parent / "migrations"
