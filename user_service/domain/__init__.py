"""Who: tenants, their keys, and people with their dates. No I/O, no clock, no framework."""
