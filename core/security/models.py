"""Tables of access: branches, people, roles, grants, sessions, tokens, attempts and the audit trail."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.base import Base, Timestamps, utc_now
from core.db.types import Id, Json, UtcDateTime
from core.registry.fields import Label, field
from core.registry.models import Model

_ADMINISTERED: dict[str, Any] = {"editable": False, "imported": False}
"""Changed only by the commands of administration, which compare rights: a generated form or a file would not."""


_SYSTEM = text("branch_id IS NULL")
"""To a constraint two rows without branch differ."""


class Branch(Timestamps, Base):
    """An office of the insurer; offices form a tree."""

    __tablename__ = "core_branch"
    __model__ = Model(
        "core.branch", Label("Branch", "机构"), Label("Branches", "机构"), "name", shared=True, sort=("code",)
    )

    code: Mapped[str] = field(String(40), unique=True, en="Code", zh="机构代码", listed=True, **_ADMINISTERED)
    name: Mapped[str] = field(String(120), en="Name", zh="机构名称", listed=True, **_ADMINISTERED)
    parent_id: Mapped[int | None] = field(
        ForeignKey("core_branch.id"),
        index=True,
        en="Parent",
        zh="上级机构",
        target="core.branch",
        listed=True,
        **_ADMINISTERED,
    )
    area_code: Mapped[str] = field(String(8), default="", en="Area code", zh="区号", listed=True, **_ADMINISTERED)
    active: Mapped[bool] = field(Boolean, default=True, en="Active", zh="启用", listed=True, **_ADMINISTERED)


class User(Timestamps, Base):
    """A person who signs in. Names of colleagues are known throughout the installation, hence shared."""

    __tablename__ = "core_user"
    __model__ = Model(
        "core.user",
        Label("User", "用户"),
        Label("Users", "用户"),
        "name",
        shared=True,
        sort=("username",),
        path="/users/{id}",
    )

    username: Mapped[str] = field(String(64), unique=True, en="User name", zh="用户名", listed=True, **_ADMINISTERED)
    name: Mapped[str] = field(String(80), en="Name", zh="姓名", listed=True, **_ADMINISTERED)
    staff_code: Mapped[str] = field(
        String(40), default="", index=True, en="Staff code", zh="工号", listed=True, **_ADMINISTERED
    )
    home_branch_id: Mapped[int | None] = field(
        ForeignKey("core_branch.id"),
        index=True,
        en="Home branch",
        zh="所属机构",
        target="core.branch",
        listed=True,
        **_ADMINISTERED,
    )
    active: Mapped[bool] = field(Boolean, default=True, en="Active", zh="启用", listed=True, **_ADMINISTERED)
    locale: Mapped[str] = field(String(8), default="", en="Language", zh="语言", **_ADMINISTERED)
    theme: Mapped[str] = field(String(8), default="", en="Theme", zh="主题", **_ADMINISTERED)
    last_login_at: Mapped[datetime | None] = field(UtcDateTime, en="Last login", zh="最近登录", **_ADMINISTERED)
    password_hash: Mapped[str | None] = mapped_column(String(200), deferred=True)


class Role(Timestamps, Base):
    """A named set of permissions; ``shipped`` is what the software last delivered, to tell changes apart."""

    __tablename__ = "core_role"
    __model__ = Model("core.role", Label("Role", "角色"), Label("Roles", "角色"), "code", shared=True, sort=("code",))

    code: Mapped[str] = field(String(60), unique=True, en="Code", zh="角色代码", listed=True, **_ADMINISTERED)
    label_en: Mapped[str] = field(String(80), en="English name", zh="英文名称", listed=True, **_ADMINISTERED)
    label_zh: Mapped[str] = field(String(80), en="Chinese name", zh="中文名称", listed=True, **_ADMINISTERED)
    permissions: Mapped[list[str]] = field(Json, default=list, en="Permissions", zh="权限", **_ADMINISTERED)
    shipped: Mapped[list[str] | None] = mapped_column(Json)

    def label(self, locale: str) -> str:
        """Return the name for a locale."""
        return self.label_zh if locale.startswith("zh") else self.label_en


class Grant(Timestamps, Base):
    """A role held by a person at a branch; without branch it holds for the whole installation."""

    __tablename__ = "core_grant"
    __table_args__ = (UniqueConstraint("user_id", "role_id", "branch_id"), {"sqlite_autoincrement": True})

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    role_id: Mapped[int] = mapped_column(ForeignKey("core_role.id"), index=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("core_branch.id"), index=True)
    subtree: Mapped[bool] = mapped_column(Boolean, default=True)


class UserSession(Base):
    """A signed-in browser; only the SHA-256 of its token is stored."""

    __tablename__ = "core_user_session"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    work_branch_id: Mapped[int | None] = mapped_column(ForeignKey("core_branch.id"))
    client: Mapped[str] = mapped_column(String(64), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")


class ApiToken(Base):
    """A key for programs; shown once, stored as SHA-256.

    ``permissions`` and ``limit_branch_id`` only narrow what its owner may do; nothing means all of it.
    """

    __tablename__ = "core_api_token"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(20), default="")
    permissions: Mapped[list[str] | None] = mapped_column(Json)
    limit_branch_id: Mapped[int | None] = mapped_column(ForeignKey("core_branch.id"))
    per_minute: Mapped[int] = mapped_column(Integer, default=300)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SecondFactor(Base):
    """A person's authenticator app: its sealed secret, and the time step used last, since each is good once."""

    __tablename__ = "core_second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), unique=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    last_step: Mapped[int] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class DirectoryIdentity(Base):
    """By what the company's directory knows a person; an account has one, so that no second person enters it."""

    __tablename__ = "core_directory_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"), {"sqlite_autoincrement": True})

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), unique=True)
    issuer: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class RecoveryCode(Base):
    """A code that stands in once for a lost authenticator app; only its SHA-256 is stored."""

    __tablename__ = "core_recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)


