"""Lists, folders, suffixes, names in headers, limits, ranges, reports for programs, aliases."""

import fcntl
import gzip
import json
import lzma
import os
import subprocess
import unittest
import zlib

from support import CHUNK, HAS_ZSTD, SATCHEL, SUFFIXES, CliTest, text

CONTENT = text(400_000)


class MoreOptions(CliTest):
    def test_list_counts_all_members(self):
        self.file("f.gz", gzip.compress(CONTENT) + gzip.compress(b"more"))
        size = (self.folder / "f.gz").stat().st_size
        lines = self.check("list", "f.gz").decode().splitlines()
        self.assertEqual(lines[0].split(), ["compressed", "uncompressed", "ratio", "streams",
                                            "format", "check", "name"])
        ratio = f"{100 - 100 * size / 400_004:.1f}%"
        self.assertEqual(lines[1].split(), [str(size), "400004", ratio, "2", "gzip", "CRC32",
                                            "f"])
        self.file("g.gz", gzip.compress(b"x"))
        for arguments in (["list"], ["compress", "-l"], ["decompress", "--list"]):
            said = self.check(*arguments, "f.gz", "g.gz").decode().splitlines()
            self.assertEqual(len(said), 4)
            self.assertEqual(said[3].split()[1], "400005")
        self.assertEqual(self.names(), ["f.gz", "g.gz"])

    def test_list_tells_the_check(self):
        kinds = {"gzip": "CRC32", "zlib": "Adler32", "bz2": "CRC32", "xz": "CRC64", "zstd": "XXH64"}
        commands = [([SATCHEL, "compress", "--format", name], kinds[name]) for name in SUFFIXES]
        commands += [(["xz", "--check", kind.lower().replace("-", "")], kind)
                     for kind in ("None", "CRC32", "CRC64", "SHA-256")]
        commands.append((["xz", "--format=lzma"], "None"))
        if HAS_ZSTD:
            commands += [(["zstd", "-q"], "XXH64"), (["zstd", "-q", "--no-check"], "None"),
                         (["pzstd", "-q"], "XXH64")]
        for command, kind in commands:
            with self.subTest(command=command):
                packed = subprocess.run(command, input=CONTENT, stdout=subprocess.PIPE, check=True)
                said = self.check("list", data=packed.stdout).decode().splitlines()
                self.assertEqual(said[1].split()[5], kind)
                said = json.loads(self.check("list", "--json", data=packed.stdout))
                self.assertEqual(said["check"], kind)

    def test_list_finds_damage(self):
        self.file("f.gz", gzip.compress(CONTENT)[:-1])
        result = self.satchel("list", "f.gz")
        self.assertEqual((result.returncode, result.stdout), (1, b""))

    def test_reports_for_programs(self):
        self.file("f", CONTENT)
        done = json.loads(self.check("compress", "--json", "f"))
        self.assertEqual((done["file"], done["output"], done["ok"]), ("f", "f.gz", True))
        self.assertEqual((done["format"], done["uncompressed"]), ("gzip", len(CONTENT)))
        self.assertEqual(done["compressed"], (self.folder / "f.gz").stat().st_size)
        for command in ("test", "list"):
            done = json.loads(self.check(command, "--json", "f.gz"))
            self.assertEqual((done["uncompressed"], done["streams"]), (len(CONTENT), 1))
        result = self.satchel("decompress", "-c", "--json", "f.gz")
        self.assertEqual(result.stdout, CONTENT)
        self.assertTrue(json.loads(result.stderr)["ok"])
        odd = 'a"\\\n\u00fc'
        self.file(odd, b"no gzip")
        result = self.satchel("test", "--json", "-q", odd)
        failed = json.loads(result.stdout)
        self.assertEqual((failed["file"], failed["ok"]), (odd, False))
        self.assertIn("none of the known formats", failed["error"])

    def test_reports_on_names_that_are_no_text(self):
        # JSON is UTF-8, and names are bytes.
        for name in (b"\xff\xfe", b"a\xc3", b"\xc3a", b"\xe2\x82", b"\xed\xa0\x80", b"\xc0\xaf",
                     b"\xf4\x90\x80\x80"):
            self.assertIn("\ufffd", self.reported(name))
        for name in ("\u00fc", "\u20ac", "\ud7ff\ue000", "\U0001f392", "\U0010ffff"):
            self.assertEqual(self.reported(name.encode()), name)

    def reported(self, name):
        """What a report calls a file that has the bytes `name` for a name."""
        with open(os.path.join(os.fsencode(self.folder), name), "wb") as file:
            file.write(gzip.compress(CONTENT))
        done = subprocess.run([SATCHEL, "list", "--json", name], cwd=self.folder,
                              stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout.decode())["file"]

    def test_a_report_that_cannot_be_written_does_not_keep_files_from_being_done(self):
        names = [f"f{k}" for k in range(100)]  # more than a buffer of reports
        for name in names:
            self.file(name, b"content")
        with open("/dev/full", "wb") as full:
            result = self.satchel("compress", "--json", *names, stdout=full)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"satchel: stdout: cannot write the report: No space left on device\n",
                      result.stderr)
        self.assertEqual(self.names(), sorted(name + ".gz" for name in names))

    def test_folders(self):
        (self.folder / "d" / "e").mkdir(parents=True)
        for name in ("d/a", "d/b.gz", "d/e/c", "f"):
            self.file(name, name.encode())
        os.symlink("a", self.folder / "d" / "link")
        self.check("compress", "-r", "d", "f")
        names = sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*")
                       if not path.is_dir())
        self.assertEqual(names, ["d/a.gz", "d/b.gz", "d/e/c.gz", "d/link", "f.gz"])
        self.file("d/b.gz", gzip.compress(b"b"))
        self.file("d/plain", b"plain")
        self.check("decompress", "--recursive", "d")
        self.assertEqual(self.read("d/e/c"), b"d/e/c")
        self.assertEqual(self.read("d/b"), b"b")
        self.assertEqual(self.read("d/plain"), b"plain")

    def test_the_name_of_the_original_finds_what_was_compressed(self):
        for name, suffix in SUFFIXES.items():
            with self.subTest(format=name):
                self.file("f", CONTENT)
                self.check("compress", "--format", name, "f")
                self.assertEqual(self.check("cat", "f"), CONTENT)
                self.check("test", "f")
                self.check("decompress", "f")
                self.assertEqual((self.names(), self.read("f")), (["f"], CONTENT))
        self.check("compress", "-S", ".odd", "f")
        self.check("decompress", "-S", ".odd", "f")
        self.assertEqual(self.names(), ["f"])
        self.file("f.gz", b"another")
        self.check("compress", "--format", "xz", "f")
        self.check("decompress", "--format", "xz", "f")
        self.assertEqual((self.names(), self.read("f")), (["f", "f.gz"], CONTENT))
        (self.folder / "f.gz").unlink()
        # What is there is meant, though nothing tells what it would become.
        self.check("compress", "-k", "f")
        self.assertEqual(self.satchel("decompress", "f").returncode, 1)

    def test_a_name_stands_for_what_is_there_when_it_is_reached(self):
        self.file("a.gz.gz", gzip.compress(gzip.compress(CONTENT)))
        self.check("decompress", "a.gz.gz", "a.gz")
        self.assertEqual((self.names(), self.read("a")), (["a"], CONTENT))

    def test_what_another_run_is_writing_into_a_folder_is_left_alone(self):
        (self.folder / "d").mkdir()
        self.file("d/a", CONTENT)
        pending = self.file("d/.satchel-0123456789abcdef.part", b"half")
        with open(pending, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.check("compress", "-r", "d")
        self.assertEqual(sorted(os.listdir(self.folder / "d")), [pending.name, "a.gz"])

    def test_a_link_to_a_folder_is_gone_through_where_links_are_followed(self):
        (self.folder / "d").mkdir()
        self.file("d/a", CONTENT)
        os.symlink("d", self.folder / "link")
        os.symlink(".", self.folder / "d" / "round")
        self.refused("satchel: link: is a symbolic link; --force follows it, --stdout reads it\n",
                     "compress", "-r", "link")
        self.assertEqual(gzip.decompress(self.check("compress", "-rc", "link")), CONTENT)
        self.check("compress", "-rf", "link")
        self.check("test", "-r", "link")
        self.assertEqual(self.check("cat", "-r", "link"), CONTENT)
        self.assertEqual(sorted(os.listdir(self.folder / "d")), ["a.gz", "round"])
        self.assertTrue((self.folder / "link").is_symlink())

    def test_a_list_of_names(self):
        names = ["a", "b\nc", "-d", " "]
        for name in names:
            self.file(name, name.encode())
        self.file("list", b"".join(name.encode() + b"\0" for name in names))
        self.check("compress", "-k", "--files0", "list")
        self.check("compress", "-f", "--files0=-", data=b"a\0-d")
        self.assertEqual(self.names(), sorted(["b\nc", " ", "list", "a.gz", "b\nc.gz", "-d.gz",
                                               " .gz"]))
        self.check("compress", "--files0", "-")
        self.refused("satchel: none: cannot open: No such file or directory\n", "compress",
                     "--files0", "none")

    def test_another_suffix(self):
        self.file("f", CONTENT)
        self.check("compress", "-S", ".pressed", "f")
        self.assertEqual(self.names(), ["f.pressed"])
        self.refused("satchel: f.pressed: its suffix does not tell what the result is called; use "
                     "--output or --stdout\n", "decompress", "f.pressed")
        self.refused("satchel: f.pressed: has the suffix of gzip already; --force compresses "
                     "it\n", "compress", "--suffix=.pressed", "f.pressed")
        self.file("g.gz", gzip.compress(CONTENT))
        self.refused("satchel: g.gz: has the suffix of gzip already; --force compresses "
                     "it\n", "compress", "--suffix=.pressed", "g.gz")
        self.check("decompress", "-S.pressed", "f.pressed", "g.gz")
        self.assertEqual((self.read("f"), self.read("g")), (CONTENT, CONTENT))
        for wrong in ("", "a/b"):
            self.assertEqual(self.satchel("compress", "-S", wrong, "f").returncode, 1)

    def test_suffixes_that_gzip_knows(self):
        for suffix, name in {".z": "f", "-gz": "f", "-z": "f", "_z": "f", ".taz": "f.tar"}.items():
            self.file("f" + suffix, gzip.compress(CONTENT))
            self.check("decompress", "f" + suffix)
            self.assertEqual(self.names(), [name], suffix)
            (self.folder / name).unlink()

    def test_spellings_of_other_tools(self):
        packed = self.check("compress", "--silent", "--to-stdout", "-p2", "-z", data=CONTENT)
        self.assertEqual(gzip.decompress(packed), CONTENT)
        self.assertEqual(self.check("compress", "--uncompress", "--processes=1", data=packed),
                         CONTENT)
        self.assertEqual(self.check("compress", "-d", "--compress", data=CONTENT), packed)
        version = self.check("--version")
        for command in ("compress", "decompress", "test", "scheduler"):
            self.assertEqual(self.check(command, "-V"), version)

    def test_name_and_time_in_the_header(self):
        path = self.file("f", CONTENT)
        os.utime(path, ns=(1_700_000_000_123_456_789,) * 2)
        self.check("compress", "-N", "f")
        with gzip.open(self.folder / "f.gz") as file:
            file.read()
            self.assertEqual(file.mtime, 1_700_000_000)
        self.assertEqual(self.read("f.gz")[3:4] + self.read("f.gz")[10:12], b"\x08f\0")
        os.rename(self.folder / "f.gz", self.folder / "other.gz")
        os.utime(self.folder / "other.gz")
        self.check("decompress", "-kN", "other.gz")
        self.assertEqual(path.stat().st_mtime, 1_700_000_000)
        self.check("decompress", "-Nn", "other.gz")
        self.assertEqual(self.names(), ["f", "other"])
        # The standard input has no name, be it a file.
        with open(path, "rb") as source:
            packed = self.check("compress", "-N", stdin=source)
        self.assertEqual(packed[3:8], b"\0" + (1_700_000_000).to_bytes(4, "little"))
        os.utime(path, (-1000, -1000))
        self.assert_outcome(self.satchel("compress", "-N", "f"), 2,
                            "satchel: f: its time does not fit into a gzip header, which does not "
                            "tell it\n")
        self.assertEqual(self.names(), ["f.gz", "other"])
        os.utime(self.folder / "other", (-1000, -1000))
        self.check("compress", "-N", "--format", "xz", "other")

    def test_names_in_headers_cannot_reach_other_folders(self):
        (self.folder / "d").mkdir()
        plain = gzip.compress(b"x", mtime=0)
        for name, result in {b"../../up": "d/up", b"/tmp/down": "d/down", b"..": "d/f",
                             b"": "d/f", b"a/.": "d/f"}.items():
            named = plain[:3] + b"\x08" + plain[4:10] + name + b"\0" + plain[10:]
            self.file("d/f.gz", named)
            self.check("decompress", "-N", "d/f.gz")
            (self.folder / result).unlink()
        self.assertEqual(self.names(), ["d"])
        self.assertEqual(os.listdir(self.folder / "d"), [])

    def test_a_range(self):
        for name in SUFFIXES:
            self.file("f", CONTENT)
            self.check("compress", "--format", name, "--chunk-size", CHUNK, "-o", name, "f")
            for asked, part in {"0:10": CONTENT[:10], "100kB:70000": CONTENT[100_000:170_000],
                                "399999:": CONTENT[399_999:], ":5": CONTENT[:5], "7:0": b"",
                                "500000:10": b"", "399990:1GB": CONTENT[399_990:]}.items():
                with self.subTest(format=name, range=asked):
                    self.assertEqual(self.check("cat", "--range", asked, name), part)
        self.assertEqual(self.check("cat", "gzip", "xz"), CONTENT * 2)
        self.assertEqual(self.satchel("cat", "--range", "10", "gzip").returncode, 1)

    def test_a_limit_for_the_output(self):
        self.file("f.gz", gzip.compress(bytes(50_000_000)))
        result = self.satchel("decompress", "--max-output", "1MB", "f.gz")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), r"^satchel: f\.gz: holds more than the 1000000 "
                         r"bytes of --max-output: \d+ bytes of it were read, and gave \d+ so "
                         r"far\n$")
        self.assertEqual(self.names(), ["f.gz"])
        for arguments in (["decompress", "-c"], ["decompress", "-cT1"], ["cat"],
                          ["cat", "--range", "5:2MB"]):
            with self.subTest(arguments=arguments):
                result = self.satchel(*arguments, "--max-output", "1MB", "f.gz")
                self.assertEqual(result.returncode, 1)
                self.assertLessEqual(len(result.stdout), 1_000_000)
        self.check("decompress", "--max-output", "50MB", "f.gz")

    def test_a_limit_for_the_memory(self):
        self.file("f", CONTENT)
        self.check("compress", "--memory", "64MiB", "-k", "f")
        said = self.satchel("compress", "--memory", "64MiB", "-kfvT8", "f").stderr.decode()
        self.assertRegex(said, r"^satchel: --memory allows \d of 8 threads\nsatchel: f: .*\n$")
        result = self.satchel("compress", "--memory", "64MiB", "--format", "xz", "-9", "f")
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr.decode(), r"^satchel: f: one thread needs [\d.]+ \wiB at "
                         r"this level and chunk size, which is more than --memory allows\n$")

    def test_a_limit_for_the_memory_of_decoding(self):
        self.file("f.xz", lzma.compress(CONTENT, preset=9))  # 64 MiB of dictionary
        self.file("g.lzma", lzma.compress(CONTENT, format=lzma.FORMAT_ALONE, preset=9))
        for file, kind in (("f.xz", "xz"), ("g.lzma", ".lzma")):
            for command in ("decompress", "test", "cat"):
                result = self.satchel(command, "--memory", "60MB", file)
                self.assertEqual((result.returncode, result.stdout), (1, b""))
                self.assertRegex(result.stderr.decode(), rf"^satchel: {file}: decoding the {kind} "
                                 r"data takes 6\d\.\d+ MiB of memory; no more than [\d.]+ MiB may "
                                 r"be used\n$")
                self.check(command, "-k" if command == "decompress" else "-q", "--memory",
                           "100MB", file)
        self.refused("satchel: f.xz: satchel itself takes 24.00 MiB, and --memory allows no more\n",
                     "test", "--memory", "20MB", "f.xz")
        if HAS_ZSTD:
            subprocess.run(["zstd", "-q", "--long=27", "-o", "h.zst"], input=CONTENT, check=True,
                           cwd=self.folder)
            result = self.satchel("test", "--memory", "100MB", "h.zst")
            self.assertIn(b"a window of more than 64.00 MiB, and takes more memory than is allowed",
                          result.stderr)
            self.check("test", "--memory", "200MB", "h.zst")
            subprocess.run(["zstd", "-q", "--long=28", "-o", "i.zst"], input=CONTENT, check=True,
                           cwd=self.folder)
            self.assertIn(b"a window of more than 128.00 MiB; zstd --long=31 -d decodes it",
                          self.satchel("test", "i.zst").stderr)

    def test_zeros_become_holes(self):
        data = bytes(10_000_000) + b"x" + bytes(3_000_000)
        self.file("f.gz", gzip.compress(data))
        self.check("decompress", "f.gz")
        self.assertEqual(self.read("f"), data)
        status = (self.folder / "f").stat()
        self.assertEqual(status.st_size, len(data))
        self.assertLess(status.st_blocks * 512, 2_000_000)

    def test_rsyncable_output_changes_little(self):
        before = text(6_000_000)
        after = before[:3_000_000] + b"!" + before[3_000_000:]
        for name in ("gzip", "zlib", "bz2", "xz", "zstd"):
            if name == "zstd" and not HAS_ZSTD:
                continue
            packed = [self.check("compress", "--rsyncable", "--format", name, data=data)
                      for data in (before, after)]
            self.assertEqual(self.check("decompress", data=packed[1]), after)
            blocks = {packed[0][i:i + 50] for i in range(len(packed[0]))}
            known = sum(packed[1][i:i + 50] in blocks for i in range(0, len(packed[1]), 50))
            share = 0.7 if name == "xz" else 0.95  # whose blocks are large
            self.assertGreaterEqual(known * 50, share * len(packed[1]), name)

    def run_as(self, name, *arguments, data=b""):
        """Runs a link of that name to the executable; returns its standard output."""
        link = self.folder / name
        if not link.exists():
            os.symlink(SATCHEL, link)
        return subprocess.run([link, *arguments], input=data, stdout=subprocess.PIPE,
                              cwd=self.folder, check=True).stdout

    def test_links_that_are_called_like_other_tools(self):
        run = self.run_as
        for tool, reverse, cat in (("gzip", "gunzip", "zcat"), ("bzip2", "bunzip2", "bzcat"),
                                   ("xz", "unxz", "xzcat"), ("zstd", "unzstd", "zstdcat")):
            if tool == "zstd" and not HAS_ZSTD:
                continue
            packed = run("satchel-" + tool, data=CONTENT)
            name = {"bzip2": "bz2", "zstd": "zstd"}.get(tool, tool)
            self.assertEqual(packed, self.check("compress", "--format", name, data=CONTENT))
            self.file("f", packed)
            self.assertEqual(run("satchel-" + reverse, data=packed), CONTENT)
            self.assertEqual(run("satchel-" + cat, "f"), CONTENT)
            self.assertEqual(run("satchel-" + tool, "-dc", "f"), CONTENT)

    def test_links_that_are_called_like_other_tools_read_all_formats(self):
        for name in SUFFIXES:
            self.file("f", self.check("compress", "--format", name, data=CONTENT))
            for tool in ("gzip", "pigz", "bzip2", "xz"):
                with self.subTest(format=name, tool=tool):
                    self.assertEqual(self.run_as("satchel-" + tool, "-dc", "f"), CONTENT)
                    self.run_as("satchel-" + tool, "-t", "f")
                    self.assertIn(b"400000", self.run_as("satchel-" + tool, "-l", "f"))
        self.file("plain", b"plain")  # as zgrep reads it
        self.assertEqual(self.run_as("satchel-gzip", "-cdf", "plain"), b"plain")
        self.file("f", gzip.compress(CONTENT))
        with self.assertRaises(subprocess.CalledProcessError):
            self.run_as("satchel-gzip", "--format", "xz", "-dc", "f")

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_a_link_that_is_called_like_zstd_keeps_sources(self):
        self.file("f", CONTENT)
        self.run_as("satchel-zstd", "f")
        self.run_as("satchel-unzstd", "-f", "f.zst")
        self.assertLessEqual({"f", "f.zst"}, set(self.names()))
        self.run_as("satchel-zstd", "--rm", "-f", "f")
        self.assertNotIn("f", self.names())

    def test_a_link_that_is_called_like_pigz_makes_zlib_of_z(self):
        self.file("f", CONTENT)
        self.run_as("satchel-pigz", "-kz", "f")
        self.assertEqual(zlib.decompress(self.read("f.zz")), CONTENT)
        self.assertEqual(self.run_as("satchel-unpigz", "-c", "f.zz"), CONTENT)
        self.run_as("satchel-pigz", "-f", "-d", "f.zz")
        self.assertEqual(self.read("f"), CONTENT)
        self.assertEqual(self.run_as("satchel-pigz", "-dcz", data=gzip.compress(CONTENT)), CONTENT)
        packed = self.run_as("satchel-pigz", "-z", "--format", "xz", data=CONTENT)
        self.assertEqual(lzma.decompress(packed), CONTENT)
        self.run_as("satchel-gzip", "-z", "--synchronous", "f")
        self.assertEqual(gzip.decompress(self.read("f.gz")), CONTENT)

    @unittest.skipUnless(HAS_ZSTD, "this build has no zstd")
    def test_levels_of_zstd(self):
        data = text(100_000)
        sizes = [len(self.check("compress", "--format", "zstd", "--level", level, data=data))
                 for level in (1, 19)]
        self.assertGreater(sizes[0], sizes[1])


if __name__ == "__main__":
    unittest.main()
