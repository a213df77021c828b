"""Migrations: the environment for all owners, and the core's own revisions in `versions`."""
