"""Fixtures for tests of the core and of plugins: settings, a suite, databases of both kinds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from core.app import Suite, build_suite, import_core_tables
from core.config import BrokerSettings, DatabaseSettings, DataSettings, PluginsSettings, Settings
from core.crypto import create_keys
from core.db.session import Database
from core.plugin.discovery import discover
from core.plugin.resolver import requirements
from core.testing.tables import make_tables

# Must happen before the module is imported: failures then show the values compared.
pytest.register_assert_rewrite("core.testing.people")

POSTGRES = os.environ.get("BANYAN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("BANYAN_TEST_REDIS", "redis://127.0.0.1:6379")
REDIS_CLAIM, REDIS_CLAIM_SECONDS = "banyan-test", 600
REQUIRED = os.environ.get("BANYAN_REQUIRE_SERVICES") == "1"


@pytest.fixture
def enabled_plugins(plugin_paths: tuple[Path, ...]) -> tuple[str, ...]:
    """Plugins of the suite under test: those in the project's own folders with all they require; tests override it."""
    if not plugin_paths:
        return ()
    found = discover(plugin_paths).manifests
    own = [name for name, manifest in found.items() if manifest.folder.parent in plugin_paths]
    return tuple(dict.fromkeys(each for name in own for each in (*requirements(name, found), name)))


@pytest.fixture
def plugin_paths(pytestconfig: pytest.Config) -> tuple[Path, ...]:
    """Further folders with plugins: the root of the project under test if it holds one; tests override this fixture."""
    root = pytestconfig.rootpath
    return (root,) if any(root.glob("*/plugin.toml")) else ()


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """An empty data folder with keys."""
    create_keys(tmp_path / "keys" / "vault.json")
    return tmp_path


@pytest.fixture
def settings(data_folder: Path, enabled_plugins: tuple[str, ...], plugin_paths: tuple[Path, ...]) -> Settings:
    """Settings of an embedded installation in a temporary folder."""
    return make_settings(data_folder, enabled_plugins, plugin_paths)


@pytest.fixture
def suite(settings: Settings) -> Iterator[Suite]:
    """An embedded suite with all tables and no rows."""
    suite = build_suite(settings)
    make_tables(suite.database)
    yield suite
    suite.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database, once for each kind; the PostgreSQL one is dropped afterwards."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'banyan.db'}"
    else:
        yield from postgres_database()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of each kind with the tables of everything imported so far."""
    import_core_tables()
    database = Database(database_url.replace("postgresql://", "postgresql+psycopg://"))
    make_tables(database)
    yield database
    database.dispose()


@pytest.fixture
def any_suite(
    data_folder: Path, database_url: str, enabled_plugins: tuple[str, ...], plugin_paths: tuple[Path, ...]
) -> Iterator[Suite]:
    """A suite on each kind of database, with all tables and no rows."""
    suite = build_suite(make_settings(data_folder, enabled_plugins, plugin_paths, database_url))
    make_tables(suite.database)
    yield suite
    suite.close()


def make_settings(
    folder: Path, enabled: tuple[str, ...] = (), paths: tuple[Path, ...] = (), database_url: str = "", broker: str = ""
) -> Settings:
    """Build settings of a temporary installation."""
    return Settings(
        data=DataSettings(folder),
        database=DatabaseSettings(database_url),
        broker=BrokerSettings(broker),
        plugins=PluginsSettings(enabled, paths),
    )


def postgres_database() -> Iterator[str]:
    """Create a database for one test and drop it afterwards; skips when there is no server."""
    name = f"banyan_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{uuid4().hex[:8]}"
    server = create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    except Exception as error:
        missing(f"PostgreSQL is not reachable: {error}")
        raise
    try:
        yield f"{POSTGRES.rpartition('/')[0]}/{name}"
    finally:
        with server.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        server.dispose()


def redis_database() -> Iterator[str]:
    """Claim an empty database of the server for one test, and empty it afterwards; skips when there is no server.

    Tests of other processes, of another run too, take another one: a worker hears every ring in its database.
    Databases 8 to 15 are for tests.
    """
    from redis import Redis
    from redis.exceptions import ConnectionError as Unreachable

    for number in range(15, 7, -1):
        client = Redis.from_url(f"{REDIS}/{number}", socket_connect_timeout=1)
        try:
            claimed = client.set(REDIS_CLAIM, os.getpid(), nx=True, ex=REDIS_CLAIM_SECONDS)
        except Unreachable as error:
            missing(f"Redis is not reachable: {error}")
            raise
        if claimed:
            break
    else:
        raise RuntimeError("the databases 8 to 15 of the Redis server are all in use by tests")
    try:
        with client.pipeline(transaction=True) as pipeline:
            pipeline.flushdb()
            pipeline.set(REDIS_CLAIM, os.getpid(), ex=REDIS_CLAIM_SECONDS)
            pipeline.execute()
        yield f"{REDIS}/{number}"
    finally:
        client.flushdb()
        client.close()


def missing(reason: str) -> None:
    """Skip a test whose service is absent, unless services are required."""
    if not REQUIRED:
        pytest.skip(reason)
