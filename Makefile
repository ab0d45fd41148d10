# Two commands do all set-up on a bare machine with Rust, Node and make: `make demo` and `make test`.

CARGO ?= cargo

.PHONY: demo test test-rust prove check build release dist

## A working system without keys: fake provider, gateway, seeded traffic.
demo: build
	target_dir=$$($(CARGO) metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/'); \
	exec "$$target_dir/debug/mete" demo $(DEMO)

## Everything that is tested: the crates, real SDKs, real agents.
test: test-rust test-clients test-agents

test-rust: build
	$(CARGO) test --workspace

build:
	$(CARGO) build --package cli --package simulator

## The guarantee under faults: the lanes of docs/reliability.md for a few minutes (PROVE=--long for about an hour).
prove: build
	$(CARGO) xtask prove $(PROVE)

## What CI runs beside the tests: formatting, lints, arrows, generated files.
check:
	$(CARGO) xtask check

release:
	$(CARGO) build --release --package cli

## Release archive, container file and systemd unit under dist/.
dist: release
	dist/make

include tests/Makefile.inc
