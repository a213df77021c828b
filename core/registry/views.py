"""Saved views and list preferences: what people keep of a list's filter, order, columns and density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, delete, or_, select

from core.db.session import ScopedSession
from core.errors import BanyanError, InvalidInputError, InvalidValueError, NotFoundError, PermissionDeniedError
from core.security.models import ListPreference, SavedView

DENSITIES = ("compact", "comfortable")
MOST_VIEWS = 30
"""Views one person keeps per model; more no longer fit the tabs."""

_PERSON: BindParameter[int] = bindparam("person")
_MODEL: BindParameter[str] = bindparam("model")
_VIEW, _CHOSEN = SavedView.__table__.c, ListPreference.__table__.c
_VIEWS = (
    select(_VIEW.id, _VIEW.name, _VIEW.query, _VIEW.shared, _VIEW.user_id)
    .where(_VIEW.model == _MODEL, or_(_VIEW.user_id == _PERSON, _VIEW.shared))
    .order_by(_VIEW.position, _VIEW.id)
)
_PREFERENCE = select(_CHOSEN["columns"], _CHOSEN.density).where(_CHOSEN.user_id == _PERSON, _CHOSEN.model == _MODEL)


@dataclass(frozen=True)
class View:
    """A saved view: the query string of a list under a name."""

    id: int
    name: str
    query: str
    shared: bool
    own: bool


@dataclass(frozen=True)
class Preference:
    """Columns and density a person chose; no columns means the default ones."""

    columns: tuple[str, ...] = ()
    density: str = DENSITIES[0]


NO_PREFERENCE = Preference()


def saved_views(session: ScopedSession, model: str) -> list[View]:
    """Return the person's own and the shared views of a model, in their order."""
    user_id = _user_id(session)
    rows = session.connection().execute(_VIEWS, {"model": model, "person": user_id})
    return [View(row.id, row.name, row.query, row.shared, row.user_id == user_id) for row in rows]


def save_view(session: ScopedSession, model: str, name: str, query: str, *, shared: bool = False) -> int:
    """Keep a view; one of the person's own with the same name is replaced.

    Args:
        session: A write session.
        model: Model id.
        name: 1 to 80 characters.
        query: The list's query string, at most 2,000 characters.
        shared: Offer it to everybody who may see the model; the rows stay those each of them may see.

    Raises:
        InvalidInputError: Name or query does not fit, or there are too many views.
        PermissionDeniedError: A system task keeps no views.
    """
    user_id, name = _person(session), name.strip()
    if not 1 <= len(name) <= 80 or len(query) > 2_000:
        raise _refused("view_name", "A view needs a name of 1 to 80 characters.", "Choose another name.")
    own = select(SavedView).where(SavedView.user_id == user_id, SavedView.model == model)
    view = session.scalar(own.where(SavedView.name == name))
    if view is None:
        number = len(
            session.scalars(select(SavedView.id).where(SavedView.user_id == user_id, SavedView.model == model)).all()
        )
        if number >= MOST_VIEWS:
            raise _refused("too_many_views", "There are already {number} views.", "Delete one.", number=number)
        view = SavedView(user_id=user_id, model=model, name=name, position=number)
        session.add(view)
    view.query, view.shared = query, shared
    session.flush()
    return view.id


def delete_view(session: ScopedSession, model: str, view_id: int) -> None:
    """Delete one of the person's own views.

    Raises:
        NotFoundError: There is none, or it belongs to somebody else.
    """
    own = (SavedView.id == view_id, SavedView.model == model, SavedView.user_id == _person(session))
    if session.scalar(select(SavedView.id).where(*own)) is None:
        raise NotFoundError("unknown_view", "There is no such view.", "Reload the list.")
    session.execute(delete(SavedView).where(*own))


def preference(session: ScopedSession, model: str) -> Preference:
    """Return what the person chose for a model's list."""
    user_id = _user_id(session)
    if user_id is None:
        return Preference()
    row = session.connection().execute(_PREFERENCE, {"model": model, "person": user_id}).first()
    return Preference(tuple(row[0]), row[1] if row[1] in DENSITIES else DENSITIES[0]) if row else Preference()


def keep_preference(
    session: ScopedSession, model: str, columns: Sequence[str] | None = None, density: str | None = None
) -> None:
    """Keep the person's choice; ``None`` leaves a part as it is, no columns restores the default ones.

    Raises:
        InvalidInputError: There is no such density.
        PermissionDeniedError: A system task has no preferences.
    """
    user_id = _person(session)
    if density is not None and density not in DENSITIES:
        raise _refused("density", "There is no density {density}.", "Choose compact or comfortable.", density=density)
    row = session.scalar(select(ListPreference).where(ListPreference.user_id == user_id, ListPreference.model == model))
    if row is None:
        row = ListPreference(user_id=user_id, model=model, columns=[], density=DENSITIES[0])
        session.add(row)
    row.columns = list(columns) if columns is not None else row.columns
    row.density = density or row.density
    session.flush()


def _user_id(session: ScopedSession) -> int | None:
    return session.actor.user_id if session.actor else None


def _person(session: ScopedSession) -> int:
    user_id = _user_id(session)
    if user_id is None:
        raise PermissionDeniedError("not_a_person", "Only people keep views.", "Sign in.")
    return user_id


def _refused(code: str, message: str, cure: str, **facts: object) -> InvalidInputError:
    error: BanyanError = InvalidValueError(code, message, cure, **facts)
    return InvalidInputError({"name": error}, message)
