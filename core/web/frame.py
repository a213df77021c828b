"""The frame around a page: side menu, top bar, phone tabs; rendered once for all people who see the same one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from markupsafe import Markup, escape
from starlette.requests import Request

from core.web.navigation import Look
from core.web.skeleton import Keep, Skeleton, gap

TEMPLATE = "frame.html"
MOST_FRAMES = 300
"""Frames kept, of about 15 kB each: one per menu, marked entry, language and appearance in use."""
GAPS = ("csp_nonce", "csrf_token", "path", "name", "initials", "branch_name", "jobs")


class Frames:
    """Makes the frames of pages.

    Args:
        draw: Renders a template in a language: called with (language, template, context).
        safe_mode: Say on every page that no plugin is loaded.
    """

    def __init__(self, draw: Callable[[str, str, Mapping[str, Any]], str], *, safe_mode: bool = False) -> None:
        self._draw = draw
        self._safe_mode = safe_mode
        self._kept: Keep[list[Skeleton]] = Keep(MOST_FRAMES)

    def skeleton(self, request: Request, look: Look, theme: str) -> list[Skeleton]:
        """Return the four parts of a frame, with gaps."""
        cookies, locale = request.cookies, request.state.locale
        folded, silent = cookies.get("menu") == "folded", cookies.get("keys") == "off"
        context = {"locale": locale, "theme": theme, "folded": folded, "silent": silent}

        def make() -> list[Skeleton]:
            gaps = {name: gap(name) for name in GAPS}
            seen = {**look.context(locale), "safe_mode": self._safe_mode}
            text = self._draw(locale, TEMPLATE, {**gaps, **context, **seen})
            return Skeleton(text).parts("title", "main", "tools")

        return self._kept.get((*context.values(), look.key), make)


class Frame:
    """The four parts of the frame around one page; nothing is made before the page asks for a part.

    Args:
        request: The request.
        frames: Makes the skeleton.
        look: Tells what its person sees in the frame.
        theme: ``light``, ``dark`` or ``auto``.
        toasts: Gives the messages shown on top.
    """

    def __init__(
        self,
        request: Request,
        frames: Frames,
        look: Callable[[Request], Look],
        theme: str,
        toasts: Callable[[Request], Markup],
    ) -> None:
        self._request = request
        self._frames = frames
        self._look = look
        self._theme = theme
        self._toasts = toasts

    @cached_property
    def _filled(self) -> list[Markup]:
        request, look = self._request, self._look(self._request)
        signed = request.state.signed_in
        values = {
            "csp_nonce": escape(request.state.csp_nonce),
            "csrf_token": escape(signed.csrf_token if signed else ""),
            "path": escape(request.url.path),
            "jobs": escape(look.jobs),
            "toasts": self._toasts(request),
            **{name: escape(value) for name, value in look.person.items()},
        }
        return [part.fill(values) for part in self._frames.skeleton(request, look, self._theme)]

    @property
    def head(self) -> Markup:
        """Everything before the title."""
        return self._filled[0]

    @property
    def above(self) -> Markup:
        """Everything between title and main column."""
        return self._filled[1]

    @property
    def below(self) -> Markup:
        """Everything between main column and tools."""
        return self._filled[2]

    @property
    def foot(self) -> Markup:
        """Everything behind the tools."""
        return self._filled[3]


class NoFrame:
    """Stands for the frame where a single block of a page is asked for."""

    head = above = below = foot = Markup("")
