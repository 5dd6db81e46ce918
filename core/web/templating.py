"""The environment templates run in: Jinja as everybody knows it, without what it does again for every page though it never changes."""

from __future__ import annotations

from collections.abc import MutableMapping
from types import FunctionType
from typing import Any

from flask.templating import Environment as FlaskEnvironment
from jinja2 import Template, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro
from markupsafe import Markup, _escape_inner, escape


class Sheet(Template):
    """A template. All of them know the same globals, so a file of macros is run once and not for each page that imports it."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        if self._module is None:
            self._module = self.make_module()
        return self._module


class SheetContext(Context):
    """Calls a macro or a plain function without first asking whether it is one of the other things that may be called."""

    def call(self, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        kind = type(called)
        if kind is Macro:
            args = (self.eval_ctx, *args)
        elif kind is not FunctionType or hasattr(called, "jinja_pass_arg"):
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs)


class SheetCompiler(CodeGenerator):
    """`{{ " checked" if chosen }}` is nothing when it is not chosen: no object that could explain itself is made for that."""

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        super().visit_CondExpr(nodes.CondExpr(node.test, node.expr1, node.expr2 or nodes.Const(""), lineno=node.lineno), frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """What is written out is only joined afterwards, so what has just been escaped need not be marked as such."""
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.shown(")


def shown(value: Any) -> str:
    """The text of a value as it may stand in a page. Says the same as `markupsafe.escape`."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    return value if kind is Markup else escape(value)


class Environment(FlaskEnvironment):
    """Flask's, with the three above."""

    template_class = Sheet
    context_class = SheetContext
    code_generator_class = SheetCompiler
    shown = staticmethod(shown)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """One mapping for all templates, instead of a chain of two that is walked at every include."""
        if d:
            raise TypeError("a template takes its values from page(), not globals of its own")
        return self.globals
