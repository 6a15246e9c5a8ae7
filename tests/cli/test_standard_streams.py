"""Standard streams that are closed: no file that is opened may become one of them."""

import gzip
import os
import subprocess
import unittest

from support import SATCHEL, CliTest, text


class ClosedStreams(CliTest):
    def run_without(self, closed, *arguments):
        """Runs the executable with these descriptors closed; returns its exit code and what it
        said, for which the standard error must be open."""

        def close_them():
            for stream in closed:
                os.close(stream)

        process = subprocess.run([SATCHEL, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                 preexec_fn=close_them)
        return process.returncode, process.stderr

    def test_a_closed_output_cannot_be_written_to(self):
        self.file("f", text(1000))
        self.assertEqual(
            self.run_without([1], "compress", "-c", "f"),
            (1, b"satchel: f: stdout: cannot write at offset 0: Bad file descriptor\n"))

    def test_a_closed_input_cannot_be_read(self):
        self.assertEqual(self.run_without([0], "compress", "-o", "out"),
                         (1, b"satchel: stdin: cannot read at offset 0: Bad file descriptor\n"))
        self.assertEqual(self.names(), [])

    def test_files_are_processed_without_any(self):
        data = text(300_000)
        for closed in ([0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]):
            with self.subTest(closed=closed):
                self.file("f", data)
                self.assertEqual(self.run_without(closed, "compress", "-v", "f")[0], 0)
                self.assertEqual(gzip.decompress(self.read("f.gz")), data)
                self.assertEqual(self.names(), ["f.gz"])
                with open(self.folder / "f.gz", "ab") as file:
                    file.write(b"garbage")
                self.assertEqual(self.run_without(closed, "decompress", "-v", "f.gz")[0], 2)
                self.assertEqual(self.read("f"), data)
                (self.folder / "f.gz").unlink()

    def test_what_cannot_be_said_is_an_error_too(self):
        self.file("f", text(1000))
        self.file("f.gz", gzip.compress(b"something"))
        for arguments in (["compress", "--bogus"], ["list", "f.gz"], ["--version"],
                          ["compress", "--help"], ["test", "--json", "f.gz"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.run_without([1, 2], *arguments)[0], 1)
        self.assertEqual(self.run_without([1, 2], "unknown")[0], 2)
        self.assertEqual(self.run_without([2], "compress", "--json", "-c", "f")[0], 0)


if __name__ == "__main__":
    unittest.main()
