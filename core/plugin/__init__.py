"""The plugin framework: manifest, discovery, order, loading, hooks, activation."""

API_VERSION = "1.0"
"""Version of the hooks and contributions; a plugin's manifest states the range it was written for."""
