#!/usr/bin/env python3
"""Runs the same small programs as satchel bags, as loops in C++, and as Dask bags.

    bag.py [--program build/release/benchmarks/benchmark_bag] [--numbers N] [--lines N]
           [--dask-share 40] [--repetitions 5] [--threads T]

Debian's package python3-dask is enough. Dask gets the first part of the data, one of --dask-share
parts; the results of the two are compared on that part. On one core it runs in its own thread, on
several by the better one of threads and processes. Numbers are nanoseconds an element.
"""

import argparse
import os
import random
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from pathlib import Path

import dask
import dask.bag as db
from dask.multiprocessing import get_context

ROOT = Path(__file__).resolve().parent.parent


def residue(x):
    return x % 1_000_003 * 7 % 1009


def size_of_group(group):
    return len(group[1])


def programs(lines, n):
    """{name of the C++ program: (number of elements, Dask's)}"""
    numbers = db.range(n, npartitions=16)
    stored = db.from_sequence([residue(x) * n + x for x in range(n)], npartitions=16)
    text = db.from_sequence(lines, npartitions=16)
    words = text.map(str.split).flatten()
    some = db.range(n // 8, npartitions=16)
    # Dask joins with a list, or with a bag of one partition.
    joined = some.join(list(range(504)), residue, lambda x: x).count()
    return {
        "numbers: map, filter, map, sum": (n, numbers.map(lambda x: 3 * x + 1)
                                           .filter(lambda x: x % 4 == 1)
                                           .map(lambda x: x ^ (x >> 3)).sum()),
        "numbers: map, var": (n, numbers.map(lambda x: 0.5 * x).var()),
        "stored numbers: max": (n, stored.max()),
        "text: split, flatten, lengths, sum": (len(lines), words.map(len).sum()),
        "text: upper, filter, count": (len(lines), text.map(str.upper)
                                       .filter(lambda line: "AB" in line).count()),
        "frequencies: of words, topk": (len(lines), words.frequencies()
                                        .topk(1, key=lambda counted: counted[1])),
        "frequencies: of numbers": (n, numbers.map(residue).frequencies().count()),
        "groupby: numbers": (n // 8, some.groupby(residue).map(size_of_group).max()),
        "groupby: words": (len(lines), words.groupby(lambda word: word).map(size_of_group).max()),
        "join: with a partition": (n // 8, joined),
        "join: with sixteen": (n // 8, joined),
    }


def write_lines(path, count, seed=1):
    """Lines of ten words, of which few are frequent and many rare, as in a language."""
    source = random.Random(seed)
    letters = "etaoinshrdlucmfwypbvgk"
    vocabulary = ["".join(source.choices(letters, k=source.randint(2, 9))) for _ in range(20_000)]
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(vocabulary))))
    with open(path, "w", encoding="ascii") as file:
        for _ in range(count):
            file.write(" ".join(source.choices(vocabulary, cum_weights=weights, k=10)) + "\n")


def run_satchel(program, text, numbers, repetitions, threads):
    """{name: (result, ns on one thread, ns on all, ns of the loop)}"""
    run = subprocess.run([program, text, str(numbers), str(repetitions), str(threads)],
                         capture_output=True, check=True, encoding="utf-8")
    rows = [line.split("\t") for line in run.stdout.splitlines()]
    return {row[0]: tuple(float(field) for field in row[1:]) for row in rows}


class Table:
    """Rows of one program each, as satchel, loops and Dask run it."""

    def __init__(self, width, threads, repetitions):
        self.width = width
        self.repetitions = repetitions
        self.threads = threads
        # Processes that are there, as satchel's threads are.
        self.pool = ProcessPoolExecutor(threads, get_context())
        list(self.pool.map(abs, range(100)))
        print(f"Dask {dask.__version__}; {threads} threads; ns an element")
        print(f"{'':<{width}}{'one core:':>17}{'':>15}{'all:':>9}{'':>21}"
              f"{'satchel':>9}{'Dask / satchel':>17}")
        print(f"{'':<{width}}{'loop':>8}{'satchel':>9}{'Dask':>8}{'satchel':>16}{'Dask':>8}  "
              f"{'scheduler':<11}{'/ loop':>9}{'one core':>10}{'all':>7}")

    def close(self):
        self.pool.shutdown()

    def _time(self, bag, **how):
        """(result, seconds)"""
        samples = []
        for _ in range(self.repetitions):
            start = time.perf_counter()
            result = bag.compute(**how)
            samples.append(time.perf_counter() - start)
        return result, statistics.median(samples)

    def add(self, name, ours, bag, elements):
        """Runs Dask's bag, prints the row, and gives Dask's result."""
        result, on_one = self._time(bag, scheduler="sync")
        on_all, scheduler = min(
            (self._time(bag, scheduler="threads", num_workers=self.threads)[1], "threads"),
            (self._time(bag, scheduler="processes", pool=self.pool)[1], "processes"))
        _, one, threads, loop = ours
        dask_one, dask_all = on_one * 1e9 / elements, on_all * 1e9 / elements
        print(f"{name:<{self.width}}{loop:>8.2f}{one:>9.2f}{dask_one:>8.0f}{threads:>16.2f}"
              f"{dask_all:>8.0f}  {scheduler:<11}{one / loop:>9.2f}{dask_one / one:>10.0f}"
              f"{dask_all / threads:>7.0f}", flush=True)
        return result


def as_number(result):
    return float(result[0][1]) if isinstance(result, list) else float(result)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default=ROOT / "build/release/benchmarks/benchmark_bag")
    parser.add_argument("--numbers", type=int, default=20_000_000)
    parser.add_argument("--lines", type=int, default=400_000)
    parser.add_argument("--dask-share", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        text, part = Path(folder) / "text", Path(folder) / "part"
        write_lines(text, options.lines)
        lines = text.read_text(encoding="ascii").splitlines()[:options.lines // options.dask_share]
        part.write_text("\n".join(lines) + "\n", encoding="ascii")
        numbers = options.numbers // options.dask_share
        same = run_satchel(options.program, part, numbers, 1, options.threads)
        ours = run_satchel(options.program, text, options.numbers, options.repetitions,
                           options.threads)

    table = Table(36, options.threads, min(options.repetitions, 3))
    for name, (elements, bag) in programs(lines, numbers).items():
        expected = as_number(table.add(name, ours[name], bag, elements))
        if abs(same[name][0] - expected) > 1e-9 * abs(expected):
            raise SystemExit(f"{name}: satchel gives {same[name][0]}, Dask {expected}")
    table.close()


if __name__ == "__main__":
    main()
