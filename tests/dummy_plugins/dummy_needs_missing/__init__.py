"""A plugin that needs one that is not there."""
