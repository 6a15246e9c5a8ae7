"""Every call that changes files fails once, and the process dies once before each of them: the
result is there whole or not at all, and the source goes only when the result is safe.
"""

import errno
import gzip
import os
import signal
import unittest

from support import ACCESS_LIST, CHUNK, FAULTS, SUFFIXES, CliTest, text

CONTENT = text(3 * CHUNK)
PACKED = gzip.compress(CONTENT)
OLD = b"what was there before"


@unittest.skipUnless(FAULTS, "this build cannot be given faults")
class Faults(CliTest):
    def run_with(self, fault, *arguments, unnamed_files=True):
        environment = {**os.environ, "LD_PRELOAD": FAULTS, **fault}
        if not unnamed_files:
            environment["FAULT_NO_UNNAMED_FILES"] = "1"
        return self.satchel(*arguments, env=environment)

    def clear(self):
        for name in self.names():
            (self.folder / name).unlink()

    def content_of(self, name):
        """What the file holds, uncompressed; None if there is none."""
        if name not in self.names():
            return None
        data = self.read(name)
        return gzip.decompress(data) if name.endswith(".gz") and data != OLD else data

    def assert_old_or_new(self, source, target, target_before):
        self.assertIn(self.content_of(source), [CONTENT, None])
        self.assertIn(self.content_of(target), [CONTENT, target_before])
        self.assertIn(CONTENT, [self.content_of(source), self.content_of(target)])

    def die_everywhere(self, number, unnamed_files):
        """Dies by the signal before the first such call, the second, … until there is none left."""
        compress = ["compress", "--chunk-size", CHUNK]
        for arguments, source, data, target, before in [
                ([*compress, "f"], "f", CONTENT, "f.gz", None),
                ([*compress, "-f", "f"], "f", CONTENT, "f.gz", OLD),
                (["decompress", "f.gz"], "f.gz", PACKED, "f", None),
                (["decompress", "-f", "f.gz"], "f.gz", PACKED, "f", OLD)]:
            for at in range(1, 100):
                self.clear()
                self.file(source, data)
                if before:
                    self.file(target, before)
                with self.subTest(arguments=arguments, at=at, signal=number):
                    result = self.run_with({"FAULT_SIGNAL": f"{at}:{number}"}, *arguments,
                                           unnamed_files=unnamed_files)
                    if result.returncode == 0:
                        break
                    self.assert_outcome(result, -number)
                    self.assert_old_or_new(source, target, before)
                    self.assert_no_leftovers(number, source, target)
            self.assertGreater(at, 6)
            self.assertEqual(self.names(), [target])

    def assert_no_leftovers(self, number, source, target):
        """A signal that can be caught leaves nothing; after SIGKILL the next run cleans up."""
        if number == signal.SIGKILL:
            self.file("next", b"")
            self.check("compress", "next")
            (self.folder / "next.gz").unlink()
        self.assertLessEqual(set(self.names()), {source, target})

    def test_sigkill(self):
        self.die_everywhere(signal.SIGKILL, unnamed_files=True)

    def test_sigkill_without_unnamed_files(self):
        self.die_everywhere(signal.SIGKILL, unnamed_files=False)

    def test_sigterm(self):
        self.die_everywhere(signal.SIGTERM, unnamed_files=True)

    def test_sigterm_without_unnamed_files(self):
        self.die_everywhere(signal.SIGTERM, unnamed_files=False)

    def check_error(self, call, said, *options, at=1, unnamed_files=True, before=None):
        """A call fails: an error, and everything is as it was."""
        self.clear()
        self.file("f", CONTENT)
        if before:
            self.file("f.gz", before)
        for code in (errno.ENOSPC, errno.EIO):
            with self.subTest(call=call, code=code, unnamed_files=unnamed_files):
                result = self.run_with({"FAULT_ERROR": f"{call}:{at}:{code}"}, "compress",
                                       "--chunk-size", CHUNK, *options, "f",
                                       unnamed_files=unnamed_files)
                self.assert_outcome(result, 1,
                                    f"satchel: f: f.gz: cannot {said}: {os.strerror(code)}\n")
                self.assertEqual(self.names(), ["f", "f.gz"] if before else ["f"])
                self.assertEqual(self.read("f"), CONTENT)
                if before:
                    self.assertEqual(self.read("f.gz"), before)

    def test_errors(self):
        for unnamed_files in (True, False):
            self.check_error("open", "create", unnamed_files=unnamed_files)
            self.check_error("write", "write at offset 0", unnamed_files=unnamed_files)
            self.check_error("write", "write at offset 10", at=2, unnamed_files=unnamed_files)
            self.check_error("fchown", "set the owner", at=2, unnamed_files=unnamed_files)
            self.check_error("fchmod", "set the permissions", unnamed_files=unnamed_files)
            self.check_error("futimens", "set the time", unnamed_files=unnamed_files)
            self.check_error("fsync", "flush to the disk", unnamed_files=unnamed_files)
            self.check_error("rename", "create", "-f", before=OLD, unnamed_files=unnamed_files)
        self.check_error("linkat", "create")
        self.check_error("linkat", "create", "-f", before=OLD)
        self.check_error("renameat2", "create", unnamed_files=False)

    def test_file_systems_that_know_no_renaming_without_replacing(self):
        self.file("f", CONTENT)
        fault = {"FAULT_ERROR": f"renameat2:1:{errno.EINVAL}"}
        self.assert_outcome(self.run_with(fault, "compress", "f", unnamed_files=False), 0)
        self.assertEqual(self.names(), ["f.gz"])
        self.assertEqual(self.content_of("f.gz"), CONTENT)

    def test_file_systems_that_know_no_second_names_either(self):
        for code in (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK):
            self.clear()
            self.file("f", CONTENT)
            fault = {"FAULT_ERROR": f"renameat2:1:{errno.EINVAL},link:1:{code}"}
            self.assert_outcome(self.run_with(fault, "compress", "f", unnamed_files=False), 0)
            self.assertEqual(self.names(), ["f.gz"])
            self.assertEqual(self.content_of("f.gz"), CONTENT)

    def test_file_systems_that_know_no_metadata(self):
        for call in ("fchown:1", "fchown:2", "fchmod:1", "futimens:1"):
            for code in (errno.EPERM, errno.EACCES, errno.EDQUOT, errno.ENOSYS, errno.EOPNOTSUPP,
                         errno.EOVERFLOW):
                self.clear()
                self.file("f", CONTENT)
                fault = {"FAULT_ERROR": f"{call}:{code}"}
                self.assert_outcome(self.run_with(fault, "compress", "f"), 0)
                self.assertEqual(self.content_of("f.gz"), CONTENT)

    def test_where_an_access_list_cannot_be_set_the_group_gains_nothing_by_its_mask(self):
        self.file_with_access_list("f", CONTENT)
        fault = {"FAULT_ERROR": f"fsetxattr:1:{errno.EOPNOTSUPP}"}
        self.assert_outcome(self.run_with(fault, "compress", "f"), 0)
        self.assertNotIn(ACCESS_LIST, os.listxattr(self.folder / "f.gz"))
        self.assertEqual(os.stat(self.folder / "f.gz").st_mode & 0o777, 0o640)

    def test_where_an_access_list_cannot_be_set_nobody_gains_what_it_denied(self):
        self.file_with_access_list("f", CONTENT, owner=6, user=0, own_group=4, mask=4, others=4)
        fault = {"FAULT_ERROR": f"fsetxattr:1:{errno.EOPNOTSUPP}"}
        self.assert_outcome(self.run_with(fault, "compress", "f"), 0)
        self.assertEqual(os.stat(self.folder / "f.gz").st_mode & 0o777, 0o600)

    def test_who_decompresses_all_of_a_file_does_not_read_its_notes_first(self):
        self.file("f", CONTENT * 10)
        for name, suffix in SUFFIXES.items():
            with self.subTest(format=name):
                self.check("compress", "-k", "--format", name, "--chunk-size", CHUNK, "f")
                packed = "f" + suffix
                result = self.run_with({"FAULT_ERROR": f"pread:10:{errno.EIO}"}, "test", packed)
                self.assert_outcome(result, 0)
                # A range is read by its offsets, and so is what tells where they are.
                result = self.run_with({"FAULT_ERROR": f"pread:10:{errno.EIO}"}, "cat",
                                       "--range", "100000:", packed)
                self.assertEqual(result.returncode, 0 if name == "bz2" else 1)

    def test_a_descriptor_that_cannot_be_had(self):
        self.file("f", CONTENT)
        result = self.run_with({"FAULT_ERROR": f"dup:1:{errno.EMFILE}"}, "compress", "-c", "f")
        self.assert_outcome(result, 1, "satchel: f: stdout: cannot make sure of what was written: "
                                       "Too many open files\n")

    def test_a_folder_that_cannot_be_flushed_keeps_the_source(self):
        self.file("f", CONTENT)
        result = self.run_with({"FAULT_ERROR": f"fsync:2:{errno.EIO}"}, "compress", "f")
        self.assert_outcome(result, 1, f"satchel: f: {self.folder}: cannot flush the folder: "
                                       "Input/output error\n")
        self.assertEqual(self.names(), ["f", "f.gz"])

    def test_a_source_that_cannot_be_removed(self):
        self.file("f", CONTENT)
        result = self.run_with({"FAULT_ERROR": f"unlink:1:{errno.EPERM}"}, "compress", "f")
        self.assert_outcome(result, 1, "satchel: f: cannot remove: Operation not permitted\n")
        self.assertEqual(self.content_of("f.gz"), CONTENT)

    def test_a_failed_file_does_not_keep_the_others_from_being_done(self):
        for name in "abc":
            self.file(name, CONTENT)
        fault = {"FAULT_ERROR": f"fsync:3:{errno.ENOSPC}"}  # two for each: the file, its folder
        result = self.run_with(fault, "compress", *"abc")
        self.assert_outcome(result, 1, "satchel: b: b.gz: cannot flush to the disk: "
                                       "No space left on device\n")
        self.assertEqual(self.names(), ["a.gz", "b", "c.gz"])


