"""A plugin whose parts fail when they are told to."""
