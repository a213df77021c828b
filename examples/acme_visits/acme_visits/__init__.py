"""Visits: visits to customers."""
