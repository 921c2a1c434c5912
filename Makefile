# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names for what one does with the tree; the building itself is Meson's.
#   make demo     two machines run as a COLO pair, one is killed, the other goes on
#   make check    everything that must pass before a change goes in
BUILD ?= build
JOBS ?= $(shell nproc)
# Seconds for each fuzzer, and for each stress test.
SECONDS_EACH ?= 60

.PHONY: all tests deps demo check check-style bench stress fuzz docs install clean
all: $(BUILD)/build.ninja
	@ninja -j$(JOBS) -C $(BUILD) emulator

# The test programs too, which take as long to build as all the rest.
tests: $(BUILD)/build.ninja
	@ninja -j$(JOBS) -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/install-deps
	@./configure --builddir=$(BUILD)

deps:
	@scripts/install-deps

demo: deps all
	@scripts/demo --build-dir $(BUILD)

check: deps tests
	@scripts/run-tests --build-dir $(BUILD)

check-style: deps tests
	@scripts/check --build-dir $(BUILD)

bench: deps all
	@python3 tests/bench/bench.py --build-dir $(BUILD)

stress: deps tests
	@scripts/run-tests --build-dir $(BUILD) --suite stress --seconds-each $(SECONDS_EACH)

fuzz: deps
	@[ -f build-fuzz/build.ninja ] || ./configure --enable-fuzz
	@ninja -j$(JOBS) -C build-fuzz fuzzers
	@tests/fuzz/run-fuzzers --build-dir build-fuzz --seconds-each $(SECONDS_EACH)

docs: deps
	@sphinx-build -q -W --keep-going -b html docs $(BUILD)/docs
	@echo "docs: $(BUILD)/docs/index.html"

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-debug build-tsan build-fuzz
