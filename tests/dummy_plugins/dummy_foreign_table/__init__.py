"""A plugin whose table is not named after it."""
