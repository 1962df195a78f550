"""The house: who imports whom, what importing costs, and what is promised in public."""

import ast
import importlib
import importlib.metadata
import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fastinfo
import fastinfo.dask
import fastinfo.torch

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fastinfo"

FLOORS = (
    {"__main__"},
    {"__init__", "cli", "torch", "sklearn", "dask", "plots"},
    {"selection", "significance", "networks"},
    {"pairs"},
    {"measures", "pmf"},
    {"accumulators"},
    {"inputs"},
    {"binning", "counting", "estimators", "formulas"},
    {"data"},
    {"system"},
    {"backends"},
)
"""The rooms, from the top of the house to the bottom. A module may import those of its own room and
of all floors below, and no other room of its own floor. A room is a folder, or a module by itself.
"""

ARRAY_LIBRARIES = {
    "numpy": {"numpy"},
    "numba": {"numpy", "numba", "llvmlite"},
    "cupy": {"numpy", "cupy"},
}
"""What the kernels of a backend may import beside the standard library."""

SHARED_BY_BACKENDS = (
    *("chance", "contract", "generic", "home", "pair_sums", "quantiles", "random_tables", "soft"),
    "terms",
)


def modules():
    """{dotted name: path} of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts)] = path
    return found


MODULES = modules()


def room(name):
    """The first name below fastinfo: ``fastinfo.backends.numba.jit`` → backends."""
    return name.split(".")[1] if "." in name else "__init__"


def floor(name):
    """How many floors are above a module."""
    found = [number for number, rooms in enumerate(FLOORS) if room(name) in rooms]
    assert len(found) == 1, f"{name} is in no room of this test; give it one"
    return found[0]


def imports(path, top_level_only=False):
    """Dotted names that a module imports; ``from fastinfo import pmf`` is fastinfo.pmf."""
    tree = ast.parse(path.read_text("utf-8"))
    found = set()
    for node in tree.body if top_level_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                longer = f"{node.module}.{alias.name}"
                is_module = longer in MODULES or f"{longer}.__init__" in MODULES
                found.add(longer if is_module else node.module)
    return found


def own(names):
    return {name for name in names if name.partition(".")[0] == "fastinfo" and name != "fastinfo"}


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_only(name):
    for imported in own(imports(MODULES[name])):
        is_down = floor(imported) > floor(name)
        assert is_down or room(imported) == room(name), f"{name} imports {imported}"


def test_imports_go_round_in_no_circle():
    graph = {name: own(imports(path)) for name, path in MODULES.items()}
    done, under_way = set(), []

    def visit(name):
        name = name if name in graph else f"{name}.__init__"
        assert name not in under_way, f"a circle of imports: {[*under_way, name]}"
        if name in done:
            return
        under_way.append(name)
        for imported in sorted(graph[name]):
            if imported != name.removesuffix(".__init__"):
                visit(imported)
        done.add(under_way.pop())

    for name in graph:
        visit(name)


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("fastinfo.backends.")])
def test_kernels_import_their_array_library_alone(name):
    parts = name.split(".")
    if parts[2] in ("__init__", *SHARED_BY_BACKENDS):
        backend, libraries = None, set() if parts[2] == "__init__" else {"numpy"}
    else:
        backend = parts[2]
        libraries = ARRAY_LIBRARIES[backend]
    for imported in imports(MODULES[name]):
        top = imported.partition(".")[0]
        if top == "fastinfo":
            allowed = (
                *(f"fastinfo.backends.{module}" for module in SHARED_BY_BACKENDS),
                f"fastinfo.backends.{backend}",
            )
            assert imported.startswith(allowed), f"{name} imports {imported}"
        else:
            assert top in libraries | sys.stdlib_module_names, f"{name} imports {imported}"


def test_only_the_numba_backend_knows_numba():
    for name, path in MODULES.items():
        if not name.startswith("fastinfo.backends.numba"):
            assert not {i for i in imports(path) if i.partition(".")[0] in ("numba", "llvmlite")}


def test_only_the_edge_knows_array_libraries_by_name():
    """Everybody else asks `home_of`, and a backend with other arrays needs no change elsewhere."""
    edge = {"fastinfo.inputs.arguments", "fastinfo.inputs.tables"}
    for name in set(MODULES) - edge:
        if room(name) == "backends":
            continue
        for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
            if isinstance(node, ast.Compare):
                compared = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)}
                is_known = (
                    compared & {"cupy", "numpy", "torch"} and name != "fastinfo.torch.__init__"
                )
                assert not is_known, f"{name} tells a library by its name, line {node.lineno}"


def test_no_kernel_is_compiled_in_parallel():
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "parallel":
                pytest.fail(f"{name} compiles with parallel=")


LIGHT = """
import sys
before = set(sys.modules)
import fastinfo
heavy = {"numba", "llvmlite", "narwhals", "pandas", "polars", "pyarrow", "scipy", "sklearn",
         "torch", "cupy", "dask", "rich", "typer"}
