"""A sound plugin that needs another one."""
