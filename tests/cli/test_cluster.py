"""Compression by worker processes, started for the run (--workers) or of a cluster (--cluster)."""

import contextlib
import json
import os
import re
import signal
import subprocess
import unittest
from pathlib import Path

from support import CHUNK, SATCHEL, SUFFIXES, CliTest, children_of, text

BLOCK = os.urandom(1 << 20)


class ClusterTest(CliTest):
    def start_cluster(self):
        """A scheduler and two workers, in a folder that is found without being named."""
        self.look_for_clusters_in_the_folder()
        self.scheduler = self.start("scheduler", "--port", "0")
        self.address = self.scheduler.stdout.readline().decode().split()[-1]
        self.workers = self.start("worker", "--nworkers", "2", "--nthreads", "1")
        self.connection_file = "satchel.json"
        self.check("compress", "-q", "--cluster", self.address)  # when there is a worker

    def look_for_clusters_in_the_folder(self):
        os.environ["XDG_RUNTIME_DIR"] = str(self.folder)
        self.addCleanup(os.environ.pop, "XDG_RUNTIME_DIR", None)

    def start_in_the_middle(self, *arguments):
        """A process that reads a pipe, and has read and sent megabytes of it."""
        process = self.start("compress", "-1", *arguments)
        self.feed(process)
        return process

    @staticmethod
    def feed(process):
        for _ in range(8):
            process.stdin.write(BLOCK)
        process.stdin.flush()

    def start_with_full_output(self, name, *arguments):
        """A process that compresses a file, and waits for someone to read on."""
        process = self.start("compress", "--chunk-size", CHUNK, "-c", *arguments, name)
        return process, process.stdout.read(1_000_000)


class SameResult(ClusterTest):
    def setUp(self):
        super().setUp()
        self.start_cluster()

    def test_in_every_format_from_files_and_pipes(self):
        data = text(20 * CHUNK + 1)
        self.file("f", data)
        for name in SUFFIXES:
            for place in (["--cluster", self.connection_file], ["--workers", "2"]):
                with self.subTest(format=name, place=place[0]):
                    options = ["compress", "--format", name, "--chunk-size", CHUNK]
                    expected = self.check(*options, data=data)
                    self.assertEqual(self.check(*options, *place, "-c", "f"), expected)
                    self.assertEqual(self.check(*options, *place, data=data), expected)

    def test_with_chunks_by_content(self):
        data = text(20 * CHUNK + 1)
        options = ["compress", "--rsyncable", "--chunk-size", CHUNK]
        self.assertEqual(self.check(*options, "--cluster", self.address, data=data),
                         self.check(*options, data=data))

    def test_files_take_the_place_of_their_sources(self):
        for name in ("a", "b", "empty"):
            self.file(name, b"" if name == "empty" else text(3 * CHUNK, len(name)))
        self.check("compress", "--cluster", self.address, "a", "b", "empty")
        self.check("test", "a.gz", "b.gz", "empty.gz")
        self.check("decompress", "--workers", "2", "a.gz")
        self.assertEqual(self.read("a"), text(3 * CHUNK))
        self.assertNotIn("b", self.names())

    def test_the_workers_read_the_file_themselves(self):
        self.file("f", BLOCK * 4)
        process, head = self.start_with_full_output("f", "--cluster", self.address)
        accounts = Path(f"/proc/{process.pid}/io").read_text()
        read = int(re.search(r"rchar: (\d+)", accounts).group(1))
        self.assertLess(read, len(head))
        packed = head + process.stdout.read()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(packed, self.check("compress", "--chunk-size", CHUNK, "-c", "f"))

    def test_a_file_that_is_gone_is_sent(self):
        expected = self.check("compress", "--chunk-size", CHUNK, data=BLOCK * 4)
        path = self.file("f", BLOCK * 4)
        process, head = self.start_with_full_output("f", "--cluster", self.address)
        path.unlink()
        self.assertEqual(head + process.stdout.read(), expected)
        self.assertEqual((process.wait(), process.stderr.read()), (0, b""))

    def test_a_file_that_has_another_in_its_place_is_sent(self):
        expected = self.check("compress", "--chunk-size", CHUNK, data=BLOCK * 4)
        self.file("f", BLOCK * 4)
        process, head = self.start_with_full_output("f", "--workers", "2")
        self.file("other", bytes(4 * len(BLOCK))).rename(self.folder / "f")
        self.assertEqual(head + process.stdout.read(), expected)
        self.assertEqual((process.wait(), process.stderr.read()), (0, b""))

    def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(self):
        expected = self.check("compress", "--chunk-size", CHUNK, data=BLOCK * 4)
        path = self.file("f", BLOCK * 4)
        process, head = self.start_with_full_output("f", "--cluster", self.address)
        path.unlink()
        os.mkfifo(path)
        self.assertEqual(head + process.stdout.read(), expected)
        self.assertEqual(process.wait(), 0)

    def test_a_file_that_grows_is_compressed_as_it_was(self):
        expected = self.check("compress", "--chunk-size", CHUNK, data=BLOCK * 4)
        path = self.file("f", BLOCK * 4)
        process, head = self.start_with_full_output("f", "--cluster", self.address)
        with open(path, "ab") as file:
            file.write(b"more")
        self.assertEqual(head + process.stdout.read(), expected)
        self.assertEqual(process.wait(), 2)
        self.assertEqual(process.stderr.read(),
                         b"satchel: f: changed while it was read, and is kept\n")


