"""The template environment of one language; what is the same on every page is worked out when compiling."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from jinja2 import BaseLoader, Environment, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from core.i18n import translate
from core.registry.filter_values import LOCAL_ZONE
from core.registry.formats import screen_format
from core.values.masks import HIDDEN, MASKS
from core.web import figures

if TYPE_CHECKING:
    from core.web.static_files import StaticFiles

ICONS = "ui/icons.html"
_NOTHING = object()


class PageEnvironment(Environment):
    """Environment whose templates know their texts, static addresses and icons from the start.

    Args:
        loader: Gives the templates.
        locale: Language.
        static: Gives the addresses of static files.
    """

    def __init__(self, loader: BaseLoader, locale: str, static: StaticFiles) -> None:
        super().__init__(
            loader=loader,
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            cache_size=-1,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        )
        self.code_generator_class = _FoldingGenerator
        self._texts = translate(locale)
        install = self.install_gettext_callables  # type: ignore[attr-defined]  # added by the extension
        install(self._texts.gettext, self._texts.ngettext, newstyle=True)
        self.globals["_n"] = self.globals["ngettext"]
        self.globals["static"] = static.url
        self.globals["figures"] = figures
        for name in ("money", "date", "instant", "ratio"):
            self.filters[name] = screen_format(name, None, locale)
        self.filters["count"] = screen_format("integer", None, locale)
        self.filters["mask"] = _mask
        self.filters["local"] = _local
        self.foldable: dict[str, Callable[..., Any]] = {"_": self._text, "static": static.url}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals themselves: with Jinja's ChainMap every import of macros costs 20 µs."""
        return self.globals if not d else super().make_globals(d)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute, of a dictionary first the entry: Jinja finds out by exceptions, which cost."""
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        found = getattr(obj, attribute, _NOTHING)
        return super().getattr(obj, attribute) if found is _NOTHING else found

    def icon(self, *arguments: str) -> Markup:
        """Return what the macro `icon` makes."""
        return cast("Markup", self.get_template(ICONS).module.icon(*arguments))  # type: ignore[attr-defined]  # a macro

    def _text(self, text: str) -> Markup:
        return Markup(self._texts.gettext(text)) % {}  # noqa: S704 -- as Jinja's new-style gettext does: catalogues are ours


def written(value: Any) -> str:
    """Return a value escaped; markup as it is, of which `escape` makes a copy in three calls."""
    return value if type(value) is Markup else escape(value)


class _FoldingGenerator(CodeGenerator):
    """Compiler that replaces calls known beforehand by their results; Jinja then joins them with the text around.

    Macros are called without asking each time whether they want the context, which macros never do.
    """

    _macros: frozenset[str] = frozenset()

    def visit_Template(self, node: nodes.Template, frame: Any = None) -> None:  # noqa: N802 -- name given by Jinja
        environment = cast("PageEnvironment", self.environment)
        known = dict(environment.foldable)
        if any(_imports_icon(each) for each in node.find_all(nodes.FromImport)):
            known["icon"] = environment.icon
        _Fold(known).visit(node)
        self._macros = frozenset(_macro_names(node))
        self.writeline(f"from {__name__} import {written.__name__}")
        super().visit_Template(node, frame)

    def visit_Call(self, node: nodes.Call, frame: Any, forward_caller: bool = False) -> None:  # noqa: N802 -- name given by Jinja
        known = isinstance(node.node, nodes.Name) and node.node.name in self._macros
        if not known or forward_caller or node.dyn_args or node.dyn_kwargs:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(node.node, frame)
        self.write("(")
        for argument in (*node.args, *node.kwargs):
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")

    def _output_child_pre(self, node: Any, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(f"{written.__name__}(")


class _Fold(NodeTransformer):
    """Replaces calls with nothing but constants of functions that depend on nothing else."""

    def __init__(self, known: dict[str, Callable[..., Any]]) -> None:
        self._known = known

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802 -- name given by Jinja
        self.generic_visit(node)
        function = self._known.get(node.node.name) if isinstance(node.node, nodes.Name) else None
        plain = not (node.kwargs or node.dyn_args or node.dyn_kwargs)
        if function is None or not plain or not all(isinstance(each, nodes.Const) for each in node.args):
            return node
        return nodes.Const(function(*(cast("nodes.Const", each).value for each in node.args)), lineno=node.lineno)


def _macro_names(template: nodes.Template) -> Iterator[str]:
    for macro in template.find_all(nodes.Macro):
        yield macro.name
    for imported in template.find_all(nodes.FromImport):
        yield from (name if isinstance(name, str) else name[1] for name in imported.names)


def _imports_icon(node: nodes.FromImport) -> bool:
    return isinstance(node.template, nodes.Const) and node.template.value == ICONS and "icon" in node.names


def _local(moment: datetime) -> datetime:
    """Return a moment in the installation's time zone."""
    return moment.astimezone(LOCAL_ZONE)


def _mask(value: object, mask: str) -> str:
    return MASKS[mask](str(value)) if mask in MASKS else HIDDEN
