#!/usr/bin/env python3
"""Compiles the programs of cases.txt, which must not compile, and looks for what they expect.

    compile_fail.py CASES COMPILER [FLAG...]

The first error of each must be one of satchel's own: what comes after it may be the compiler's.
"""

import concurrent.futures
import subprocess
import sys
import tempfile
from pathlib import Path

HEADER = """
#include <satchel/bag.hpp>
#include <satchel/client.hpp>
#include <satchel/stream.hpp>
#include <satchel/task.hpp>
#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
struct Cell { int x, y; };
struct Opaque { std::unique_ptr<int> (*unhashable)() = nullptr; };
class NoSerialize { public: explicit NoSerialize(int x) : x_(x) {} private: int x_; };
struct NoDefault {
    explicit NoDefault(int) {}
    template <class Archive> void serialize(Archive&, unsigned) {}
};
struct Base { template <class Archive> void serialize(Archive&, unsigned) {} };
struct Forgetful : Base { int x[2]; };
"""


def read_cases(path):
    """(title, expected texts, lines of code) for each case."""
    cases = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            cases.append((line.strip("[]"), [], []))
        elif line.startswith("> "):
            cases[-1][1].append(line[2:])
        elif line.strip() and not line.startswith("#"):
            cases[-1][2].append(line)
    return cases


def precompiled(command, folder):
    """The command with the headers of all cases, compiled once."""
    header = Path(folder) / "cases.hpp"
    header.write_text(HEADER, encoding="utf-8")
    subprocess.run([*command, "-x", "c++-header", header, "-o", f"{header}.gch"], check=True)
    return [*command, "-include", str(header)]


def errors_of(command, code):
    """What the compiler says, as one line a message; empty if it compiles."""
    result = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], text=True,
                            input="int main() {\n%s\n}\n" % "\n".join(code),
                            capture_output=True, check=False)
    return [] if result.returncode == 0 else result.stderr.splitlines()


def check(command, case):
    """The complaints about one case."""
    title, expected, code = case
    lines = errors_of(command, code)
    if not lines:
        return [f"[{title}] compiles, but must not"]
    first = next((line for line in lines if " error: " in line), lines[0])
    complaints = [f"[{title}] the errors do not contain: {text}"
                  for text in expected if not any(text in line for line in lines)]
    if "satchel:" not in first:
        complaints.append(f"[{title}] the first error is not satchel's: {first}")
    return complaints


def check_all(command, cases):
    """The complaints about all cases. The last one is what all others begin with."""
    *cases, (_, _, beginning) = cases
    if lines := errors_of(command, beginning):
        return ["what all cases begin with does not compile:", *lines]
    cases = [(title, expected, beginning + code) for title, expected, code in cases]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda case: check(command, case), cases), [])


def main():
    cases = read_cases(Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        complaints = check_all(precompiled(sys.argv[2:], folder), cases)
    print("\n".join(complaints) or f"{len(cases) - 1} programs do not compile, and say why")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
