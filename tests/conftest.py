"""Fixtures of all tests."""

pytest_plugins = ["core.testing.fixtures"]
