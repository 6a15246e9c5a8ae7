#!/usr/bin/env python3
"""Runs what a document tells its readers to type.

    document.py DOCUMENT PREFIX FOLDER [CMAKE-OPTION…]

* A ```sh block runs in bash, with the programs installed under PREFIX; all blocks of a document run
  one after the other in one empty folder. What gets the project or calls its scripts is left out.
* A ```cpp block with a main() is built against the package installed under PREFIX, and run; one
  without is compiled after an #include of <satchel/satchel.hpp>, as the body of a function if the
  comment `<!-- body of: void f(int argument) -->` stands before it.
* A ```cmake block is a project's, whose source is the document's first program.
* A ```text block right after one that ran is its output; see expected_output.py for `...`.

FOLDER keeps what is built. Blocks in other languages are not looked at.
"""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import expected_output

FENCE = re.compile(r"^(?:<!-- body of: ((?:(?!-->).)*) -->\n)?```([\w+]*)\n(.*?)^```$",
                   re.MULTILINE | re.DOTALL)
NOT_RUN = re.compile(r"\s*(git clone .*|cd satchel|scripts/\w+\.sh.*|#.*)?")
HAS_MAIN = re.compile(r"^int main\(", re.MULTILINE)
PROJECT = "cmake_minimum_required(VERSION 3.25)\nproject(document LANGUAGES CXX)\n"


@dataclass
class Block:
    """A fenced block: where its text begins, the function that it is the body of, or None, and the
    output that the document promises, or None."""
    language: str
    text: str
    line: int
    body_of: str | None = None
    output: str | None = None


def blocks_of(document):
    blocks = []
    for found in FENCE.finditer(document):
        line = document.count("\n", 0, found.start(3)) + 1
        block = Block(found[2], found[3], line, found[1])
        if block.language == "text" and blocks:
            blocks[-1].output = block.text
        blocks.append(block)
    return blocks


def commands_of(block):
    """The lines of a sh block that are to run."""
    return [line for line in block.text.splitlines() if not NOT_RUN.fullmatch(line)]


def project_of(blocks, document):
    """The files of a CMake project that builds every C++ block: {name: text}. The compiler names
    the lines of the document."""
    lists = [PROJECT, "find_package(satchel CONFIG REQUIRED)\n"]
    files = {}
    for block in blocks:
        if block.language != "cpp":
            continue
        name = f"line_{block.line}"
        text = f'#line {block.line} "{document}"\n{block.text}'
        if block.body_of:
            text = f"{block.body_of} {{\n{text}}}\n"
        if HAS_MAIN.search(block.text):
            files[f"{name}.cpp"] = text
            lists.append(f"add_executable({name} {name}.cpp)\n")
        else:
            files[f"{name}.cpp"] = f"#include <satchel/satchel.hpp>\n{text}"
            lists.append(f"add_library({name} OBJECT {name}.cpp)\n")
        lists.append(f"target_link_libraries({name} PRIVATE satchel::satchel)\n")
    files["CMakeLists.txt"] = "".join(lists)
    return files


def users_project_of(block, blocks):
    """The files of the project that a cmake block stands for."""
    text = block.text if "project(" in block.text else PROJECT + block.text
    program = next(b.text for b in blocks if b.language == "cpp" and HAS_MAIN.search(b.text))
    sources = {name: program for name in re.findall(r"[\w/]+\.cpp", text)}
    return {"CMakeLists.txt": text} | sources


class Reader:
    """Does what a document says, and collects what went wrong."""

    def __init__(self, document, prefix, folder, cmake_options):
        self.name = document.name
        self.blocks = blocks_of(document.read_text(encoding="utf-8"))
        self.prefix = prefix
        self.folder = folder
        self.cmake_options = cmake_options
        self.failures = []

    def read(self):
        if any(block.language == "cpp" for block in self.blocks):
            self.build("programs", project_of(self.blocks, self.name), 1)
            if self.failures:
                return
        with tempfile.TemporaryDirectory() as scratch:
            for block in self.blocks:
                if block.language == "sh" and (commands := commands_of(block)):
                    script = "set -euo pipefail\n" + "\n".join(commands)
                    self.run(["bash", "-c", script], scratch, block)
                elif block.language == "cpp" and HAS_MAIN.search(block.text):
                    program = self.folder / "programs" / "build" / f"line_{block.line}"
                    self.run([program], scratch, block)
                elif block.language == "cmake":
                    files = users_project_of(block, self.blocks)
                    self.build(f"line_{block.line}", files, block.line)

    def run(self, command, folder, block):
        path = f"{self.prefix / 'bin'}:{os.environ['PATH']}"
        try:
            run = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                 encoding="utf-8", env=os.environ | {"PATH": path})
        except OSError as error:
            self.fail(block.line, str(error))
            return
        if run.returncode != 0:
            self.fail(block.line, f"exit code {run.returncode}\n{run.stdout}")
        elif block.output is not None:
            if wrong := expected_output.mismatch(block.output, run.stdout):
                self.fail(block.line, wrong)

    def build(self, name, files, line):
        project = self.folder / name
        project.mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            path = project / file
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                path.write_text(text, encoding="utf-8")
        configure = ["cmake", "-S", project, "-B", project / "build",
                     f"-Dsatchel_ROOT={self.prefix}", *self.cmake_options]
        for command in (configure, ["cmake", "--build", project / "build"]):
            run = subprocess.run(command, capture_output=True, encoding="utf-8")
            if run.returncode != 0:
                self.fail(line, f"{name} cannot be built\n{run.stdout}{run.stderr}")
                return

    def fail(self, line, what):
        self.failures.append(f"{self.name}:{line}: {what}")


def main():
    document, prefix, folder, *cmake_options = sys.argv[1:]
    reader = Reader(Path(document), Path(prefix), Path(folder), cmake_options)
    reader.read()
    if reader.failures:
        sys.exit("\n".join(reader.failures))


if __name__ == "__main__":
    main()
