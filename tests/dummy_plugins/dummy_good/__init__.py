"""A sound plugin."""
