#!/usr/bin/env python3
"""Checks what the compiler does not: who includes whom, and how the text of the sources looks.

    lint.py [ROOT]

Prints "file:line: what is wrong" for each breach; exits with 1 if there is one. A new public header
of the engine is added to PUBLIC_HEADERS, a new layer to LINES.
"""

import re
import sys
from pathlib import Path

# The layers, from the lowest line to the highest. A layer includes what stands on lower lines, and
# what is in its own group; never what is above it or in another group of its line.
LINES = [
    [{"base"}],
    [{"value", "function", "wire"}],
    [{"graph", "messages"}],
    [{"scheduler"}, {"worker"}, {"net"}],
    [{"local"}, {"client", "cluster", "process"}],
    [{"dashboard"}, {"deploy"}],
    [{"bag", "delayed", "stream", "progress", "visualize"}],
    [{"tasks"}],
    [{"workloads"}, {"examples"}, {"benchmarks"}],
]

# The layer of each header in engine/include/satchel; the folders of engine/src are layers by name.
PUBLIC_HEADERS = {
    "archive.hpp": "wire",
    "bag.hpp": "bag",
    "bag_options.hpp": "bag",
    "boost_serialization.hpp": "wire",
    "bytes.hpp": "base",
    "compute.hpp": "bag",
    "delayed.hpp": "delayed",
    "detail/aggregate.hpp": "wire",
    "detail/standard_types.hpp": "wire",
    "detail/bag_format.hpp": "bag",
    "detail/bag_methods.hpp": "bag",
    "detail/bag_reductions.hpp": "bag",
    "detail/bag_shuffle.hpp": "bag",
    "detail/bag_support.hpp": "bag",
    "detail/format.hpp": "base",
    "client.hpp": "client",
    "detail/borrowed.hpp": "graph",
    "detail/call.hpp": "graph",
    "detail/code.hpp": "function",
    "detail/counts.hpp": "bag",
    "detail/counter_random.hpp": "bag",
    "detail/element_functions.hpp": "bag",
    "detail/fused.hpp": "bag",
    "detail/fused_bag.hpp": "bag",
    "detail/fused_reduction.hpp": "bag",
    "detail/grouping.hpp": "bag",
    "detail/huge_pages.hpp": "base",
    "detail/short_string.hpp": "base",
    "detail/pooled_allocator.hpp": "base",
    "detail/signals_blocked.hpp": "base",
    "detail/usable_memory.hpp": "base",
    "detail/invoke.hpp": "base",
    "detail/join.hpp": "bag",
    "detail/key_block.hpp": "bag",
    "detail/node.hpp": "bag",
    "detail/kept_result.hpp": "graph",
    "detail/ordered_map.hpp": "bag",
    "detail/same_key.hpp": "bag",
    "detail/partition_stage.hpp": "bag",
    "detail/parts_stage.hpp": "bag",
    "detail/pieces.hpp": "bag",
    "detail/pulled.hpp": "bag",
    "detail/records.hpp": "bag",
    "detail/reduce.hpp": "bag",
    "detail/reducers.hpp": "bag",
    "detail/repartition.hpp": "bag",
    "detail/reshape.hpp": "bag",
    "detail/remote_call.hpp": "client",
    "detail/run_progress.hpp": "graph",
    "detail/serialize.hpp": "wire",
    "detail/sampling.hpp": "bag",
    "detail/shuffle.hpp": "bag",
    "detail/sources.hpp": "bag",
    "detail/stable_sort.hpp": "bag",
    "detail/stages.hpp": "bag",
    "detail/statistics.hpp": "bag",
    "detail/stream.hpp": "bag",
    "detail/text_operations.hpp": "bag",
    "detail/text_stages.hpp": "bag",
    "detail/text_store.hpp": "bag",
    "detail/view_stream.hpp": "bag",
    "detail/zip_stage.hpp": "bag",
    "error.hpp": "base",
    "executor.hpp": "graph",
    "fn.hpp": "function",
    "function.hpp": "function",
    "future.hpp": "client",
    "graph.hpp": "graph",
    "init.hpp": "process",
    "local_cluster.hpp": "cluster",
    "log.hpp": "base",
    "module.hpp": "function",
    "progress.hpp": "progress",
    "serve.hpp": "cluster",
    "stable_hash.hpp": "value",
    "stream.hpp": "stream",
    "task.hpp": "bag",
    "this_task.hpp": "graph",
    "travelling_error.hpp": "function",
    "travels.hpp": "wire",
    "units.hpp": "base",
    "value.hpp": "value",
}

