#!/usr/bin/env python3
"""Compares `satchel compress` with the usual tools: time, size and memory, both ways, in one run.

    benchmarks/compress.py [--size 100MB] [--threads N] [--repetitions 3] [--format gzip …]
                           [--satchel build/release/bin/satchel]

Tools that are not installed are left out. README.md explains the table. Works in the folder for
temporary files, which TMPDIR changes; needs room for some four times the size.
"""

import argparse
import filecmp
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Tool:
    """A program that compresses a file to its standard output, and one that does the reverse."""
    name: str
    compress: str
    decompress: str
    reads_stdin: bool = False


# Of each format: satchel; the parallel tool that it is compared with; others. The last one is the
# standard tool, or a strict one, which has to read what satchel wrote.
SATCHEL = ("{satchel} compress --format %s -T {threads} -c", "{satchel} decompress -T {threads} -c")


def satchel(codec, level, name="satchel"):
    return Tool(name, f"{SATCHEL[0] % codec} --level {level}", SATCHEL[1])


TOOLS = {
    "gzip": [
        satchel("gzip", 6),
        Tool("pigz", "pigz -6 -p {threads} -c", "pigz -p {threads} -dc"),
        Tool("bgzip", "bgzip -@ {threads} -c", "bgzip -@ {threads} -dc"),
        Tool("libdeflate-gzip", "libdeflate-gzip -6 -c", "libdeflate-gzip -dc"),
        Tool("gzip", "gzip -6 -c", "gzip -dc"),
    ],
    "gzip -1": [
        satchel("gzip", 1),
        Tool("pigz", "pigz -1 -p {threads} -c", "pigz -p {threads} -dc"),
        Tool("igzip", "igzip -2 -c", "igzip -dc"),
        Tool("gzip", "gzip -1 -c", "gzip -dc"),
    ],
    "zlib": [
        satchel("zlib", 6),
        Tool("pigz", "pigz -z -6 -p {threads} -c", "pigz -p {threads} -dc"),
    ],
    "bz2": [
        satchel("bz2", 9),
        Tool("pbzip2", "pbzip2 -9 -p{threads} -c", "pbzip2 -p{threads} -dc"),
        Tool("lbzip2", "lbzip2 -9 -n {threads} -c", "lbzip2 -n {threads} -dc"),
        Tool("bzip2", "bzip2 -9 -c", "bzip2 -dc"),
    ],
    "xz": [
        satchel("xz", 6),
        Tool("xz", "xz -6 -T {threads} -c", "xz -T {threads} -dc"),
        Tool("pixz", "pixz -t -6 -p {threads}", "pixz -d -p {threads}", reads_stdin=True),
    ],
    "xz -1": [
        satchel("xz", 1),
        Tool("xz", "xz -1 -T {threads} -c", "xz -T {threads} -dc"),
        Tool("pixz", "pixz -t -1 -p {threads}", "pixz -d -p {threads}", reads_stdin=True),
    ],
    "zstd": [
        satchel("zstd", 3),
        Tool("zstd", "zstd -q -3 -T{threads} -c", "zstd -q -dc"),
        Tool("pzstd", "pzstd -q -3 -p {threads} -c", "pzstd -q -p {threads} -dc"),
    ],
}

# Files that others wrote: who writes them, and who reads them.
FOREIGN = {
    "foreign .gz": ("gzip -6 -c", ["gzip", "pigz", "igzip"]),
    "pigz -i": ("pigz -i -c", ["pigz", "igzip"]),
    "BGZF": ("bgzip -c", ["bgzip", "pigz", "igzip"]),
    "foreign .bz2": ("bzip2 -9 -c", ["lbzip2", "pbzip2", "bzip2"]),
    "foreign .xz": ("xz -1 -T1 -c", ["xz"]),
    "xz, no sizes": ("xz -1 -T1 --block-size=6MiB -c", ["xz"]),
    "foreign .zst": ("zstd -q -3 -c", ["zstd"]),
}


@dataclass
class Result:
    """What a tool needed for one file: an entry for each repetition, and the compressed size."""
    compress_seconds: list = field(default_factory=list)
    compress_kib: list = field(default_factory=list)
    decompress_seconds: list = field(default_factory=list)
    decompress_kib: list = field(default_factory=list)
    size: int = 0


