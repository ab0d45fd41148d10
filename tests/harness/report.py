"""Checks with a name, counted, and the closing line that a test runner prints."""

import sys
import time


class Report:
    def __init__(self):
        self.passed, self.failed, self._began = 0, [], time.monotonic()

    def check(self, name, ok, why=""):
        """Counts one check; `why` is printed when it fails. Returns whether it held."""
        if ok:
            self.passed += 1
        else:
            self.failed.append(name)
            print(f"FAILED {name}: {why}", flush=True)
        return bool(ok)

    def equal(self, name, left, right):
        return self.check(name, left == right, f"{left!r} is not {right!r}")

    def table(self, head, rows):
        rows = [[str(cell) for cell in row] for row in [head, *rows]]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        for row in rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
        print(flush=True)

    def close(self, *lines):
        """Prints the closing lines and ends the program with 1 if anything failed."""
        for line in lines:
            print(line)
        print(f"in {time.monotonic() - self._began:.0f} s")
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
