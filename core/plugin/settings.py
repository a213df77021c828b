"""Settings of plugins: default < configuration file < whole installation < branch, the nearest value wins."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BanyanError, ConfigError, InvalidValueError, NotFoundError
from core.plugin.contributions import Setting
from core.plugin.manager import CORE
from core.plugin.setting_values import StoredValue

if TYPE_CHECKING:
    from core.app import Suite

Origin = Literal["default", "file", "system", "branch"]
LONGEST_TEXT = 500
"""Characters of a text."""
WORDS = {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False, "": False}


@dataclass(frozen=True)
class Effective:
    """The value that holds somewhere, and where it comes from.

    Args:
        value: Of the type of the default.
        origin: Which level says so.
        stored: Who set it where, for a value from the database.
    """

    value: Any
    origin: Origin
    stored: StoredValue | None = None


def setting(suite: Suite, plugin_id: str, name: str, branch_id: int | None = None) -> Any:
    """Return the value of a setting.

    Args:
        suite: The suite.
        plugin_id: The plugin.
        name: Name of a setting that it declares.
        branch_id: The branch it is asked for; none asks for the whole installation.

    Raises:
        ConfigError: The plugin declares no such setting, or the value in the configuration file is wrong.
    """
    return effective(suite, plugin_id, declared_setting(suite, plugin_id, name), branch_id).value


def effective(suite: Suite, plugin_id: str, declared: Setting, branch_id: int | None = None) -> Effective:
    """Return the value that holds for a branch, or for the installation, with its origin.

    A stored value that does not fit the declaration, which a new version may have changed, is passed over.

    Raises:
        ConfigError: The value in the configuration file is wrong.
    """
    place = branch_id if declared.per_branch else None
    for stored in suite.setting_values.inherited(f"{plugin_id}.{declared.name}", place):
        if problem_of(declared, stored.value) is None:
            return Effective(_typed(declared, stored.value), "system" if stored.branch_id is None else "branch", stored)
    return from_file(suite, plugin_id, declared)


def from_file(suite: Suite, plugin_id: str, declared: Setting) -> Effective:
    """Return what holds where nobody set anything on screen: the configuration file, else the default.

    Raises:
        ConfigError: The value in the file is wrong.
    """
    written = suite.settings.plugins.of(plugin_id)
    if declared.name not in written:
        return Effective(declared.default, "default")
    problem = problem_of(declared, written[declared.name])
    if problem is not None:
        raise ConfigError(
            "plugin_setting_wrong",
            "[plugins.{plugin}] {name}: {problem}",
            "Write it as its default: {default}.",
            plugin=plugin_id,
            name=declared.name,
            problem=str(problem),
            default=repr(declared.default),
        )
    return Effective(_typed(declared, written[declared.name]), "file")


def declared_settings(suite: Suite, plugin_id: str) -> dict[str, Setting]:
    """Return the settings of a plugin by name."""
    return {each.name: each for owner, each in suite.plugins.collect("core_settings") if owner == plugin_id}


def declared_setting(suite: Suite, plugin_id: str, name: str) -> Setting:
    """Return one setting.

    Raises:
        ConfigError: The plugin declares no such setting; gives the nearest.
    """
    declared = declared_settings(suite, plugin_id)
    if name not in declared:
        raise _unknown(plugin_id, name, declared)
    return declared[name]


def find_setting(suite: Suite, key: str) -> tuple[str, Setting]:
    """Return plugin and setting of a name such as ``acme_sms.sender``.

    Raises:
        NotFoundError: There is none; gives the nearest.
    """
    known = {f"{owner}.{each.name}": (owner, each) for owner, each in suite.plugins.collect("core_settings")}
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1)
        raise NotFoundError(
            "unknown_setting",
            "There is no setting {name}.",
            "Did you mean {near}?" if near else "`banyan settings list` shows them.",
            name=key,
            near="".join(near),
        )
    return known[key]


def read_setting(declared: Setting, text: str) -> Any:
    """Turn a text of a form or command into a value.

    Raises:
        InvalidValueError: It is none of this setting; says why and the cure.
    """
    value: Any = text.strip()
    try:
        if type(declared.default) is bool:
            value = WORDS[value.casefold()]
        elif type(declared.default) in {int, float}:
            value = type(declared.default)(value)
    except (KeyError, ValueError):
        raise _wrong_type(declared, text) from None
    problem = problem_of(declared, value)
    if problem is not None:
        raise problem
    return value


def problem_of(declared: Setting, value: object) -> BanyanError | None:
    """Return why a value is none of a setting, nothing when it is."""
    default = declared.default
    if type(value) is not type(default) and not (type(default) is float and type(value) is int):
        return _wrong_type(declared, value)
    if isinstance(value, str):
        return _text_problem(declared, value)
    return None if isinstance(value, bool) or _is_within(declared, value) else _out_of_range(declared, value)


def setting_problems(suite: Suite) -> Iterator[BanyanError]:
    """Yield what is wrong in the tables ``[plugins.<plugin>]`` and in the stored values of the loaded plugins."""
    for plugin_id in (CORE, *(manifest.id for manifest in suite.plugins.ready())):
        declared = declared_settings(suite, plugin_id)
        for name in suite.settings.plugins.of(plugin_id):
            if name not in declared:
                yield _unknown(plugin_id, name, declared)
        for each in declared.values():
            try:
                from_file(suite, plugin_id, each)
            except ConfigError as error:
                yield error
            yield from _stored_problems(suite, plugin_id, each)


def _stored_problems(suite: Suite, plugin_id: str, declared: Setting) -> Iterator[BanyanError]:
    for stored in suite.setting_values.places(f"{plugin_id}.{declared.name}").values():
        problem = problem_of(declared, stored.value)
        if problem is not None:
            yield ConfigError(
                "stored_setting_wrong",
                "The value of {name} no longer fits: {problem}",
                "Set it anew under Administration → Settings.",
                name=f"{plugin_id}.{declared.name}",
                problem=str(problem),
            )


def _typed(declared: Setting, value: Any) -> Any:
    return float(value) if type(declared.default) is float else value


def _is_within(declared: Setting, value: float) -> bool:
    low = -math.inf if declared.minimum is None else declared.minimum
    high = math.inf if declared.maximum is None else declared.maximum
    return math.isfinite(value) and low <= value <= high


def _text_problem(declared: Setting, value: str) -> BanyanError | None:
    codes = [option.code for option in declared.options]
    if codes and value not in codes:
        return InvalidValueError(
            "setting_option", "{value} is none of the choices.", "Choose one of {known}.", value=value[:60],
            known=", ".join(codes),
        )  # fmt: skip
    if len(value) > LONGEST_TEXT or not value.isprintable():
        return InvalidValueError("field_too_long", "At most {most} characters.", "Shorten it.", most=LONGEST_TEXT)
    return None


def _wrong_type(declared: Setting, value: Any) -> InvalidValueError:
    cures = {bool: "Write yes or no.", int: "Write a whole number.", float: "Write a number.", str: "Write a text."}
    return InvalidValueError(
        "setting_type", "{value} cannot be the value.", cures[type(declared.default)], value=str(value)[:60] or '""'
    )


def _out_of_range(declared: Setting, value: float) -> InvalidValueError:
    ends = [(text, end) for text, end in (("≥", declared.minimum), ("≤", declared.maximum)) if end is not None]
    limits = ", ".join(f"{sign} {end:g}" for sign, end in ends)
    return InvalidValueError(
        "setting_range", "{value} is out of range.", "Write a number {limits}.", value=f"{value:g}", limits=limits
    )


def _unknown(plugin_id: str, name: str, declared: dict[str, Setting]) -> ConfigError:
    near = difflib.get_close_matches(name, declared, n=1)
    return ConfigError(
        "plugin_setting_unknown",
        "[plugins.{plugin}] has no setting {name}.",
        "Did you mean {near}?" if near else "It has: {known}.",
        plugin=plugin_id,
        name=name,
        near=near[0] if near else "",
        known=", ".join(declared) or "-",
    )
