# SPDX-License-Identifier: GPL-2.0-or-later
#
# The everyday commands. ./mali-vm --help has all of them.

.DEFAULT_GOAL := help
.PHONY: help run check check-long fuzz bench clean

KERNEL ?= debian

help:           ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo 'KERNEL=debian[:VERSION]|built[:VARIANT]|PATH chooses the kernel of make run, SUITES="unit ..."'
	@echo 'the suites of make check. QEMU_SRC=DIR builds on a QEMU tree of yours, LINUX_SRC=DIR a kernel'
	@echo 'of yours, DEBIAN_MIRROR=URL names the mirror, XDG_CACHE_HOME=DIR what is fetched and built'
	@echo 'goes below.'

run:            ## Set up, boot Debian's kernel on the GPU, and show its buffers evicted
	@mkdir -p build
	./mali-vm run evict --kernel $(KERNEL) --report build/report.html

check:          ## Set up and run the tests: all that CI runs
	python3 -m malivm.check $(SUITES)

check-long:     ## The same, and the tests that take long
	python3 -m malivm.check --long $(SUITES)

fuzz:           ## Have libFuzzer look for bad input, ten minutes for each part
	./mali-vm fuzz --minutes 10

bench:          ## Measure what the device costs
	./mali-vm bench

clean:          ## Remove this checkout's QEMU and all built kernels; what was fetched stays
	python3 -c 'from malivm import linux, qemu; qemu.clean(); linux.clean()'
	rm -rf build
