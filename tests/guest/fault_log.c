// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite fault: what the driver says of faults. */

#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "fault.h"
#include "harness.h"

/* Longer than the driver's works take on a slow host */
#define MESSAGE_S	patience(5)

/* In the syntax that Python's regular expressions and POSIX's extended ones share */
static const char * const messages[NR_MESSAGES] = {
	/* panthor_mmu.c */
	[AS_STUCK]		= "AS_ACTIVE bit stuck",
	[MMU_FAULT]		= "Unhandled Page fault in AS[0-9]+ at VA|"
				  "^raw fault status: 0x[0-9A-F]+$",
	/* panthor_gpu.c */
	[FLUSH_LATE]		= "Flush caches timeout",
	[RESET_LATE]		= "Soft reset timeout",
	[L2_STUCK]		= "timeout waiting on L2:1 (power transition|readiness)",
	[GPU_FAULT]		= "GPU Fault (0x[0-9a-f]+|in protected mode)",
	/* panthor_device.c */
	[FAST_FAILED]		= "Fast reset failed, trying a slow reset",
	[UNUSABLE]		= "Failed to boot MCU after reset, making device unusable",
	/* panthor_fw.c */
	[BOOT_FAILED]		= "Failed to boot MCU \\(status=[a-z]+\\)",
	[FW_RESET_FAILED]	= "FW (fast|slow) reset failed",
	[STOP_FAILED]		= "Failed to stop MCU",
	[HALT_LATE]		= "Timed out waiting for MCU to halt|Failed to cleanly suspend MCU",
	[PING_LATE]		= "FW ping timeout, scheduling a reset",
	/* panthor_sched.c */
	[CSG_LATE]		= "CSG [0-9]+ update request timedout",
	[TERMINATING]		= "CSG suspend failed, escalating to termination",
	[CS_FATAL]		= "CS_FATAL|CSG slot [0-9]+ CS slot: [0-9]+",
	[CS_FAULT]		= "CS_FAULT|CSG slot [0-9]+ CS slot: [0-9]+",
	[JOB_LATE]		= "job timeout: pid=[0-9]+, comm=fault",
	[PROGRESS_LATE]		= "CSG_PROGRESS_TIMER_EVENT|CSG slot [0-9]+ progress timeout",
	[HEAP_FAILED]		= "Failed to extend the tiler heap",
	/* drivers/base/dd.c */
	[PROBE_FAILED]		= "probe with driver panthor failed with error -[0-9]+",
	/* fs/debugfs/inode.c: the directory of a DRM device that was never released */
	[DEBUGFS_LEFT]		= "debugfs: '[0-9a-f]+.gpu' already exists in 'dri'",
	/* mm/slub.c, mm/slab_common.c: the driver's cache of page tables is not empty */
	[TABLES_LEFT]		= "BUG panthor-mmu-pt|^(Object|Slab) 0x|"
				  "(__slab_err|kmem_cache_destroy)\\+",
	/* kernel/locking/lockdep.c: what drm_dev_unplug() waits for */
	[UNPLUG_CYCLE]		= "\\(drm_unplug_srcu\\)\\{.*, at: __synchronize_srcu\\+",
	/* drm_WARN_ON() in panthor_mmu.c, panthor_sched.c */
	[WARN_AS_DISABLE]	= "panthor_mmu_as_disable\\(ptdev, i, false\\)|"
				  "panthor_mmu_(suspend|unplug)\\+",
	[WARN_RESUME]		= "drm_WARN_ON\\(ret\\)|(tick_work|queue_run_job)\\+",
	/* hw/gpu/mali_csf_check.c */
	[MCU_WITHOUT_L2]	= "^powered-off: the MCU was started while the L2 cache is off",
	[MCU_RUNS_ON]		= "^as-disabled-in-flight: AS 0: UPDATE took the tables of the "
				  "firmware, which runs",
	[DISABLED_IN_FLIGHT]	= "^as-disabled-in-flight: AS [1-9][0-9]*: UPDATE took the tables "
				  "of group|^access-unmapped: ",
};

static bool matches(const char *regex, const char *text)
{
	return CHECK_OK(text_matches(text, regex));
}

/* Those that come of a bug, and its file */
static const char * const known[NR_MESSAGES] = {
	[DEBUGFS_LEFT] = NO_RESET, [TABLES_LEFT] = VM_KEPT, [UNPLUG_CYCLE] = SUSPEND_WAITS,
	[MCU_WITHOUT_L2] = L2_POWER_ON, [MCU_RUNS_ON] = MCU_LEFT,
};

void fault_log_known(enum message message, const char *file)
{
	test_known(messages[message], file);
}

void fault_log_open(const struct fault_case *f, struct klog *log)
{
	uint32_t may = f->says | f->may | (f->outcome == UNPLUGS ? M(UNPLUG_CYCLE) : 0);

	for (unsigned int i = 0; i < NR_MESSAGES; i++)
		if (!(may & M(i)))
			continue;
		else if (known[i])
			fault_log_known(i, known[i]);
		else
			test_allow(messages[i]);
	if (f->outcome == RECOVERS || f->outcome == UNPLUGS)
		driver_may_lock_in_reset();
	CHECK_OK(klog_open(log, true));
}

struct heard {
	uint32_t said;
	bool text;
	int error;
};

static void hear(const struct fault_case *f, const struct klog_record *record, struct heard *h)
{
	static const char failed[] = "failed with error ";
	const char *at = strstr(record->text, failed);

	for (unsigned int i = 0; i < NR_MESSAGES; i++)
		if ((f->says & M(i)) && matches(messages[i], record->text))
			h->said |= M(i);
	h->text |= f->text && matches(f->text, record->text);
	if (at && matches(messages[PROBE_FAILED], record->text))
		h->error = atoi(at + strlen(failed));
}

/* What the driver does in a work of its own may be logged after it shows. */
int fault_log_check(const struct fault_case *f, struct klog *log)
{
	struct heard h = { .text = !f->text };
	double deadline = now() + MESSAGE_S;
	struct klog_record record;

	for (;;) {
		while (klog_read(log, &record))
			hear(f, &record, &h);
		if ((h.text && h.said == f->says) || now() > deadline)
			break;
		sleep_ms(10);
	}
	for (unsigned int i = 0; i < NR_MESSAGES; i++)
		if (f->says & ~h.said & M(i))
			EXPECT(0, "%s() did not log \"%s\"", f->by, messages[i]);
	EXPECT(h.text, "%s() did not log \"%s\"", f->by, f->text);
	return h.error;
}
