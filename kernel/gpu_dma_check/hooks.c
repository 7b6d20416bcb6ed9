// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the module learns of every page that changes hands
 *
 * A page that is freed passes the tracepoint mm_page_free before it can be
 * given to anybody else: all ways to the free lists start in
 * free_pages_prepare(). A page that is allocated passes mm_page_alloc before
 * its new owner has it, with three exceptions, which take pages off the free
 * lists themselves:
 *
 *   alloc_pages_bulk_noprof()	many single pages at once: vmalloc(), SUNRPC, ...
 *   compaction_alloc()		where compaction moves a page to
 *   isolate_freepages_range()	a range of frames: CMA, gigantic pages, virtio-mem
 *
 * These functions have no tracepoint. ftrace leads their callers to a function
 * of ours, which calls the original and then looks at what it gives out. This
 * misses no call, as a return probe would that has no room for one more: a page
 * that is in use must never count as freed.
 *
 * Other users of __isolate_free_page() (page reporting, page isolation) put
 * back what they take, and those of take_page_off_buddy() keep it for ever.
 */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/tracepoint.h>

#include "gpu_dma_check.h"

#if !defined(CONFIG_TRACEPOINTS) || !defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS) || \
	!defined(CONFIG_KPROBES)
#error "gpu_dma_check needs a kernel with CONFIG_FUNCTION_TRACER and CONFIG_KPROBES"
#endif
/* Without it nobody can wait until the last task has left a function (TASKS_RCU). */
#ifndef CONFIG_PREEMPTION
#error "gpu_dma_check needs a kernel with CONFIG_PREEMPTION"
#endif

/* Tracepoints */

static void probe_alloc(void *data, struct page *page, unsigned int order, gfp_t gfp,
			int migratetype)
{
	/* It also tells of allocations that failed. */
	if (page)
		frames_set(page_to_pfn(page), 1ul << order, GPU_DMA_CHECK_ALLOCATED);
}

static void probe_free(void *data, struct page *page, unsigned int order)
{
	unsigned long pfn = page_to_pfn(page);

	ring_record(pfn, order);
	smp_wmb();	/* a frame that is freed has its record */
	frames_set(pfn, 1ul << order, GPU_DMA_CHECK_FREED);
}

struct probe {
	const char *name;
	void *fn;
	struct tracepoint *tp;
	bool registered;
};

static struct probe alloc_probe = { "mm_page_alloc", probe_alloc };
static struct probe free_probe = { "mm_page_free", probe_free };

static void find_tracepoint(struct tracepoint *tp, void *data)
{
	struct probe *probe = data;

	if (!strcmp(tp->name, probe->name))
		probe->tp = tp;
}

static int probe_register(struct probe *probe)
{
	int ret;

	for_each_kernel_tracepoint(find_tracepoint, probe);
	if (!probe->tp) {
		pr_warn("this kernel has no tracepoint %s\n", probe->name);
		return -ENOENT;
	}
	ret = tracepoint_probe_register(probe->tp, probe->fn, NULL);
	if (ret)
		pr_warn("cannot follow the tracepoint %s: %d\n", probe->name, ret);
	else
		probe->registered = true;
	return ret;
}

static void probe_unregister(struct probe *probe)
{
	if (probe->registered)
		tracepoint_probe_unregister(probe->tp, probe->fn, NULL);
	probe->registered = false;
}

/* Functions without a tracepoint */

/* Tasks in our functions, as the sum over all CPUs: one may leave on another CPU. */
static DEFINE_PER_CPU(long, nr_inside);

typedef struct folio *(*compaction_alloc_fn)(struct folio *src, unsigned long data);
/* Of mm/internal.h: the type has to be the same where calls are checked (CFI). */
struct compact_control;
typedef unsigned long (*isolate_freepages_range_fn)(struct compact_control *cc,
						    unsigned long start_pfn,
						    unsigned long end_pfn);

static compaction_alloc_fn compaction_alloc;
static isolate_freepages_range_fn isolate_freepages_range;

/* As it is since Linux 6.14. */
static noinline unsigned long hook_alloc_pages_bulk(gfp_t gfp, int preferred_nid,
						    nodemask_t *nodemask, int nr_pages,
						    struct page **page_array)
{
	unsigned long i, nr;

	this_cpu_inc(nr_inside);
	nr = alloc_pages_bulk_noprof(gfp, preferred_nid, nodemask, nr_pages, page_array);
	/* Those that were in the array before are allocated, too. */
	for (i = 0; i < nr; i++)
		if (page_array[i])
			frames_set(page_to_pfn(page_array[i]), 1, GPU_DMA_CHECK_ALLOCATED);
	this_cpu_dec(nr_inside);
	return nr;
}

static noinline struct folio *hook_compaction_alloc(struct folio *src, unsigned long data)
{
	struct folio *dst;

	this_cpu_inc(nr_inside);
	dst = compaction_alloc(src, data);
	if (dst)
		frames_set(folio_pfn(dst), folio_nr_pages(dst), GPU_DMA_CHECK_ALLOCATED);
	this_cpu_dec(nr_inside);
	return dst;
}

