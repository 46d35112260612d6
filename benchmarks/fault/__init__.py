"""The parts of `benchmarks.faults`: the stage, the people, the marks, the tally and the faults themselves."""

import os

# Processes are forked here while channels are busy; gRPC's own handlers of a fork can end the child before it
# becomes the service. They are of no use to one that executes another program at once.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
