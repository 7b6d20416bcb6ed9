// SPDX-License-Identifier: GPL-2.0-or-later

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "harness.h"

/* The driver waits 50 ms before it lets the GPU go down; hosts may be slow */
#define SUSPEND_WAIT_S patience(20)

void client_buffer(struct client *c, struct bo *bo, size_t size, const char *label, uint64_t va)
{
	CHECK_OK(bo_create(&c->gpu, bo, size, 0, label));
	CHECK_OK(bo_mmap(&c->gpu, bo));
	memset(bo->map, 0, size);
	CHECK_OK(bo_bind(&c->gpu, bo, c->vm, va));
}

void client_open(struct client *c, unsigned int queues)
{
	CHECK_OK(panthor_open(&c->gpu));
	c->vm = CHECK_OK(panthor_vm_create(&c->gpu));
	client_buffer(c, &c->code, BO_SIZE, "client-code", CODE_VA);
	client_buffer(c, &c->data, BO_SIZE, "client-data", DATA_VA);
	c->group = CHECK_OK(group_create(&c->gpu, c->vm, queues, 4096,
					 PANTHOR_GROUP_PRIORITY_MEDIUM));
	c->done = CHECK_OK(syncobj_create(&c->gpu));
}

void client_close(struct client *c)
{
	CHECK_OK(syncobj_destroy(&c->gpu, c->done));
	CHECK_OK(group_destroy(&c->gpu, c->group));
	bo_munmap(&c->code);
	bo_munmap(&c->data);
	bo_destroy(&c->gpu, &c->code);
	bo_destroy(&c->gpu, &c->data);
	panthor_vm_destroy(&c->gpu, c->vm);
	panthor_close(&c->gpu);
}

void client_new_group(struct client *c, unsigned int queues)
{
	CHECK_OK(group_destroy(&c->gpu, c->group));
	c->group = CHECK_OK(group_create_any_time(&c->gpu, c->vm, queues, 4096,
						  PANTHOR_GROUP_PRIORITY_MEDIUM));
}

void client_keep_awake(struct client *c)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/power/control", c->gpu.sysfs);
	CHECK_OK(tunable_set(path, "on"));
}

void client_wait_suspended(struct client *c)
{
	double deadline = now() + SUSPEND_WAIT_S;
	char status[32];

	for (;;) {
		CHECK_OK(panthor_power_read(&c->gpu, "runtime_status", status, sizeof(status)));
		if (!strcmp(status, "suspended"))
			return;
		CHECK(now() < deadline, "not suspended after %d s", SUSPEND_WAIT_S);
		sleep_ms(5);
	}
}

void client_submit(struct client *c, unsigned int queue, size_t offset,
		   const uint64_t *words, size_t nr)
{
	CHECK(offset + nr * sizeof(*words) <= BO_SIZE, "%zu instructions", nr);
	memcpy(c->code.map + offset, words, nr * sizeof(*words));
	CHECK_OK(group_submit(&c->gpu, c->group, queue, CODE_VA + offset,
			      nr * sizeof(*words), 0, c->done));
}

void client_run(struct client *c, const uint64_t *words, size_t nr)
{
	client_submit(c, 0, 0, words, nr);
	CHECK_OK(syncobj_wait(&c->gpu, c->done, JOB_MS));
}

void emit(struct stream *s, uint64_t word)
{
	CHECK(s->nr < s->max, "a stream of more than %zu instructions", s->max);
	s->words[s->nr++] = word;
}
