"""No room: the error says where, nothing is left, and the source is as it was."""

import gzip
import os
import resource
import subprocess
import unittest

from support import AS_ROOT, CliTest

CONTENT = os.urandom(3_000_000)


def limit_file_size():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


class DiskFull(CliTest):
    def mount(self, *options):
        """A file system of its own in the folder `disk`, where that is permitted."""
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = AS_ROOT and subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", disk],
                                             stderr=subprocess.DEVNULL, check=False).returncode == 0
        if not mounted:
            self.skipTest("file systems may not be mounted here")
        self.addCleanup(subprocess.run, ["umount", disk], check=True)
        return disk

    def test_full_disk(self):
        disk = self.mount("-o", "size=5m")
        (disk / "f").write_bytes(CONTENT)
        for options in ([], ["-f"], ["-k"]):
            with self.subTest(options=options):
                result = self.satchel("compress", *options, "disk/f")
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr.decode(),
                                 r"^satchel: disk/f: disk/f\.gz: cannot write at offset \d+: "
                                 r"No space left on device\n$")
                self.assertEqual(os.listdir(disk), ["f"])
                self.assertEqual((disk / "f").read_bytes(), CONTENT)

    def test_full_disk_while_decompressing(self):
        disk = self.mount("-o", "size=5m")
        (disk / "f.gz").write_bytes(gzip.compress(b"no hole " * 6_000_000))
        result = self.satchel("decompress", "disk/f.gz")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), "No space left on device\n$")
        self.assertEqual(os.listdir(disk), ["f.gz"])

    def test_generating_more_than_fits(self):
        disk = self.mount("-o", "size=1m")
        result = self.satchel("generate", "disk/f", "--size", "10MB")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(),
                         r"^satchel: disk/f: cannot write at offset \d+: "
                         r"No space left on device\n$")
        self.assertEqual(os.listdir(disk), [])

    def test_read_only_file_system(self):
        disk = self.mount()
        (disk / "f").write_bytes(CONTENT)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        self.assert_outcome(self.satchel("compress", "disk/f"), 1,
                            "satchel: disk/f: disk/f.gz: cannot create: Read-only file system\n")

    def test_limit_on_the_size_of_files(self):
        self.file("f", CONTENT)
        self.assert_outcome(self.satchel("compress", "f", preexec_fn=limit_file_size), 1,
                            "satchel: f: f.gz: cannot write at offset 1000000: File too large\n")
        self.assertEqual(self.names(), ["f"])
        self.assertEqual(self.read("f"), CONTENT)

    def test_standard_output_without_room(self):
        self.file("f", CONTENT)
        with open("/dev/full", "wb") as full:
            self.assert_outcome(self.satchel("compress", "-c", "f", stdout=full), 1,
                                "satchel: f: stdout: cannot write at offset 0: "
                                "No space left on device\n")


if __name__ == "__main__":
    unittest.main()
