#!/usr/bin/env python3
"""What cluster.cpp measures, with Dask's distributed (Debian: python3-distributed)."""

import time
from collections import deque

import dask.bag
from dask.distributed import Client, LocalCluster, wait


def inc(x):
    return x + 1


def add(x, y):
    return x + y


def large(_):
    return b"x" * 10_000_000


def measure(what, tasks, work):
    begin = time.perf_counter()
    work()
    print(f"{what:<28} {(time.perf_counter() - begin) / tasks * 1e6:>10.2f} us a task")


def submit_window(client, count, window):
    futures = deque()
    for k in range(count):
        if len(futures) == window:
            futures.popleft().result()
        futures.append(client.submit(inc, k, pure=False))
    for future in futures:
        future.result()


def reduce_tree(client, leaves):
    level = client.map(inc, range(leaves), pure=False)
    while len(level) > 1:
        level = client.map(add, level[::2], level[1::2], pure=False)
    level[0].result()


def run_chain(client, length):
    last = client.submit(inc, 0, pure=False)
    for _ in range(1, length):
        last = client.submit(inc, last, pure=False)
    last.result()


def gather_large(client):
    futures = client.map(large, range(20), pure=False)
    wait(futures)
    begin = time.perf_counter()
    size = len(client.gather(futures))
    speed = 0.01 * size / (time.perf_counter() - begin)
    print(f"{'gather of 10 MB values':<28} {speed:>10.2f} GB/s")


def main():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.submit(inc, 1).result()
            measure("map", 5000, lambda: client.gather(client.map(inc, range(5000), pure=False)))
            measure("submits, 512 in flight", 5000, lambda: submit_window(client, 5000, 512))
            measure("tree", 4095, lambda: reduce_tree(client, 2048))
            measure("chain", 500, lambda: run_chain(client, 500))
            bag = dask.bag.range(5000, 5000)
            measure("bag", 5000, lambda: bag.count().compute())
            measure("submit to result", 200, lambda: submit_window(client, 200, 1))
            gather_large(client)


if __name__ == "__main__":
    main()
