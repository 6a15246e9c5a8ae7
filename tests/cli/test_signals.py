"""Signals: cleaned up after, and seen by whoever waits for the process."""

import gzip
import os
import signal
import subprocess
import unittest

from support import CliTest, text

BLOCK = os.urandom(1 << 20)
DEADLY = [signal.SIGHUP, signal.SIGINT, signal.SIGTERM]


class Signals(CliTest):
    def start_in_the_middle(self, *arguments, **options):
        """A process that has read and written megabytes, and waits for more."""
        process = self.start(*arguments, **options)
        for _ in range(8):
            process.stdin.write(BLOCK)
        process.stdin.flush()
        return process

    def test_deadly_signals_leave_nothing(self):
        for number in DEADLY:
            for arguments in (["compress", "-o", "out"], ["compress", "-f", "-o", "old"]):
                with self.subTest(signal=number, arguments=arguments):
                    self.file("old", b"old")
                    process = self.start_in_the_middle(*arguments)
                    process.send_signal(number)
                    self.assertEqual(process.wait(), -number)
                    self.assertEqual(process.stderr.read(), b"")
                    self.assertEqual(self.names(), ["old"])
                    self.assertEqual(self.read("old"), b"old")

    def test_signals_that_were_ignored_stay_ignored(self):
        def ignore_all():
            for number in DEADLY:
                signal.signal(number, signal.SIG_IGN)

        process = self.start_in_the_middle("compress", "-o", "out", preexec_fn=ignore_all)
        for number in DEADLY:
            process.send_signal(number)
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(gzip.decompress(self.read("out")), 8 * BLOCK)

    def test_a_reader_that_goes_ends_the_process_quietly(self):
        process = self.start("compress", "-c")
        process.stdout.read(1)
        process.stdout.close()
        with self.assertRaises(BrokenPipeError):
            while True:
                process.stdin.write(BLOCK)
        self.assertEqual(process.wait(), -signal.SIGPIPE)
        self.assertEqual(process.stderr.read(), b"")

    def test_a_broken_pipe_that_does_not_end_the_process_is_an_error(self):
        self.file("f", BLOCK)
        process = self.start("compress", "-c", "f", stdin=subprocess.DEVNULL,
                             preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
        process.stdout.read(1000)
        process.stdout.close()
        self.assertEqual(process.wait(), 1)
        self.assertRegex(process.stderr.read().decode(),
                         r"^satchel: f: stdout: cannot write at offset \d+: Broken pipe\n$")

    def kill_at_random_moments(self, source, target, *arguments):
        """Kills the command all over the time it takes; `source` and `target` are files' names and
        contents, of which there must be one at least, and whole."""
        numbers = self.random_numbers()
        self.file(*source)
        usual = self.seconds_of(*arguments, source[0])
        finished = 0
        for _ in range(60):
            for name in self.names():
                (self.folder / name).unlink()
            self.file(*source)
            finished += self.run_and_kill(numbers.uniform(0, usual), *arguments, source[0])
            there = [(name, self.read(name)) for name in self.names()]
            self.assertIn(there, ([source], [target], sorted([source, target])))
        self.assertLess(finished, 60)

    def test_sigkill_at_random_moments(self):
        content = text(3_000_000)
        options = ["compress", "--chunk-size", "100kB"]
        packed = self.check(*options, data=content)
        self.kill_at_random_moments(("f", content), ("f.gz", packed), *options)

    def test_sigkill_at_random_moments_of_decompression(self):
        content = text(6_000_000)
        packed = self.check("compress", "--chunk-size", "100kB", data=content)
        self.kill_at_random_moments(("f.gz", packed), ("f", content), "decompress")


if __name__ == "__main__":
    unittest.main()
