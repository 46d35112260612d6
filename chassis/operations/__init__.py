"""Long work with its progress, which a caller may stop, let go on, or end: one implementation for every service."""
