"""Several files, and what becomes of permissions, owner and time."""

import gzip
import os
import unittest

from support import ACCESS_LIST, AS_ROOT, CliTest, access_list


class SeveralFiles(CliTest):
    def test_the_rest_is_done_when_one_fails(self):
        self.file("a", b"1")
        self.file("c", b"3")
        self.assert_outcome(self.satchel("compress", "a", "b", "c"), 1,
                            "satchel: b: cannot open: No such file or directory\n")
        self.assertEqual(self.names(), ["a.gz", "c.gz"])

    def test_an_error_outweighs_a_warning(self):
        garbage = gzip.compress(b"1") + b"x"
        for names in (["warning.gz", "missing.gz"], ["missing.gz", "warning.gz"]):
            self.file("warning.gz", garbage)
            self.assertEqual(self.satchel("test", *names).returncode, 1)
        self.file("good.gz", gzip.compress(b"1"))
        self.assertEqual(self.satchel("test", "warning.gz", "good.gz").returncode, 2)

    def test_to_the_standard_output_they_become_one_file(self):
        for name in "abc":
            self.file(name, name.encode())
        for name in ("gzip", "bz2", "xz"):
            with self.subTest(format=name):
                joined = self.check("compress", "-c", "--format", name, *"abc")
                self.assertEqual(self.check("decompress", data=joined), b"abc")

    def test_standard_input_among_files(self):
        self.file("a", b"file ")
        joined = self.check("compress", "-c", "a", "-", data=b"pipe")
        self.assertEqual(gzip.decompress(joined), b"file pipe")

    def test_libraries_in_the_working_folder_are_left_alone(self):
        for library in ("libz.so.1", "libfmt.so.9", "libstdc++.so.6"):
            self.file(library, b"no library")
        self.check("compress", "-c", "libz.so.1")

    def test_verbose_says_what_was_done(self):
        self.file("a", b"1" * 1000)
        self.assertRegex(self.satchel("compress", "-v", "a").stderr.decode(),
                         r"^satchel: a: 0.98 kiB -> \d+ B in .*/s, replaced by a.gz\n$")
        self.assertRegex(self.satchel("test", "-v", "a.gz").stderr.decode(),
                         r"^satchel: a.gz: \d+ B -> 0.98 kiB in .*/s, OK\n$")
        self.assertRegex(self.satchel("decompress", "-kv", "a.gz").stderr.decode(),
                         r"^satchel: a.gz: \d+ B -> 0.98 kiB in .*/s, written to a\n$")


class Metadata(CliTest):
    MTIME = 1_234_567_890_123_456_789

    def source(self, name, data):
        path = self.file(name, data)
        path.chmod(0o640)
        if AS_ROOT:
            os.chown(path, 1234, 2345)
        os.utime(path, ns=(self.MTIME, self.MTIME))

    def assert_like_source(self, name):
        status = os.stat(self.folder / name)
        self.assertEqual(status.st_mode & 0o7777, 0o640)
        self.assertEqual(status.st_mtime_ns, self.MTIME)
        if AS_ROOT:
            self.assertEqual((status.st_uid, status.st_gid), (1234, 2345))

    def test_permissions_owner_and_time_go_along(self):
        self.source("f", b"content")
        self.check("compress", "f")
        self.assert_like_source("f.gz")
        self.check("decompress", "f.gz")
        self.assert_like_source("f")
        self.check("compress", "-o", "out", "f")
        self.assert_like_source("out")
        self.file("f.gz", b"old")
        self.check("compress", "-f", "f")
        self.assert_like_source("f.gz")

    def test_access_lists_go_along(self):
        path = self.file_with_access_list("f", b"content")
        before = os.getxattr(path, ACCESS_LIST)
        self.check("compress", "f")
        self.assertEqual(os.getxattr(self.folder / "f.gz", ACCESS_LIST), before)
        self.check("decompress", "f.gz")
        self.assertEqual(os.getxattr(path, ACCESS_LIST), before)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)

    def test_the_access_list_of_a_folder_gives_nobody_rights(self):
        self.file("f", b"content").chmod(0o640)
        try:
            os.setxattr(self.folder, "system.posix_acl_default", access_list(7, 7, 7, 7, 7))
        except OSError:
            self.skipTest("there are no access lists here")
        self.check("compress", "f")
        self.assertNotIn(ACCESS_LIST, os.listxattr(self.folder / "f.gz"))
        self.assertEqual(os.stat(self.folder / "f.gz").st_mode & 0o777, 0o640)

    def test_results_of_a_pipe_are_like_any_new_file(self):
        before = os.umask(0o027)
        self.addCleanup(os.umask, before)
        self.check("compress", "-o", "out", data=b"content")
        self.assertEqual(os.stat(self.folder / "out").st_mode & 0o7777, 0o640)


if __name__ == "__main__":
    unittest.main()
