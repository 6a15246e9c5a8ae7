"""Test data: exactly the size asked for, and the same every time."""

import json
import unittest
import zlib

from support import CliTest

SIZES = [0, 1, 10, 199, 200, 1000, 65536, 1_048_575, 1_048_576, 1_048_577, 3_333_333]


class Generate(CliTest):
    def generated(self, size, *options):
        self.check("generate", "f", "--size", size, *options)
        data = self.read("f")
        (self.folder / "f").unlink()
        self.assertEqual(len(data), size)
        return data

    def test_the_lines_of_the_guide(self):
        expected = "".join(f"Línea de prueba {i} " * 10 + "\n" for i in range(20_000)).encode()
        for size in SIZES:
            with self.subTest(size=size):
                self.assertEqual(self.generated(size), expected[:size])

    def test_json_is_whole_to_the_last_line(self):
        for size in SIZES:
            with self.subTest(size=size):
                data = self.generated(size, "--kind", "json")
                for number, line in enumerate(data.decode().splitlines()):
                    if line.strip():
                        self.assertEqual(json.loads(line)["id"], number)
                self.assertTrue(size == 0 or data.endswith(b"\n"))

    def test_data_for_the_standard_output(self):
        self.assertEqual(self.check("generate", "-", "--size", 100_000), self.generated(100_000))
        self.assertEqual(self.names(), [])
        with open("/dev/full", "wb") as full:
            self.assert_outcome(
                self.satchel("generate", "-", "--size", "10", stdout=full), 1,
                "satchel: stdout: cannot write at offset 0: No space left on device\n")

    def test_random_data_cannot_be_compressed(self):
        for size in SIZES:
            with self.subTest(size=size):
                data = self.generated(size, "--kind", "random")
                self.assertGreaterEqual(len(zlib.compress(data)), size)

    def test_the_seed_decides(self):
        for kind in ("json", "random"):
            with self.subTest(kind=kind):
                first = self.generated(10_000, "--kind", kind, "--seed", "1")
                self.assertEqual(first, self.generated(10_000, "--kind", kind, "--seed", "1"))
                self.assertEqual(first, self.generated(10_000, "--kind", kind))
                self.assertNotEqual(first, self.generated(10_000, "--kind", kind, "--seed", "2"))

    def test_sizes_have_units(self):
        for spelled, size in {"1MB": 1_000_000, "1MiB": 1 << 20, "1.5kB": 1500, "12": 12}.items():
            self.check("generate", "f", "--size", spelled)
            self.assertEqual(len(self.read("f")), size)
            (self.folder / "f").unlink()

    def test_nothing_is_overwritten(self):
        self.file("f", b"old")
        self.refused("satchel: f: already exists\n", "generate", "f", "--size", "10")
        self.assertEqual(self.read("f"), b"old")

    def test_wrong_usage(self):
        for said, arguments in {
                "there is no kind 'poem'; there are guide, json, random": ["--kind", "poem"],
                "cannot read '-1' as a size: it is negative; write a number and a unit, as in 10MB "
                "or 1.5GiB": ["--size=-1"],
                "Could not convert: --seed = one": ["--seed", "one"]}.items():
            self.refused(f"satchel: {said} (satchel generate --help tells more)\n", "generate", "f",
                         *arguments)


if __name__ == "__main__":
    unittest.main()