@unittest.skipUnless(FAULTS, "this build cannot be given faults")
class ReadErrors(CliTest):
    """The disk cannot be read at one place: an error, no result, and the source is kept."""

    def fails_everywhere(self, call, source, data, *arguments):
        """Fails at the first such call, the second, … until there is none left; returns how many
        there are."""
        for at in range(1, 100):
            self.file(source, data)
            fault = {"LD_PRELOAD": FAULTS, "FAULT_FILE": f"/{source}",
                     "FAULT_ERROR": f"{call}:{at}:{errno.EIO}"}
            with self.subTest(call=call, at=at, arguments=arguments):
                result = self.satchel(*arguments, source, env={**os.environ, **fault})
                if result.returncode == 0:
                    return at - 1
                self.assertEqual(result.returncode, 1)
                self.assertRegex(result.stderr.decode(), rf"\Asatchel: {source}: cannot read at "
                                                         r"offset \d+: Input/output error\n\Z")
                self.assertEqual(self.names(), [source])
                self.assertEqual(self.read(source), data)
        self.fail("there is no end of it")

    def failures(self, *arguments):
        calls = 0
        for call in ("read", "pread"):
            calls += self.fails_everywhere(call, *arguments)
            for name in self.names():
                (self.folder / name).unlink()
        return calls

    def test_compress(self):
        self.assertGreater(self.failures("f", CONTENT, "compress", "--chunk-size", CHUNK), 2)

    def test_decompress(self):
        for name in SUFFIXES:
            packed = self.check("compress", "--format", name, "--chunk-size", CHUNK, data=CONTENT)
            calls = self.failures("f" + SUFFIXES[name], packed, "decompress")
            self.assertGreater(calls, 0)

    def test_workers(self):
        # Each process has its first such call, its second, …: whoever reads, it fails there.
        calls = self.failures("f", CONTENT, "compress", "--chunk-size", CHUNK, "--workers", "1")
        self.assertGreater(calls, 1)


