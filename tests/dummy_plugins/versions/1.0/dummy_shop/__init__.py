"""A plugin with several versions."""
