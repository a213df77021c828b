"""A plugin with a relationship to nothing."""
