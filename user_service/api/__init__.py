"""gRPC: parse, call, render. Errors become statuses in `chassis.rpc.boundary`."""
