"""Memory: threads x (chunk + codec), whatever the size of the input, also from a pipe."""

import contextlib
import os
import re
import subprocess
import threading
import unittest
from pathlib import Path

from support import HAS_ZSTD, SATCHEL, CliTest, children_of, text

MB = 1_000_000
BLOCK = text(MB)
RANDOM = os.urandom(MB)


def peak_of(pid):
    """Peak resident memory in MB, so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024 / MB


def bytes_read_by(pid):
    return int(re.search(r"rchar: (\d+)", Path(f"/proc/{pid}/io").read_text()).group(1))


def peaks_at_standstill(process):
    """Peaks of a process and those that it has started, when none of them reads any more."""
    pids = [process.pid, *children_of(process.pid)]
    before = -MB
    # Heartbeats go on.
    while (now := sum(bytes_read_by(pid) for pid in pids)) - before > MB / 10:
        before = now
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(3)  # more than a chunk takes
    return [peak_of(pid) for pid in pids]


class Memory(CliTest):
    def peak(self, blocks, *arguments):
        """Peak resident memory in MB, of a run that reads that many blocks from a pipe."""
        with open(os.devnull, "wb") as null:
            process = subprocess.Popen([SATCHEL, *map(str, arguments)], cwd=self.folder,
                                       stdin=subprocess.PIPE, stdout=null)
        writer = threading.Thread(target=self.feed, args=(process.stdin, blocks))
        writer.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        writer.join()
        self.assertEqual(process.returncode, 0)
        return usage.ru_maxrss * 1024 / MB

    @staticmethod
    def feed(pipe, blocks):
        with pipe:
            for block in blocks:
                pipe.write(block)

    def test_a_pipe_of_300_mb(self):
        # Twice two chunks of 2 MiB and two more are under way; the program itself needs 20 MB.
        self.assertLess(self.peak([BLOCK] * 300, "compress", "-1", "-T2"), 60)

    def test_the_size_of_the_input_does_not_matter(self):
        for name in ("zlib", "bz2"):
            with self.subTest(format=name):
                options = ["compress", "-1", "-T2", "--format", name]
                small = self.peak([BLOCK] * 15, *options)
                self.assertLess(self.peak([BLOCK] * 60, *options), small + 10)

    def test_xz_needs_its_chunks(self):
        options = ["compress", "-1", "-T2", "--format", "xz", "--chunk-size", "1MiB"]
        self.assertLess(self.peak([BLOCK] * 30, *options), 80)

    def test_a_file_of_300_mb(self):
        path = self.folder / "f"
        with open(path, "wb") as file:
            for _ in range(300):
                file.write(BLOCK)
        self.assertLess(self.peak([], "compress", "-1", "-T2", "-k", "f"), 60)

    def test_a_client_and_its_workers_in_the_middle_of_a_pipe_of_300_mb(self):
        process = self.start("compress", "-1", "--workers", "2", "-o", "out")
        for _ in range(300):
            process.stdin.write(BLOCK)
        peaks = [peak_of(pid) for pid in [process.pid, *children_of(process.pid)]]
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        # In the client, which is the scheduler as well, six chunks of 1 MiB are under way.
        self.assertEqual(len(peaks), 3)
        self.assertLess(max(peaks), 60)

    def held_up(self, *options, pipe):
        """Peaks of a compression, of 300 MB that do not get smaller, whose result nobody reads."""
        path = self.folder / "f"
        if not path.exists():
            with open(path, "wb") as file:
                for _ in range(300):
                    file.write(RANDOM)
        with open(path, "rb") as file, subprocess.Popen(["cat"], stdin=file,
                                                        stdout=subprocess.PIPE) as cat:
            process = self.start("compress", "-c", *options, "-" if pipe else "f",
                                 stdin=cat.stdout)
            self.assertTrue(process.stdout.read(1))
            peaks = peaks_at_standstill(process)
            cat.kill()
        self.end(process)
        return peaks

    def test_a_reader_that_does_not_read_holds_everything_up(self):
        for pipe in (False, True):
            # Six chunks of 2 MiB, what two threads make of theirs, and the program itself: 20 MB.
            self.assertLess(max(self.held_up("-1T2", pipe=pipe)), 45)
            self.assertLess(max(self.held_up("-1", "--workers", "2", pipe=pipe)), 60)

    def test_a_limit_for_compression(self):
        # So slow that all that may wait for the reader does wait.
        slow = ["-1T8", "--format", "xz", "--chunk-size", "3MiB"]
        for limit in (70, 100, 150):
            with self.subTest(limit=limit):
                peaks = self.held_up(*slow, "--memory", f"{limit}MB", pipe=True)
                self.assertLess(max(peaks), limit)

    def test_decompression_of_what_is_large_and_compresses_well(self):
        packed = subprocess.run(
            ["sh", "-c", "head -c 500000000 /dev/zero | gzip -1"], stdout=subprocess.PIPE,
            check=True).stdout
        # A piece that would be larger than 16 MiB is decoded bit by bit.
        self.assertLess(self.peak([packed], "decompress", "-T2"), 70)

    def test_a_limit_for_decompression(self):
        for name in ("gzip", "bz2", "xz", "zstd"):
            if name == "zstd" and not HAS_ZSTD:
                continue
            with self.subTest(format=name):
                self.peak([BLOCK] * 100, "compress", "-1", "--format", name, "-fo", "f")
                limited = ["decompress", "-cT4", "f", "--memory"]
                self.assertLess(self.peak([], *limited, "50MB"), 50)
                self.assertLess(self.peak([], *limited, "150MB"), 150)


if __name__ == "__main__":
    unittest.main()
