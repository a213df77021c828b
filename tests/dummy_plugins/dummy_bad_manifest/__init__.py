"""A plugin with a wrong manifest."""
