"""Adds fields to the things of another plugin."""
