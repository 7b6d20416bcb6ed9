// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite measure: others, who have nothing to do with the buffers that are evicted. */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "measure.h"
#include "reclaim.h"
#include "stream.h"

#define MAX_JOBS	8192
/* To begin with; the first of them power things up */
#define WARM_UP		8
#define CALM_JOBS	64
#define SPIN		10000		/* turns of a loop: a tenth of a millisecond */

struct job {
	uint64_t begin, end;
};

static struct {
	volatile unsigned int nr;
	volatile bool stop;
	struct job jobs[MAX_JOBS];
} *load;

static unsigned int counted;
static uint64_t calm_ns;

struct worker {
	pid_t pid;
	volatile bool *stop;
};

static struct worker jobs_worker, binds_worker;

static void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

/* True in the process that is to work */
static bool fork_worker(struct worker *w, volatile bool *stop)
{
	w->stop = stop;
	w->pid = fork();
	CHECK(w->pid >= 0, "fork: %s", strerror(errno));
	if (!w->pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return !w->pid;
}

static void stop_worker(struct worker *w)
{
	int status;

	*w->stop = true;
	CHECK_EQ(waitpid(w->pid, &status, 0), w->pid);
	CHECK_EQ(status, 0);
}

static void run_jobs(void)
{
	struct client c = { 0 };

	client_open(&c, 1);
	for (unsigned int n = 0; !load->stop; n++) {
		struct job *job = &load->jobs[n % MAX_JOBS];

		job->begin = machine_ns();
		RUN(&c, CS_MOVE32(20, SPIN), CS_ADD32(20, 20, -1), CS_BRANCH(CS_GT, 20, -2));
		job->end = machine_ns();
		load->nr = n + 1;
	}
	client_close(&c);
	_exit(0);
}

static void wait_jobs(unsigned int nr)
{
	double deadline = now() + RECLAIM_WAIT_S;

	while (load->nr < nr) {
		CHECK(now() < deadline, "the load does not get on");
		CHECK_EQ(waitpid(jobs_worker.pid, NULL, WNOHANG), 0);
		sleep_ms(1);
	}
}

static uint64_t job_ns(const struct job *job)
{
	return job->end - job->begin;
}

void load_start(void)
{
	load = shared_memory(sizeof(*load));
	if (fork_worker(&jobs_worker, &load->stop))
		run_jobs();
	wait_jobs(WARM_UP + CALM_JOBS);
	calm_ns = 0;
	for (unsigned int i = WARM_UP; i < WARM_UP + CALM_JOBS; i++)
		if (job_ns(&load->jobs[i]) > calm_ns)
			calm_ns = job_ns(&load->jobs[i]);
	counted = load->nr;
}

void load_stop(void)
{
	stop_worker(&jobs_worker);
}

unsigned int load_delayed(uint64_t begin, uint64_t end, uint64_t *ns, unsigned int max)
{
	unsigned int nr = load->nr, found = 0;

	CHECK(nr < MAX_JOBS, "more than %d jobs", MAX_JOBS);
	/* One that has ended before it is nobody's */
	for (; counted < nr && load->jobs[counted].begin < end; counted++) {
		const struct job *job = &load->jobs[counted];

		if (job->end > begin && job_ns(job) > calm_ns && found < max)
			ns[found++] = job_ns(job) - calm_ns;
	}
	return found;
}

/* --- VM_BIND --- */

void binds_start(struct rig *rig)
{
	volatile unsigned int *binds = shared_memory(PAGE);
	uint64_t va = rig_other_va(rig, 0) + 64 * MIB;
	struct bo bo;

	if (fork_worker(&binds_worker, (volatile bool *)(binds + 1))) {
		CHECK_OK(bo_create(&rig->gpu, &bo, 16 * PAGE, 0, "measure-bound"));
		for (; !*binds_worker.stop; ++*binds) {
			CHECK_OK(bo_bind(&rig->gpu, &bo, rig->vms[0].vm, va));
			CHECK_OK(vm_unbind(&rig->gpu, rig->vms[0].vm, va, bo.size));
		}
		_exit(0);
	}
	while (*binds < 2) {
		CHECK_EQ(waitpid(binds_worker.pid, NULL, WNOHANG), 0);
		sleep_ms(1);
	}
}

void binds_stop(void)
{
	stop_worker(&binds_worker);
}