# Decisions are made without a clock, a thread or a socket: time is an argument, effects are data.
DETERMINISTIC_LAYERS = {"scheduler", "worker"}
NOT_DETERMINISTIC = re.compile(
    r"thread|mutex|shared_mutex|condition_variable|atomic|iostream|random|boost/asio.*")

# What users should not have to compile for a header of ours, but for those that opt in to it.
FOREIGN_HEADERS = re.compile(
    r"(boost/|CLI/|nlohmann/|openssl/|zlib\.h|bzlib\.h|lzma\.h|libdeflate\.h|zstd).*")
OPT_IN_HEADERS = {"asio.hpp", "boost_serialization.hpp"}

# What costs every user of a bag a tenth of a second or so, for a function that takes a line.
HEAVY_HEADERS = re.compile(r"algorithm|chrono|cmath|functional|iostream|map|random|ranges|regex|"
                           r"sstream|thread|unordered_map")
LAYERS_BESIDE_BAGS = {"client", "cluster", "process", "progress"}

FOLDERS = ["engine", "tasks", "workloads", "examples", "tests", "benchmarks", "scripts", "cmake",
           "docs", ".ci"]
TEXT_SUFFIXES = {".cpp", ".hpp", ".cmake", ".in", ".py", ".sh", ".txt", ".md", ".json", ".yml", ""}
CODE_SUFFIXES = {".cpp", ".hpp", ".cmake", ".py", ".sh", ".txt"}
MAX_COLUMNS = 100
MAX_LINES_HEADER = 450
MAX_LINES = 900

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
CONSOLE = re.compile(r"\bstd::(cout|cerr|clog)\b|#\s*include\s*<iostream>")
USING_NAMESPACE = re.compile(r"\s*using\s+namespace\b(?!.*\bliterals\b)")
SLEEP = re.compile(
    r"\b(sleep_for|sleep_until|usleep|nanosleep|time\.sleep)\b|(^|[;&|]|::)\s*sleep\b\s*[(\d$\"]")


class Source:
    """A text file: `path` relative to the root, and its lines."""

    def __init__(self, root, path):
        self.path = path.relative_to(root)
        self.name = self.path.as_posix()
        self.is_cpp = path.suffix in {".cpp", ".hpp"}
        self.lines = path.read_text(encoding="utf-8").split("\n")

    def under(self, *folders):
        return any(self.name.startswith(folder + "/") for folder in folders)

    def matches(self, pattern):
        """The numbers of the lines in which `pattern` occurs."""
        return [number for number, line in enumerate(self.lines, 1) if pattern.search(line)]


def sources_in(root):
    top = list(root.iterdir())
    inside = [path for folder in FOLDERS for path in (root / folder).rglob("*")]
    for path in sorted(top + inside):
        is_text = path.is_file() and path.suffix in TEXT_SUFFIXES
        if is_text and path.name != ".git" and "__pycache__" not in path.parts:
            yield Source(root, path)


def public_header(name):
    """`name` as PUBLIC_HEADERS spells it, or None if it is no public header of the engine."""
    prefix = "engine/include/satchel/"
    return name.removeprefix(prefix) if name.startswith(prefix) else None


def layer_of_file(source):
    """The layer that a source belongs to; None: it is outside of the layers, as tests are."""
    if header := public_header(source.name):
        return PUBLIC_HEADERS.get(header)
    parts = source.path.parts
    if parts[:2] == ("engine", "src"):
        return parts[2]
    return parts[0] if parts[0] in {"tasks", "workloads", "examples", "benchmarks"} else None


