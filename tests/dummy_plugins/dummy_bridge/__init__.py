"""Connects two plugins where both are active."""
