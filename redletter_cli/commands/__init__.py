"""The verbs of `redletter`, one module per noun."""
