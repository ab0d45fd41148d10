"""Where the binaries under test are: named by an option or the environment, else built from this workspace."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def add_options(parser):
    parser.add_argument("--mete", default=os.environ.get("METE_BIN"), help="the mete binary; built when not given")
    parser.add_argument("--fake-provider", default=os.environ.get("FAKE_PROVIDER_BIN"), help="likewise")


def mete(options):
    return Path(options.mete) if options.mete else _built("mete")


def fake_provider(options):
    return Path(options.fake_provider) if options.fake_provider else _built("fake-provider")


def _built(name):
    """Builds the workspace's binary `name` and returns what cargo says its path is."""
    done = subprocess.run(["cargo", "build", "--quiet", "--bin", name, "--message-format=json"], cwd=ROOT,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"failed to build {name}")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == name:
            return Path(message["executable"])
    raise SystemExit(f"cargo built no binary called {name}")
