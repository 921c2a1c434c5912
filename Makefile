# SPDX-License-Identifier: GPL-2.0-or-later
#
# Names for what one does with the tree; the building itself is Meson's.
#   make demo     two machines run as a COLO pair, one is killed, the other goes on
#   make check    everything that must pass before a change goes in
#   make check-guests  whole Debian systems, among them in a pair
#   make check-nested  KVM with 64-bit guests, in a machine around it that has all of KVM
#   make nightly  the same machines in every combination, and the simulators at length
BUILD ?= build
JOBS ?= $(shell nproc)
# Seconds for each fuzzer, and for each stress test.
SECONDS_EACH ?= 60
# Of each simulator in `make nightly`; other ones every day.
SEEDS ?= 200000
FIRST_SEED ?= $(shell date +%Y%m%d)000000

.PHONY: all tests deps demo check check-style check-guests check-nested bench stress nightly fuzz docs install clean
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
	@scripts/guest-images --build-dir $(BUILD)
	@scripts/run-tests --build-dir $(BUILD)

check-guests: deps tests
	@scripts/guest-images --build-dir $(BUILD)
	@scripts/guest-userland --build-dir $(BUILD)
	@scripts/guest-cd --build-dir $(BUILD)
	@scripts/run-tests --build-dir $(BUILD) --suite guests

check-nested: deps $(BUILD)/build.ninja
	@scripts/install-deps --nested
	@ninja -j$(JOBS) -C $(BUILD) emulator nested-tests
	@scripts/guest-images --build-dir $(BUILD)
	@scripts/check-nested --build-dir $(BUILD)

check-style: deps tests
	@scripts/check --build-dir $(BUILD)

bench: deps all
	@scripts/guest-images --build-dir $(BUILD)
	@python3 tests/bench/bench.py --build-dir $(BUILD)
	@python3 tests/bench/guest.py --build-dir $(BUILD)

stress: deps tests
	@scripts/run-tests --build-dir $(BUILD) --suite stress --seconds-each $(SECONDS_EACH)

nightly: deps tests
	@COLO_SEEDS=$(SEEDS) COLO_FIRST_SEED=$(FIRST_SEED) \
	    HEARTBEAT_SEEDS=$(SEEDS) HEARTBEAT_FIRST_SEED=$(FIRST_SEED) \
	    ORACLE_FIRST_SEED=$(FIRST_SEED) \
	    scripts/run-tests --build-dir $(BUILD) --suite nightly

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
