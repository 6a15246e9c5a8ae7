#!/usr/bin/env python3
"""Reads the same text files as satchel bags, by loops in C++, and as Dask bags.

    text.py [--program build/release/benchmarks/benchmark_text] [--lines N] [--dask-share 1]
            [--repetitions 5] [--threads T]

Debian's package python3-dask is enough. Dask gets the same files, or one line of --dask-share; the
results of the two are compared on those. On one core it runs in its own thread, on several by the
better one of threads and processes. Numbers are nanoseconds a line of ten words.
"""

import argparse
import os
import subprocess
import tempfile
from operator import add
from pathlib import Path
from string import ascii_lowercase

import dask.bag as db

from bag import ROOT, Table, size_of_group, write_lines

FILES = 4


def first_word(line):
    return line[:line.find(" ")]


def itself(word):
    return word


def programs(pattern):
    """{name of the C++ program: Dask's}"""
    text = db.read_text(pattern)
    words = text.str.split().flatten()
    pairs = [a + b for a in ascii_lowercase for b in ascii_lowercase]
    return {
        "lines: count": text.count(),
        "lines: frequencies": text.frequencies().count(),
        "words: frequencies": words.frequencies().count(),
        "lines: upper, match, count": text.str.upper().str.match("*AB*").count(),
        "lines: groupby, largest": text.groupby(first_word).map(size_of_group).max(),
        "words: foldby": words.foldby(itself, lambda n, _: n + 1, 0, add, 0).count(),
        "words: join": words.join(pairs, itself, itself).count(),
    }


def write_files(folder, lines):
    """So many lines in some files; gives the pattern that names them."""
    folder.mkdir()
    for k in range(FILES):
        write_lines(folder / f"{k}.txt", lines // FILES, seed=k)
    return str(folder / "*.txt")


def run_satchel(program, pattern, repetitions, threads):
    """{name: (result, ns on one thread, ns on all, ns of the loop)}"""
    run = subprocess.run([program, pattern, "16000000", str(repetitions), str(threads)],
                         capture_output=True, check=True, encoding="utf-8")
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    return {row[0]: tuple(float(field) for field in row[1:]) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=ROOT / "build/release/benchmarks/benchmark_text")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--dask-share", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        text = write_files(Path(folder) / "text", options.lines)
        lines = options.lines // options.dask_share
        part = write_files(Path(folder) / "part", lines)
        same = run_satchel(options.program, part, 1, options.threads)
        ours = run_satchel(options.program, text, options.repetitions, options.threads)
        table = Table(28, options.threads, min(options.repetitions, 3))
        for name, bag in programs(part).items():
            result = table.add(name, ours[name], bag, lines)
            if same[name][0] != float(result):
                raise SystemExit(f"{name}: satchel gives {same[name][0]}, Dask {result}")
        table.close()


if __name__ == "__main__":
    main()