print(sorted(heavy & {name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_importing_loads_nothing_heavy():
    """With all that comes with its first use."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "EAGER_IMPORT": "1"},
    )
    assert done.stdout.strip() == "[]"


def test_importing_loads_few_modules():
    code = "import sys, fastinfo; print(*(n for n in sys.modules if n.startswith('fastinfo.')))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert all(name.startswith("fastinfo.backends") for name in done.stdout.split())


# --- what is public -----------------------------------------------------------------------------

NAMESPACES = {
    "fastinfo": fastinfo,
    "fastinfo.pmf": fastinfo.pmf,
    "fastinfo.torch": fastinfo.torch,
    "fastinfo.dask": fastinfo.dask,
}

PUBLIC = {
    f"{space}.{name}": getattr(module, name)
    for space, module in NAMESPACES.items()
    for name in module.__all__
    if not inspect.ismodule(getattr(module, name))
}
FUNCTIONS = {name: thing for name, thing in PUBLIC.items() if inspect.isfunction(thing)}


def test_what_comes_with_its_first_use_is_told_once():
    """`__init__.pyi` is what type checkers read, and what names are looked up by."""
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    imported = [
        alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    assert sorted(alias.asname or alias.name for alias in imported) == sorted(fastinfo.__all__)
    (told,) = (
        ast.literal_eval(node.value)
        for node in stub.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
    )
    assert told == sorted(fastinfo.__all__, key=lambda n: (not n.isupper(), n))
    assert dir(fastinfo) == sorted(fastinfo.__all__)


@pytest.mark.parametrize("space", sorted(set(NAMESPACES) - {"fastinfo"}))
def test_all_is_what_there_is(space):
    module = NAMESPACES[space]
    visible = {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__.startswith(f"{space}.")
    }
    submodules = {n for n, t in vars(module).items() if inspect.ismodule(t)}
    assert set(module.__all__) - submodules == visible
    # As ruff sorts them: names all in capitals come first.
    assert sorted(module.__all__, key=lambda n: (not n.isupper(), n)) == list(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def sections(thing):
    """Titles of the numpydoc sections of a docstring."""
    return set(re.findall(r"^(\w[\w ]*)\n-{3,}$", inspect.getdoc(thing) or "", re.MULTILINE))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_public_functions_are_documented(name):
    thing = FUNCTIONS[name]
    wanted = {"Parameters", "Returns", "Raises", "Examples"}
    if not inspect.signature(thing).parameters:
        wanted -= {"Parameters", "Raises"}
    assert wanted <= sections(thing), f"{name} lacks {wanted - sections(thing)}"
    for parameter in inspect.signature(thing).parameters:
        assert re.search(rf"\b{parameter}\b", inspect.getdoc(thing)), f"{name}: {parameter}"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_things_have_a_first_line(name):
    first, _, rest = inspect.getdoc(PUBLIC[name]).partition("\n")
    assert first.endswith((".", ":")), first
    assert not rest or rest.startswith("\n")


def test_public_methods_of_joint_counts_are_documented():
    for name, method in inspect.getmembers(fastinfo.JointCounts):
        if not name.startswith("_"):
            assert inspect.getdoc(method), name


def test_shared_keyword_arguments_have_one_default():
    for space in NAMESPACES:
        defaults = {}
        for name, function in FUNCTIONS.items():
            if name.rpartition(".")[0] != space:
                continue
            for parameter in inspect.signature(function).parameters.values():
                if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "axis":
                    defaults.setdefault(parameter.name, set()).add(parameter.default)
        assert defaults
        assert {name for name, found in defaults.items() if len(found) > 1} == set()


def test_options_are_keyword_only_and_in_one_order():
    order = [*("bins", "base", "estimator", "nan_policy", "sample_weight", "backend", "n_jobs")]
    for name, function in FUNCTIONS.items():
        parameters = inspect.signature(function).parameters
        options = [p for p in order if p in parameters]
        assert [p for p in parameters if p in order] == options, name
        assert all(parameters[p].kind is inspect.Parameter.KEYWORD_ONLY for p in options), name


def test_there_is_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert fastinfo.__version__ == project["version"]
    try:
        installed = importlib.metadata.version("fastinfo")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("fastinfo is not installed here, it runs from its checkout")
    assert installed == fastinfo.__version__


def test_messages_name_packages_that_can_be_installed_from_anywhere():
    for name, path in MODULES.items():
        lines = re.findall(r"pip install [^\n]*", path.read_text("utf-8"))
        assert not [line for line in lines if "fastinfo" in line], f"{name}: no index has fastinfo"


def test_every_module_says_what_it_is_and_stays_one_idea():
    for name in MODULES:
        text = MODULES[name].read_text("utf-8")
        assert ast.get_docstring(ast.parse(text)) or not text.strip(), f"{name} has no docstring"
        assert text.count("\n") <= 500, f"{name}: past about 500 lines, look for the second idea"


@pytest.mark.parametrize(
    "test", sorted(Path(__file__).parent.glob("test_*.py")), ids=lambda p: p.stem
)
def test_a_test_file_is_named_after_what_it_tests(test):
    rooms = {part for name in MODULES for part in name.split(".")} | {
        "kernels",
        "bad_input",
        "house",
        "bench",
        "dashboard",
        "compare",
        "browser",
        "articles",
        "examples",
        "readme",
        "reading_values",
        "emulation",
    }
    assert test.stem.removeprefix("test_") in rooms


def test_every_module_can_be_imported():
    for name in MODULES:
        if room(name) in ("__main__", "cli"):
            continue
        try:
            importlib.import_module(name.removesuffix(".__init__"))
        except ModuleNotFoundError as error:
            # The one module that imports CuPy, in an environment without it.
            if (name, error.name) != ("fastinfo.backends.cupy.hardware", "cupy"):
                raise
