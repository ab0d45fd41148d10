"""A throw-away home and project for an agent, so that a test never touches the files of the person who runs it."""

import os
import shutil
import tempfile
from pathlib import Path

import install

# What keeps agents from calling anyone but the model: no telemetry, no updates, no error reports.
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "IS_SANDBOX": "1",
}
CODEX_QUIET = ["-c", "analytics.enabled=false", "-c", "check_for_update_on_startup=false"]


class AgentHome:
    """`installed` is the folder with the agent (default: Claude Code and Codex). `env` is the whole environment of the agent; use as a context manager, which removes the folders."""

    def __init__(self, label, installed=None):
        # Codex refuses a home below the system's temporary folder, hence the cache.
        base = install.CACHE / "homes"
        base.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{label}-", dir=base))
        self.home, self.project = self.folder / "home", self.folder / "project"
        for folder in (self.home, self.project, self.folder / "tmp"):
            folder.mkdir()
        installed = installed or install.agents()
        self.bin = installed / "node_modules" / ".bin"
        node = install.node(installed).parent
        self.env = {
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),
            "PATH": f"{self.bin}:{node}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            **QUIET,
        }

    def __enter__(self):
        return self

    def __exit__(self, *_why):
        self.close()

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def empty_project(self):
        for file in self.project.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
