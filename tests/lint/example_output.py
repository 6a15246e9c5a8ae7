#!/usr/bin/env python3
"""Runs an example and compares its output with the comment in its source that begins "// Output:".

    example_output.py SOURCE PROGRAM [ARGUMENT…]

The comment's lines are the expected output, without "//" and one space; see expected_output.py for
what `...` means. The program runs in an empty folder of its own, removed afterwards.
"""

import subprocess
import sys
import tempfile

import expected_output


def expected_of(source):
    """What the comment in the text `source` promises, or None."""
    lines = iter(source.splitlines())
    if not any(line.rstrip() == "// Output:" for line in lines):
        return None
    promised = []
    for line in lines:
        if not line.startswith("//"):
            break
        promised.append(line[2:].removeprefix(" "))
    return "\n".join(promised)


def main():
    path, *command = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        expected = expected_of(file.read())
    if expected is None:
        sys.exit(f"{path}: has no comment '// Output:' with what it prints")
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")
    if run.returncode != 0:
        sys.exit(f"{path}: exit code {run.returncode}\n{run.stdout}{run.stderr}")
    if wrong := expected_output.mismatch(expected, run.stdout):
        sys.exit(f"{path}: {wrong}")


if __name__ == "__main__":
    main()
