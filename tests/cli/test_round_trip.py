"""Every format, size and way in and out, with the standard tools on the other side."""

import subprocess
import unittest

from support import (CHUNK, HAS_ZSTD, PYTHON_COMPRESS, PYTHON_DECOMPRESS, SUFFIXES, CliTest,
                     one_zlib_stream, text)

SIZES = [0, 1, 2, 100, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1,
         10 * CHUNK + 12345]
TOOLS = {"gzip": "gzip", "bz2": "bzip2", "xz": "xz", "zstd": "zstd"}
SMALL_CHUNKS = ["--chunk-size", CHUNK]


def decoded_by_tool(name, data):
    if name == "zlib":
        return one_zlib_stream(data)
    return subprocess.run([TOOLS[name], "-dc"], input=data, stdout=subprocess.PIPE,
                          check=True).stdout


class RoundTrip(CliTest):
    def for_each_size(self, name):
        for size in SIZES:
            with self.subTest(format=name, size=size):
                data = text(size)
                self.file("f", data)
                self.check("compress", "--format", name, *SMALL_CHUNKS, "f")
                packed = "f" + SUFFIXES[name]
                self.assertEqual(self.names(), [packed])
                self.assertEqual(decoded_by_tool(name, self.read(packed)), data)
                self.check("test", packed)
                self.check("decompress", packed)
                self.assertEqual(self.names(), ["f"])
                self.assertEqual(self.read("f"), data)

    def test_gzip(self):
        self.for_each_size("gzip")

    def test_zlib(self):
        self.for_each_size("zlib")

    def test_bz2(self):
        self.for_each_size("bz2")

    def test_xz(self):
        self.for_each_size("xz")

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_zstd(self):
        self.for_each_size("zstd")

    def test_files_of_others_are_read(self):
        data = text(300_000)
        for name, compress in PYTHON_COMPRESS.items():
            with self.subTest(format=name):
                self.assertEqual(self.check("decompress", "-c", data=compress(data)), data)

    def test_several_streams_in_one_file_are_read_to_the_end(self):
        first, second = text(70_000, 1), text(50_000, 2)
        for name, compress in PYTHON_COMPRESS.items():
            with self.subTest(format=name):
                joined = compress(first) + compress(second)
                self.assertEqual(self.check("decompress", data=joined), first + second)

    def test_a_pipe_gives_what_a_file_gives(self):
        data = text(5 * CHUNK + 1)
        self.file("f", data)
        for name in SUFFIXES:
            with self.subTest(format=name):
                options = ["compress", "--format", name, *SMALL_CHUNKS]
                from_pipe = self.check(*options, data=data)
                self.assertEqual(from_pipe, self.check(*options, "-c", "f"))
                with open(self.folder / "f", "rb") as redirected:
                    self.assertEqual(from_pipe, self.check(*options, stdin=redirected))
                self.assertEqual(self.check("decompress", data=from_pipe), data)

    def test_a_redirected_file_is_read_from_where_it_stands(self):
        self.file("f", b"head" + text(1000))
        with open(self.folder / "f", "rb", buffering=0) as redirected:
            redirected.read(4)
            packed = self.check("compress", stdin=redirected)
        self.assertEqual(PYTHON_DECOMPRESS["gzip"](packed), text(1000))

    def test_files_that_do_not_tell_their_size_are_read(self):
        packed = self.check("compress", "-c", "/proc/self/status")
        self.assertTrue(PYTHON_DECOMPRESS["gzip"](packed).startswith(b"Name:\tsatchel"))

    def test_the_result_does_not_depend_on_the_number_of_threads(self):
        data = text(40 * CHUNK)
        for name in SUFFIXES:
            with self.subTest(format=name):
                options = ["compress", "--format", name, *SMALL_CHUNKS, "-2"]
                results = {self.check(*options, "-T", n, data=data) for n in (1, 2, 7, 0)}
                self.assertEqual(len(results), 1)

    def test_the_result_tells_neither_name_nor_time(self):
        self.file("one", b"same")
        self.file("two", b"same")
        self.assertEqual(self.check("compress", "-c", "one"), self.check("compress", "-c", "two"))

    def test_every_level_works_and_the_ends_differ(self):
        data = text(200_000)
        for name in SUFFIXES:
            results = {}
            for level in range(1, 10):
                with self.subTest(format=name, level=level):
                    packed = self.check("compress", f"-{level}", "--format", name, data=data)
                    self.assertEqual(decoded_by_tool(name, packed), data)
                    self.assertEqual(packed, self.check("compress", "--level", level, "--format",
                                                        name, data=data))
                    results[level] = packed
            self.assertNotEqual(results[1], results[9])

    def test_output_takes_a_name_and_keeps_the_source(self):
        self.file("f", text(1000))
        self.check("compress", "-o", "packed", "f")
        self.check("decompress", "--output", "again", "packed")
        self.assertEqual(self.names(), ["again", "f", "packed"])
        self.assertEqual(self.read("again"), text(1000))

    def test_output_to_a_dash_is_the_standard_output(self):
        self.file("f", text(1000))
        packed = self.check("compress", "-o", "-", "f")
        self.assertEqual(self.names(), ["f"])
        self.assertEqual(self.check("decompress", "-", data=packed), text(1000))

    def test_the_format_is_told_by_the_content(self):
        for name, compress in PYTHON_COMPRESS.items():
            with self.subTest(format=name):
                self.file("f.gz", compress(b"content"))
                self.check("decompress", "f.gz")
                self.assertEqual(self.read("f"), b"content")
                (self.folder / "f").unlink()

    def test_short_suffixes_become_tar(self):
        for suffix, name in {".tgz": "gzip", ".tbz": "bz2", ".tbz2": "bz2", ".txz": "xz"}.items():
            with self.subTest(suffix=suffix):
                self.file("f" + suffix, PYTHON_COMPRESS[name](b"content"))
                self.check("decompress", "f" + suffix)
                self.assertEqual(self.names(), ["f.tar"])
                (self.folder / "f.tar").unlink()

    def test_suffixes_in_upper_case_count(self):
        for suffix, name in {".GZ": "gzip", ".Bz2": "bz2", ".XZ": "xz", ".ZLIB": "zlib"}.items():
            with self.subTest(suffix=suffix):
                self.file("F" + suffix, PYTHON_COMPRESS[name](b"content"))
                self.check("decompress", "F" + suffix)
                self.assertEqual(self.read("F"), b"content")
                self.assertEqual(self.names(), ["F"])
                (self.folder / "F").unlink()
        self.file("F.TGZ", b"content")
        self.refused("satchel: F.TGZ: has the suffix of gzip already; --force compresses "
                     "it\n", "compress", "F.TGZ")

    def test_zlib_files_of_others_lose_their_suffix(self):
        self.file("f.zlib", PYTHON_COMPRESS["zlib"](b"content"))
        self.check("decompress", "f.zlib")
        self.assertEqual(self.names(), ["f"])


if __name__ == "__main__":
    unittest.main()
