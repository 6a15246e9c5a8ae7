#!/usr/bin/env python3
"""Proves that every rule of lint.py fires: plants a breach in a tree of its own, and looks for it.
Does the same for what checks documents, whose mistakes would let wrong documentation pass."""

import tempfile
import unittest
from pathlib import Path

import document
import example_output
import expected_output
import lint

# (file, text of the file, the breach that is to be found)
PLANTED = [
    ("engine/src/base/a.cpp", "// A.\n#include <satchel/graph.hpp>\n",
     "engine/src/base/a.cpp:2: base includes satchel/graph.hpp from graph, a layer above it"),
    ("engine/src/graph/a.cpp", '// A.\n\n#include "local/job.hpp"\n',
     "engine/src/graph/a.cpp:3: graph includes local/job.hpp from local, a layer above it"),
    ("engine/include/satchel/error.hpp", "/// A.\n  #  include <satchel/tasks/codec.hpp>\n",
     "engine/include/satchel/error.hpp:2: base includes satchel/tasks/codec.hpp from tasks, "
     "a layer above it"),
    ("engine/src/local/a.cpp", '// A.\n#include "client/future.hpp"\n',
     "engine/src/local/a.cpp:2: local includes client/future.hpp from client, a layer beside it"),
    ("engine/src/scheduler/a.hpp", '// A.\n#include "worker/state.hpp"\n',
     "engine/src/scheduler/a.hpp:2: scheduler includes worker/state.hpp from worker, "
     "a layer beside it"),
    ("engine/src/bag/a.cpp", "// A.\n#include <satchel/satchel.hpp>\n",
     "engine/src/bag/a.cpp:2: bag includes satchel/satchel.hpp from tasks, a layer above it"),
    ("engine/include/satchel/unheard_of.hpp", "/// A.\n",
     "engine/include/satchel/unheard_of.hpp:1: add unheard_of.hpp to PUBLIC_HEADERS in "
     "tests/lint/lint.py, with its layer"),
    ("engine/src/unheard_of/a.cpp", "// A.\n",
     "engine/src/unheard_of/a.cpp:1: the layer unheard_of is unknown: add it to LINES in "
     "tests/lint/lint.py"),
    ("engine/include/satchel/bag.hpp", '/// A.\n#include "bag/pipeline.hpp"\n',
     "engine/include/satchel/bag.hpp:2: a public header includes a private one, "
     '"bag/pipeline.hpp"'),
    ("tasks/include/satchel/tasks/codec.hpp", "/// A.\n#include <zlib.h>\n",
     "tasks/include/satchel/tasks/codec.hpp:2: a public header makes its users compile <zlib.h>"),
    ("engine/include/satchel/bag.hpp", "/// A.\n#include <boost/asio.hpp>\n",
     "engine/include/satchel/bag.hpp:2: a public header makes its users compile <boost/asio.hpp>"),
    ("engine/include/satchel/graph.hpp", "/// A.\n#include <functional>\n",
     "engine/include/satchel/graph.hpp:2: every user of a bag would compile <functional>"),
    ("engine/src/worker/a.cpp", "// A.\n#include <mutex>\n",
     "engine/src/worker/a.cpp:2: the worker decides without <mutex>"),
    ("scripts/a.sh", "# TODO: more\n", "scripts/a.sh:1: unfinished by its own words"),
    ("README.md", "FIXME\n", "README.md:1: unfinished by its own words"),
    ("tests/engine/a.cpp", "// XXX\n", "tests/engine/a.cpp:1: unfinished by its own words"),
    ("engine/src/base/a.cpp", "// A.\nvoid f() { std::cout << 1; }\n",
     "engine/src/base/a.cpp:2: the engine writes to the console; use the log"),
    ("tasks/src/a.hpp", "// A.\nusing namespace std;\n",
     "tasks/src/a.hpp:2: a header imposes a namespace on who includes it"),
    ("tests/engine/a.cpp", "// A.\nvoid f() { std::this_thread::sleep_for(1s); }\n",
     "tests/engine/a.cpp:2: a test sleeps; wait for the event instead"),
    ("tests/cli/a.cpp", "// A.\nvoid f() {\n    ::sleep(1);\n}\n",
     "tests/cli/a.cpp:3: a test sleeps; wait for the event instead"),
    ("tests/cli/a.sh", "run & sleep 1\n",
     "tests/cli/a.sh:1: a test sleeps; wait for the event instead"),
    ("tests/cli/a.py", "time.sleep(1)\n",
     "tests/cli/a.py:1: a test sleeps; wait for the event instead"),
    ("tasks/src/a.cpp", "// " + "x" * 98 + "\n", "tasks/src/a.cpp:1: 101 columns; at most 100"),
    ("CMakeLists.txt", "#" * 101 + "\n", "CMakeLists.txt:1: 101 columns; at most 100"),
    ("tasks/src/a.cpp", "// A. \n", "tasks/src/a.cpp:1: white space at the end of the line"),
    (".clang-format", "a\tb\n", ".clang-format:1: a tab; use spaces"),
    ("tasks/src/a.cpp", "// A.", "tasks/src/a.cpp:1: a file ends with one newline"),
    ("tasks/src/a.cpp", "// A.\n\n", "tasks/src/a.cpp:3: a file ends with one newline"),
    ("tasks/src/a.cpp", "#include <string>\n",
     "tasks/src/a.cpp:1: a file begins with a comment that says what it is for"),
    ("tasks/src/a.cpp", "// A.\n" * 1000, "tasks/src/a.cpp:900: 1001 lines; at most 900"),
    ("engine/include/satchel/bag.hpp", "/// A.\n" * 500,
     "engine/include/satchel/bag.hpp:450: 501 lines; at most 450"),
]