class Losses(ClusterTest):
    def test_workers_that_are_killed_are_replaced(self):
        self.start_cluster()
        expected = self.check("compress", "-1", data=BLOCK * 16)
        process = self.start_in_the_middle("--cluster", self.address, "-o", "out")
        for worker in children_of(self.workers.pid):
            os.kill(worker, signal.SIGKILL)
        self.feed(process)
        process.stdin.close()
        self.assertEqual((process.wait(), process.stderr.read()), (0, b""))
        self.assertEqual(self.read("out"), expected)

    def test_one_of_two_workers_of_the_run_is_killed_again_and_again(self):
        self.file("f", BLOCK * 4)
        expected = self.check("compress", "--chunk-size", CHUNK, "-c", "f")
        process, packed = self.start_with_full_output("f", "--workers", "2")
        while True:
            workers = children_of(process.pid)
            if workers:
                with contextlib.suppress(ProcessLookupError):  # it may have gone by itself
                    os.kill(workers[0], signal.SIGKILL)
            more = process.stdout.read(500_000)
            packed += more
            if not more:
                break
        # The scheduler, which is in this process, may have logged a worker that was killed early.
        self.assertEqual(process.wait(), 0)
        self.assertEqual(packed, expected)

    def test_a_client_that_is_killed_leaves_neither_processes_nor_files(self):
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                process = self.start_in_the_middle("--workers", "2", "-o", "out")
                process.send_signal(number)
                self.assertEqual(process.wait(), -number)
                # The workers have the same standard output: its end is theirs.
                self.assertEqual(process.stdout.read(), b"")
                self.assertEqual(self.names(), [])

    def test_a_cluster_outlives_its_clients(self):
        self.start_cluster()
        process = self.start_in_the_middle("--cluster", self.address, "-o", "out")
        process.kill()
        process.wait()
        self.check("compress", "--cluster", self.address, data=BLOCK)

    def test_a_scheduler_that_ends_is_an_error(self):
        self.start_cluster()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(signal=number):
                process = self.start_in_the_middle("--cluster", self.address, "-o", "out")
                process.stdin.write(b"a chunk that is not sent before the end")
                process.stdin.flush()
                self.scheduler.send_signal(number)
                self.scheduler.wait()
                process.stdin.close()
                self.assertEqual(process.wait(), 1)
                self.assertRegex(process.stderr.read().decode(),
                                 r"\Asatchel: stdin: the (connection to the )?scheduler at "
                                 rf"{self.address} (has closed the connection|was lost).*\n\Z")
                self.assertNotIn("out", self.names())
                self.restart_cluster()

    def restart_cluster(self):
        self.workers.kill()
        self.start_cluster()


