#!/usr/bin/env python3
"""Runs the same work on a satchel cluster and on a Dask one, each of two worker processes.

    cluster.py [--programs build/release/benchmarks] [--only satchel]

Debian's package python3-distributed is enough. What the computer can do at most is measured in the
same run, by benchmark_network: the time of a message that wakes a process, and the bandwidth.
"""

import argparse
import os
import signal
import statistics
import subprocess
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What is measured, and in which unit.
ROWS = {
    "map": "us a task",
    "submits, 512 in flight": "us a task",
    "tree": "us a task",
    "chain": "us a task",
    "bag": "us a task",
    "submit to result": "us",
    "gather of 10 MB values": "GB/s",
    "gather of 10 MB strings": "GB/s",
    "wire, map": "B a task",
    "wire, submits": "B a task",
    "start of 4 workers": "ms",
    "result after kill -9": "ms",
}


def inc(x):
    return x + 1


def add(x, y):
    return x + y


def large(_):
    return b"x" * 10_000_000


def process_number(_):
    return os.getpid(), b"x" * 10_000


def first(pair):
    return pair[0]


def loopback_bytes():
    with open("/proc/net/dev", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.lstrip().startswith("lo:"))


class Dask:
    def __init__(self):
        # Not at the top: without Dask, satchel can still be measured.
        import dask.bag
        import dask.distributed as distributed
        self.range, self.wait = dask.bag.range, distributed.wait
        self.make_client, self.make_cluster = distributed.Client, distributed.LocalCluster
        self.results = {}

    def take_time(self, what, tasks, work):
        begin = time.perf_counter()
        work()
        self.results[what] = (time.perf_counter() - begin) / tasks * 1e6

    def submit_window(self, client, count, window):
        futures = deque()
        for k in range(count):
            if len(futures) == window:
                futures.popleft().result()
            futures.append(client.submit(inc, k, pure=False))
        for future in futures:
            future.result()

    def reduce_tree(self, client, leaves):
        level = client.map(inc, range(leaves), pure=False)
        while len(level) > 1:
            level = client.map(add, level[::2], level[1::2], pure=False)
        level[0].result()

    def run_chain(self, client, length):
        last = client.submit(inc, 0, pure=False)
        for _ in range(1, length):
            last = client.submit(inc, last, pure=False)
        last.result()

    def run_latency(self, client):
        samples = []
        for k in range(200):
            begin = time.perf_counter()
            client.submit(inc, k, pure=False).result()
            samples.append((time.perf_counter() - begin) * 1e6)
        self.results["submit to result"] = statistics.median(samples)

    def gather_large(self, client):
        futures = client.map(large, range(20), pure=False)
        self.wait(futures)
        begin = time.perf_counter()
        size = len(client.gather(futures))
        self.results["gather of 10 MB values"] = 0.01 * size / (time.perf_counter() - begin)

    def recover(self, client):
        future = client.submit(process_number, 0, pure=False)
        pid = client.submit(first, future).result()
        begin = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        client.submit(first, future, pure=False).result()
        self.results["result after kill -9"] = (time.perf_counter() - begin) * 1e3

    def on_wire(self, what, tasks, work):
        before = loopback_bytes()
        work()
        self.results[what] = (loopback_bytes() - before) / tasks

    def run(self, client):
        def run_map(n):
            client.gather(client.map(inc, range(n), pure=False))
        run_map(10)
        self.take_time("map", 5000, lambda: run_map(5000))
        self.take_time("submits, 512 in flight", 5000,
                       lambda: self.submit_window(client, 5000, 512))
        self.take_time("tree", 4095, lambda: self.reduce_tree(client, 2048))
        self.take_time("chain", 500, lambda: self.run_chain(client, 500))
        bag = self.range(5000, 5000)
        self.take_time("bag", 5000, lambda: bag.count().compute())
        self.run_latency(client)
        self.gather_large(client)
        self.on_wire("wire, map", 5000, lambda: run_map(5000))
        self.on_wire("wire, submits", 5000, lambda: self.submit_window(client, 5000, 512))
        self.recover(client)


def run_dask():
    dask = Dask()
    begin = time.perf_counter()
    with dask.make_cluster(n_workers=4, threads_per_worker=1, dashboard_address=None):
        dask.results["start of 4 workers"] = (time.perf_counter() - begin) * 1e3
    with dask.make_cluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with dask.make_client(cluster) as client:
            dask.run(client)
    return dask.results


def run_satchel(program):
    run = subprocess.run([program], capture_output=True, check=True, encoding="utf-8")
    rows = (line.split("\t") for line in run.stdout.splitlines())
    return {name: float(value) for name, value in rows}


def run_limits(program):
    """The least that a result needs, four one-way messages, and the bandwidth of sockets."""
    run = subprocess.run([program, "3"], capture_output=True, check=True, encoding="utf-8")
    limits = {}
    for line in run.stdout.splitlines():
        if line.startswith("64 B and reply, 1 in"):
            limits["submit to result"] = 2 * float(line[32:].split()[0])
        if line.startswith("values of 10 MB"):
            limits["gather of 10 MB values"] = float(line[32:].split()[0])
    return limits


def text_of(results, what, width):
    value = results.get(what)
    if value is None:
        return f"{'-':>{width}}"
    return f"{value:>{width}.{2 if value < 100 else 0}f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=Path, default=ROOT / "build/release/benchmarks")
    parser.add_argument("--only", choices=["satchel"])
    options = parser.parse_args()

    limits = run_limits(options.programs / "benchmark_network")
    ours = run_satchel(options.programs / "benchmark_cluster")
    theirs = run_dask() if options.only is None else {}
    print(f"{'':<26}{'':<10}{'sockets':>9}{'satchel':>10}{'Dask':>10}{'ratio':>8}")
    for what, unit in ROWS.items():
        ratio = {}
        if what in theirs:
            is_speed = unit == "GB/s"
            ratio[what] = ours[what] / theirs[what] if is_speed else theirs[what] / ours[what]
        print(f"{what:<26}{unit:<10}{text_of(limits, what, 9)}{text_of(ours, what, 10)}"
              f"{text_of(theirs, what, 10)}{text_of(ratio, what, 8)}")


if __name__ == "__main__":
    main()
