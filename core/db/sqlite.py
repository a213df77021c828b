"""The SQLite driver, taught to bind nothing, truth values and bytes without asking each for its protocol.

For every value that is no plain text or number the driver looks for an adapter, and raises and swallows two errors
where there is none: a microsecond a value, more than the rest of the row costs.
"""

from __future__ import annotations

from types import NoneType

from pysqlite3 import dbapi2

dbapi2.register_adapter(NoneType, {}.get)  # gives nothing for nothing, without running any Python
dbapi2.register_adapter(bool, int)
dbapi2.register_adapter(bytes, bytearray)

__all__ = ["dbapi2"]
