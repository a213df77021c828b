"""Capabilities of Banyan, one package per plugin; partners ship their own wheels."""
