"""A plugin whose hook has a wrong argument."""
