"""What the caller may ask of staging beyond the profile, and the limits of the child process."""

from __future__ import annotations

from dataclasses import dataclass

MEMORY_LIMIT = 512 * 1024 * 1024
"""Address space of the child in bytes (security plan, finding 5)."""
CPU_SECONDS = 60
"""CPU seconds for every started ``CPU_BYTES`` of the file: some ten times what 200,000 rows need."""
CPU_BYTES = 20 * 1024 * 1024


@dataclass(frozen=True)
class StageOptions:
    """Wishes of the caller.

    Args:
        name: Name the file was delivered under; empty takes the stored file's own.
        encoding: Text encoding; none detects it.
        delimiter: Column delimiter; none detects it.
        zone: IANA time zone of clock times in the file.
        memory_bytes: Address space of the child.
        keep_raw: Keep the cells of accepted rows too, for the report of rows that the database refuses; the rows then
            stand in no groups.
    """

    name: str = ""
    encoding: str | None = None
    delimiter: str | None = None
    zone: str = "Asia/Shanghai"
    memory_bytes: int = MEMORY_LIMIT
    keep_raw: bool = False
