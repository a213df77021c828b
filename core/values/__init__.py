"""Readers of single values: raw text of a cell or field to one canonical value, pure and without a database."""
