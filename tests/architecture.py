"""The rules of the house as functions over source files; tests/test_architecture.py applies them.

Every rule takes a Source and yields sentences, one for each thing that is wrong.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent

# Who may import whom, besides the standard library; the longest prefix of a module's name decides.
_CORE_VALUES = (
    "imserver.core.values",
    "imserver.core.requests",
    "imserver.core.group_requests",
    "imserver.core.events",
    "imserver.core.errors",
    "imserver.core.asides",
    "imserver.core.choices",
)
LAYERS: dict[str, tuple[str, ...]] = {
    "imserver": (),
    "imserver.crash": (),
    "imserver.interfaces": (
        *("imserver.core", "imserver.operator.interfaces", "imserver.store.interfaces", "zope.interface"),
    ),
    "imserver.core": ("imserver.core", "imserver.crash"),
    "imserver.net.projection": (
        *("imserver.net", "imserver.codecs.rtf", "imserver.core", "imserver.interfaces", "zope.interface"),
    ),
    "imserver.net": (
        *(
            "imserver.net",
            "imserver.core",
            "imserver.interfaces",
            "imserver.codecs.interfaces",
            "imserver.crash",
        ),
        *("twisted", "zope.interface", "OpenSSL"),
    ),
    "imserver.codecs": (
        *("imserver.codecs", "imserver.core", "imserver.interfaces", "imserver.proto"),
        *("google.protobuf", "zope.interface"),
    ),
    "imserver.dialogues": (
        *("imserver.dialogues", "imserver.net", "imserver.codecs", "imserver.proto", "imserver.core"),
        *("imserver.interfaces", "imserver.operator"),
    ),
    "imserver.proto": ("google.protobuf",),
    "imserver.wires": (
        *("imserver.net", "imserver.codecs", "imserver.dialogues", "imserver.proto", "imserver.core"),
        *("imserver.interfaces", "imserver.operator", "twisted", "zope.interface"),
    ),
    "imserver.store": (
        *("imserver.store", "imserver.interfaces", "imserver.crash", "imserver.core.values"),
        *("imserver.core.errors", "imserver.core.changes", "imserver.core.notices", "imserver.core.posting"),
        *(
            "imserver.core.run",
            "imserver.core.client_ids",
            "imserver.core.contacting",
            "imserver.core.statistics",
        ),
        *("imserver.core.names.MAX_NUMBER", "apsw", "twisted", "zope.interface"),
    ),
    "imserver.admin": (
        *("imserver.admin", "imserver.operator", "imserver.store", "imserver.config", "imserver.core"),
        *("imserver.net", "imserver.wires", "imserver.interfaces", "imserver.process"),
        *("imserver.client.questions", "imserver.client.terminal"),
        *("twisted.plugin", "cryptography", "apsw"),
    ),
    "imserver.client": (
        *("imserver.client", "imserver.net.framing", "imserver.codecs", "imserver.proto", *_CORE_VALUES),
        *("imserver.core.notices", "imserver.core.singly"),
        *("twisted", "zope.interface", "OpenSSL", "service_identity", "cryptography"),
    ),
    "imserver.client.screen": (*("imserver.client", *_CORE_VALUES, "twisted", "textual", "rich"),),
    "imserver.operator": (
        *("imserver.operator", "imserver.core", "imserver.interfaces", "imserver.net"),
        *("imserver.logs", "twisted", "zope.interface"),
    ),
    "imserver.passwords": ("imserver.core", "imserver.interfaces", "argon2", "twisted", "zope.interface"),
    "imserver.process": ("twisted", "google.protobuf"),
    "imserver.logs": ("twisted", "zope.interface"),
    "imserver.config": ("imserver.core", "imserver.net", "imserver.toml_lines", "cattrs", "attrs"),
    "imserver.toml_lines": (),
    "imserver.tap": ("imserver", "twisted", "zope.interface", "google.protobuf", "OpenSSL"),
}

# What may be imported too, if its names stand in annotations only.
TYPES_ONLY = {
    "imserver.core": ("imserver.interfaces",),
    "imserver.interfaces": ("imserver.net.listeners", "twisted.application.service"),
}

# Module -> (why not, where all the same).
FORBIDDEN: dict[str, tuple[str, tuple[str, ...]]] = {
    "random": ("secrets come from `secrets`, everything else from an argument", ("imserver.client",)),
    "pickle": ("unpickling runs what it reads", ()),
    "marshal": ("unmarshalling trusts what it reads", ()),
    "shelve": ("it unpickles", ()),
    "xml": ("there is no XML here, so there are no XML attacks", ()),
    "PIL": ("the server decodes no picture", ()),
    "zipfile": ("the server opens no archive", ()),
    "tarfile": ("the server opens no archive", ()),
    "twisted.names": ("the server resolves no name a user gives", ()),
    "twisted.python.log": ("log through twisted.logger", ("imserver.process",)),
}
DANGEROUS_CALLS = ("eval", "exec", "compile", "__import__")

REACTOR_IMPORTERS = ("imserver.tap", "imserver.client.imchat", "imserver.client.blocking")
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 25
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "base"}
LOG_METHODS = ("debug", "info", "warn", "warning", "error", "exception", "critical", "failure")


@dataclass(slots=True, frozen=True)
class Source:
    """A file of the package: its path from the root, and what stands in it."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """Its dotted name; a package's is that of its folder."""
        return ".".join(PurePosixPath(self.path).with_suffix("").parts).removesuffix(".__init__")


