"""A server that writes down what a client really sends, and answers just enough for it to go on.

It serves the three provider dialects with canned answers, so that the shapes of requests can be recorded
without a gateway, a key or a network. Answers carry small, fixed usage; nothing is priced here.

`Capture` runs it in a thread on an ephemeral loopback port; every request is kept in `Capture.requests`.
Agents are driven by `Capture.script`: a list of steps taken in order by requests that offer tools, where a
step is `("tool", NAME_PATTERN, ARGUMENTS)` or `("text", TEXT)`. When the script is empty the answer is text.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Capture:
    def __init__(self):
        self.requests = []
        self.script = []
        self._ids = 0
        self._lock = threading.Lock()
        capture = self

        class Handler(_Handler):
            owner = capture

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def keep(self, request):
        with self._lock:
            self.requests.append(request)

    def new_id(self, kind):
        with self._lock:
            self._ids += 1
            return f"{kind}_{self._ids}"

    def next_step(self, tool_names):
        """The next scripted step that this request can take; a request without tools gets text."""
        with self._lock:
            if not self.script or not tool_names:
                return ("text", "Done.")
            step = self.script[0]
            if step[0] == "text":
                return self.script.pop(0)
            name = next((n for n in tool_names if re.fullmatch(step[1], n)), None)
            if name is None:
                return ("text", "Done.")
            self.script.pop(0)
            return ("tool", name, step[2])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner = None

    def log_message(self, *_args):
        pass

    def do_HEAD(self):
        self._send(200, b"")

    def do_GET(self):
        self._record(None)
        if self.headers.get("Upgrade", "").lower() == "websocket":
            return self._json({"error": {"message": "no websocket here"}}, status=426)
        path = urlsplit(self.path).path
        if path.startswith("/v1beta/models"):
            return self._json({"models": [{"name": "models/gemini-2.5-flash"}]})
        return self._json({"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None})

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw)
        except ValueError:
            body = {}
        self._record(raw)
        path = urlsplit(self.path).path
        for suffix, answer in ROUTES:
            if path.endswith(suffix):
                return answer(self, body)
        return self._json({"error": {"message": f"no answer for {path}"}}, status=404)

    def _record(self, raw):
        self.owner.keep({
            "method": self.command,
            "path": self.path,
            "headers": [[k, v] for k, v in self.headers.items()],
            "body": None if raw is None else raw.decode("utf-8", "replace"),
        })

    def _send(self, status, data, content_type="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _json(self, value, status=200):
        self._send(status, json.dumps(value).encode())

    def _sse(self, events, named=False, done=False):
        text = "".join((f"event: {e['type']}\n" if named else "") + f"data: {json.dumps(e)}\n\n" for e in events)
        self._send(200, (text + ("data: [DONE]\n\n" if done else "")).encode(), "text/event-stream")


def _chat(self, body):
    tools = [t["function"]["name"] for t in body.get("tools", []) if t.get("type") == "function"]
    step = self.owner.next_step(tools)
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
    message = {"role": "assistant", "content": step[1]}
    finish = "stop"
    if step[0] == "tool":
        call = {"id": self.owner.new_id("call"), "type": "function", "function": {"name": step[1], "arguments": json.dumps(step[2])}}
        message, finish = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    head = {"id": "chatcmpl-1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return self._json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    for call in message.get("tool_calls", []):
        call["index"] = 0
    chunks = [
        {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**head, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
    ]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
    self._sse(chunks, done=True)


def _responses(self, body):
    offered = list(body.get("tools", []))
    for item in body["input"] if isinstance(body.get("input"), list) else []:
        offered += item.get("tools", []) if item.get("type") == "additional_tools" else []
    tools = {f"{space}/{name}" if space else name: (kind, name, space) for kind, name, space in _flatten(offered)}
    step, call_id = self.owner.next_step(list(tools)), self.owner.new_id("call")
    if step[0] == "tool":
        kind, name, space = tools[step[1]]
        item = {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name,
                "arguments": json.dumps(step[2]), "status": "completed"}
        if kind == "custom":
            item = {"type": "custom_tool_call", "id": f"ctc_{call_id}", "call_id": call_id, "name": name,
                    "input": step[2], "status": "completed"}
        if space:
            item["namespace"] = space
    else:
        part = {"type": "output_text", "text": step[1], "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    usage = {"input_tokens": 12, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 3,
             "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 15}
    whole = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": body["model"],
             "output": [item], "usage": usage, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
             "error": None, "incomplete_details": None, "instructions": None, "metadata": {}, "temperature": 1,
             "top_p": 1}
    if not body.get("stream"):
        return self._json(whole)
    start = {**whole, "status": "in_progress", "output": [], "usage": None}
    opened = {**item, "status": "in_progress", **({"content": []} if step[0] == "text" else {})}
    events = [{"type": "response.created", "response": start},
              {"type": "response.output_item.added", "output_index": 0, "item": opened}]
    if step[0] == "text":
        where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        events += [{"type": "response.content_part.added", **where, "part": {**part, "text": ""}},
                   {"type": "response.output_text.delta", **where, "delta": step[1], "logprobs": []},
                   {"type": "response.output_text.done", **where, "text": step[1], "logprobs": []},
                   {"type": "response.content_part.done", **where, "part": part}]

    events += [{"type": "response.output_item.done", "output_index": 0, "item": item},
               {"type": "response.completed", "response": whole}]
    for number, event in enumerate(events):
        event["sequence_number"] = number
    self._sse(events, named=True)


def _flatten(tools, namespace=""):
    """(type, name, namespace) of every tool; Codex puts some into namespaces."""
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from _flatten(tool["tools"], tool["name"])
        elif tool.get("name"):
            yield tool["type"], tool["name"], namespace


def _messages(self, body):
    tools = [t["name"] for t in body.get("tools", [])]
    step = self.owner.next_step(tools)
    usage = {"input_tokens": 12, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 3}
    if step[0] == "tool":
        block, stop = {"type": "tool_use", "id": self.owner.new_id("toolu"), "name": step[1], "input": step[2]}, "tool_use"
    else:
        block, stop = {"type": "text", "text": step[1]}, "end_turn"
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": [block],
             "stop_reason": stop, "stop_sequence": None, "usage": usage}
    if not body.get("stream"):
        return self._json(whole)
    empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": step[1]}
    if step[0] == "tool":
        empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": json.dumps(step[2])}
    self._sse([
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage},
        {"type": "message_stop"},
    ], named=True)


def _gemini(self, body):
    declared = [d["name"] for t in body.get("tools", []) for d in t.get("functionDeclarations", [])]
    step = self.owner.next_step(declared)
    part = {"functionCall": {"name": step[1], "args": step[2]}} if step[0] == "tool" else {"text": step[1]}
    answer = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
              "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15},
              "modelVersion": "capture", "responseId": "r1"}
    if ":stream" in self.path:
        return self._sse([answer])
    self._json(answer)


def _embeddings(self, body):
    values = "AACAPwAAAAA=" if body.get("encoding_format") == "base64" else [1.0, 0.0]
    self._json({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": values}],
                "model": body["model"], "usage": {"prompt_tokens": 5, "total_tokens": 5}})


ROUTES = [
    ("/chat/completions", _chat),
    ("/responses/input_tokens", lambda s, b: s._json({"object": "response.input_tokens", "input_tokens": 12})),
    ("/responses", _responses),
    ("/embeddings", _embeddings),
    ("/messages/count_tokens", lambda s, b: s._json({"input_tokens": 12})),
    ("/messages", _messages),
    (":countTokens", lambda s, b: s._json({"totalTokens": 12})),
    (":generateContent", _gemini),
    (":streamGenerateContent", _gemini),
]