/* Gives the end of what it took off the free lists, 0 if it put all back. */
static noinline unsigned long hook_isolate_freepages_range(struct compact_control *cc,
							   unsigned long start_pfn,
							   unsigned long end_pfn)
{
	unsigned long end;

	this_cpu_inc(nr_inside);
	end = isolate_freepages_range(cc, start_pfn, end_pfn);
	if (end > start_pfn)
		frames_set(start_pfn, end - start_pfn, GPU_DMA_CHECK_ALLOCATED);
	this_cpu_dec(nr_inside);
	return end;
}

static struct redirect {
	const char *name;
	void *fn;
	void **original;	/* NULL where it is exported */
	bool needed;
	struct ftrace_ops ops;
	bool registered;
} redirects[] = {
	{ "alloc_pages_bulk_noprof", hook_alloc_pages_bulk, NULL, true },
	{ "compaction_alloc", hook_compaction_alloc, (void **)&compaction_alloc,
	  IS_ENABLED(CONFIG_COMPACTION) },
	{ "isolate_freepages_range", hook_isolate_freepages_range,
	  (void **)&isolate_freepages_range, IS_ENABLED(CONFIG_CONTIG_ALLOC) },
};

static void notrace redirect_call(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct redirect *redirect = container_of(ops, struct redirect, ops);

	/* When it is our function that calls, it wants the original. */
	if (!within_module(parent_ip, THIS_MODULE))
		ftrace_regs_set_instruction_pointer(fregs, (unsigned long)redirect->fn);
}

/* kallsyms_lookup_name() is not exported, but a kprobe finds it. */
static unsigned long lookup_name(const char *name)
{
	static unsigned long (*lookup)(const char *name);
	struct kprobe kp = { .symbol_name = "kallsyms_lookup_name" };

	if (!lookup && !register_kprobe(&kp)) {
		lookup = (void *)kp.addr;
		unregister_kprobe(&kp);
	}
	return lookup ? lookup(name) : 0;
}

static int redirect_register(struct redirect *redirect)
{
	unsigned long address = lookup_name(redirect->name);
	int ret;

	if (!address) {
		pr_warn("this kernel has no function %s, or hides its symbols\n", redirect->name);
		return -ENOENT;
	}
	if (redirect->original)
		*redirect->original = (void *)address;
	redirect->ops.func = redirect_call;
	/* PERMANENT: not switched off by the sysctl ftrace_enabled. */
	redirect->ops.flags = FTRACE_OPS_FL_IPMODIFY | FTRACE_OPS_FL_RECURSION |
			      FTRACE_OPS_FL_PERMANENT;
	ret = ftrace_set_filter_ip(&redirect->ops, address, 0, 0);
	if (!ret)
		ret = register_ftrace_function(&redirect->ops);
	if (ret) {
		ftrace_free_filter(&redirect->ops);
		pr_warn("cannot follow the function %s: %d\n", redirect->name, ret);
		return ret;
	}
	redirect->registered = true;
	return 0;
}

static void redirect_unregister(struct redirect *redirect)
{
	if (!redirect->registered)
		return;
	unregister_ftrace_function(&redirect->ops);
	ftrace_free_filter(&redirect->ops);
	redirect->registered = false;
}

static long count_inside(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(nr_inside, cpu);
	return sum;
}

/* Memory that is taken away or comes back was not freed by anybody. */
static int memory_changes(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct memory_notify *notify = data;

	if (action == MEM_GOING_ONLINE || action == MEM_OFFLINE)
		frames_set(notify->start_pfn, notify->nr_pages, GPU_DMA_CHECK_UNKNOWN);
	return NOTIFY_OK;
}

static struct notifier_block memory_notifier = {
	.notifier_call = memory_changes,
};

/*
 * Allocations first: a page that is marked as freed and then allocated by a way
 * that is not followed yet would stay marked. For the same reason wait until
 * every task has left the functions that it entered before they were followed.
 * They may be preempted inside, but sleep only where a tracepoint follows. What
 * was allocated and freed in this time would count as allocated: forget it.
 */
int hooks_init(void)
{
	size_t i;
	int ret;

	ret = register_memory_notifier(&memory_notifier);
	if (ret)
		return ret;
	for (i = 0; !ret && i < ARRAY_SIZE(redirects); i++)
		if (redirects[i].needed)
			ret = redirect_register(&redirects[i]);
	if (!ret)
		ret = probe_register(&alloc_probe);
	if (!ret) {
		synchronize_rcu_tasks();
		ret = probe_register(&free_probe);
	}
	if (ret)
		hooks_exit();
	else
		frames_forget();
	return ret;
}

void hooks_exit(void)
{
	size_t i;

	probe_unregister(&free_probe);
	probe_unregister(&alloc_probe);
	tracepoint_synchronize_unregister();
	for (i = 0; i < ARRAY_SIZE(redirects); i++)
		redirect_unregister(&redirects[i]);
	unregister_memory_notifier(&memory_notifier);
	/*
	 * Tasks that were led to our functions but have not begun them, then those
	 * that sleep in the original, then those at our functions' last
	 * instructions.
	 */
	synchronize_rcu_tasks();
	while (count_inside())
		msleep(20);
	synchronize_rcu_tasks();
}
