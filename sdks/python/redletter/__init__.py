"""Redletter for Python: the contracts, a client, and the verification of webhooks."""
