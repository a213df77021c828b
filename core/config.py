"""Settings from `config.toml` and the environment, validated with clear errors."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

from core.errors import ConfigError, InvalidValueError

ENVIRONMENT_PREFIX = "BANYAN_"
TRUTHS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
HIGHEST_PORT = 65_535
Section = TypeVar("Section")


class WrongValueError(InvalidValueError):
    """A setting has a value it cannot have.

    Args:
        name: Name of the setting in its section.
        problem: What is wrong with it, part of a sentence.
        **facts: Values for its placeholders.
    """

    def __init__(self, name: str, problem: str, **facts: Any) -> None:
        super().__init__("setting_value", problem, **facts)
        self.name = name


def _begins(name: str, value: str, *beginnings: str) -> None:
    if value and not value.startswith(beginnings):
        raise WrongValueError(name, "must be empty or begin with {beginnings}", beginnings=" / ".join(beginnings))


@dataclass(frozen=True)
class ServerSettings:
    """Where the web process listens, and the proxies whose word on the caller's address counts."""

    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    trusted_proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no server can listen on, see `_begins`."""
        if not 1 <= self.port <= HIGHEST_PORT:
            raise WrongValueError("port", "must be from 1 to {most}", most=HIGHEST_PORT)
        _begins("base_url", self.base_url, "http://", "https://")
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        for each in self.trusted_proxies:
            try:
                ip_network(each)
            except ValueError:
                raise WrongValueError(
                    "trusted_proxies", "{value} is no IP address and no network", value=each
                ) from None


@dataclass(frozen=True)
class DataSettings:
    """The folder of everything that the installation owns."""

    folder: Path = Path("var")


@dataclass(frozen=True)
class DatabaseSettings:
    """Empty address: embedded SQLite in the data folder."""

    url: str = ""
    owner_url: str = ""

    def __post_init__(self) -> None:
        """Refuse other databases."""
        for name in ("url", "owner_url"):
            _begins(name, getattr(self, name), "sqlite:///", "postgresql://", "postgresql+psycopg://")


@dataclass(frozen=True)
class BrokerSettings:
    """Empty address: embedded broker in the data folder."""

    url: str = ""

    def __post_init__(self) -> None:
        """Refuse other brokers."""
        _begins("url", self.url, "redis://", "rediss://", "amqp://", "amqps://")


@dataclass(frozen=True)
class DirectorySettings:
    """The company's directory, by which people may sign in (OpenID Connect); empty issuer: passwords only."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    username_claim: str = "preferred_username"
    name: str = ""

    def __post_init__(self) -> None:
        """Refuse an issuer whose answers could be read on the way."""
        _begins("issuer", self.issuer, "https://", "http://127.0.0.1:", "http://localhost:")


@dataclass(frozen=True)
class PluginsSettings:
    """Which plugins are installed; ``own`` holds the tables `[plugins.<id>]`, the plugins' own settings."""

    enabled: tuple[str, ...] = ("crm_customers",)
    paths: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    safe_mode: bool = False
    strict: bool = False
    own: Mapping[str, Any] = field(default_factory=dict)

    def of(self, plugin_id: str) -> dict[str, Any]:
        """Return the plugin's own table, empty when there is none."""
        own = self.own.get(plugin_id, {})
        return dict(own) if isinstance(own, dict) else {}


@dataclass(frozen=True)
class Settings:
    """All settings of one installation."""

    server: ServerSettings = ServerSettings()
    data: DataSettings = DataSettings()
    database: DatabaseSettings = DatabaseSettings()
    broker: BrokerSettings = BrokerSettings()
    directory: DirectorySettings = DirectorySettings()
    plugins: PluginsSettings = PluginsSettings()

    @property
    def database_url(self) -> str:
        """SQLAlchemy address of the database, driver included."""
        url = self.database.url or f"sqlite:///{(self.data.folder / 'banyan.db').resolve()}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)

    @property
    def owner_url(self) -> str:
        """SQLAlchemy address for upgrades: of the role that owns the tables, where that is not the application's."""
        return self.database.owner_url.replace("postgresql://", "postgresql+psycopg://", 1) or self.database_url

    @property
    def secure(self) -> bool:
        """Whether people reach the installation over TLS."""
        return self.server.base_url.startswith("https://")


