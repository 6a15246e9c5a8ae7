"""Several processes at the same file at once: one wins, the others say so, nothing is lost."""

import gzip
import unittest

from support import CHUNK, CliTest, text

CONTENT = text(5 * CHUNK)
ROUNDS = 20


class Races(CliTest):
    def race(self, *commands):
        """Runs the commands at once; returns the index of the only one that succeeds."""
        processes = [self.start(*command) for command in commands]
        for process in processes:
            process.stdin.close()
        codes = [process.wait() for process in processes]
        self.assertEqual(sorted(codes), [0] + [1] * (len(codes) - 1))
        for process, code in zip(processes, codes):
            said = process.stderr.read().decode()
            self.assertRegex(said, r"\A\Z" if code == 0 else
                             r"\Asatchel: \w+(\.gz)?: .*(No such file or directory|File exists|"
                             r"already exists.*)\n\Z")
            self.end(process)
        return codes.index(0)

    def clear(self):
        for name in self.names():
            (self.folder / name).unlink()

    def test_the_same_file(self):
        packed = self.check("compress", "--chunk-size", CHUNK, data=CONTENT)
        compress = ["compress", "--chunk-size", CHUNK, "f"]
        for command, source, target in [(compress, ("f", CONTENT), ("f.gz", packed)),
                                        (["decompress", "f.gz"], ("f.gz", packed), ("f", CONTENT))]:
            for _ in range(ROUNDS):
                self.clear()
                self.file(*source)
                self.race(*[command] * 3)
                self.assertEqual(self.names(), [target[0]])
                self.assertEqual(self.read(target[0]), target[1])

    def test_the_same_output(self):
        sources = {"a": CONTENT, "b": text(5 * CHUNK, 2)}
        for _ in range(ROUNDS):
            self.clear()
            for name, data in sources.items():
                self.file(name, data)
            winner = self.race(*[["compress", "-o", "out", name] for name in sources])
            self.assertEqual(self.names(), ["a", "b", "out"])
            self.assertEqual(gzip.decompress(self.read("out")), sources["ab"[winner]])
            for name, data in sources.items():
                self.assertEqual(self.read(name), data)


if __name__ == "__main__":
    unittest.main()
