"""How options are spelled, and what is said when they are wrong."""

import gzip
import os
import re
import resource
import unittest

from support import CHUNK, HAS_ZSTD, CliTest, text

COMMANDS = ["generate", "compress", "decompress", "test", "list", "cat"]


class Options(CliTest):
    def wrong_usage(self, said, *arguments):
        self.file("f", b"content")
        command = arguments[0]
        self.refused(f"satchel: {said} (satchel {command} --help tells more)\n", *arguments)
        self.assertEqual(self.read("f"), b"content")

    def test_short_options_combine(self):
        self.file("f", text(1000))
        self.file("f.gz", b"old")
        self.check("compress", "-kf9", "f")
        self.assertEqual(self.names(), ["f", "f.gz"])
        self.assertEqual(self.read("f.gz"), self.check("compress", "-9c", "f"))

    def test_options_may_follow_files(self):
        self.file("f", b"x")
        self.check("compress", "f", "-k", "-1")
        self.assertEqual(self.names(), ["f", "f.gz"])

    def test_the_last_of_several_wins(self):
        data = text(100_000)
        best = self.check("compress", "-9", data=data)
        self.assertEqual(self.check("compress", "-1", "-9", data=data), best)
        self.assertEqual(self.check("compress", "--fast", "--best", data=data), best)
        self.assertEqual(self.check("compress", "-1", "--level", "9", data=data), best)
        self.assertEqual(self.check("compress", "--level=3", "-9", data=data), best)
        self.assertNotEqual(self.check("compress", "-9", "-1", data=data), best)
        self.file("f", data)
        self.check("compress", "-T1", "-T", "2", "--format", "xz", "--format=gzip", "-9", "-o", "a",
                   "-o", "b", "f")
        self.assertEqual(self.read("b"), best)
        self.assertEqual(self.names(), ["b", "f"])

    def test_of_output_and_stdout_the_last_wins(self):
        self.file("f", b"x")
        self.assertEqual(self.check("compress", "-c", "-o", "out", "f"), b"")
        self.assertEqual(self.check("compress", "-o", "other", "-c", "f"), self.read("out"))
        self.assertEqual(self.names(), ["f", "out"])

    def test_a_switch_may_be_repeated(self):
        self.file("f", b"x")
        self.check("compress", "-k", "-k", "-q", "-q", "-f", "-f", "f")
        self.assertEqual(self.names(), ["f", "f.gz"])

    def test_switches_take_no_value(self):
        self.file("f", b"data")
        for switch in ("--keep=0", "--force=yes", "--fast=3"):
            with self.subTest(switch=switch):
                name = switch.split("=", maxsplit=1)[0]
                self.refused(f"satchel: {name} takes no value "
                             "(satchel compress --help tells more)\n", "compress", switch, "f")

    def test_long_names(self):
        self.file("f", b"x")
        self.check("compress", "--keep", "--force", "--quiet", "--no-progress", "f")
        self.assertEqual(self.check("compress", "--decompress", "--stdout", "f.gz"), b"x")
        self.assertEqual(self.check("decompress", "-dc", "f.gz"), b"x")
        self.check("compress", "--test", "f.gz")
        self.check("decompress", "--test", "f.gz")
        self.check("compress", "--threads", "1", "--verbose", "--quiet", "--force", "f")

    def test_compress_can_decompress_and_test(self):
        self.file("f.gz", gzip.compress(b"content"))
        self.check("compress", "-t", "f.gz")
        self.check("compress", "-d", "f.gz")
        self.assertEqual(self.read("f"), b"content")

    def test_two_dashes_end_the_options(self):
        for name in ["-x", "-9", "--help", "-"]:
            self.file(name, b"content")
        self.check("compress", "-k", "--", "-x", "-9", "--help")
        self.assertEqual(self.names(), ["-", "--help", "--help.gz", "-9", "-9.gz", "-x", "-x.gz"])

    def test_odd_names_are_names(self):
        names = ["[a,b]", "[c]", "++", "%s", "a b", "compress", "ü", "{}", "=", "a=b", "'", '"',
                 "[d", "a\nb", "\\"]
        for name in names:
            self.file(name, name.encode())
        self.check("compress", *names)
        self.assertEqual(self.names(), sorted(name + ".gz" for name in names))
        self.check("decompress", *[name + ".gz" for name in names])
        for name in names:
            self.assertEqual(self.read(name), name.encode())
        self.check("compress", "-o", "[e]", "[c]")
        self.assertIn("[e]", self.names())
        self.file("f", b"content")
        self.check("compress", "-kS", "[x]", "f")
        self.assertIn("f[x]", self.names())
        nowhere = {**os.environ, "XDG_RUNTIME_DIR": str(self.folder)}
        self.assertIn(b"--cluster [::1]:1: the key",
                      self.satchel("compress", "--cluster", "[::1]:1", "f", env=nowhere).stderr)

    def test_chunk_sizes(self):
        data = text(5 * CHUNK)
        small = self.check("compress", "--chunk-size", "64KiB", data=data)
        self.assertEqual(small, self.check("compress", "--chunk-size=65536", data=data))
        self.assertNotEqual(small, self.check("compress", "--chunk-size", "100kB", data=data))
        self.check("compress", "--chunk-size", "1GiB", data=b"x")
        for wrong, shown in {"65535": 65535, "0": 0, "1073741825": 1073741825}.items():
            self.wrong_usage(f"--chunk-size {shown} is out of range: 64KiB to 1GiB are possible",
                             "compress", "--chunk-size", wrong, "f")
        self.wrong_usage("cannot read '1x' as a size: the unit 'x' is unknown; write a number and "
                         "a unit, as in 10MB or 1.5GiB", "compress", "--chunk-size", "1x", "f")

    def test_much_memory_is_said(self):
        self.file("f", b"x")
        said = self.satchel("compress", "-kv9", "--format", "xz", "-T1", "f").stderr.decode()
        self.assertRegex(said, r"each thread needs \d+\.\d+ [MG]iB at this level and chunk size")
        said = self.satchel("compress", "-kfv6", "--format", "gzip", "f").stderr.decode()
        self.assertNotIn("needs", said)

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "there is one processor")
    def test_no_more_threads_than_half_the_memory_has_room_for(self):
        def limit_memory():
            resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        self.file("f", b"x")
        compress = ["compress", "-kfv9", "--format", "xz"]
        limited = self.satchel(*compress, "f", preexec_fn=limit_memory).stderr.decode()
        self.assertRegex(limited, r"^satchel: half the memory allows 1 of \d+ threads\n")
        told = self.satchel(*compress, "-T2", "f", preexec_fn=limit_memory).stderr.decode()
        self.assertNotIn("half the memory", told)

    def test_levels(self):
        self.wrong_usage("there is no level 0: gzip takes 1 to 9", "compress", "-0", "f")
        self.wrong_usage("there is no level 10: gzip takes 1 to 9", "compress", "-10", "f")
        self.wrong_usage("there is no level 0: gzip takes 1 to 9", "compress", "-k0", "f")
        self.wrong_usage("there is no level 10: xz takes 1 to 9", "compress", "--level", "10",
                         "--format", "xz", "f")
        self.wrong_usage("Could not convert: --level = high", "compress", "--level", "high", "f")

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_levels_of_two_digits(self):
        data = b"".join(b"%d lines\n" % n for n in range(20_000))
        levels = [self.check("compress", "--format", "zstd", option, data=data)
                  for option in ("-19", "--level=19", "-9")]
        self.assertEqual(levels[0], levels[1])
        self.assertNotEqual(levels[0], levels[2])
        self.assertEqual(self.check("compress", "--format", "zstd", "-c19", data=data), levels[0])
        self.wrong_usage("there is no level 20: zstd takes 1 to 19", "compress", "--format", "zstd",
                         "-20", "f")

    def test_what_is_another_options_value_or_a_file_is_no_level(self):
        data = b"some lines\n"
        self.file("f", data)
        self.check("compress", "-k", "-o", "-12", "f")
        self.check("compress", "-kS", "-13", "f")
        self.check("compress", "-kT2", "-o", "-14", "f")
        self.file("-15", data)
        self.check("compress", "-k", "--", "-15")
        self.assertEqual(self.names(), ["-12", "-14", "-15", "-15.gz", "f", "f-13"])

    def test_threads(self):
        for n in [1, 2, 64, 0]:
            self.check("compress", "-T", n, data=b"x")
        for wrong in ["-1", "1025", "many", "1.5"]:
            self.wrong_usage(f"--threads: Value {wrong} not in range 0 to 1024",
                             "compress", f"--threads={wrong}", "f")

    def test_formats(self):
        names = "gzip, bz2, xz, zstd, zlib" if HAS_ZSTD else "gzip, bz2, xz, zlib"
        self.wrong_usage(f"there is no codec 'rar'; there are {names}",
                         "compress", "--format", "rar", "f")

    def test_unknown_options(self):
        for command in COMMANDS:
            self.wrong_usage("not understood: --unknown", command, "--unknown", "f")
        self.wrong_usage("not understood: -Z", "compress", "-Z", "f")
        self.wrong_usage("not understood: g", "generate", "f", "g")

    def test_missing_values(self):
        self.wrong_usage("--output: 1 required FILE missing", "compress", "f", "-o")
        self.wrong_usage("--output: the name is empty", "compress", "f", "-o", "")
        self.wrong_usage("FILE is required", "generate")

    def test_cat_makes_no_file(self):
        self.wrong_usage("cat writes to the standard output; decompress takes --output",
                         "cat", "-o", "g", "f")

    def test_one_output_takes_one_file(self):
        self.file("g", b"content")
        self.wrong_usage("--output takes the result of one file only",
                         "compress", "-o", "out", "f", "g")

    def test_several_files_are_no_zlib_stream(self):
        self.file("g", b"content")
        self.wrong_usage("several files cannot become one zlib stream; compress them one by one, "
                         "or use gzip", "compress", "--format", "zlib", "-c", "f", "g")
        # How many these are is not looked at.
        for several in (["-r", "f"], ["--files0", "list"]):
            self.wrong_usage("several files cannot become one zlib stream; compress them one by "
                             "one, or use gzip", "compress", "--format", "zlib", "-c", *several)

    def test_every_command_helps_with_an_example(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                for option in ["--help", "-h"]:
                    said = self.check(command, option).decode()
                    self.assertIn(f"satchel {command}", said)
                    self.assertRegex(said, f"Example: satchel {command} ")

    def test_the_program_itself(self):
        self.assertRegex(self.check("--version").decode(), r"^satchel \d+\.\d+\.\d+\n$")
        said = self.check("--help").decode()
        for command in COMMANDS:
            self.assertTrue(re.search(rf"^  {command} ", said, re.MULTILINE), said)
        self.assert_outcome(self.satchel(), 2, said)
        self.refused("satchel: there is no command 'squash' (satchel --help lists them)\n",
                     "squash", "f", code=2)

    def test_what_is_said_and_does_not_arrive_is_no_success(self):
        self.file("f.gz", gzip.compress(b"something"))
        with open("/dev/full", "wb") as full:
            for arguments in (["--help"], ["list", "f.gz"], ["test", "--json", "f.gz"]):
                with self.subTest(arguments=arguments):
                    self.assert_outcome(self.satchel(*arguments, stdout=full), 1,
                                        "satchel: stdout: cannot write: No space left on device\n")


if __name__ == "__main__":
    unittest.main()
