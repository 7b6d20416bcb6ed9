// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"
#include "harness.h"
#include "modules.h"
#include "panthor.h"

#define UNLOAD_S	patience(10)

/* The platform device, which is there when it has no driver, too: ADDRESS.gpu */
static const char *device(void)
{
	static glob_t found;

	if (!found.gl_pathc)
		CHECK(!glob("/sys/bus/platform/devices/*.gpu", 0, NULL, &found), "no GPU");
	return strrchr(found.gl_pathv[0], '/') + 1;
}

int driver_unbind(void)
{
	return write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", device());
}

int driver_bind(void)
{
	return write_file(PANTHOR_DRIVER_DIR "/bind", "%s", device());
}

int driver_unload(void)
{
	double deadline = now() + UNLOAD_S;
	int ret;

	if (!module_is_file("panthor"))
		return driver_unbind();
	/* What its clients had is given back by a work, after they are gone. */
	while ((ret = module_unload("panthor")) == -EAGAIN && now() < deadline)
		sleep_ms(10);
	return ret == -ENOENT ? 0 : ret;	/* of a test that failed: it is not loaded */
}

int driver_load(void)
{
	struct panthor gpu;
	int ret;

	/* A probe that fails is an error of the binding, and none of the loading. */
	if (module_is_file("panthor")) {
		ret = module_load("panthor");
		if (ret < 0)
			return ret;
	} else {
		driver_bind();
	}
	return panthor_find(&gpu);
}

#define GPU_INT_RAWSTAT	0x20
#define GPU_INT_CLEAR	0x24
#define RESET_COMPLETED	(1u << 8)
#define GPU_CMD		0x30
#define SOFT_RESET	0x101
#define RESET_S		patience(10)

int gpu_reset(void)
{
	unsigned long long address = strtoull(device(), NULL, 16);
	size_t page = sysconf(_SC_PAGESIZE);
	double deadline = now() + RESET_S;
	volatile uint32_t *regs;
	int ret = 0;
	int fd = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	regs = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, address);
	close(fd);
	if (regs == MAP_FAILED)
		return -errno;
	regs[GPU_INT_CLEAR / 4] = RESET_COMPLETED;
	regs[GPU_CMD / 4] = SOFT_RESET;
	/* Until it is done, the GPU hears nothing else (a rule may have it take long). */
	while (!(regs[GPU_INT_RAWSTAT / 4] & RESET_COMPLETED) && now() < deadline)
		sleep_ms(1);
	if (!(regs[GPU_INT_RAWSTAT / 4] & RESET_COMPLETED))
		ret = -ETIMEDOUT;
	munmap((void *)regs, page);
	return ret;
}

int driver_renew(void)
{
	int ret = driver_unbind();

	if (!ret)
		ret = gpu_reset();
	return ret ?: driver_bind();
}

void driver_may_lock_in_reset(void)
{
	/* LOCKADDR may be 0 by then. */
	test_known("^powered-off: AS [0-9]+: [A-Z_]+ while |"
		   "^bad-lockaddr: AS [0-9]+, VA 0x0: LOCKADDR 0x0 ",
		   LOCK_IN_RESET);
}

void driver_may_keep_translations(void)
{
	test_known("^edit-unlocked: AS [0-9]+, .*: changed before LOCK: the TLB has ",
		   LOCK_REPLACED);
}

void driver_may_free_in_reclaim(void)
{
	test_known("\\(&vm->heaps.lock\\)\\{.*, at: panthor_vm_free\\+", FREED_IN_RECLAIM);
}
