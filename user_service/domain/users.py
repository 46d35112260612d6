"""Users: people who may receive messages, and what a write makes of them."""

from dataclasses import dataclass, replace

from whenever import Instant

from chassis.errors import StaleVersion
from user_service.domain import attributes
from user_service.domain.occasions import Enrolment, Occasion, OnEnrol, occasions_after
from user_service.domain.preferences import NONE, Preferences


@dataclass(frozen=True, slots=True)
class UserDraft:
    """A user as a caller wrote it, all rules checked; an empty `etag` asks for no check.

    `attributes` is the text of a JSON object. `preferences` None keeps the stored ones: another import
    must never undo an opt-out.
    """

    user_id: str
    time_zone: str
    locale: str
    given_name: str
    family_name: str
    occasions: tuple[Occasion, ...]
    attributes: str
    etag: str
    preferences: Preferences | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A stored user; `version` grows with every change, also across deletion and re-creation.

    A user that is not stored yet has version 0.
    """

    user_id: str
    time_zone: str
    locale: str
    given_name: str
    family_name: str
    enrolments: tuple[Enrolment, ...]
    attributes: str
    version: int
    create_time: Instant
    update_time: Instant
    preferences: Preferences = NONE

    @property
    def etag(self) -> str:
        """The version as text."""
        return str(self.version)

    def stored_as(self, version: int) -> "User":
        """Return the same user with the version that the store gave it."""
        return replace(self, version=version)


def check_etag(stored: User | None, draft: UserDraft) -> None:
    """Refuse a write that was made from another state than the stored one.

    Raises:
        StaleVersion: the draft has an etag, and the stored user has another or does not exist.
    """
    if not draft.etag or (stored is not None and stored.etag == draft.etag):
        return
    now = f"has the etag {stored.etag} now" if stored is not None else "does not exist"
    raise StaleVersion(
        f"user {draft.user_id!r} {now}, not {draft.etag!r} as given; read it again and repeat the change"
    )


def after_write(stored: User | None, draft: UserDraft, *, now: Instant, on_enrol: OnEnrol) -> User | None:
    """Return the user as it shall be stored (version of `stored`, or 0), or None when nothing changes."""
    if stored is not None and _equal(stored, draft):
        return None
    return User(
        user_id=draft.user_id,
        time_zone=draft.time_zone,
        locale=draft.locale,
        given_name=draft.given_name,
        family_name=draft.family_name,
        enrolments=occasions_after(
            stored.enrolments if stored is not None else (), draft.occasions, now=now, on_enrol=on_enrol
        ),
        attributes=draft.attributes,
        version=stored.version if stored is not None else 0,
        create_time=stored.create_time if stored is not None else now,
        update_time=now,
        preferences=_preferences_after(stored, draft),
    )


def after_choice(stored: User, preferences: Preferences, *, now: Instant) -> User | None:
    """Return the user with these preferences and all else as it was, or None when nothing changes."""
    if stored.preferences == preferences:
        return None
    return replace(stored, preferences=preferences, update_time=now)


def _preferences_after(stored: User | None, draft: UserDraft) -> Preferences:
    if draft.preferences is not None:
        return draft.preferences
    return stored.preferences if stored is not None else NONE


def _equal(stored: User, draft: UserDraft) -> bool:
    return (
        stored.time_zone == draft.time_zone
        and stored.locale == draft.locale
        and stored.given_name == draft.given_name
        and stored.family_name == draft.family_name
        and tuple(enrolment.occasion for enrolment in stored.enrolments) == draft.occasions
        and _preferences_after(stored, draft) == stored.preferences
        and attributes.same(stored.attributes, draft.attributes)
    )