def load_settings(file: Path | None = None, environment: dict[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        file: The TOML file; default ``config.toml`` in the working folder, which may be absent.
        environment: Variables ``BANYAN_<SECTION>__<NAME>``; default the process environment.

    Raises:
        ConfigError: The file is unreadable or a key or value is wrong; names file, key and cure.
    """
    environment = dict(os.environ) if environment is None else environment
    path = file or Path(environment.get("BANYAN_CONFIG", "config.toml"))
    values = _read_toml(path, required=file is not None or "BANYAN_CONFIG" in environment)
    for section, name, text in _from_environment(environment):
        values.setdefault(section, {})[name] = text
    return settings_of(values, path)


def settings_of(values: Mapping[str, Any], path: Path) -> Settings:
    """Return the settings of parsed TOML; texts stand for any type, as variables hold them.

    Args:
        values: Tables by section.
        path: The file, for messages.

    Raises:
        ConfigError: A key or value is wrong.
    """
    known = [each.name for each in fields(Settings)]
    for section in values:
        if section not in known:
            raise _unknown(path, section, section, known)
    return Settings(
        _section(path, "server", ServerSettings, values),
        _section(path, "data", DataSettings, values),
        _section(path, "database", DatabaseSettings, values),
        _section(path, "broker", BrokerSettings, values),
        _section(path, "directory", DirectorySettings, values),
        _section(path, "plugins", PluginsSettings, values),
    )


def _section(path: Path, section: str, kind: type[Section], tables: Mapping[str, Any]) -> Section:
    values = tables.get(section, {})
    known = {each.name: each for each in fields(kind) if each.name != "own"}  # type: ignore[arg-type]  # a dataclass
    if not isinstance(values, Mapping):
        raise _wrong(path, section, WrongValueError(section, "must be a table"))
    others = {name: value for name, value in values.items() if name not in known}
    if others and kind is not PluginsSettings:
        name = next(iter(others))
        raise _unknown(path, f"{section}.{name}", name, list(known))
    try:
        given = {name: _READERS[str(known[name].type)](name, values[name]) for name in known if name in values}
        return kind(**given, **({"own": others} if others else {}))
    except WrongValueError as error:
        raise _wrong(path, f"{section}.{error.name}", error) from None


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValueError(name, "must be a text")
    return value


def _whole(name: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise WrongValueError(name, "must be a whole number") from None


def _truth(name: str, value: Any) -> bool:
    found = value if isinstance(value, bool) else TRUTHS.get(str(value).lower())
    if found is None:
        raise WrongValueError(name, "must be true or false")
    return found


def _path(name: str, value: Any) -> Path:
    return value if isinstance(value, Path) else Path(_text(name, value))


def _list(one: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    """Return the reader of a list; in a text its values are separated by commas."""

    def read(name: str, value: Any) -> tuple[Any, ...]:
        parts = [part for part in value.split(",") if part] if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            raise WrongValueError(name, "must be a list")
        return tuple(one(name, part) for part in parts)

    return read


_READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "str": _text,
    "int": _whole,
    "bool": _truth,
    "Path": _path,
    "tuple[str, ...]": _list(_text),
    "tuple[Path, ...]": _list(_path),
}
"""How each type of setting is read: a library for it would take a tenth of every start."""


def _read_toml(path: Path, *, required: bool) -> dict[str, Any]:
    if not path.exists() and not required:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            "config_unreadable",
            "The configuration {file} cannot be read: {problem}.",
            "Check that the file exists and is readable.",
            file=str(path),
            problem=error.strerror or type(error).__name__,
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            "config_malformed",
            "The configuration {file} is not valid TOML: {problem}.",
            "Correct the line named.",
            file=str(path),
            problem=str(error),
        ) from error


def _from_environment(environment: dict[str, str]) -> list[tuple[str, str, str]]:
    found = []
    for name, text in environment.items():
        section, separator, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("__")
        if name.startswith(ENVIRONMENT_PREFIX) and separator:
            found.append((section, key, text))
    return found


def _unknown(path: Path, key: str, name: str, known: list[str]) -> ConfigError:
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"Did you mean {near[0]}?" if near else "Remove it."
    return ConfigError("config_unknown_key", "{file}: there is no setting {key}.", cure, file=str(path), key=key)


def _wrong(path: Path, key: str, problem: WrongValueError) -> ConfigError:
    return ConfigError(
        "config_wrong_value",
        "{file}: {key} is wrong: {problem}.",
        "Correct the value.",
        file=str(path),
        key=key,
        problem=problem,
    )