def layer_of_include(source, quote, included):
    """The layer that an #include reaches into; None: it is no header of ours."""
    if included == "satchel/satchel.hpp" or included.startswith("satchel/tasks/"):
        return "tasks"
    if included.startswith("satchel/"):
        return PUBLIC_HEADERS.get(included.removeprefix("satchel/"), layer_of_file(source))
    if quote == "<" or not source.under("engine/src"):
        return None
    return included.split("/")[0] if "/" in included else layer_of_file(source)


def place_of(layer):
    """(line, group) of a layer in LINES, or None."""
    for number, line in enumerate(LINES):
        for group in line:
            if layer in group:
                return number, group
    return None


def check_layers(source):
    layer = layer_of_file(source)
    if (header := public_header(source.name)) and header not in PUBLIC_HEADERS:
        yield 1, f"add {header} to PUBLIC_HEADERS in tests/lint/lint.py, with its layer"
    if not source.is_cpp or layer is None:
        return
    own = place_of(layer)
    if own is None:
        yield 1, f"the layer {layer} is unknown: add it to LINES in tests/lint/lint.py"
        return
    for number, quote, included in includes_of(source):
        other = layer_of_include(source, quote, included)
        target = place_of(other)
        if target and target[0] >= own[0] and target[1] is not own[1]:
            side = "above it" if target[0] > own[0] else "beside it"
            yield number, f"{layer} includes {included} from {other}, a layer {side}"


def includes_of(source):
    for number, line in enumerate(source.lines, 1):
        if found := INCLUDE.match(line):
            yield number, found[1], found[2]


def check_includes(source):
    if not source.is_cpp:
        return
    header = public_header(source.name)
    for number, quote, included in includes_of(source):
        if source.under("engine/include", "tasks/include"):
            if quote == '"':
                yield number, f'a public header includes a private one, "{included}"'
            if header not in OPT_IN_HEADERS and FOREIGN_HEADERS.fullmatch(included):
                yield number, f"a public header makes its users compile <{included}>"
        for_bags = header and header not in OPT_IN_HEADERS
        if (for_bags and PUBLIC_HEADERS.get(header) not in LAYERS_BESIDE_BAGS
                and HEAVY_HEADERS.fullmatch(included)):
            yield number, f"every user of a bag would compile <{included}>"
        if layer_of_file(source) in DETERMINISTIC_LAYERS and NOT_DETERMINISTIC.fullmatch(included):
            yield number, f"the {layer_of_file(source)} decides without <{included}>"


def check_words(source):
    for number in source.matches(UNFINISHED):
        yield number, "unfinished by its own words"
    if source.is_cpp and source.under("engine"):
        for number in source.matches(CONSOLE):
            yield number, "the engine writes to the console; use the log"
    if source.path.suffix == ".hpp":
        for number in source.matches(USING_NAMESPACE):
            yield number, "a header imposes a namespace on who includes it"
    if source.under("tests"):
        for number in source.matches(SLEEP):
            yield number, "a test sleeps; wait for the event instead"


def check_shape(source):
    for number, line in enumerate(source.lines, 1):
        if source.path.suffix in CODE_SUFFIXES and len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns; at most {MAX_COLUMNS}"
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if "\t" in line:
            yield number, "a tab; use spaces"
    if source.lines[-1] != "" or source.lines[-2:] == ["", ""]:
        yield len(source.lines), "a file ends with one newline"
    if source.is_cpp and not source.lines[0].startswith("//"):
        yield 1, "a file begins with a comment that says what it is for"
    limit = MAX_LINES_HEADER if source.under("engine/include", "tasks/include") else MAX_LINES
    if source.is_cpp and len(source.lines) > limit:
        yield limit, f"{len(source.lines)} lines; at most {limit}"


def breaches_in(root):
    """Every breach under `root`, as "file:line: what is wrong"."""
    for source in sources_in(root):
        checks = [check_layers, check_includes, check_shape]
        # The linter and its test name what they forbid.
        if not source.under("tests/lint"):
            checks.append(check_words)
        for check in checks:
            for number, what in check(source):
                yield f"{source.name}:{number}: {what}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    breaches = list(breaches_in(root))
    print("\n".join(breaches) or "no breach of the rules")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
