"""Backups of a whole installation: one file that can be checked, and its restoring."""
