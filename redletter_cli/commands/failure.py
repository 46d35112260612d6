"""The end of a verb that did not work: a sentence for standard error and an exit status."""

from redletter.common.v1 import item_result_pb2
from redletter.errors import ApiError, Unreachable, from_status


class Failure(Exception):
    """Ends a verb with `message` on standard error; `exit_code` is 1, or 2 when the call itself was wrong."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def sentence(error: ApiError) -> str:
    """Return what a person should read when a call has failed, with the next step where one is known."""
    if isinstance(error, Unreachable):
        return f"cannot reach {error.service}_service at {error.address}: is `redletter dev` running?"
    if error.code == "UNAUTHENTICATED":
        return f"{error.message}; give a valid key by --api-key or REDLETTER_API_KEY"
    return error.message or f"the service answered {error.code} without a reason"


def refusal(result: item_result_pb2.ItemResult) -> str | None:
    """Return why an item of a batch was refused, as a sentence; None if it was not."""
    return sentence(from_status(result.status)) if result.status.code else None
