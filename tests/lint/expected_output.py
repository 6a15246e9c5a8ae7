"""Compares what a program printed with what its documentation says that it prints.

In the expected text, `...` stands for anything within a line, and a line that is only `...` for any
number of lines. White space at the ends of lines does not count.
"""

import re


def pattern_of(expected):
    """The regular expression that `expected` stands for."""
    lines = []
    for line in expected.strip("\n").splitlines():
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*")
        else:
            parts = [re.escape(part) for part in line.rstrip().split("...")]
            lines.append(r"[^\n]*".join(parts) + "\n")
    return "".join(lines)


def mismatch(expected, printed):
    """A description of the difference, or None."""
    actual = "".join(line.rstrip() + "\n" for line in printed.strip("\n").splitlines())
    if re.fullmatch(pattern_of(expected), actual):
        return None
    return f"expected output:\n{expected.rstrip()}\n\nactual output:\n{actual.rstrip()}\n"
