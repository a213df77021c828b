"""Settings: file under environment, each wrong key or value named with its cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.config import Settings, load_settings
from core.errors import ConfigError


def settings(folder: Path, toml: str, **environment: str) -> Settings:
    file = folder / "config.toml"
    file.write_text(toml, encoding="utf-8")
    return load_settings(file, environment)


def test_an_empty_file_gives_the_embedded_installation(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == Settings()


def test_the_environment_wins_over_the_file_and_its_texts_are_read_as_the_setting_is(tmp_path: Path) -> None:
    toml = '[server]\nport = 9000\nhost = "0.0.0.0"\n[plugins]\nenabled = ["a"]\n[plugins.demo]\ndepth = 3'
    found = settings(
        tmp_path,
        toml,
        BANYAN_SERVER__PORT="9001",
        BANYAN_PLUGINS__ENABLED="b,c",
        BANYAN_PLUGINS__PATHS="/x,/y",
        BANYAN_PLUGINS__SAFE_MODE="true",
        BANYAN_SERVER__BASE_URL="https://crm.example/",
    )

    assert (found.server.port, found.server.host, found.server.base_url) == (9001, "0.0.0.0", "https://crm.example")
    assert (found.plugins.enabled, found.plugins.paths) == (("b", "c"), (Path("/x"), Path("/y")))
    assert found.plugins.safe_mode
    assert found.secure
    assert found.plugins.of("demo") == {"depth": 3}
    assert found.plugins.of("other") == {}


def test_postgresql_is_reached_by_its_driver_and_the_owner_is_the_application_unless_named(tmp_path: Path) -> None:
    found = settings(tmp_path, '[database]\nurl = "postgresql://u@h/n"')

    assert found.database_url == found.owner_url == "postgresql+psycopg://u@h/n"


@pytest.mark.parametrize(
    ("toml", "key", "cure"),
    [
        ("[server]\nprot = 1", "server.prot", "Did you mean port?"),
        ("[servers]\nport = 1", "servers", "Did you mean server?"),
        ("[data]\ncolour = 1", "data.colour", "Remove it."),
    ],
)
def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path, toml: str, key: str, cure: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, toml)

    assert (caught.value.code, caught.value.facts["key"], caught.value.cure) == ("config_unknown_key", key, cure)


@pytest.mark.parametrize(
    ("toml", "key", "problem"),
    [
        ("[server]\nport = 70000", "server.port", "must be from 1 to 65535"),
        ('[server]\nport = "high"', "server.port", "must be a whole number"),
        ("[server]\nport = true", "server.port", "must be a whole number"),
        ("[server]\nport = 80.5", "server.port", "must be a whole number"),
        ("[server]\nhost = 1", "server.host", "must be a text"),
        ('[server]\nbase_url = "crm.example"', "server.base_url", "must be empty or begin with http:// / https://"),
        ('[database]\nowner_url = "mysql://h/n"', "database.owner_url", "must be empty or begin with sqlite:/// /"),
        (
            '[server]\ntrusted_proxies = ["10.0.0.1/8"]',
            "server.trusted_proxies",
            "10.0.0.1/8 is no IP address and no network",
        ),
        ('[directory]\nissuer = "http://id.example"', "directory.issuer", "must be empty or begin with https:// /"),
        ('[broker]\nurl = "kafka://h"', "broker.url", "must be empty or begin with redis:// /"),
        ("[plugins]\nenabled = 3", "plugins.enabled", "must be a list"),
        ("[plugins]\npaths = [3]", "plugins.paths", "must be a text"),
        ('[plugins]\nstrict = "perhaps"', "plugins.strict", "must be true or false"),
        ("server = 3", "server", "must be a table"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wrong(tmp_path: Path, toml: str, key: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, toml)

    assert (caught.value.code, caught.value.facts["key"]) == ("config_wrong_value", key)
    assert str(caught.value.facts["problem"]).startswith(problem)


@pytest.mark.parametrize(("content", "code"), [(b"[server", "config_malformed"), (b"\xff", "config_malformed")])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        load_settings(file, {})

    assert caught.value.code == code


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "nothing.toml", {})
