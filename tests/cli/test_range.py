"""Parts of compressed files: `cat --range`, and the indexes that help it."""

import bz2
import gzip
import os
import random
import struct
import subprocess
import unittest

from support import HAS_ZSTD, SUFFIXES, CliTest, json_lines, text

CONTENT = text(3_000_000) + random.Random(5).randbytes(2_000_000) + text(1_000_000, 2)
RANGES = [(0, 1), (0, 100_000), (2_999_990, 20), (4_500_000, 70_000), (5_999_999, 1),
          (5_999_990, 100), (6_000_000, 1), (7_000_000, 5)]
# The formats whose files tell where they can be entered.
ENTERED = [name for name in SUFFIXES if name != "bz2"]


class Range(CliTest):
    def cat(self, name, offset, length, code=0):
        """What the range holds, and how many bytes of the file were read for it."""
        result = self.satchel("cat", "--json", "--range", f"{offset}:{length}", name)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout, json_lines(result.stderr)[-1]

    def assert_ranges(self, name, content=CONTENT):
        for offset, length in RANGES:
            with self.subTest(name=name, offset=offset, length=length):
                self.assertEqual(self.cat(name, offset, length)[0],
                                 content[offset:offset + length])
        self.assertEqual(self.check("cat", "--range", "5MB:", name), content[5_000_000:])
        self.assertEqual(self.check("cat", "--range", ":10", name), content[:10])

    def compressed(self, name, *options):
        packed = "f" + SUFFIXES[name]
        self.file("f", CONTENT)
        self.check("compress", "-1", "-f", "--format", name, *options, "f")
        return packed

    def test_all_formats(self):
        for name in SUFFIXES:
            packed = self.compressed(name, "--chunk-size", "100kB")
            self.assert_ranges(packed)

    def test_little_is_read(self):
        for name in ENTERED:
            packed = self.compressed(name, "--chunk-size", "64KiB")
            with self.subTest(format=name):
                _, report = self.cat(packed, 4_000_000, 1000)
                self.assertLess(report["compressed"], 400_000)
                self.assertGreater((self.folder / packed).stat().st_size, 2_000_000)

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_a_table_that_nothing_confirms_is_not_believed(self):
        parts = [CONTENT[at:at + 1_000_000] for at in range(0, len(CONTENT), 1_000_000)]
        frames = [subprocess.run(["zstd", "-q", "--no-content-size"], input=part,
                                 stdout=subprocess.PIPE, check=True).stdout for part in parts]
        for first_size in (len(parts[0]), len(parts[0]) ^ 8):
            sizes = [first_size] + [len(part) for part in parts[1:]]
            table = b"".join(struct.pack("<II", len(frame), size)
                             for frame, size in zip(frames, sizes))
            end = table + struct.pack("<IBI", len(frames), 0, 0x8F92EAB1)
            self.file("f.zst", b"".join(frames) + struct.pack("<II", 0x184D2A5E, len(end)) + end)
            self.assert_ranges("f.zst")

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_a_table_of_frames_without_bytes_is_not_believed(self):
        parts = [random.Random(seed).randbytes(1_500_000) for seed in (1, 2)]
        frames = [subprocess.run(["zstd", "-q", "-c", "--stream-size=1500000"], input=part,
                                 stdout=subprocess.PIPE, check=True).stdout for part in parts]
        sizes = [len(frames[0]), *[0] * 10, len(frames[1])]
        table = b"".join(struct.pack("<II", size, 1_500_000) for size in sizes)
        end = table + struct.pack("<IBI", len(sizes), 0, 0x8F92EAB1)
        self.file("f.zst", b"".join(frames) + struct.pack("<II", 0x184D2A5E, len(end)) + end)
        self.check("decompress", "f.zst")
        self.assertEqual(self.read("f"), b"".join(parts))

    def test_a_hole_before_the_range_does_not_matter(self):
        for name in ENTERED:
            # It hides notes of gzip and zlib files, and without all of them, there might be another
            # stream before them: those need an index.
            by_index = name in ("gzip", "zlib")
            packed = self.compressed(name, "--chunk-size", "64KiB", *["--index"] * by_index)
            with self.subTest(format=name), open(self.folder / packed, "r+b") as file:
                file.seek(200_000)
                file.write(b"\0" * 50_000)
                file.flush()
                self.assertEqual(self.cat(packed, 4_500_000, 70_000)[0],
                                 CONTENT[4_500_000:4_570_000])
                self.assertEqual(self.satchel("test", packed).returncode, 1)
                # In the hole, what is right is given, and then the error; but in gzip and zlib
                # files, the only check comes at the end.
                result = self.satchel("cat", "--range", "500000:", packed)
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr.decode(), rf"^satchel: {packed}: [^\n]+ \d+\n$")
                if name in ("xz", "zstd"):
                    self.assertTrue(CONTENT[500_000:].startswith(result.stdout))

    def test_a_file_that_is_rsyncable_can_be_entered(self):
        packed = self.compressed("gzip", "--rsyncable", "--chunk-size", "256KiB")
        self.assert_ranges(packed)
        self.assertLess(self.cat(packed, 4_000_000, 1000)[1]["compressed"], 400_000)

    def test_a_stream(self):
        packed = gzip.compress(CONTENT)
        self.assertEqual(self.check("cat", "--range", "5000000:10", data=packed),
                         CONTENT[5_000_000:5_000_010])

    def test_an_index_of_a_file_of_ours(self):
        packed = self.compressed("bz2", "--index")
        self.assertEqual(self.names(), ["f.bz2", "f.bz2.idx"])
        self.assert_ranges(packed)
        size = (self.folder / packed).stat().st_size
        self.assertLess(self.cat(packed, 5_900_000, 1000)[1]["compressed"], size // 2)

    def test_an_index_of_foreign_files(self):
        self.file("f.bz2", bz2.compress(CONTENT, 1))
        self.check("test", "--index", "f.bz2")
        self.assertEqual(self.names(), ["f.bz2", "f.bz2.idx"])
        self.assert_ranges("f.bz2")
        self.assertLess(self.cat("f.bz2", 5_900_000, 1000)[1]["compressed"], 700_000)
        # Once more, in its place; and through the other way to test.
        self.check("compress", "-t", "--index", "f.bz2")
        self.assert_ranges("f.bz2")

    def test_what_cannot_be_entered_gets_no_index(self):
        content = bytes(40_000_000)
        self.file("f.gz", gzip.compress(content))
        self.assert_outcome(self.satchel("test", "--index", "f.gz"), 2,
                            "satchel: f.gz: can be decoded from its start only, so there is no "
                            "index of it\n")
        self.assert_ranges("f.gz", content)

    def test_what_has_an_index_of_its_own_needs_none(self):
        self.file("f.xz", subprocess.run(["xz", "-1", "--block-size=200000", "-c"], input=CONTENT,
                                         stdout=subprocess.PIPE, check=True).stdout)
        self.check("test", "--index", "f.xz")
        self.assertEqual(self.names(), ["f.xz"])
        self.assert_ranges("f.xz")

    def test_indexes_are_left_alone_in_folders(self):
        (self.folder / "d").mkdir()
        self.file("d/f", CONTENT)
        for _ in range(2):
            self.check("compress", "-r", "--index", "d")
            self.assertEqual(sorted(os.listdir(self.folder / "d")), ["f.gz", "f.gz.idx"])

    def test_a_stream_has_no_index(self):
        self.file("f", CONTENT)
        self.file("list", b"-\0")
        self.refused("satchel: stdin: an index lies beside a file\n",
                     "compress", "--index", "--files0", "list")
        self.refused("satchel: --index goes with compressing to a file, and with testing one "
                     "(satchel compress --help tells more)\n",
                     "compress", "--index", "-c", "--files0", "list")

    def test_what_is_no_index_is_not_replaced(self):
        self.file("f.bz2", bz2.compress(CONTENT, 1))
        self.file("f.bz2.idx", b"precious")
        self.refused("satchel: f.bz2: f.bz2.idx is no index; --force replaces it\n",
                     "test", "--index", "f.bz2")
        self.assertEqual(self.read("f.bz2.idx"), b"precious")
        self.assert_ranges("f.bz2")
        self.check("test", "--index", "-f", "f.bz2")
        self.assert_ranges("f.bz2")

    def test_an_index_goes_with_its_file(self):
        for removed_or_replaced in (["decompress", "f.bz2"], ["compress", "--format", "bz2", "f"]):
            self.file("f", CONTENT)
            self.check("compress", "-kf", "--format", "bz2", "--index", "f")
            self.check("decompress", "-kf", "f.bz2")
            self.assertIn("f.bz2.idx", self.names())
            self.check(*removed_or_replaced, "-f")
            self.assertNotIn("f.bz2.idx", self.names())
        self.file("f", CONTENT)
        self.file("f.bz2.idx", b"precious")
        self.check("compress", "-f", "--format", "bz2", "f")
        self.assertEqual(self.read("f.bz2.idx"), b"precious")

    def test_an_index_stays_that_is_a_file_of_the_run(self):
        def pack_with_index():
            for name in self.names():
                (self.folder / name).unlink()
            self.file("f", CONTENT)
            self.check("compress", "-k", "--format", "bz2", "--index", "f")
            return self.read("f.bz2.idx")
        for files in (["f", "f.bz2.idx"], ["f.bz2.idx", "f"]):
            index = pack_with_index()
            self.check("compress", "-kf", "--format", "bz2", *files)
            self.assertEqual(self.read("f.bz2.idx"), index)
            self.assertEqual(bz2.decompress(self.read("f.bz2.idx.bz2")), index)
        self.check("compress", "-o", "f.bz2", "-f", "f.bz2.idx")
        self.assertEqual(self.read("f.bz2.idx"), index)
        index = pack_with_index()
        self.check("compress", "f.bz2.idx")
        self.check("decompress", "-f", "f.bz2.idx.gz", "f.bz2")
        self.assertEqual(self.read("f.bz2.idx"), index)

    def test_what_is_no_index_is_noticed_before_the_work(self):
        self.file("f", CONTENT)
        self.file("f.bz2.idx", b"precious")
        self.refused("satchel: f: f.bz2.idx is no index; --force replaces it\n",
                     "compress", "--format", "bz2", "--index", "f")
        self.assertEqual(self.read("f.bz2.idx"), b"precious")
        self.check("compress", "-f", "--format", "bz2", "--index", "f")
        self.assert_ranges("f.bz2")

    def test_only_a_regular_file_is_an_index(self):
        self.file("f", CONTENT)
        self.file("f.bz2", bz2.compress(CONTENT, 1))
        index = self.folder / "f.bz2.idx"
        for make, remove in ((os.mkfifo, os.remove), (os.mkdir, os.rmdir)):
            make(index)
            self.assertEqual(self.check("cat", "--range", "100:10", "f.bz2", timeout=60),
                             CONTENT[100:110])
            for command in (["test", "f.bz2"], ["compress", "--format", "bz2", "-k", "-f", "f"]):
                self.refused(f"satchel: {command[-1]}: f.bz2.idx is no regular file and is not "
                             "replaced by an index\n", *command, "--index", timeout=60)
            remove(index)

    def test_an_index_is_for_those_who_may_read_the_file(self):
        for mode in (0o600, 0o640, 0o644):
            self.file("f", CONTENT)
            os.chmod(self.folder / "f", mode)
            self.check("compress", "-f", "--format", "bz2", "--index", "f")
            index = self.folder / "f.bz2.idx"
            self.assertEqual(index.stat().st_mode & 0o777, mode)
            index.unlink()
            self.check("test", "--index", "f.bz2")
            self.assertEqual(index.stat().st_mode & 0o777, mode)

    def test_an_index_does_not_depend_on_threads(self):
        for name in SUFFIXES:
            packed = self.compressed(name, "--chunk-size", "64KiB")
            indexes = set()
            for threads in (1, 2, 6):
                self.check("test", "--index", "-T", threads, packed)
                indexes.add(self.read(packed + ".idx"))
            with self.subTest(format=name):
                self.assertEqual(len(indexes), 1)

    def test_the_index_of_another_file_is_a_warning(self):
        self.file("f.bz2", bz2.compress(CONTENT, 1))
        self.check("test", "--index", "f.bz2")
        self.file("f.bz2", bz2.compress(CONTENT[::-1], 1))
        result = self.satchel("cat", "--range", "100:100", "f.bz2")
        self.assert_outcome(result, 2, "satchel: f.bz2: f.bz2.idx: cannot use the index: it is "
                                       "that of another file, at offset 16\n")
        self.assertEqual(result.stdout, CONTENT[::-1][100:200])

    def test_an_index_does_not_decide_how_much_memory_is_used(self):
        self.file("f.gz", gzip.compress(CONTENT))
        self.file("f.gz.idx", b"satchel index 1\n")
        os.truncate(self.folder / "f.gz.idx", 100 << 30)
        result = self.satchel("cat", "f.gz")
        self.assert_outcome(result, 2, "satchel: f.gz: f.gz.idx: cannot use the index: it has "
                                       "100.00 GiB, and none of more than 256.00 MiB is read\n")
        self.assertEqual(result.stdout, CONTENT)
        # Where memory is limited, there is none for an index.
        self.assertEqual(self.check("cat", "--memory", "100MB", "f.gz"), CONTENT)

    def test_an_index_goes_with_files(self):
        usage = "satchel: --index goes with compressing to a file, and with testing one"
        for arguments in (["--index"], ["--index", "-c", "f"], ["--index", "-d", "f.gz"]):
            result = self.satchel("compress", *arguments)
            self.assertEqual(result.returncode, 1)
            self.assertIn(usage, result.stderr.decode())

    def test_every_flipped_bit_gives_the_right_range_or_an_error(self):
        content = text(150_000)
        numbers = random.Random(3)
        for name in SUFFIXES:
            packed = self.check("compress", "--format", name, "--chunk-size", "64KiB", "-1",
                                data=content)
            for _ in range(25):
                damaged = bytearray(packed)
                damaged[numbers.randrange(len(packed))] ^= 1 << numbers.randrange(8)
                self.file("f", damaged)
                result = self.satchel("cat", "--range", "70000:70000", "f")
                if result.returncode == 0:
                    self.assertEqual(result.stdout, content[70_000:140_000])


if __name__ == "__main__":
    unittest.main()