class OneTimeCode(Base):
    """A code for a new password or, without person, for the first administrator; only its SHA-256 is stored."""

    __tablename__ = "core_one_time_code"

    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("core_user.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Attempt(Base):
    """One counted try, for limits that survive a restart and hold for all processes."""

    __tablename__ = "core_attempt"

    key: Mapped[str] = mapped_column(String(200), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class AuditEntry(Base):
    """One line of the audit trail; each line holds the hash of the line before it in its branch."""

    __tablename__ = "core_audit_entry"
    __table_args__ = (Index("ix_core_audit_entry_row", "model", "row_id"), {"sqlite_autoincrement": True})
    __model__ = Model("core.audit", Label("Audit entry", "审计记录"), Label("Audit trail", "审计日志"), "action")

    at: Mapped[datetime] = field(UtcDateTime, index=True, en="Time", zh="时间", listed=True, **_ADMINISTERED)
    actor_id: Mapped[int | None] = field(Id, index=True, en="User number", zh="用户编号", **_ADMINISTERED)
    actor_name: Mapped[str] = field(String(80), en="Who", zh="操作人", listed=True, **_ADMINISTERED)
    branch_id: Mapped[int | None] = field(
        ForeignKey("core_branch.id"), index=True, en="Branch", zh="机构", target="core.branch", **_ADMINISTERED
    )
    action: Mapped[str] = field(String(80), index=True, en="Action", zh="操作", listed=True, **_ADMINISTERED)
    model: Mapped[str] = field(String(80), default="", en="Model", zh="对象", listed=True, **_ADMINISTERED)
    row_id: Mapped[int | None] = field(Id, en="Number", zh="编号", kind="integer", listed=True, **_ADMINISTERED)
    detail: Mapped[dict[str, Any]] = field(Json, default=dict, en="Detail", zh="详情", **_ADMINISTERED)
    request_id: Mapped[str] = field(String(40), default="", en="Request", zh="请求号", **_ADMINISTERED)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(Base):
    """The end of one branch's chain: its lock, and the proof that nothing was cut off."""

    __tablename__ = "core_audit_head"

    chain: Mapped[int] = mapped_column(Id, unique=True)
    entries: Mapped[int] = mapped_column(Integer, default=0)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class SavedView(Timestamps, Base):
    """A list's filter, columns and order under a name."""

    __tablename__ = "core_saved_view"

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"), index=True)
    model: Mapped[str] = mapped_column(String(80), index=True)
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(String(2000), default="")
    shared: Mapped[bool] = mapped_column(Boolean, default=False)
    position: Mapped[int] = mapped_column(Integer, default=0)


class ListPreference(Timestamps, Base):
    """Columns and density that a person chose for a model's list."""

    __tablename__ = "core_list_preference"
    __table_args__ = (UniqueConstraint("user_id", "model"), {"sqlite_autoincrement": True})

    user_id: Mapped[int] = mapped_column(ForeignKey("core_user.id"))
    model: Mapped[str] = mapped_column(String(80))
    columns: Mapped[list[str]] = mapped_column(Json, default=list)
    density: Mapped[str] = mapped_column(String(12), default="compact")


class Setting(Timestamps, Base):
    """A value that administrators set on screen; the configuration file has what the process needs to start.

    ``changed_by`` is empty for what the software itself remembers here.
    """

    __tablename__ = "core_setting"
    __table_args__ = (
        UniqueConstraint("name", "branch_id"),
        Index("uq_core_setting_system", "name", unique=True, sqlite_where=_SYSTEM, postgresql_where=_SYSTEM),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(120))
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("core_branch.id"))
    value: Mapped[Any] = mapped_column(Json)
    changed_by: Mapped[str] = mapped_column(String(80), default="")
