"""Starts and ends the servers of a test: the fake provider, `mete serve`, and a tap that counts what clients send.

Everything listens on 127.0.0.1 on a port that the system gives, and is ended by its process id.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

START_S, STOP_S, CALL_S = 20, 10, 60


class Server:
    """A child process that prints the address it listens on."""

    def __init__(self, command, log, env=None):
        self.log = log
        self.name = os.path.basename(str(command[0]))
        self._out = open(log, "w+b")
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=self._out,
                                        stderr=subprocess.STDOUT, env=env, start_new_session=True)
        self.base_url = self._wait_for_address()

    def _wait_for_address(self):
        ends = time.monotonic() + START_S
        while time.monotonic() < ends:
            found = re.search(r"(?:http://)?127\.0\.0\.1:([1-9]\d*)", self.log.read_text())
            if found:
                return f"http://127.0.0.1:{found.group(1)}"
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        text = self.log.read_text()
        self.stop()
        raise SystemExit(f"{self.name} did not start:\n{text}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(STOP_S)
        self._out.close()


class FakeProvider(Server):
    """The simulator's provider with its own record and its own bill."""

    def __init__(self, binary, folder, arguments=()):
        super().__init__([binary, "--listen", "127.0.0.1:0", *arguments], folder / "fake-provider.log")

    def records(self):
        """Every request that the provider received, oldest first."""
        return get_json(self.base_url + "/sim/bill")["requests"]


class Mete(Server):
    """`mete serve` on a data directory of its own."""

    def __init__(self, binary, folder, config, env=None):
        self.binary, self.data = str(binary), folder / "data"
        self.config = folder / "mete.toml"
        self.config.write_text(config)
        command = [binary, "serve", "--config", self.config, "--data", self.data, "--listen", "127.0.0.1:0"]
        super().__init__(command, folder / "mete.log", env)

    def ask(self, *words):
        """What `mete WORDS --format json` says about this server's data directory."""
        done = self.run(*words, "--format", "json")
        if done.returncode != 0:
            raise AssertionError(f"mete {' '.join(words)}: exit {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def run(self, *words, timeout=CALL_S, env=None, cwd=None):
        """Runs `mete WORDS` on this data directory; what outlasts `timeout` is killed with all that it started."""
        command, rest = list(words), []
        if "--" in command:
            at = command.index("--")
            command, rest = command[:at], command[at:]
        command = [self.binary, *command, "--data", str(self.data), *map(str, rest)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, env=env, cwd=cwd, start_new_session=True)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\nkilled after {timeout} s"
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def get_json(url, body=None, timeout=CALL_S):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read() or b"null")


class Tap:
    """A pass-through between a client and Mete that counts requests and keeps the answers' heads.

    `seen` holds `{"case", "method", "path", "status", "headers"}`; the case is read from `x-mete-tags`.
    """

    def __init__(self, target):
        self.seen, self._lock = [], threading.Lock()
        host, port = re.fullmatch(r"http://([^:]+):(\d+)", target).groups()
        tap = self

        class Handler(_TapHandler):
            owner, upstream = tap, (host, int(port))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def keep(self, row):
        with self._lock:
            self.seen.append(row)

    def of(self, case):
        return [row for row in self.seen if row["case"] == case]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _TapHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    owner, upstream = None, None

    def log_message(self, *_args):
        pass

    def _relay(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        tags = dict(t.split("=", 1) for t in self.headers.get("x-mete-tags", "").split(",") if "=" in t)
        upstream = http.client.HTTPConnection(*self.upstream, timeout=CALL_S)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
        upstream.request(self.command, self.path, body, headers)
        answer = upstream.getresponse()
        self.owner.keep({"case": tags.get("case", ""), "method": self.command, "path": self.path,
                         "status": answer.status, "headers": {k.lower(): v for k, v in answer.getheaders()}})
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.end_headers()
        while chunk := answer.read1(65536):
            self.wfile.write(chunk)
            self.wfile.flush()
        upstream.close()

    do_GET = do_POST = do_HEAD = _relay
