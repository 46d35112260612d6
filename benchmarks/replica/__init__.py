"""What `python -m benchmarks.replicas` is made of."""

import os

# Processes are started while calls are under way: gRPC's care for forks would end some of them. Before it is imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
