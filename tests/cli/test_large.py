"""More than 4 GiB, which 32 bits cannot count."""

import json
import shutil
import subprocess
import unittest

from support import HAS_ZSTD, CliTest

SIZE = 4_300_000_010
MARK = b"0123456789"  # the last bytes; all others are zero


class Large(CliTest):
    def setUp(self):
        super().setUp()
        with open(self.folder / "f", "wb") as file:
            file.seek(SIZE - len(MARK))
            file.write(MARK)

    def check_file(self, name):
        """Compresses the file; looks at what that gives without decoding all of it."""
        self.check("compress", "-k1", "--format", name, "-o", "packed", "f")
        listed = json.loads(self.check("list", "--json", "packed"))
        self.assertEqual(listed["uncompressed"], SIZE)
        begin = SIZE - len(MARK) - 2
        self.assertEqual(self.check("cat", "--range", f"{begin}:5", "packed"), bytes(2) + MARK[:3])
        self.assertEqual(self.check("cat", "--range", f"{SIZE - 1}:", "packed"), MARK[-1:])

    def test_gzip(self):
        self.check_file("gzip")
        packed = self.read("packed")
        self.assertEqual(int.from_bytes(packed[-4:], "little"), SIZE % 2 ** 32)
        self.check("test", "packed")
        if shutil.which("igzip"):  # gzip itself would take half a minute
            subprocess.run(["igzip", "-t"], input=packed, check=True)

    def test_zlib(self):
        self.check_file("zlib")

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_zstd(self):
        self.check_file("zstd")
        subprocess.run(["zstd", "-qt", "-"], input=self.read("packed"), check=True)


if __name__ == "__main__":
    unittest.main()
