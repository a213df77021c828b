"""Tags, notes and attachments on the page of every record, tags in every list; plugins get them without code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import Select, select
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from core.annotations.files import attach, attachment_of, detach, store_file, stored_at
from core.annotations.models import Attachment, Note, RecordTag, Tag
from core.annotations.records import add_note, delete_note, known_tags, set_tag, tag_name, tagged, tags_of
from core.db.base import Base
from core.db.session import ScopedSession
from core.errors import InvalidInputError, InvalidValueError, NotFoundError
from core.plugin.contributions import (
    SIGNED_IN,
    AuditAction,
    BulkAction,
    BulkInput,
    Column,
    Filter,
    Panel,
    Route,
    Setting,
)
from core.plugin.hookspecs import hookimpl
from core.plugin.manager import CORE
from core.plugin.settings import setting
from core.registry.fields import Label
from core.registry.filters import Asked
from core.registry.models import RegisteredModel
from core.registry.records import load_record
from core.security.audit import record as audit
from core.security.models import User
from core.web import requests
from core.web.pages import words
from core.web.templating import render

if TYPE_CHECKING:
    from core.app import Suite

BASE = "/records/{model}/{row_id:int}"
TITLE = Label("Tags, notes, files", "标签、备注、附件")
LATEST = 20
"""Notes and files shown, the newest."""


@hookimpl
def core_routes() -> Sequence[Route]:
    """Declare the routes; each loads the record through its row rule and asks for the right of its model."""
    post = ("POST",)
    return [
        Route(f"{BASE}/annotations", show, SIGNED_IN),
        Route(f"{BASE}/tags", put_tag, SIGNED_IN, post),
        Route(f"{BASE}/notes", write_note, SIGNED_IN, post),
        Route(f"{BASE}/notes/{{number:int}}/delete", drop_note, SIGNED_IN, post),
        Route(f"{BASE}/attachments", upload, SIGNED_IN, post),
        Route(f"{BASE}/attachments/{{number:int}}", download, SIGNED_IN),
        Route(f"{BASE}/attachments/{{number:int}}/delete", drop_attachment, SIGNED_IN, post),
    ]


@hookimpl
def core_settings() -> Sequence[Setting]:
    """Declare how large a file may be."""
    label, hint = Label("Largest attachment (MB)", "附件大小上限（MB）"), Label("Of one file", "单个文件")
    return [Setting("attachment_mb", label, 20, hint, minimum=1, maximum=200, per_branch=True)]


@hookimpl
def core_audit_actions() -> Sequence[AuditAction]:
    """Declare what is written into the audit trail."""
    return [
        AuditAction("tag.added", Label("Tag added", "添加标签")),
        AuditAction("tag.removed", Label("Tag removed", "移除标签")),
        AuditAction("note.added", Label("Note written", "写备注")),
        AuditAction("note.deleted", Label("Note deleted", "删除备注")),
        AuditAction("attachment.added", Label("File attached", "添加附件")),
        AuditAction("attachment.read", Label("File downloaded", "下载附件")),
        AuditAction("attachment.deleted", Label("File removed", "移除附件")),
    ]


@hookimpl
def core_panels() -> Sequence[Panel]:
    """Declare the panel beside every record of a plugin; it is fetched after the page."""
    template = "annotations/panel.html"
    return [
        Panel(
            f"core.annotations.{model}",
            f"{model}.side",
            TITLE,
            template,
            partial(_address, model),
            f"{model}.view",
            900,
        )
        for model in _models()
    ]


@hookimpl
def core_columns() -> Sequence[Column]:
    """Declare the column of tags."""
    return [Column(model, "tags", Label("Tags", "标签"), partial(_column, model)) for model in _models()]


@hookimpl
def core_filters() -> Sequence[Filter]:
    """Declare the filter ``tag:…``."""
    return [
        Filter(model, "tag", Label("Tag", "标签"), partial(_matching, model, entity))
        for model, entity in _models().items()
    ]


@hookimpl
def core_bulk_actions() -> Sequence[BulkAction]:
    """Declare tagging and untagging of many records."""
    asked, edit = (BulkInput("tag", Label("Tag", "标签")),), "{model}.edit"
    return [
        BulkAction("", "core.tag", Label("Tag", "打标签"), edit, asked, _tagged, lambda _: True, _set_tag, "tag", 50),
        BulkAction(
            "", "core.untag", Label("Remove tag", "去标签"), edit, asked, _tagged, lambda _: False, _set_tag, "x", 51
        ),
    ]


def show(request: Request) -> Response:
    """Show what was added to a record, as the fragment that its page fetches."""
    model, row_id = record_of(request, "view")
    session, actor = requests.session_of(request), requests.actor_of(request)
    context = {
        "base": f"/records/{model.id}/{row_id}",
        "model": model.id,
        "row_id": row_id,
        "tags": tags_of(session, model.id, [row_id]).get(row_id, []),
        "known": known_tags(session),
        "notes": _latest(session, Note, model.id, row_id),
        "files": _latest(session, Attachment, model.id, row_id),
        "may_edit": actor.may(f"{model.id}.edit"),
        "own_id": actor.user_id,
    }
    return render(request, "annotations/fragment.html", context)


def put_tag(request: Request) -> Response:
    """Put a tag on a record, or take it off."""
    model, row_id = record_of(request, "edit")
    session, off = requests.session_of(request), requests.text(request, "remove")
    name = tag_name(off or requests.text(request, "tag"))
    set_tag(session, model.id, {row_id: not off}, name)
    audit(session, "tag.removed" if off else "tag.added", model.id, row_id, {"tag": name})
    return _back(request, model, row_id)


def write_note(request: Request) -> Response:
    """Write a note."""
    model, row_id = record_of(request, "edit")
    add_note(requests.session_of(request), model.id, row_id, requests.text(request, "text"))
    return _back(request, model, row_id)


def drop_note(request: Request) -> Response:
    """Delete one of one's own notes."""
    model, row_id = record_of(request, "edit")
    delete_note(requests.session_of(request), model.id, row_id, int(request.path_params["number"]))
    return _back(request, model, row_id)


