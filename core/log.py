"""Logs: JSON lines in production, readable lines on a terminal, no personal data in either."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

# structlog loads rich where it can, a tenth of each start, to print tracebacks; ours are texts of one line.
_RICH = sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None: an import of it fails
import structlog  # noqa: E402 -- see above

if _RICH is None:
    del sys.modules["rich"]

PERSONAL = re.compile(
    r"(^|_)(name|phone|mobile|address|birth\w*|resident_id|identity|plate|vin|email|account|"
    r"password|secret|token|cookie)(_|$)"
)
ALLOWED = frozenset({"event_name", "hook_name", "file_name"})
LONG_DIGITS = re.compile(r"\d{11,}[\dXx]?")
REDACTED = "[redacted]"


def configure(*, terminal: bool | None = None, level: int = logging.INFO) -> None:
    """Set up logging of the process, once at its start.

    Args:
        terminal: Readable lines instead of JSON; default: whether standard error is a terminal.
        level: Least level that is written.
    """
    readable = sys.stderr.isatty() if terminal is None else terminal
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    last: Any = (
        structlog.dev.ConsoleRenderer(colors=readable)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def logger(name: str) -> Any:
    """Return the logger of a module; call with an event name and facts: ``logger(__name__).info("event", rows=3)``."""
    return structlog.get_logger(component=name)


def bind(**facts: Any) -> None:
    """Add facts (request, job, plugin, branch) to all further lines of this request or job."""
    structlog.contextvars.bind_contextvars(**facts)


def unbind() -> None:
    """Forget the facts of the request or job that ended."""
    structlog.contextvars.clear_contextvars()


def redact(_logger: Any, _method: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide personal fields and long digit runs (phones, resident ids, accounts: PIPL §51) from a log line."""
    for key, value in facts.items():
        if PERSONAL.search(key) and key not in ALLOWED:
            facts[key] = REDACTED
        elif isinstance(value, str) and key != "timestamp":
            facts[key] = LONG_DIGITS.sub(REDACTED, value)
    return facts
