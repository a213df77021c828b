"""A plugin with a hook that does not exist."""
