"""Errors of the suite: what went wrong, where, and the cure, without knowledge of HTTP or language."""

from __future__ import annotations

from typing import Any


class BanyanError(Exception):
    """Base of all expected errors.

    Args:
        code: Stable machine name, for example ``"unknown_branch"``.
        message: English text with ``{name}`` placeholders; it is the translation key.
        cure: English text that says what the reader can do; may be empty.
        **facts: Values for the placeholders (texts, numbers, dates).
    """

    def __init__(self, code: str, message: str, cure: str = "", **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.cure = cure
        self.facts = facts

    def __str__(self) -> str:
        facts = {name: getattr(value, "en", value) for name, value in self.facts.items()}
        text = self.message.format(**facts)
        return f"{text} {self.cure.format(**facts)}" if self.cure else text

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.code, self.message, self.cure, self.facts))


def _rebuild(cls: type[BanyanError], code: str, message: str, cure: str, facts: dict[str, Any]) -> BanyanError:
    return cls(code, message, cure, **facts)


class InvalidValueError(BanyanError):
    """A single value cannot be read as the kind it should be."""


class InvalidInputError(BanyanError):
    """A form, request or command is wrong; ``fields`` maps a field name to its error."""

    def __init__(self, fields: dict[str, BanyanError], message: str = "Please correct the marked fields.") -> None:
        super().__init__("invalid_input", message)
        self.fields = fields

    def __reduce__(self) -> tuple[Any, ...]:
        return (InvalidInputError, (self.fields, self.message))


class NotFoundError(BanyanError):
    """The thing does not exist, or not for this actor: both look the same."""


class PermissionDeniedError(BanyanError):
    """The actor may not do this."""


class NotSignedInError(BanyanError):
    """The action needs a signed-in user."""


class DirectoryError(BanyanError):
    """The company's directory does not answer, or did not confirm who somebody is."""


class ConflictError(BanyanError):
    """Somebody else changed the same thing first, or a unique value is taken."""


class TooManyRequestsError(BanyanError):
    """A limit was reached; the fact ``seconds`` says when to try again."""


class UnscopedError(BanyanError):
    """A query ran without an actor: a programming error that must never return rows."""


class ConfigError(BanyanError):
    """The configuration is malformed or names something that does not exist."""


class DatabaseStateError(BanyanError):
    """The database is missing, locked, newer than the code, or only half migrated."""


class ImportFileError(BanyanError):
    """A file cannot be imported at all: unreadable, wrong profile, too large."""


class PluginError(BanyanError):
    """A plugin failed; ``plugin`` and ``phase`` say which and when."""

    def __init__(self, plugin: str, phase: str, message: str, cure: str = "", **facts: Any) -> None:
        super().__init__("plugin_failed", message, cure, plugin=plugin, phase=phase, **facts)
        self.plugin = plugin
        self.phase = phase

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild_plugin, (self.facts, self.message, self.cure))


def _rebuild_plugin(facts: dict[str, Any], message: str, cure: str) -> PluginError:
    rest = {name: value for name, value in facts.items() if name not in {"plugin", "phase"}}
    return PluginError(facts["plugin"], facts["phase"], message, cure, **rest)
