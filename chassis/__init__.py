"""What every service stands on; it knows none of them."""

import os

# Read when grpc is imported. Its handlers for forks close, in a child that only wants to start another
# program, what the parent's channels wait on; nobody here goes on in a forked child.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
