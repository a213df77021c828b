"""A plugin that declares a table of another one."""