class Comparison:
    """Runs the tools on one file after the other, in `folder`."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder

    def run(self, command, source, target, reads_stdin=False):
        """Runs `command` on `source`, writing to `target`; gives seconds, and KiB at most."""
        words = [word.format(satchel=self.options.satchel, threads=self.options.threads)
                 for word in command.split()]
        memory = self.folder / "memory"
        if not reads_stdin:
            words.append(source)
        with open(target, "wb") as output, open(source, "rb") as data:
            begin = time.perf_counter()
            # A child of ours would inherit our own peak; a child of `time` has that of `time`.
            subprocess.run(["/usr/bin/time", "-q", "-f", "%M", "-o", memory, *words],
                           stdin=data, stdout=output, check=True)
            seconds = time.perf_counter() - begin
        return seconds, int(memory.read_text(encoding="ascii"))

    def measure(self, tool, source, result):
        compressed = self.folder / "compressed"
        seconds, kib = self.run(tool.compress, source, compressed, tool.reads_stdin)
        result.compress_seconds.append(seconds)
        result.compress_kib.append(kib)
        result.size = compressed.stat().st_size
        seconds, kib = self.restore(tool, compressed, source)
        result.decompress_seconds.append(seconds)
        result.decompress_kib.append(kib)
        return compressed

    def restore(self, tool, compressed, source):
        restored = self.folder / "restored"
        times = self.run(tool.decompress, compressed, restored, tool.reads_stdin)
        if not filecmp.cmp(source, restored, shallow=False):
            sys.exit(f"{tool.name} did not give {source.name} back as it was")
        return times

    def compare(self, tools, source):
        """{name of the tool: Result} for one file."""
        results = {tool.name: Result() for tool in tools}
        for repetition in range(self.options.repetitions):
            for tool in tools:
                compressed = self.measure(tool, source, results[tool.name])
                if tool.name == "satchel" and repetition == 0:
                    self.restore(tools[-1], compressed, source)
        return results


def read_foreign(options, folder, source):
    """Decompression of what others wrote, relative to the first of the tools."""
    size = source.stat().st_size
    readers = {tool.name: tool.decompress for tools in TOOLS.values() for tool in tools}
    for kind, (writer, rivals) in FOREIGN.items():
        names = [name for name in rivals if shutil.which(name)]
        if not shutil.which(writer.split()[0]) or not names:
            continue
        comparison = Comparison(options, folder)
        comparison.run(writer, source, folder / "foreign")
        seconds = {name: [] for name in ["satchel", *names]}
        for _ in range(options.repetitions):
            for name, times in seconds.items():
                tool = Tool(name, "", readers[name])
                times.append(comparison.restore(tool, folder / "foreign", source)[0])
        rival = statistics.median(seconds[names[0]])
        for name, times in seconds.items():
            middle = statistics.median(times)
            print(f"{kind:<14} {name:<15} {size / middle / 1e6:>8.1f} {rival / middle:>6.2f}",
                  flush=True)
            kind = ""


def print_results(title, results, size):
    """The rows of one file and format, relative to the second tool, satchel's rival."""
    rival = list(results.values())[1 if len(results) > 1 else 0]
    for name, result in results.items():
        compress = statistics.median(result.compress_seconds)
        decompress = statistics.median(result.decompress_seconds)
        print(f"{title:<14} {name:<15}"
              f" {size / compress / 1e6:>8.1f}"
              f" {statistics.median(rival.compress_seconds) / compress:>6.2f}"
              f" {size / result.size:>8.3f} {result.size / rival.size:>8.4f}"
              f" {max(result.compress_kib) / 1024:>7.1f}"
              f"  {size / decompress / 1e6:>8.1f}"
              f" {statistics.median(rival.decompress_seconds) / decompress:>6.2f}"
              f" {max(result.decompress_kib) / 1024:>7.1f}", flush=True)
        title = ""


def make_tar(path, size):
    """A tar of about `size` bytes: half of it headers, half programs and libraries."""
    shares = [(["/usr/include"], size // 2), (["/usr/bin", "/usr/lib"], size)]
    with tarfile.open(path, "w") as tar:
        for roots, limit in shares:
            for file in files_under(roots):
                if tar.offset >= limit:
                    break
                if file.stat().st_size < size // 10:
                    tar.add(file)
    return path


def files_under(roots):
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK):
                    yield path


def make_samples(options, folder):
    """{what it is: path} of the files that are compressed."""
    for kind in ("guide", "json"):
        subprocess.run([options.satchel, "generate", folder / kind, "--kind", kind,
                        "--size", options.size], check=True)
    size = (folder / "guide").stat().st_size
    return {"repeated text": folder / "guide", "JSON lines": folder / "json",
            "tar of /usr": make_tar(folder / "tar", size)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="100MB", help="of each file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--format", action="append", choices=TOOLS, help="may be repeated")
    parser.add_argument("--satchel", default=ROOT / "build" / "release" / "bin" / "satchel")
    options = parser.parse_args()
    for program in (options.satchel, "/usr/bin/time"):
        if not shutil.which(program):
            sys.exit(f"{program} is missing; README.md says how to build and what to install")

    with tempfile.TemporaryDirectory() as name:
        samples = make_samples(options, Path(name))
        print(f"{options.size} each, {options.threads} threads, "
              f"median of {options.repetitions}, MB/s of uncompressed data")
        print(f"{'':<30} {'compress':>8} {'':>6} {'':>8} {'':>8} {'':>7}  {'decompress':>8}")
        print(f"{'file':<14} {'tool':<15} {'MB/s':>8} {'x':>6} {'ratio':>8} {'size, x':>8} "
              f"{'MiB':>7}  {'MB/s':>8} {'x':>6} {'MiB':>7}")
        for codec in options.format or TOOLS:
            print(codec)
            tools = [tool for tool in TOOLS[codec]
                     if tool.name == "satchel" or shutil.which(tool.name)]
            for title, path in samples.items():
                results = Comparison(options, Path(name)).compare(tools, path)
                print_results(title, results, path.stat().st_size)
        if not options.format:
            print(f"{'decompress':<30} {'MB/s':>8} {'x':>6}")
            read_foreign(options, Path(name), samples["tar of /usr"])


if __name__ == "__main__":
    main()
