"""Templates: one environment per language, pages and single blocks of them, slots filled by panels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PrefixLoader
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from core.i18n import LOCALES
from core.plugin.contributions import Panel
from core.web import parts, requests
from core.web.actions import record_actions
from core.web.environment import PageEnvironment
from core.web.frame import Frame, Frames, NoFrame
from core.web.navigation import Navigation, is_demo, person
from core.web.skeleton import Keep, Skeleton, gap

if TYPE_CHECKING:
    from core.app import Suite
    from core.security.actors import Actor
    from core.web.static_files import StaticFiles

FOLDER = Path(__file__).parent / "templates"
MOST_PIECES = 2_000
"""Kept pieces of pages; a few kilobytes each at most."""
MOST_SKELETONS = 200
"""Kept skeletons of lists, of about 25 kB each."""


class _Environments(dict[str, PageEnvironment]):
    """The environments by language, each made at its first use: reading a catalogue takes 0.1 s of the start."""

    def __init__(self, loader: BaseLoader, static: StaticFiles) -> None:
        super().__init__()
        self._loader, self._static = loader, static

    def __missing__(self, locale: str) -> PageEnvironment:
        return self.setdefault(locale, PageEnvironment(self._loader, locale, self._static))


class Templates:
    """The templates of the core and plugins; a plugin's are named ``<id>/<file>`` and can replace nobody else's.

    Args:
        suite: The application.
        static: Gives the addresses of static files.
    """

    def __init__(self, suite: Suite, static: StaticFiles) -> None:
        self._suite = suite
        folders = {each.id: FileSystemLoader(each.folder / "templates" / each.id) for each in suite.plugins.ready()}
        loader = ChoiceLoader([FileSystemLoader(FOLDER), PrefixLoader(folders)])
        self._environments = _Environments(loader, static)
        self.navigation = Navigation(suite)
        self._frames = Frames(self._draw, safe_mode=suite.settings.plugins.safe_mode)
        self._skeletons: Keep[Skeleton] = Keep(MOST_SKELETONS)
        self._pieces: dict[tuple[Hashable, ...], Markup] = {}
        self._panels: dict[str, list[tuple[str, Panel]]] = {}
        for plugin_id, panel in suite.plugins.collect("core_panels"):
            self._panels.setdefault(panel.slot, []).append((plugin_id, panel))
        for panels in self._panels.values():
            panels.sort(key=lambda each: each[1].order)

    def text(self, request: Request, name: str, context: Mapping[str, Any], block: str | None = None) -> str:
        """Return a page, or one block of it, in the request's language."""
        template = self._environments[request.state.locale].get_template(name)
        values = {**self.base_context(request), **context}
        if block is None:
            return template.render(values)
        made = template.new_context({**values, "frame": NoFrame})
        # Running the root gives the block the macros that the template imports at its top.
        for _ in template.root_render_func(made):
            pass
        return "".join(template.blocks[block](made))

    def piece(self, locale: str, name: str, macro: str, argument: Hashable) -> Markup:
        """Return what a macro makes of one argument; kept, for parts that are the same on most pages.

        Args:
            locale: Language.
            name: Template of the core.
            macro: A macro of it with one parameter, which depends on nothing else.
            argument: Its value.
        """
        key = (locale, name, macro, argument)
        found = self._pieces.get(key)
        if found is None:
            if len(self._pieces) >= MOST_PIECES:
                self._pieces.clear()
            draw = getattr(self._environments[locale].get_template(name).module, macro)
            found = self._pieces[key] = Markup(draw(argument))  # noqa: S704 -- rendered by our own escaping templates
        return found

    def skeleton(
        self, locale: str, name: str, key: tuple[Hashable, ...], context: Callable[[], Mapping[str, Any]]
    ) -> Skeleton:
        """Return a rendered template with gaps; its context, and ``gap`` in it, is asked for only where it is not kept.

        Args:
            locale: Language.
            name: Template.
            key: Everything that the context depends on.
            context: Gives the context.
        """
        return self._skeletons.get((locale, name, *key), lambda: Skeleton(self._draw(locale, name, context())))

    def check(self, name: str) -> None:
        """Compile a template in each language.

        Raises:
            TemplateError: It cannot be compiled.
        """
        for locale in LOCALES:
            self._environments[locale].get_template(name)

    def base_context(self, request: Request) -> dict[str, Any]:
        """Return what base.html needs, made once a request; see its head."""
        state = request.state
        known: dict[str, Any] | None = getattr(state, "base_context", None)
        if known is not None:
            return known
        signed = state.signed_in
        theme = (signed.theme if signed else "") or "auto"
        state.base_context = {
            "request": request,
            "locale": state.locale,
            "theme": theme,
            "csp_nonce": state.csp_nonce,
            "csrf_token": signed.csrf_token if signed else "",
            "actor": person(signed) if signed else None,
            "demo": is_demo(request),
            "slot": lambda slot, **context: self._slot(request, slot, context),
            "record_actions": partial(record_actions, request),
            "frame": Frame(request, self._frames, self.navigation.look, theme, self._toasts),
        }
        return cast("dict[str, Any]", state.base_context)

    def _toasts(self, request: Request) -> Markup:
        waiting = requests.waiting_toasts(request)
        if not waiting:
            return Markup("")
        draw = self._environments[request.state.locale].get_template("ui/toasts.html").module.toast  # type: ignore[attr-defined]  # a macro
        return Markup("").join(draw(**each) for each in waiting)

    def _draw(self, locale: str, name: str, context: Mapping[str, Any]) -> str:
        return self._environments[locale].get_template(name).render({"gap": gap, **context})

    def shown_panels(self, slot: str, actor: Actor) -> list[tuple[str, Panel]]:
        """Return (plugin, panel) of a slot, in order, for what the actor may see and their branch has switched on."""
        return [
            (plugin_id, panel)
            for plugin_id, panel in self._panels.get(slot, ())
            if actor.may(panel.permission) and self._suite.activation.shows(plugin_id, actor)
        ]

    def _slot(self, request: Request, slot: str, context: Mapping[str, Any]) -> Markup:
        shown, wanted = self.shown_panels(slot, requests.actor_of(request)), request.headers.get(parts.PART_HEADER)
        return Markup("").join(
            self._card(request, plugin_id, panel, context)
            for plugin_id, panel in shown
            if wanted is None or wanted == panel.id
        )

    def _card(self, request: Request, plugin_id: str, panel: Panel, context: Mapping[str, Any]) -> Markup:
        title, part = panel.title.of(request.state.locale), f"core_panels {panel.id}"
        place = f"part-{panel.id.replace('.', '-')}"
        if parts.is_behind(request, plugin_id, part):
            return self.markup(request, "_panel_behind.html", {"title": title, "place": place, "panel_id": panel.id})

        def work() -> Markup | None:
            loaded = panel.load(requests.session_of(request), context)
            return None if loaded is None else self.markup(request, panel.template, loaded)

        body = parts.isolated(request, plugin_id, part, work)
        return Markup("") if body is None else self.card(request, title, body, place)

    def markup(self, request: Request, name: str, context: Mapping[str, Any]) -> Markup:
        """Return a rendered template to be put into another one."""
        return Markup(self.text(request, name, context))  # noqa: S704 -- rendered by our own escaping templates

    def card(self, request: Request, title: str, body: Any, place: str = "") -> Markup:
        """Return a panel around a body, which may be `core.web.parts.FAILED` or ``LEFT_OUT``; it says so then."""
        broken = {parts.FAILED: "failed", parts.LEFT_OUT: "left_out"}.get(body, "") if body in parts.BROKEN else ""
        return self.markup(request, "_panel.html", {"title": title, "place": place, "body": body, "broken": broken})


def render(
    request: Request, name: str, context: Mapping[str, Any] | None = None, block: str | None = None, status: int = 200
) -> Response:
    """Answer with a template.

    Args:
        request: The request; its actor, language and session are used.
        name: Template, ``<plugin>/<file>`` for a plugin's.
        context: Values besides those of base.html.
        block: Only this block of the template, for a fragment.
        status: HTTP status.
    """
    templates: Templates = request.app.state.templates
    response = HTMLResponse(templates.text(request, name, context or {}, block), status)
    response.headers["Vary"] = "HX-Request, Cookie, Accept-Language"
    if requests.TOAST_COOKIE in request.cookies and block is None and not requests.is_htmx(request):
        response.delete_cookie(requests.TOAST_COOKIE, httponly=True, samesite="lax")
    return response
