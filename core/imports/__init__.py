"""Import: files to staged rows to merged records, by profiles that are data."""
