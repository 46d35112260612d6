"""Redis elects and spreads; PostgreSQL arbitrates. Losing everything here costs a second, never a message."""
