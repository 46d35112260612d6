"""Redis spreads what replicas count; PostgreSQL arbitrates. Losing everything here costs a second, never a message."""
