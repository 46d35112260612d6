"""A receiver of webhooks on loopback: reads, verifies, records, answers."""
