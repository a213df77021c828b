"""Bulk actions: one change of many records, shown before, run in the background, taken back within a day."""
