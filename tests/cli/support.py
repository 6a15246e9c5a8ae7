"""What the tests of the executable share: a folder for each, a way to run it, data to run it on.

SATCHEL names the executable; SATCHEL_FAULTS the library of faults.cpp, or is empty in builds that
it cannot be loaded into. SATCHEL_SEED makes the random choices of a test those of an earlier run,
which has printed it.
"""

import atexit
import bz2
import contextlib
import gzip
import json
import lzma
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import zlib
from pathlib import Path

SATCHEL = os.environ["SATCHEL"]


def for_preloading(library):
    """A path of the library for LD_PRELOAD, which takes spaces and colons for ends of names."""
    folder = tempfile.mkdtemp(prefix="satchel-cli-", dir="/tmp")
    atexit.register(shutil.rmtree, folder)
    link = os.path.join(folder, "faults.so")
    os.symlink(library, link)
    return link


FAULTS = os.environ.get("SATCHEL_FAULTS", "")
if FAULTS:
    FAULTS = for_preloading(FAULTS)
AS_ROOT = os.geteuid() == 0
SEED = int(os.environ.get("SATCHEL_SEED", random.randrange(1 << 32)))

SUFFIXES = {"gzip": ".gz", "zlib": ".zz", "bz2": ".bz2", "xz": ".xz"}
HAS_ZSTD = b"zstd" in subprocess.run([SATCHEL, "compress", "--help"], stdout=subprocess.PIPE,
                                     check=True).stdout.split(b"--format")[1].split(b"\n")[0]
if HAS_ZSTD:
    SUFFIXES["zstd"] = ".zst"
PYTHON_COMPRESS = {"gzip": gzip.compress, "zlib": zlib.compress, "bz2": bz2.compress,
                   "xz": lzma.compress}
PYTHON_DECOMPRESS = {"gzip": gzip.decompress, "bz2": bz2.decompress, "xz": lzma.decompress}
CHUNK = 65536  # the smallest chunk, so that little data makes many of them


def text(size, seed=1):
    """`size` bytes that compress as prose does, and differ everywhere."""
    numbers = random.Random(seed)
    words = [b"%x" % numbers.randrange(16 ** numbers.randrange(1, 8)) for _ in range(2000)]
    result = bytearray()
    while len(result) < size:
        result += b" ".join(numbers.choices(words, k=200)) + b"\n"
    return bytes(result[:size])


def json_lines(output):
    """The objects that --json wrote, one a line."""
    return [json.loads(line) for line in output.splitlines()]


def one_zlib_stream(data):
    """What a zlib stream decodes to, if it is exactly one."""
    decoder = zlib.decompressobj()
    result = decoder.decompress(data)
    assert decoder.eof and not decoder.unused_data, "not exactly one zlib stream"
    return result


def children_of(pid):
    """The processes that `pid` has started."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


ACCESS_LIST = "system.posix_acl_access"


def access_list(owner, user, own_group, mask, others):
    """The attribute of a file with an access list: these rights, `user` for user 1234."""
    nobody = 0xFFFFFFFF
    entries = [(0x01, owner, nobody), (0x02, user, 1234), (0x04, own_group, nobody),
               (0x10, mask, nobody), (0x20, others, nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def restore_signals():
    """Python ignores SIGPIPE and lets its children inherit that."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


class CliTest(unittest.TestCase):
    """A test in an empty folder of its own, which is the executable's working folder."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="satchel-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, data=b""):
        """Makes a file; returns its path."""
        path = self.folder / name
        path.write_bytes(data)
        return path

    def file_with_access_list(self, name, data, *, owner=6, user=6, own_group=4, mask=6, others=0):
        """Makes a file, which its group may read and user 1234 may write unless asked for
        otherwise; returns its path."""
        path = self.file(name, data)
        try:
            os.setxattr(path, ACCESS_LIST, access_list(owner, user, own_group, mask, others))
        except OSError:
            self.skipTest("there are no access lists here")
        self.assertEqual(os.stat(path).st_mode & 0o777, owner << 6 | mask << 3 | others)
        return path

    def read(self, name):
        return (self.folder / name).read_bytes()

    def names(self):
        """All names in the folder, hidden ones as well."""
        return sorted(os.listdir(self.folder))

    def satchel(self, *arguments, data=b"", **options):
        """Runs the executable to its end, with `data` on its standard input."""
        if "stdin" not in options:
            options["input"] = data
        options.setdefault("stdout", subprocess.PIPE)
        return subprocess.run([SATCHEL, *map(str, arguments)], cwd=self.folder,
                              stderr=subprocess.PIPE, check=False, **options)

    def start(self, *arguments, **options):
        """Starts the executable; it is killed if the test ends before it."""
        options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                   "preexec_fn": restore_signals, **options}
        process = subprocess.Popen([SATCHEL, *map(str, arguments)], cwd=self.folder, **options)
        self.addCleanup(self.end, process)
        return process

    def random_numbers(self):
        """The same ones for the same SATCHEL_SEED."""
        print(f"{self.id()}: SATCHEL_SEED={SEED}")
        return random.Random(SEED)

    def seconds_of(self, *arguments):
        """How long the executable takes, which is to succeed silently."""
        begin = time.perf_counter()
        self.check(*arguments)
        return time.perf_counter() - begin

    def run_and_kill(self, seconds, *arguments, **options):
        """Runs the executable for so long at most; returns whether it got to its end."""
        process = self.start(*arguments, **options)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        self.assertIn(process.wait(), (0, -signal.SIGKILL))
        self.end(process)
        return process.returncode == 0

    @staticmethod
    def end(process):
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def assert_outcome(self, result, code, said=b""):
        """The exit code, and all that was said on the standard error."""
        if isinstance(said, str):
            said = said.encode()
        self.assertEqual((result.returncode, result.stderr), (code, said))

    def check(self, *arguments, **options):
        """Runs the executable, which is to succeed silently; returns its standard output."""
        result = self.satchel(*arguments, **options)
        self.assert_outcome(result, 0)
        return result.stdout

    def refused(self, said, *arguments, code=1, **options):
        """Runs the executable, which is to do nothing but say why."""
        before = self.names()
        self.assert_outcome(self.satchel(*arguments, **options), code, said)
        self.assertEqual(self.names(), before)
