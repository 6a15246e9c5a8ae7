"""What is not done without being told more emphatically: exit code 1, and nothing is touched."""

import gzip
import lzma
import os
import unittest

from support import AS_ROOT, SATCHEL, CliTest


class Refusals(CliTest):
    def test_missing_file(self):
        self.refused("satchel: f: cannot open: No such file or directory\n", "compress", "f")
        self.refused("satchel: f.gz: cannot open: No such file or directory\n", "decompress",
                     "f.gz")

    def test_unreadable_file(self):
        path = self.file("f", b"content")
        path.chmod(0)
        user = {}
        if AS_ROOT:  # may read everything
            user = {"user": 65534, "group": 65534, "extra_groups": []}
            self.folder.chmod(0o777)
            if not os.stat(SATCHEL).st_mode & 0o001:
                self.skipTest("the executable is not for everyone")
        try:
            self.refused("satchel: f: cannot open: Permission denied\n", "compress", "f", **user)
        except PermissionError:
            self.skipTest("the executable is in a folder that is not for everyone")

    def test_special_bits(self):
        for mode in (0o4755, 0o2755, 0o1644):
            path = self.file("f", b"content")
            path.chmod(mode)
            self.refused("satchel: f: has the set-user-ID, set-group-ID or sticky bit, which its "
                         "result would not have; --keep keeps it, --force removes it\n",
                         "compress", "f")
            self.check("compress", "-k", "f")
            self.check("compress", "-f", "f")
            self.assertEqual((self.folder / "f.gz").stat().st_mode & 0o7777, mode & 0o777)
            (self.folder / "f.gz").unlink()

    def test_directory(self):
        (self.folder / "d").mkdir()
        for options in ([], ["-f"], ["-c"], ["-t"], ["-k"]):
            self.refused("satchel: d: cannot read: Is a directory\n", "compress", *options, "d")

    def test_existing_output(self):
        self.file("f", b"content")
        self.file("f.gz", b"old")
        self.refused("satchel: f: f.gz already exists; --force replaces it\n", "compress", "f")
        self.refused("satchel: f: f.gz already exists; --force replaces it\n", "compress", "-o",
                     "f.gz", "f")
        self.assertEqual(self.read("f.gz"), b"old")
        self.check("compress", "-f", "f")
        self.assertEqual(gzip.decompress(self.read("f.gz")), b"content")
        self.assertEqual(self.names(), ["f.gz"])

    def test_existing_output_of_decompression(self):
        self.file("f.gz", gzip.compress(b"content"))
        self.file("f", b"old")
        self.refused("satchel: f.gz: f already exists; --force replaces it\n", "decompress", "f.gz")
        self.assertEqual(self.read("f"), b"old")
        self.check("decompress", "-f", "f.gz")
        self.assertEqual(self.read("f"), b"content")

    def test_a_dangling_link_is_in_the_way_as_well(self):
        self.file("f", b"content")
        os.symlink("nowhere", self.folder / "f.gz")
        self.refused("satchel: f: f.gz already exists; --force replaces it\n", "compress", "f")

    def test_a_folder_in_the_way_is_never_replaced(self):
        self.file("f", b"content")
        (self.folder / "f.gz").mkdir()
        self.refused("satchel: f: f.gz: is a directory\n", "compress", "-f", "f")

    def test_force_replaces_what_appears_meanwhile(self):
        for options, code in (([], 1), (["-f"], 0)):
            process = self.start("compress", *options, "-o", "out")
            # The target is made before the input is read: more of it than the pipe holds.
            process.stdin.write(b"content" * 100_000)
            self.file("out", b"appeared")
            _, said = process.communicate()
            self.assertEqual(process.returncode, code, said)
            appeared = self.read("out") == b"appeared"
            self.assertEqual(appeared, code == 1)
            self.assertEqual(self.names(), ["out"])
            os.remove(self.folder / "out")

    def test_devices_and_pipes_take_what_is_written_to_them(self):
        self.file("f", b"content")
        for options in ([], ["-f"]):
            self.check("compress", *options, "-o", "/dev/null", "f")
        self.assertFalse(os.path.isfile("/dev/null"))
        self.refused("satchel: f: /dev/full: cannot write at offset 0: No space left on device\n",
                     "compress", "-o", "/dev/full", "f")
        os.mkfifo(self.folder / "p")
        process = self.start("compress", "-o", "p", "f")
        with open(self.folder / "p", "rb") as pipe:
            self.assertEqual(gzip.decompress(pipe.read()), b"content")
        self.assertEqual(process.wait(), 0)
        self.assertEqual(self.names(), ["f", "p"])
        for output in ("p", "/dev/null"):
            self.assertEqual(self.satchel("compress", "--index", "-o", output, "f").returncode, 1)

    def test_names_of_the_standard_output_are_the_standard_output(self):
        self.file("f", b"content")
        os.symlink("/dev/stdout", self.folder / "link")
        for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"):
            for options in ([], ["-f"]):
                # A file, which is not to be replaced by another.
                with open(self.folder / "out", "wb") as out:
                    process = self.start("compress", *options, "--json", "-o", name, "f",
                                         stdout=out)
                    process.wait()
                self.assertEqual(process.returncode, 0)
                self.assertEqual(gzip.decompress(self.read("out")), b"content")
        self.assertTrue(os.path.islink(self.folder / "link"))

    def test_the_file_behind_a_descriptor_is_not_emptied(self):
        for name in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
            self.file("f", b"content")
            for mode in ("rb", "r+b"):
                with open(self.folder / "f", mode) as source:
                    result = self.satchel("compress", "-f", "-o", name, "-", stdin=source)
                self.assertEqual(result.returncode, 1)
                self.assertIn(b"satchel: ", result.stderr)
                self.assertEqual(self.read("f"), b"content")

    def test_a_pipe_in_the_way_is_never_replaced(self):
        self.file("f", b"content")
        os.mkfifo(self.folder / "f.gz")
        self.refused("satchel: f: f.gz: is no regular file and is not replaced by one\n",
                     "compress", "-f", "f")

    def test_symbolic_link(self):
        self.file("f", b"content")
        os.symlink("f", self.folder / "link")
        for options in ([], ["-k"]):
            self.refused("satchel: link: is a symbolic link; --force follows it, --stdout reads "
                         "it\n", "compress", *options, "link")
        self.assertEqual(gzip.decompress(self.check("compress", "-c", "link")), b"content")
        self.check("compress", "-o", "out", "link")
        self.check("compress", "-f", "link")
        self.assertEqual(self.names(), ["f", "link.gz", "out"])
        self.assertEqual(self.read("f"), b"content")

    def test_hard_links(self):
        self.file("f", b"content")
        os.link(self.folder / "f", self.folder / "g")
        self.refused("satchel: f: has 1 other name; --keep keeps it, --force removes this one\n",
                     "compress", "f")
        os.link(self.folder / "f", self.folder / "h")
        self.refused("satchel: f: has 2 other names; --keep keeps it, --force removes this one\n",
                     "compress", "f")
        self.check("compress", "-k", "f")
        self.check("compress", "-f", "f")
        self.assertEqual(self.names(), ["f.gz", "g", "h"])

    def test_pipe(self):
        os.mkfifo(self.folder / "p")
        self.refused("satchel: p: is no regular file; --stdout reads it\n", "compress", "p")
        process = self.start("compress", "-c", "p")
        with open(self.folder / "p", "wb") as pipe:
            pipe.write(b"content")
        self.assertEqual(gzip.decompress(process.stdout.read()), b"content")
        self.assertEqual(process.wait(), 0)
        self.assertEqual(self.names(), ["p"])

    def test_a_pipe_is_never_removed(self):
        os.mkfifo(self.folder / "p")
        process = self.start("compress", "-f", "p")
        with open(self.folder / "p", "wb") as pipe:
            pipe.write(b"content")
        self.assertEqual(process.wait(), 0)
        self.assertEqual(self.names(), ["p", "p.gz"])

    def test_compressed_already(self):
        for name in ["f.gz", "f.tgz"]:
            self.file(name, b"content")
            self.refused(f"satchel: {name}: has the suffix of gzip already; --force "
                         "compresses it\n", "compress", name)
        self.file("f.xz", b"content")
        self.check("compress", "f.xz")
        self.check("compress", "-f", "f.gz")
        self.assertEqual(self.names(), ["f.gz.gz", "f.tgz", "f.xz.gz"])

    def test_names_that_do_not_tell(self):
        for name in ["f", "f.zip", ".gz"]:
            self.file(name, gzip.compress(b"content"))
            self.refused(f"satchel: {name}: its suffix does not tell what the result is called; "
                         "use --output or --stdout\n", "decompress", name)
            self.assertEqual(self.check("decompress", "-c", name), b"content")

    def test_input_and_output_are_the_same(self):
        self.file("f", b"content")
        os.link(self.folder / "f", self.folder / "g")
        os.symlink("f", self.folder / "link")
        for name in ["f", "./f", "g", "link"]:
            with self.subTest(name=name):
                self.refused("satchel: f: input and output are the same file\n", "compress", "-f",
                             "-o", name, "f")
        with open(self.folder / "f", "ab") as appended:
            self.refused("satchel: f: input and output are the same file\n", "compress", "-c", "f",
                         stdout=appended)
            with open(self.folder / "f", "rb") as redirected:
                self.refused("satchel: stdin: input and output are the same file\n", "compress",
                             stdin=redirected, stdout=appended)
            self.refused("satchel: f: input and output are the same file\n", "cat", "-f", "f",
                         stdout=appended)
        self.assertEqual(self.read("f"), b"content")

    def test_force_never_loses_what_the_run_has_written(self):
        (self.folder / "d").mkdir()
        self.file("d/a.gz", gzip.compress(b"first"))
        self.file("d/a.xz", lzma.compress(b"second"))
        self.file("d/a", b"old")
        said = ("satchel: d/a.xz: d/a is the result of another file of this run and is not "
                "replaced; do this one by itself, with --output\n")
        self.assert_outcome(self.satchel("decompress", "-rf", "d"), 1, said)
        self.assertEqual(self.read("d/a"), b"first")
        self.assertEqual(lzma.decompress(self.read("d/a.xz")), b"second")
        # Without it there is nothing that it would have to replace.
        self.file("d/a.gz", gzip.compress(b"first"))
        (self.folder / "d/a").unlink()
        self.assert_outcome(self.satchel("decompress", "-r", "d"), 1, said)

    def test_force_never_loses_results_of_one_name(self):
        self.file("name", b"first")
        self.check("compress", "-N", "-o", "a.gz", "name")
        self.file("name", b"second")
        self.check("compress", "-N", "-o", "b.gz", "name")
        self.assert_outcome(self.satchel("decompress", "-Nf", "a.gz", "b.gz"), 1,
                            "satchel: b.gz: name is the result of another file of this run and is "
                            "not replaced; do this one by itself, with --output\n")
        self.assertEqual(self.read("name"), b"first")
        self.assertEqual(self.names(), ["b.gz", "name"])

    def test_force_never_loses_what_the_run_has_still_to_read(self):
        outer = gzip.compress(gzip.compress(b"first"))
        self.file("a.gz.gz", outer)
        self.file("a.gz", gzip.compress(b"second"))
        said = ("satchel: a.gz.gz: a.gz is still to be read in this run and is not replaced; name "
                "it first\n")
        self.assert_outcome(self.satchel("decompress", "-f", "a.gz.gz", "./a.gz"), 1, said)
        self.assertEqual(self.read("a"), b"second")
        self.assertEqual(self.read("a.gz.gz"), outer)
        self.file("a.gz", gzip.compress(b"second"))
        self.check("decompress", "-f", "a.gz", "a.gz.gz")
        self.assertEqual(self.read("a"), b"second")
        self.assertEqual(gzip.decompress(self.read("a.gz")), b"first")

    def test_force_replaces_what_the_run_has_read(self):
        self.file("a.gz", gzip.compress(b"second"))
        self.file("a.gz.gz", gzip.compress(b"first"))
        self.check("decompress", "-kf", "a.gz", "a.gz.gz")
        self.assertEqual((self.read("a"), self.read("a.gz")), (b"second", b"first"))

    def test_force_makes_a_result_once_more(self):
        (self.folder / "d").mkdir()
        self.file("d/a", b"content")
        self.file("list", b"d/a\0d/a\0")
        for again in (["d/a", "./d/a"], ["-r", "d", "d/a"], ["--files0", "list"]):
            self.check("compress", "-kf", *again)
            self.assertEqual(gzip.decompress(self.read("d/a.gz")), b"content")
        (self.folder / "d/a.gz").unlink()
        self.assert_outcome(self.satchel("compress", "-k", "d/a", "d/a"), 1,
                            "satchel: d/a: d/a.gz already exists; --force replaces it\n")

    def test_force_never_loses_what_the_name_of_an_original_stands_for(self):
        self.file("a.gz.gz", gzip.compress(gzip.compress(b"first")))
        self.file("a.gz", gzip.compress(b"second"))
        self.assert_outcome(self.satchel("decompress", "-f", "a.gz.gz", "a"), 1,
                            "satchel: a.gz.gz: a.gz is still to be read in this run and is not "
                            "replaced; name it first\n")
        self.assertEqual(self.read("a"), b"second")

    def test_an_index_never_replaces_what_the_run_has_still_to_read(self):
        self.file("f", b"content")
        self.file("f.gz.idx", b"mine")
        self.assert_outcome(self.satchel("compress", "-f", "--index", "f", "f.gz.idx"), 1,
                            "satchel: f: f.gz.idx is still to be read in this run and is not "
                            "replaced; name it first\n")
        self.assertEqual(gzip.decompress(self.read("f.gz.idx.gz")), b"mine")
        self.assertEqual(self.read("f"), b"content")

    def test_no_folder_for_the_output(self):
        self.file("f", b"content")
        self.refused("satchel: f: no/out: cannot create: No such file or directory\n", "compress",
                     "-o", "no/out", "f")

    def test_control_characters_are_masked(self):
        self.refused(b"satchel: a?[31mb?c?d: cannot open: No such file or directory\n", "compress",
                     "a\033[31mb\nc\u0085d")

    def test_an_empty_name(self):
        self.refused("satchel: : cannot open: No such file or directory\n", "compress", "")


if __name__ == "__main__":
    unittest.main()
