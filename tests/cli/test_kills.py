"""SIGKILL at random instants: afterwards there is either the old state or the new one.

SATCHEL_KILLS is the number of kills, of which a run of all tests has time for few:

    SATCHEL=build/bin/satchel SATCHEL_KILLS=1000 python3 tests/cli/test_kills.py
"""

import os
import unittest

from support import FAULTS, PYTHON_COMPRESS, PYTHON_DECOMPRESS, SUFFIXES, CliTest, text

KILLS = int(os.environ.get("SATCHEL_KILLS", "40"))
CONTENT = text(1_500_000)
OLD = b"what was there before"
FORMATS = [name for name in SUFFIXES if name in PYTHON_DECOMPRESS]


def unpacked(path):
    """What a file holds, decompressed; None if there is no file. Fails if it is not whole."""
    if not path.exists():
        return None
    codecs = {SUFFIXES[codec]: decompress for codec, decompress in PYTHON_DECOMPRESS.items()}
    return codecs.get(path.suffix, bytes)(path.read_bytes())


class Kills(CliTest):
    def setUp(self):
        super().setUp()
        self.numbers = self.random_numbers()
        self.seconds = {}  # that a command takes, if nobody kills it
        self.packed = {}
        for codec in FORMATS:
            self.packed[codec] = self.check("compress", "--format", codec, "-1", "-T1",
                                            "--chunk-size", "64KiB", data=CONTENT)

    def environment(self):
        """Every other run is on a file system that knows no unnamed files."""
        if not FAULTS or self.numbers.random() < 0.5:
            return dict(os.environ)
        return {**os.environ, "LD_PRELOAD": FAULTS, "FAULT_NO_UNNAMED_FILES": "1"}

    def usual_seconds(self, arguments, source):
        """How long the command takes on such a file, measured once."""
        if arguments not in self.seconds:
            self.seconds[arguments] = self.seconds_of(*arguments, "-o", "usual", source)
            (self.folder / "usual").unlink()
        return self.seconds[arguments]

    def try_once(self):
        """Returns whether the command was faster than its end."""
        for name in self.names():
            (self.folder / name).unlink()
        codec = self.numbers.choice(FORMATS)
        names = ["f", "f" + SUFFIXES[codec]]
        contents = [(CONTENT, OLD), (self.packed[codec], PYTHON_COMPRESS[codec](OLD))]
        command = self.numbers.choice(["compress", "decompress"])
        if command == "decompress":
            names.reverse()
            contents.reverse()
        source, target = names
        self.file(source, contents[0][0])
        before = self.numbers.choice([None, OLD])
        if before:
            self.file(target, contents[1][1])
        arguments = (command, "--format", codec, "-1f", "-T2", "--chunk-size", "64KiB")
        seconds = self.numbers.uniform(0, self.usual_seconds(arguments, source))
        finished = self.run_and_kill(seconds, *arguments, source, env=self.environment())
        there = [unpacked(self.folder / name) for name in (source, target)]
        self.assertIn(there, ([CONTENT, before], [CONTENT, CONTENT], [None, CONTENT]))
        if finished:
            self.assertEqual(there, [None, CONTENT])
        # What may be left has a hidden name, and goes with the next run.
        visible = {name for name in self.names() if not name.startswith(".satchel")}
        self.assertLessEqual(visible, {source, target})
        return finished

    def test_nothing_is_lost_or_half(self):
        finished = sum(self.try_once() for _ in range(KILLS))
        self.assertLess(finished, KILLS)

    def test_what_a_kill_leaves_goes_with_the_next_run(self):
        for _ in range(KILLS // 4):
            self.try_once()
            self.check("compress", "-f", "-o", "g", self.file("g-source", b"x"))
            self.assertFalse([name for name in self.names() if name.startswith(".")])


if __name__ == "__main__":
    unittest.main()
