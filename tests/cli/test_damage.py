"""Data that is cut off, damaged, followed by something else, or nothing at all."""

import gzip
import os
import random
import struct
import unittest
import zlib

from support import PYTHON_COMPRESS, SUFFIXES, CliTest, text

CONTENT = text(200_000)
PACKED = {name: compress(CONTENT) for name, compress in PYTHON_COMPRESS.items()}


class Damage(CliTest):
    def assert_refused_everywhere(self, name, data):
        """Neither decompress nor test takes the data, and nothing is left behind."""
        packed = "f" + SUFFIXES[name]
        self.file(packed, data)
        for command in ("decompress", "test"):
            result = self.satchel(command, packed)
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr.decode(), f"^satchel: {packed}: [^\n]+\n$")
            self.assertEqual(self.names(), [packed])
            self.assertEqual(self.read(packed), data)
        (self.folder / packed).unlink()
        return result.stderr.decode()

    def test_cut_off_anywhere(self):
        for name, packed in PACKED.items():
            size = len(packed)
            for left in {1, 2, 3, 5, 9, 10, 11, 20, size // 2, size - 9, size - 8, size - 5,
                         size - 4, size - 3, size - 2, size - 1}:
                with self.subTest(format=name, left=left):
                    said = self.assert_refused_everywhere(name, packed[:left])
                    self.assertRegex(said, r"at offset \d+\n$")

    def test_a_flipped_bit_is_noticed(self):
        numbers = random.Random(7)
        for name, packed in PACKED.items():
            for _ in range(20):
                at = numbers.randrange(12, len(packed))
                damaged = bytearray(packed)
                damaged[at] ^= 1 << numbers.randrange(8)
                with self.subTest(format=name, at=at):
                    if self.satchel("decompress", "-c", data=bytes(damaged)).stdout != CONTENT:
                        self.assert_refused_everywhere(name, bytes(damaged))

    def test_cut_off_or_damaged_anywhere_in_files_of_our_own(self):
        """Several chunks, so that there are borders to cut at; zstd as well, which has no check
        over its frames."""
        numbers = random.Random(11)
        for name in SUFFIXES:
            packed = self.check("compress", "--format", name, "--chunk-size", "64KiB", "-1",
                                data=CONTENT)
            for _ in range(15):
                with self.subTest(format=name):
                    left = numbers.randrange(2, len(packed))
                    self.assert_refused_everywhere(name, packed[:left])
                    damaged = bytearray(packed)
                    damaged[numbers.randrange(len(packed))] ^= 1 << numbers.randrange(8)
                    result = self.satchel("decompress", "-c", data=bytes(damaged))
                    if result.returncode == 0:
                        self.assertEqual(result.stdout, CONTENT)

    def test_what_is_right_is_written_to_the_standard_output(self):
        result = self.satchel("decompress", "-c", data=PACKED["gzip"][:-1])
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, CONTENT)

    def test_what_is_no_compressed_data(self):
        for data in (b"plain text, surely", b"\x1f", b"BZ", b"\0" * 1000):
            with self.subTest(data=data):
                self.assert_refused_everywhere("gzip", data)

    def test_empty_input_is_an_error(self):
        self.assert_refused_everywhere("gzip", b"")
        result = self.satchel("decompress")
        self.assertEqual((result.returncode, result.stdout), (1, b""))
        self.assertRegex(result.stderr.decode(), "^satchel: stdin: [^\n]+\n$")

    def test_another_format_than_said(self):
        self.file("f.gz", PACKED["bz2"])
        self.assertEqual(self.satchel("decompress", "--format", "gzip", "f.gz").returncode, 1)
        self.assertEqual(self.check("decompress", "--format", "bz2", "-c", "f.gz"), CONTENT)

    def test_garbage_after_the_data_is_a_warning(self):
        for name in ("gzip", "zlib", "bz2"):
            with self.subTest(format=name):
                packed = "f" + SUFFIXES[name]
                self.file(packed, PACKED[name] + b"garbage")
                offset = len(PACKED[name])
                said = f"satchel: {packed}: ignored garbage after the {name} data, at offset "
                self.assert_outcome(self.satchel("test", packed), 2, f"{said}{offset}\n")
                self.assert_outcome(self.satchel("decompress", packed), 2,
                                    f"{said}{offset}; the file is kept\n")
                self.assertEqual(self.names(), ["f", packed])
                self.assertEqual(self.read("f"), CONTENT)
                self.assert_outcome(self.satchel("decompress", "-qf", packed), 2)
                self.assertEqual(self.satchel("decompress", "--strict", "-f", packed).returncode, 1)
                self.assertEqual(self.read("f"), CONTENT)
                (self.folder / packed).unlink()
                (self.folder / "f").unlink()

    def test_garbage_after_xz_is_an_error(self):
        self.assert_refused_everywhere("xz", PACKED["xz"] + b"garbage")

    def test_zeros_after_gzip_and_xz_are_padding(self):
        for name in ("gzip", "xz"):
            with self.subTest(format=name):
                self.assertEqual(self.check("decompress", data=PACKED[name] + b"\0" * 512), CONTENT)
        self.assertEqual(self.satchel("decompress", data=PACKED["xz"] + b"\0" * 511).returncode, 1)
        self.assertEqual(self.satchel("decompress", "--strict",
                                      data=PACKED["gzip"] + b"\0" * 512).returncode, 1)

    def test_blocks_that_end_between_two_members(self):
        """BGZF has an empty member at its end; nothing else tells that a file of it was cut off."""
        def block(content):
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            body = packer.compress(content) + packer.flush()
            return (b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0" +
                    struct.pack("<H", len(body) + 25) + body +
                    struct.pack("<II", zlib.crc32(content), len(content)))
        content = text(300_000)
        blocks = [block(content[at:at + 60_000]) for at in range(0, len(content), 60_000)]
        self.assertEqual(self.check("decompress", data=b"".join(blocks) + block(b"")), content)
        self.assertEqual(self.check("decompress", data=block(b"")), b"")
        self.assertEqual(self.check("decompress", data=b"".join(blocks) + gzip.compress(b"end")),
                         content + b"end")
        cut = b"".join(blocks)
        self.file("f.gz", cut)
        message = (f"satchel: f.gz: the data may be cut off: the empty block that ends BGZF files "
                   f"is missing, at offset {len(cut)}")
        for threads in ("-T1", "-T2"):
            self.assert_outcome(self.satchel("decompress", threads, "-f", "f.gz"), 2,
                                message + "; the file is kept\n")
            self.assertEqual(self.read("f"), content)
            self.refused(message + "\n", "test", threads, "--strict", "f.gz")

    def test_forced_to_the_standard_output_what_is_not_compressed_is_copied(self):
        plain = text(1_000_000)
        self.file("plain", plain)
        self.file("f.gz", PACKED["gzip"])
        self.assertEqual(self.check("decompress", "-cf", "plain", "f.gz"), plain + CONTENT)
        self.assertEqual(self.check("cat", "-f", "plain", "f.gz"), plain + CONTENT)
        self.assertEqual(self.check("cat", "-f", "--range", "10:5", "plain"), plain[10:15])
        self.assertEqual(self.check("decompress", "-cf"), b"")
        for plain in (b"(See below.)", b"x^2", b"x^2 + y^2 = 1, and so on and on\n" * 100_000,
                      b"HK and back", b"BZh9 is what bzip2 writes", b"\x1f", b"\xfd"):
            with self.subTest(plain=plain[:10]):
                self.assertEqual(self.check("decompress", "-cf", data=plain), plain)
        # All printable, and compressed nevertheless.
        letters = b"GgFgaeBAgFGeAfCdB"
        packer = zlib.compressobj(2, zlib.DEFLATED, 15, 8, zlib.Z_FIXED)
        packed = b"x^" + (packer.compress(letters) + packer.flush())[2:]
        self.assertTrue(packed[:16].decode("ascii").isprintable())
        self.assertEqual(self.check("decompress", "-cf", data=packed), letters)
        self.refused("satchel: plain: its suffix does not tell what the result is called; use "
                     "--output or --stdout\n", "decompress", "-f", "plain")

    def test_a_truncated_source_is_compressed_as_far_as_it_was_read(self):
        content = random.Random(1).randbytes(20 << 20)
        path = self.file("f", content)
        process = self.start("compress", "-c", "-T1", "--chunk-size", "64KiB", "f")
        output = os.read(process.stdout.fileno(), 1000)  # past the buffer of `communicate`
        with open(path, "r+b") as source:
            source.truncate(10 << 20)
        rest, errors = process.communicate()
        self.assertEqual((process.returncode, errors),
                         (2, b"satchel: f: changed while it was read, and is kept\n"))
        decoded = gzip.decompress(output + rest)
        self.assertEqual(decoded, content[:len(decoded)])
        self.assertEqual(len(decoded), 10 << 20)


if __name__ == "__main__":
    unittest.main()