# What looks like a breach and is none.
ALLOWED = [
    ("engine/src/local/a.cpp", '// A.\n#include "graph/compiled.hpp"\n#include "job.hpp"\n'),
    ("engine/include/satchel/bag.hpp", "/// A.\n#include <satchel/delayed.hpp>\n"),
    ("tests/engine/a.cpp", '// A.\n#include "graph/compiled.hpp"\n// it must not sleep for long\n'),
    ("tasks/src/a.cpp", "// " + "ü" * 97 + "\n"),
    ("tasks/src/a.hpp", "// A.\nusing namespace satchel::literals;\n"),
    ("README.md", "x" * 300 + "\n"),
    ("workloads/cli/a.cpp", "// A.\n#include <CLI/CLI.hpp>\n#include <iostream>\n"),
]


def breaches_of(name, text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return list(lint.breaches_in(Path(folder)))


class LintTest(unittest.TestCase):
    def test_planted_breaches_are_found(self):
        for name, text, breach in PLANTED:
            with self.subTest(name=name, text=text[:80]):
                self.assertEqual(breaches_of(name, text), [breach])

    def test_what_is_allowed_passes(self):
        for name, text in ALLOWED:
            with self.subTest(name=name, text=text[:80]):
                self.assertEqual(breaches_of(name, text), [])


class ExpectedOutputTest(unittest.TestCase):
    def test_equal_texts_match(self):
        self.assertIsNone(expected_output.mismatch("a\nb", "a\nb\n"))
        self.assertIsNone(expected_output.mismatch("\na  \n", "a\n\n"))
        self.assertIsNone(expected_output.mismatch("", ""))

    def test_three_dots_stand_for_anything(self):
        self.assertIsNone(expected_output.mismatch("took ... s (.*)", "took 0.53 s (.*)\n"))
        self.assertIsNone(expected_output.mismatch("a\n...\nd", "a\nb\nc\nd\n"))
        self.assertIsNone(expected_output.mismatch("a\n...", "a\n"))

    def test_differences_are_shown(self):
        for expected, printed in [("a", "b"), ("a", "a\nb"), ("a\nb", "a"), ("a", ""), ("", "a"),
                                  ("a ... c", "a b d"), ("a.c", "abc"), ("a ... b", "a\nb")]:
            with self.subTest(expected=expected, printed=printed):
                self.assertIn("actual output", expected_output.mismatch(expected, printed) or "")

    def test_the_comment_in_an_example_is_found(self):
        source = "// Adds.\n// Output:\n// 1\n//   2\n//\n// 3\n#include <x>\n// Output:\n// 4\n"
        self.assertEqual(example_output.expected_of(source), "1\n  2\n\n3")
        self.assertIsNone(example_output.expected_of("// Adds.\n"))


class DocumentTest(unittest.TestCase):
    def failures_of(self, *blocks):
        """What is wrong with a document of (language, text) blocks."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "README.md"
            file.write_text("# A document\n\n" + "\nWords.\n\n".join(
                f"```{language}\n{text}\n```\n" for language, text in blocks), encoding="utf-8")
            reader = document.Reader(file, Path(folder), Path(folder), [])
            reader.read()
            return reader.failures

    def test_right_documents_pass(self):
        self.assertEqual(self.failures_of(
            ("sh", "echo one > file"), ("sh", "cat file"), ("text", "one")), [])
        self.assertEqual(self.failures_of(
            ("sh", "git clone x\ncd satchel\nscripts/demo.sh  # y")), [])
        self.assertEqual(self.failures_of(("console", "$ false"), ("json", "{")), [])

    def test_wrong_documents_fail(self):
        self.assertIn("README.md:4: exit code 1", self.failures_of(("sh", "false | true"))[0])
        self.assertIn("README.md:4: exit code 127", self.failures_of(("sh", "no_such_command"))[0])
        self.assertIn("README.md:4: expected output:\ntwo",
                      self.failures_of(("sh", "echo one >&2"), ("text", "two"))[0])

    def test_a_project_has_every_program(self):
        blocks = document.blocks_of("```cpp\nint main() {}\n```\n"
                                    "```cpp\nint f();\n```\n"
                                    "```c++\nf() -> int\n```\n"
                                    "```cmake\nadd_library(l a.cpp)\n```\n"
                                    "<!-- body of: void g(int x) -->\n```cpp\nf();\n```\n")
        self.assertEqual(document.project_of(blocks, "D.md"), {
            "line_2.cpp": '#line 2 "D.md"\nint main() {}\n',
            "line_5.cpp": '#include <satchel/satchel.hpp>\n#line 5 "D.md"\nint f();\n',
            "line_15.cpp": '#include <satchel/satchel.hpp>\nvoid g(int x) {\n#line 15 "D.md"\n'
                           'f();\n}\n',
            "CMakeLists.txt": document.PROJECT + "find_package(satchel CONFIG REQUIRED)\n"
                              "add_executable(line_2 line_2.cpp)\n"
                              "target_link_libraries(line_2 PRIVATE satchel::satchel)\n"
                              "add_library(line_5 OBJECT line_5.cpp)\n"
                              "target_link_libraries(line_5 PRIVATE satchel::satchel)\n"
                              "add_library(line_15 OBJECT line_15.cpp)\n"
                              "target_link_libraries(line_15 PRIVATE satchel::satchel)\n"})
        self.assertEqual(document.users_project_of(blocks[3], blocks)["a.cpp"], "int main() {}\n")


if __name__ == "__main__":
    unittest.main()