def upload(request: Request) -> Response:
    """Attach a file."""
    model, row_id = record_of(request, "edit")
    suite: Suite = request.app.state.suite
    sent = requests.form(request).get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise InvalidInputError({"file": InvalidValueError("no_file", "Choose a file.")})
    most = setting(suite, CORE, "attachment_mb", requests.actor_of(request).home_branch_id)
    stored = store_file(suite.settings.data.folder, sent.file, sent.filename, most)
    attach(requests.session_of(request), (model.id, row_id), sent.filename, stored)
    return _back(request, model, row_id)


def download(request: Request) -> Response:
    """Send a file as a download that no browser renders (OWASP ASVS 5.0 3.2.1), and note who took it."""
    model, row_id = record_of(request, "view")
    suite: Suite = request.app.state.suite
    found = attachment_of(requests.session_of(request), model.id, row_id, int(request.path_params["number"]))
    file = stored_at(suite.settings.data.folder, found.sha256)
    if not file.exists():
        raise NotFoundError("file_missing", "The file is missing in the store.", "Restore it from a backup.")
    with suite.database.write(requests.actor_of(request)) as session:
        session.info["request_id"] = request.state.request_id
        audit(session, "attachment.read", model.id, row_id, {"attachment": found.id})
    headers = {
        "Content-Disposition": f"attachment; filename=\"file\"; filename*=UTF-8''{quote(found.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return FileResponse(file, media_type=found.kind, headers=headers)


def drop_attachment(request: Request) -> Response:
    """Take a file off a record."""
    model, row_id = record_of(request, "edit")
    session = requests.session_of(request)
    detach(session, attachment_of(session, model.id, row_id, int(request.path_params["number"])))
    return _back(request, model, row_id)


def record_of(request: Request, verb: str) -> tuple[RegisteredModel, int]:
    """Return model and number of the record in the address; see `visible_record`."""
    return visible_record(request, str(request.path_params["model"]), int(request.path_params["row_id"]), verb)


def visible_record(request: Request, name: str, row_id: int, verb: str) -> tuple[RegisteredModel, int]:
    """Return model and number of a record of a plugin, for who may ``view`` or ``edit`` it.

    Args:
        request: The request.
        name: Model id.
        row_id: Number of the record.
        verb: ``view`` or ``edit``.

    Raises:
        NotFoundError: There is none for this person: no such model, no right to it, or another branch.
    """
    suite: Suite = request.app.state.suite
    actor = requests.actor_of(request)
    known = name in suite.registry and not name.startswith("core.") and actor.may(f"{name}.view")
    owner = name.partition(".")[0]
    if not known or not suite.activation.shows(owner, actor):
        raise NotFoundError("unknown_record", "There is no such record.", "Go back to the list.", model=name)
    suite.activation.require_for(owner, actor, writes=verb != "view")
    actor.require(f"{name}.{verb}")
    model = suite.registry.get(name)
    load_record(requests.session_of(request), model, row_id)
    return model, row_id


def _models() -> dict[str, Any]:
    """Return all models of plugins by id; those of plugins that are not in use have no lists to be seen in."""
    declared = {
        mapper.class_.__model__.id: mapper.class_
        for mapper in Base.registry.mappers
        if hasattr(mapper.class_, "__model__")
    }
    return {name: declared[name] for name in sorted(declared) if not name.startswith("core.")}


def _address(model: str, _session: ScopedSession, context: Mapping[str, Any]) -> dict[str, Any]:
    return {"url": f"/records/{model}/{context['record_id']}/annotations"}


def _column(model: str, session: ScopedSession, ids: Sequence[int]) -> dict[int, str]:
    return {row_id: ", ".join(names) for row_id, names in tags_of(session, model, ids).items()}


def _matching(model: str, entity: Any, asked: Asked) -> Select[Any]:
    given = select(RecordTag.row_id).join(Tag, Tag.id == RecordTag.tag_id).where(RecordTag.model == model)
    if asked.operator == "empty":
        return select(entity.id).where(entity.id.not_in(given))
    return given.where(Tag.name == tag_name(asked.text))


def _tagged(session: ScopedSession, model: str, ids: Sequence[int], inputs: Mapping[str, str]) -> dict[int, bool]:
    return tagged(session, model, ids, tag_name(inputs["tag"]))


def _set_tag(session: ScopedSession, model: str, states: Mapping[int, Any], inputs: Mapping[str, str]) -> None:
    set_tag(session, model, states, tag_name(inputs["tag"]))


def _latest(session: ScopedSession, entity: Any, model: str, row_id: int) -> list[tuple[Any, str]]:
    query = select(entity, User.name).join(User, User.id == entity.author_id)
    mine = query.where(entity.model == model, entity.row_id == row_id)
    return list(session.execute(mine.order_by(entity.id.desc()).limit(LATEST)))


def _back(request: Request, model: RegisteredModel, row_id: int) -> Response:
    return requests.toast(requests.redirect(request, model.record_url(row_id)), words(request)("Saved."))
