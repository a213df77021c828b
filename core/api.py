"""What plugins may use of the core; everything else may change without notice.

Hooks and contributions keep their version in `API_VERSION`.
"""

from __future__ import annotations

from core.app import Suite, build_suite
from core.config import load_settings
from core.crypto import Vault
from core.custom.models import CustomValues
from core.db.base import Base, Timestamps, utc_now
from core.db.bulk import delete_rows, fetch_in, insert_rows, take_ids, update_rows
from core.db.session import Database, ScopedSession
from core.db.types import Id, Json, Money, UtcDateTime
from core.errors import (
    BanyanError,
    ConfigError,
    ConflictError,
    InvalidInputError,
    InvalidValueError,
    NotFoundError,
    PermissionDeniedError,
)
from core.i18n import translate
from core.imports.batches import Importer, finished_import
from core.imports.catalogue import Reader
from core.imports.chunk import Chunk, Entry
from core.imports.models import ImportBatch, ImportChange
from core.imports.sourced import Attributed, BranchOwned, Entered, Sourced, filled_index
from core.imports.targets import ImportTarget, canonical, encode_json
from core.jobs.context import JobContext, JobInterruptedError
from core.jobs.outbox import emit
from core.jobs.queue import enqueue
from core.log import logger
from core.plugin import API_VERSION
from core.plugin.contributions import (
    PUBLIC,
    SIGNED_IN,
    Action,
    AuditAction,
    Blocker,
    BulkAction,
    BulkInput,
    Column,
    Filter,
    HealthCheck,
    HomeCard,
    Job,
    ListView,
    MenuItem,
    Panel,
    Permission,
    Role,
    Route,
    Schedule,
    SearchHit,
    SearchSource,
    Setting,
    Slot,
)
from core.plugin.hookspecs import hookimpl, hookspec
from core.plugin.import_contributions import AfterImport, ImportDoubt, ImportDoubts
from core.plugin.settings import setting
from core.registry.fields import Choice, Field, Label, choices, field
from core.registry.filter_values import LOCAL_ZONE, today_here
from core.registry.filters import Asked
from core.registry.models import ListSource, Model, RegisteredModel, Registry
from core.search.index import add as add_documents
from core.search.index import document as document_number
from core.search.index import find as find_documents
from core.search.index import remove as remove_documents
from core.security.accounts import add_user
from core.security.actors import Actor, system_actor
from core.security.audit import record as record_audit
from core.security.branches import add_branch
from core.security.demonstration import mark_demonstration
from core.security.models import Branch
from core.security.permissions import give_role
from core.web.requests import actor_of, is_htmx, redirect, session_of, toast
from core.web.templating import render

__all__ = [
    "API_VERSION",
    "LOCAL_ZONE",
    "PUBLIC",
    "SIGNED_IN",
    "Action",
    "Actor",
    "AfterImport",
    "Asked",
    "Attributed",
    "AuditAction",
    "BanyanError",
    "Base",
    "Blocker",
    "Branch",
    "BranchOwned",
    "BulkAction",
    "BulkInput",
    "Choice",
    "Chunk",
    "Column",
    "ConfigError",
    "ConflictError",
    "CustomValues",
    "Database",
    "Entered",
    "Entry",
    "Field",
    "Filter",
    "HealthCheck",
    "HomeCard",
    "Id",
    "ImportBatch",
    "ImportChange",
    "ImportDoubt",
    "ImportDoubts",
    "ImportTarget",
    "Importer",
    "InvalidInputError",
    "InvalidValueError",
    "Job",
    "JobContext",
    "JobInterruptedError",
    "Json",
    "Label",
    "ListSource",
    "ListView",
    "MenuItem",
    "Model",
    "Money",
    "NotFoundError",
    "Panel",
    "Permission",
    "PermissionDeniedError",
    "Reader",
    "RegisteredModel",
    "Registry",
    "Role",
    "Route",
    "Schedule",
    "ScopedSession",
    "SearchHit",
    "SearchSource",
    "Setting",
    "Slot",
    "Sourced",
    "Suite",
    "Timestamps",
    "UtcDateTime",
    "Vault",
    "actor_of",
    "add_branch",
    "add_documents",
    "add_user",
    "build_suite",
    "canonical",
    "choices",
    "delete_rows",
    "document_number",
    "emit",
    "encode_json",
    "enqueue",
    "fetch_in",
    "field",
    "filled_index",
    "find_documents",
    "finished_import",
    "give_role",
    "hookimpl",
    "hookspec",
    "insert_rows",
    "is_htmx",
    "load_settings",
    "logger",
    "mark_demonstration",
    "record_audit",
    "redirect",
    "remove_documents",
    "render",
    "session_of",
    "setting",
    "system_actor",
    "take_ids",
    "toast",
    "today_here",
    "translate",
    "update_rows",
    "utc_now",
]
