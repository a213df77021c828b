"""A plugin that needs a broken one."""
