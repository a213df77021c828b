"""Tasks as an iCalendar file (RFC 5545), for the calendar programs that people use besides."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from core.tasks.models import Task

FOLD = 73
"""Bytes of a line before it is folded (RFC 5545 §3.1 allows 75 with its end)."""
RULES = {"daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "yearly": "YEARLY"}
"""Rhythms; working days follow no rule that a calendar program knows: only the next one stands there."""


def calendar_file(tasks: Iterable[Task], host: str, now: datetime) -> bytes:
    """Return the tasks that have a day as whole-day events.

    Args:
        tasks: The tasks.
        host: Name of the installation, for identities that stay the same from file to file.
        now: Instant of the file.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Banyan//Tasks//EN", "CALSCALE:GREGORIAN"]
    for task in tasks:
        if task.due_on is not None:
            lines += _event(task, host, now)
    return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"]).encode()


def _event(task: Task, host: str, now: datetime) -> list[str]:
    day = task.due_on
    if day is None:
        return []
    rule = [f"RRULE:FREQ={RULES[task.repeat]}"] if task.repeat in RULES else []
    detail = [f"DESCRIPTION:{_escaped(task.detail)}"] if task.detail else []
    return [
        "BEGIN:VEVENT",
        f"UID:task-{task.id}@{host}",
        f"DTSTAMP:{now:%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(task.title)}",
        *detail,
        *rule,
        "END:VEVENT",
    ]


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return text.replace("\r\n", "\\n").replace("\n", "\\n").replace("\r", "\\n")


def _folded(line: str) -> str:
    """Fold between characters, never inside one."""
    parts, size = [""], 0
    for sign in line:
        width = len(sign.encode())
        if size + width > FOLD:
            parts.append("")
            size = 1
        parts[-1] += sign
        size += width
    return "\r\n ".join(parts)
