"""A pseudo-terminal with a program in it: type, resize, wait for a text, press Ctrl-C.

Full-screen programs move the cursor in place of writing spaces, so texts are compared without any white space.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?<>=!]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_^][^\x1b]*\x1b\\|\x1b[@-Z\\-_=>78()]?.?")


class Terminal:
    def __init__(self, command, env, cwd, rows=40, columns=120):
        self._seen, self._mark, self.exit_code = "", 0, None
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(str(command[0]), [str(word) for word in command], env)
            finally:
                os._exit(127)
        self.resize(rows, columns)

    def resize(self, rows, columns):
        """Like dragging the window: the kernel tells the foreground process by SIGWINCH."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text, enter=True):
        """Types like a person: text first, and Enter after the program has taken it in."""
        self.send(text)
        if enter:
            self.wait_for(text[-20:], 10)
            self.send("\r")

    def send(self, text):
        os.write(self._fd, text.encode())

    def press_ctrl_c(self):
        self.send("\x03")

    def wait_for(self, text, seconds):
        """Whether `text` appears, counted from the last text that was waited for."""
        wanted = re.sub(r"\s", "", text)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            at = self.squeezed().find(wanted, self._mark)
            if at >= 0:
                self._mark = at + len(wanted)
                return True
            if not self._read(0.1):
                break
        return wanted in self.squeezed()[self._mark:]

    def skip(self):
        """Forgets what was written until now, once it has been quiet for half a second (or after five)."""
        ends = time.monotonic() + 5
        before = None
        while before != len(self._seen) and time.monotonic() < ends:
            before = len(self._seen)
            self._read(0.5)
        self._mark = len(self.squeezed())

    def wait_for_end(self, seconds):
        """The exit code, or None when the program is still there."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self._read(0.1)
            if self._reap():
                return self.exit_code
        return None

    def squeezed(self):
        return re.sub(r"\s", "", ESCAPES.sub("", self._seen))

    def screen(self):
        """What was written lately, for a message."""
        return re.sub(r"\s+", " ", ESCAPES.sub(" ", self._seen))[-1500:]

    def close(self):
        if not self._reap():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._fd)

    def _reap(self):
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
        return self.exit_code is not None

    def _read(self, seconds):
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            return False
        # Programs ask the terminal where the cursor is and what it can do; a person's terminal answers.
        if b"\x1b[6n" in data:
            self.send("\x1b[1;1R")
        if b"\x1b[c" in data or b"\x1b[0c" in data:
            self.send("\x1b[?62;c")
        self._seen += data.decode("utf-8", "replace")
        return bool(data)
