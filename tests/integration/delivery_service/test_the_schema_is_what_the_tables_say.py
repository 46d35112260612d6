"""The migrations and store/tables.py describe one schema."""

from delivery_service.store.tables import SCHEMA, metadata
from tests.integration.delivery_service.conftest import World


async def test_every_table_has_the_columns_that_the_code_names(world: World) -> None:
    """Names of tables and columns agree in both directions, partitions and Alembic's own table aside."""
    rows = await world.rows(
        "SELECT c.table_name, c.column_name FROM information_schema.columns c JOIN pg_class t"
        " ON t.relname = c.table_name AND NOT t.relispartition AND t.relkind IN ('r', 'p')"
        f" AND t.relnamespace = '{SCHEMA}'::regnamespace"
        f" WHERE c.table_schema = '{SCHEMA}' AND c.table_name <> 'alembic_version'"
    )
    declared = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    assert {(row.table_name, row.column_name) for row in rows} == declared
