"""Fails."""

raise RuntimeError("broken on purpose")
