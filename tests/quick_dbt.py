"""dbt without what it does again and again unseen, for processes that call it many times: a build takes half as long.

What it renders, runs and says is the same. Commands that tests start as users do have dbt as it is.
"""

from functools import cache
from pathlib import Path
from types import CodeType

from dbt.clients.jinja import MacroGenerator
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt_common.clients import agate_helper
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from jinja2 import FileSystemBytecodeCache

TEMPLATES = Path(__file__).parent.parent / "target" / "tests" / "templates"
# Details that are heard by whoever shows how a run goes on.
HEARD = ("NodeFinished",)
compile_template, make_event, fire_event = MacroFuzzEnvironment.compile, BaseEvent.__init__, EventManager.fire_event
TEMPLATES.mkdir(parents=True, exist_ok=True)
templates = FileSystemBytecodeCache(str(TEMPLATES), "%s")
code_of: dict[str, CodeType] = {}


def compile_once(self, source, *arguments, **options):
    """A template as Python code: models and macros are the same in each build, and in each process."""
    if arguments or options:
        return compile_template(self, source, *arguments, **options)
    name = f"{type(self).__name__}\n{source}"
    if name not in code_of:
        bucket = templates.get_bucket(self, name, None, source)
        if bucket.code is None:
            bucket.code = compile_template(self, source)
            templates.set_bucket(bucket)
        code_of[name] = bucket.code
    return code_of[name]


def make_generator(self, macro, context=None, node=None, stack=None):
    """One method instead of three: each node has a thousand macros made."""
    self.macro, self.context, self.node, self.stack = macro, context, node, stack


class Macros(dict):
    """All that MacroNamespace finds, as one dictionary."""

    get_from_package = MacroNamespace.get_from_package

    def __init__(self, builder, packages):
        self.packages, self.global_project_namespace = packages, {}
        for package in reversed(builder.internal_package_names_order):
            self.global_project_namespace |= packages.pop(package, {})
        # What dbt looks into first stands last.
        super().__init__(self.global_project_namespace)
        self["dbt"] = self.global_project_namespace
        for names in (packages, packages.get(builder.root_package, {}), packages.get(builder.search_package, {})):
            self.update(names)


def all_macros(builder, macros_by_package, ctx):
    """The macros that a node sees."""
    return Macros(builder, {
        package: {name: MacroGenerator(macro, ctx, builder.node, builder.thread_ctx) for name, macro in macros.items()}
        for package, macros in macros_by_package.items()
    })


def keep_arguments(self, *arguments, **options):
    object.__setattr__(self, "given", (arguments, options))


def attribute_of_event(self, name):
    """An event's message is made where it is asked for."""
    if name != "pb_msg":
        return getattr(self.pb_msg, name)
    arguments, options = self.given
    make_event(self, *arguments, **options)
    return self.pb_msg


def fire_heard(self, event, level=None, **options):
    """Events are made into messages only where a logger or a listener takes them."""
    is_detail = (level or event.level_tag()) == EventLevel.DEBUG and type(event).__name__ not in HEARD
    if not is_detail or any(logger.level == EventLevel.DEBUG for logger in self.loggers):
        fire_event(self, event, level=level, **options)


MacroFuzzEnvironment.compile, agate_helper.empty_table = compile_once, cache(agate_helper.empty_table)
MacroGenerator.__init__ = make_generator
MacroNamespaceBuilder.build_namespace = all_macros
BaseEvent.__init__, BaseEvent.__getattr__, EventManager.fire_event = keep_arguments, attribute_of_event, fire_heard
