"""Settings from `config.toml` and the environment, validated with clear errors."""

from __future__ import annotations

import difflib
import os
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any

# Looking for plugins of the validator reads the metadata of every installed package: 30 ms of each start.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from core.errors import ConfigError

ENVIRONMENT_PREFIX = "BANYAN_"
LISTS = {("plugins", "enabled"), ("plugins", "paths"), ("plugins", "exclude"), ("server", "trusted_proxies")}
"""Settings that take several values, in the environment with commas between them."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(_Section):
    """Where the web process listens, and the proxies whose word on the caller's address counts."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    base_url: str = ""
    trusted_proxies: tuple[str, ...] = ()

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each)
        return value

    @field_validator("base_url")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")


class DataSettings(_Section):
    """The folder of everything that the installation owns."""

    folder: Path = Path("var")


class DatabaseSettings(_Section):
    """Empty address: embedded SQLite in the data folder."""

    url: str = ""
    owner_url: str = ""

    @field_validator("url", "owner_url")
    @classmethod
    def _supported(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
            raise ValueError("must be empty, sqlite:///… or postgresql://…")
        return value


class BrokerSettings(_Section):
    """Empty address: embedded broker in the data folder."""

    url: str = ""

    @field_validator("url")
    @classmethod
    def _supported(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
            raise ValueError("must be empty, redis://… or amqp://…")
        return value


class DirectorySettings(_Section):
    """The company's directory, by which people may sign in (OpenID Connect); empty issuer: passwords only."""

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    username_claim: str = "preferred_username"
    name: str = ""

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("must start with https://")
        return value


class PluginsSettings(BaseModel):
    """Which plugins are installed; further tables `[plugins.<id>]` are the plugins' own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    enabled: tuple[str, ...] = ("crm_customers",)
    paths: tuple[Path, ...] = ()
    exclude: tuple[str, ...] = ()
    safe_mode: bool = False
    strict: bool = False

    def of(self, plugin_id: str) -> dict[str, Any]:
        """Return the plugin's own table, empty when there is none."""
        own = (self.model_extra or {}).get(plugin_id, {})
        return dict(own) if isinstance(own, dict) else {}


class Settings(_Section):
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
        values.setdefault(section, {})[name] = _typed(section, name, text)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explain(error, path) from None


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


def _typed(section: str, name: str, text: str) -> Any:
    return [part for part in text.split(",") if part] if (section, name) in LISTS else text


def _explain(error: ValidationError, path: Path) -> ConfigError:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        section = Settings.model_fields.get(str(first["loc"][0]))
        known = (
            list(section.annotation.model_fields) if section and section.annotation and len(first["loc"]) > 1 else []
        )
        near = difflib.get_close_matches(str(first["loc"][-1]), known or list(Settings.model_fields), n=1)
        cure = f"Did you mean {near[0]}?" if near else "Remove it."
        return ConfigError("config_unknown_key", "{file}: there is no setting {key}.", cure, file=str(path), key=key)
    return ConfigError(
        "config_wrong_value",
        "{file}: {key} is wrong: {problem}.",
        "Correct the value.",
        file=str(path),
        key=key,
        problem=first["msg"].removeprefix("Value error, "),
    )
