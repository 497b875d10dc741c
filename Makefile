# SPDX-License-Identifier: MIT OR Apache-2.0
# A thin front: meson does the work. JOBS limits the processes.
JOBS ?= $(shell nproc)
export JOBS

all: build/build.ninja
	ninja -j $(JOBS) -C build

demo: build/build.ninja
	ninja -j $(JOBS) -C build tools/sevlm
	build/tools/sevlm demo

check:
	@scripts/check gcc

check-asan check-tsan check-valgrind check-clang: check-%:
	@scripts/check $*

# Two emulated machines on a kernel that is built here: some minutes.
check-kernel:
	@scripts/check kernel

# The same on kernels that watch their locks and their memory: hours.
check-kernel-full:
	@scripts/check kernel-full

# make fuzz SECONDS=3600: how long each
SECONDS ?= 30
fuzz:
	@scripts/fuzz $(SECONDS)

bench: build/build.ninja
	@ninja -j $(JOBS) -C build all
	@ninja -C build bench

build/build.ninja:
	@scripts/deps.sh
	meson setup build

clean:
	rm -rf build build-asan build-tsan build-clang build-fuzz

.PHONY: all demo check check-asan check-tsan check-valgrind check-clang bench
.PHONY: check-kernel check-kernel-full fuzz clean
