"""What happens on a terminal only: the progress line, questions, refusals."""

import gzip
import os
import pty
import random
import re
import subprocess
import unittest

from support import SATCHEL, CliTest, text

LINE = re.compile(r"\[(#*) *\] \| (\d+)% Completed \| [\d.]+ (us|ms|s) \| [\d.]+ \w+/s")


class Terminal(CliTest):
    def on_terminal(self, *arguments, streams="2", answer=b"", stdin=None):
        """Runs with some of the standard streams on a terminal; returns exit code and its text."""
        try:
            master, terminal = pty.openpty()
        except OSError:
            self.skipTest("this computer gives no pseudo-terminals; is /dev/pts mounted?")
        chosen = {name: terminal for number, name in enumerate(["stdin", "stdout", "stderr"])
                  if str(number) in streams}
        chosen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL,
                  "stderr": subprocess.DEVNULL, **chosen}
        if stdin is not None:
            chosen["stdin"] = stdin
        process = subprocess.Popen([SATCHEL, *map(str, arguments)], cwd=self.folder, **chosen)
        os.close(terminal)
        os.write(master, answer)
        said = b""
        try:
            while block := os.read(master, 65536):
                said += block
        except OSError:  # EIO: the process has closed its side
            pass
        os.close(master)
        return process.wait(), said.decode(errors="replace").replace("\r\n", "\n")

    def test_progress_ends_at_100_percent(self):
        self.file("f", text(5_000_000))
        code, said = self.on_terminal("compress", "-k", "f")
        self.assertEqual(code, 0)
        lines = LINE.findall(said)
        self.assertTrue(lines, said)
        self.assertEqual(lines[-1][:2], ("#" * 40, "100"))
        self.assertTrue(said.endswith("/s\n"), said)
        code, said = self.on_terminal("decompress", "-f", "f.gz")
        self.assertEqual(LINE.findall(said)[-1][:2], ("#" * 40, "100"))

    def test_a_remark_comes_before_the_progress(self):
        self.file("f", text(1_500_000))
        code, said = self.on_terminal("compress", "-9", "-T1", "--format", "xz", "f")
        self.assertEqual(code, 0)
        self.assertRegex(said, r"^satchel: each thread needs [^\n\r]*\n\r")

    def test_progress_of_a_pipe_tells_the_amount(self):
        self.file("f", text(5_000_000))
        code, said = self.on_terminal("generate", "g", "--size", "2MB")
        self.assertEqual((code, LINE.findall(said)[-1][1]), (0, "100"))
        with subprocess.Popen(["cat", self.folder / "f"], stdout=subprocess.PIPE) as cat:
            code, said = self.on_terminal("compress", stdin=cat.stdout)
        self.assertEqual(code, 0)
        self.assertRegex(said, r"4\.77 MiB \| [\d.]+ \w+ \| [\d.]+ \w+/s\n$")

    def test_no_progress_where_it_is_not_wanted(self):
        self.file("f", text(5_000_000))
        self.file("small", b"content")
        for arguments in (["-q", "f"], ["--no-progress", "f"], ["small"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.on_terminal("compress", "-kf", *arguments), (0, ""))
        self.assert_outcome(self.satchel("compress", "-kf", "f"), 0)

    def test_no_progress_between_the_data(self):
        content = random.Random(1).randbytes(1_500_000).hex()
        self.file("f.gz", gzip.compress(content.encode()))
        self.assertEqual(self.on_terminal("decompress", "-c", "f.gz", streams="12"), (0, content))
        with open(self.folder / "f.gz", "rb") as file:
            self.assertEqual(self.on_terminal("decompress", streams="12", stdin=file),
                             (0, content))

    def test_the_line_makes_place_for_a_message(self):
        self.file("f.gz", gzip.compress(os.urandom(3_000_000))[:-5])
        code, said = self.on_terminal("test", "f.gz")
        self.assertEqual(code, 1)
        self.assertRegex(said, r"\r\x1b\[Ksatchel: f\.gz: [^\n]+\n$")

    def test_compressed_data_is_not_written_to_a_terminal(self):
        self.file("f", b"content")
        refusal = ("compressed data is not written to a terminal; use --output, or --force\n")
        for arguments, name in ((["-c", "f"], "f"), ([], "stdin")):
            self.assertEqual(self.on_terminal("compress", *arguments, streams="12"),
                             (1, f"satchel: {name}: {refusal}"))
        code, said = self.on_terminal("compress", "-cf", "f", streams="12")
        self.assertEqual(code, 0)
        self.assertNotEqual(said, "")

    def test_compressed_data_is_not_read_from_a_terminal(self):
        self.assertEqual(self.on_terminal("decompress", streams="02"),
                         (1, "satchel: stdin: compressed data is not read from a terminal; name a "
                             "file, or use --force\n"))

    def test_a_question_before_something_is_replaced(self):
        question = "satchel: f.gz already exists; replace it (y or n)? "
        for answer, code, replaced in ((b"n\n", 1, False), (b"\n", 1, False), (b"y\n", 0, True)):
            with self.subTest(answer=answer):
                self.file("f", b"content")
                self.file("f.gz", b"old")
                result, said = self.on_terminal("compress", "-k", "f", streams="02", answer=answer)
                self.assertEqual(result, code)
                self.assertIn(question, said)
                self.assertEqual(self.read("f.gz") != b"old", replaced)


if __name__ == "__main__":
    unittest.main()