@unittest.skipUnless(FAULTS, "this build cannot be given faults")
class Interference(CliTest):
    """Somebody else changes the files while the process is stopped right before a call."""

    def stop_before_call(self, number, *arguments, **faults):
        stop = {"LD_PRELOAD": FAULTS, "FAULT_SIGNAL": f"{number}:{int(signal.SIGSTOP)}", **faults}
        process = self.start(*arguments, env={**os.environ, **stop})
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        return process

    def go_on(self, process, code, said):
        process.send_signal(signal.SIGCONT)
        output, errors = process.communicate()
        self.assertEqual((process.returncode, errors.decode()), (code, said))
        return output

    def test_a_source_that_is_written_to_is_kept(self):
        self.file("f", CONTENT)
        process = self.stop_before_call(2, "compress", "f")
        with open(self.folder / "f", "ab") as source:
            source.write(b"more")
        self.go_on(process, 2, "satchel: f: changed while it was read, and is kept\n")
        self.assertEqual(self.read("f"), CONTENT + b"more")
        self.assertEqual(gzip.decompress(self.read("f.gz")), CONTENT)

    def test_quiet_keeps_the_exit_code_of_a_warning(self):
        self.file("f", CONTENT)
        process = self.stop_before_call(2, "compress", "-q", "f")
        with open(self.folder / "f", "ab") as source:
            source.write(b"more")
        self.go_on(process, 2, "")
        self.assertEqual(self.names(), ["f", "f.gz"])

    def test_a_target_that_appears_is_not_replaced_where_links_are_not_known(self):
        self.file("f", CONTENT)
        faults = f"renameat2:1:{errno.EINVAL},link:1:{errno.EPERM}"
        process = self.stop_before_call(2, "compress", "f", FAULT_ERROR=faults,
                                        FAULT_NO_UNNAMED_FILES="1")
        self.file("f.gz", b"theirs")
        self.go_on(process, 1, "satchel: f: f.gz: cannot create: File exists\n")
        self.assertEqual(self.read("f.gz"), b"theirs")
        self.assertEqual(self.names(), ["f", "f.gz"])

    def test_another_file_of_the_name_is_kept(self):
        self.file("f", CONTENT)
        process = self.stop_before_call(2, "compress", "f")
        os.rename(self.file("other", b"another"), self.folder / "f")
        self.go_on(process, 2, "satchel: f: is no longer the file that was read, and is kept\n")
        self.assertEqual(self.read("f"), b"another")
        self.assertEqual(gzip.decompress(self.read("f.gz")), CONTENT)

    def test_a_source_that_somebody_removes_is_gone(self):
        self.file("f", CONTENT)
        process = self.stop_before_call(2, "compress", "f")
        os.remove(self.folder / "f")
        self.go_on(process, 0, "")
        self.assertEqual(gzip.decompress(self.read("f.gz")), CONTENT)

    def test_a_target_that_appears_is_not_replaced(self):
        self.file("f", CONTENT)
        process = self.stop_before_call(2, "compress", "f")
        self.file("f.gz", b"theirs")
        self.go_on(process, 1, "satchel: f: f.gz: cannot create: File exists\n")
        self.assertEqual(self.read("f.gz"), b"theirs")
        self.assertEqual(self.names(), ["f", "f.gz"])

    def test_another_process_that_makes_the_same_file(self):
        for source, target, options in [("f", "f.gz", []), ("g", "out", ["-o", "out"])]:
            with self.subTest(options=options):
                self.file(source, CONTENT)
                process = self.stop_before_call(2, "compress", *options, source)
                self.check("compress", *options, source)
                self.go_on(process, 1, f"satchel: {source}: {target}: cannot create: "
                                       "File exists\n")
                self.assertEqual(gzip.decompress(self.read(target)), CONTENT)
        self.assertEqual(self.names(), ["f.gz", "g", "out"])

    def test_the_result_is_for_nobody_else_while_it_is_written(self):
        self.file("f", CONTENT).chmod(0o644)
        process = self.stop_before_call(2, "compress", "f")
        modes = [os.stat(f"/proc/{process.pid}/fd/{fd}").st_mode & 0o777
                 for fd in os.listdir(f"/proc/{process.pid}/fd")
                 if "(deleted)" in os.readlink(f"/proc/{process.pid}/fd/{fd}")]
        self.assertEqual(modes, [0o600])
        self.go_on(process, 0, "")
        self.assertEqual(os.stat(self.folder / "f.gz").st_mode & 0o777, 0o644)


if __name__ == "__main__":
    unittest.main()