class Refusals(ClusterTest):
    def fails(self, said, *arguments):
        """Runs `compress`, which is to fail with one line, and to keep the source."""
        self.file("f", b"content")
        result = self.satchel("compress", *arguments, "f")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), rf"\Asatchel: .*{said}.*\n\Z")
        self.assertEqual(self.read("f"), b"content")
        self.assertNotIn("f.gz", self.names())

    def test_wrong_addresses_and_files(self):
        self.fails("cannot open the connection file none.json: No such file",
                   "--cluster", "none.json")
        self.file("wrong.json", b"{}")
        (self.folder / "wrong.json").chmod(0o600)
        self.fails("no connection file of satchel", "--cluster", "wrong.json")
        self.look_for_clusters_in_the_folder()
        self.fails("the key to it is looked for in the connection file .*satchel.json",
                   "--cluster", "127.0.0.1:1")
        self.start_cluster()
        self.fails("cannot connect to tcp://127.0.0.1:1: Connection refused",
                   "--cluster", "127.0.0.1:1")
        self.fails("the address 'http://x' begins with 'http://'", "--cluster", "http://x")

    def test_a_wrong_key_is_refused(self):
        self.start_cluster()
        content = json.loads((self.folder / self.connection_file).read_text())
        content["key"] = "0" * len(content["key"])
        other = self.file("other.json", json.dumps(content).encode())
        other.chmod(0o600)
        self.fails("does not have the key of the cluster", "--cluster", "other.json")

    def test_another_build_says_so(self):
        self.start_cluster()
        notes = subprocess.run(["readelf", "-n", SATCHEL], stdout=subprocess.PIPE, check=True)
        build_id = bytes.fromhex(re.search(r"Build ID: (\w+)", notes.stdout.decode()).group(1))
        program = Path(SATCHEL).read_bytes()
        other = self.file("other_build", program.replace(build_id, build_id[::-1]))
        other.chmod(0o700)
        self.file("f", b"content")
        result = subprocess.run([other, "compress", "--cluster", self.address, "f"],
                                cwd=self.folder, stderr=subprocess.PIPE, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(),
                         r"\Asatchel: f: the workers run another build of satchel: .*\n\Z")
        self.assertNotIn("f.gz", self.names())

    def test_a_cluster_without_workers_is_waited_for(self):
        self.start_cluster()
        self.workers.terminate()
        self.assertEqual(self.workers.wait(), 0)
        self.file("f", b"content")
        process = self.start("compress", "--cluster", self.address, "f")
        self.assertEqual(process.stderr.readline().decode(),
                         f"satchel: {self.address} has no workers yet: waiting for one\n")
        self.start("worker", "--nthreads", "1")
        self.assertEqual(process.wait(), 0)

    def test_options_that_exclude_each_other(self):
        said = ("satchel: --threads, --workers and --cluster exclude each other "
                "(satchel compress --help tells more)\n")
        self.refused(said, "compress", "--workers", "2", "-T", "2")
        self.refused(said, "compress", "--workers", "2", "--cluster", "c.json")
        self.refused(said, "compress", "--cluster", "c.json", "-T", "2")

    def test_memory_limits_the_workers(self):
        self.file("f", b"content")
        self.fails("more than --memory allows", "--workers", "2", "--memory", "30MB")
        self.fails("--memory limits what is used on this computer", "--cluster", "c", "--memory",
                   "1GB")
        self.check("compress", "-k", "--workers", "2", "--memory", "100MB", "f")


if __name__ == "__main__":
    unittest.main()
