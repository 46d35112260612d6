"""The items of a call: each one checked by itself, so that a bad one never costs a good one."""

from collections import Counter
from collections.abc import Sequence

from redletter.user.v1 import user_pb2

from chassis.errors import InvalidInput
from chassis.rpc.validation import validate
from user_service.api.parsing import user_draft
from user_service.domain.users import UserDraft


def checked_draft(wire: user_pb2.User) -> UserDraft | InvalidInput:
    """Return what the caller wrote, or why it is refused; paths of fields are within User."""
    try:
        validate(wire)
        return user_draft(wire)
    except InvalidInput as error:
        return error


def checked_drafts(users: Sequence[user_pb2.User]) -> list[UserDraft | InvalidInput]:
    """Return the same for each user, with paths as a request for one user has them: `user.time_zone`."""
    checked = [checked_draft(user) for user in users]
    return [item.under("user") if isinstance(item, InvalidInput) else item for item in checked]


def rounds(drafts: Sequence[tuple[int, UserDraft]]) -> list[list[tuple[int, UserDraft]]]:
    """Return the drafts in rounds in which no user stands twice, the items of one user in their order."""
    seen: Counter[str] = Counter()
    split: list[list[tuple[int, UserDraft]]] = []
    for index, draft in drafts:
        turn = seen[draft.user_id]
        seen[draft.user_id] += 1
        if turn == len(split):
            split.append([])
        split[turn].append((index, draft))
    return split