def sources() -> list[Source]:
    """Every file of imserver/ that people wrote."""
    files = sorted(path for path in (ROOT / "imserver").rglob("*.py") if not path.stem.endswith("_pb2"))
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in files]


def is_within(module: str, prefixes: tuple[str, ...]) -> bool:
    """Whether the module is one of these or inside one."""
    return any(module == prefix or module.startswith(prefix + ".") for prefix in prefixes)


def imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything imported: `from a.b import c` is a.b.c, so that a module shows."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


# -- the rules ---------------------------------------------------------------------------------------


def keeps_its_layer(source: Source) -> Iterator[str]:
    """A module imports what its layer may."""
    layer = max((name for name in LAYERS if is_within(source.module, (name,))), key=len)
    if layer == "imserver" and source.module != "imserver":
        yield f"{source.path}: no layer for {source.module}: add it to LAYERS"
        return
    in_code = set(_names_outside_annotations(source.tree))
    for line, name in imports(source.tree):
        top, last = name.split(".")[0], name.split(".")[-1]
        types_only = TYPES_ONLY.get(layer, ()) if last not in in_code else ()
        if top not in sys.stdlib_module_names and not is_within(name, LAYERS[layer] + types_only):
            yield f"{source.path}:{line}: {layer} may not import {name}"


def _names_outside_annotations(tree: ast.AST) -> Iterator[str]:
    in_annotations = {
        id(name)
        for node in ast.walk(tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
        for name in ast.walk(annotation)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and id(node) not in in_annotations:
            yield node.id


def imports_nothing_forbidden(source: Source) -> Iterator[str]:
    """No parser of hostile formats, no code from data, no predictable randomness."""
    for line, name in imports(source.tree):
        for module, (why, allowed) in FORBIDDEN.items():
            if is_within(name, (module,)) and not is_within(source.module, allowed):
                yield f"{source.path}:{line}: {module}: {why}"
    for call in _calls(source.tree):
        if isinstance(call.func, ast.Name) and call.func.id in DANGEROUS_CALLS:
            yield f"{source.path}:{call.lineno}: {call.func.id}() runs data as code"


def gets_the_reactor_as_an_argument(source: Source) -> Iterator[str]:
    """Only where the parts meet is the reactor imported."""
    if source.module not in REACTOR_IMPORTERS:
        for line, name in imports(source.tree):
            if is_within(name, ("twisted.internet.reactor",)):
                yield f"{source.path}:{line}: the reactor is an argument"


def is_short(source: Source) -> Iterator[str]:
    """A file has one idea, a function does one thing."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield f"{source.path}: {lines} lines"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = _body_lines(node)
            if length > MAX_FUNCTION_LINES:
                yield f"{source.path}: {node.name} has {length} lines"


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def passes_values_to_sql(source: Source) -> Iterator[str]:
    """Statements are written out; values are parameters (T28)."""
    composed = {
        target.id
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Assign) and _is_composed(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in _calls(source.tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in (
            "execute",
            "executemany",
            "executescript",
        ):
            statement = call.args[0] if call.args else None
            name = statement.id if isinstance(statement, ast.Name) else None
            if _is_composed(statement) or name in composed:
                yield f"{source.path}:{call.lineno}: an SQL statement is put together from parts"


def _is_composed(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "join", "replace")
    return isinstance(node, ast.JoinedStr | ast.BinOp)


def logs_literal_formats(source: Source) -> Iterator[str]:
    """twisted.logger resolves attributes in the format, so what users wrote stays out of it (T29)."""
    for call in _calls(source.tree):
        if not isinstance(call.func, ast.Attribute) or not _is_logger(call.func.value):
            continue
        formats = call.args[1:2] if call.func.attr == "emit" else call.args[:1]
        literal = all(isinstance(each, ast.Constant) for each in formats)
        if call.func.attr in (*LOG_METHODS, "emit") and not literal:
            yield f"{source.path}:{call.lineno}: a log format is a literal"


def _is_logger(node: ast.expr) -> bool:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("_log", "log", "logger")


def has_a_name_of_its_own(source: Source) -> Iterator[str]:
    """A module's name says what is in it."""
    for part in source.module.split("."):
        if part in EMPTY_NAMES:
            yield f"{source.path}: {part} says nothing"


def has_a_docstring(source: Source) -> Iterator[str]:
    """A module begins by saying what lives in it; a package may be empty."""
    if source.text.strip() and not ast.get_docstring(source.tree):
        yield f"{source.path}: no docstring"


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))
