"""The database: types, engine, sessions, bulk writes, migrations."""
