// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite fault: the two clients that a fault meets, and the driver's coming and
 * going. What a client asks for may fail here: the caller knows what it should be.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "harness.h"
#include "host.h"
#include "stream.h"

#define PATTERN_VA	0x40000000ull
#define COPY_VA		0x41000000ull
/* Of the data: each in a cache line of its own */
#define AT_STARTED	0x000
#define AT_STOP		0x040
#define AT_NUMBER	0x080
/* Of the code: the job that waits to be told, and the one that does not */
#define SPIN_AT		0x0000
#define COPY_AT		0x1000

#define START_S		patience(20)

static uint64_t pattern_word(const struct party *p, size_t i)
{
	return mix64(hash_string(p->name) + i);
}

static void pattern_fill(struct party *p)
{
	uint64_t *words = (uint64_t *)p->pattern.map;

	for (size_t i = 0; i < BO_SIZE / 8; i++)
		words[i] = pattern_word(p, i);
}

static void check_words(const struct party *p, const uint8_t *map, const char *what)
{
	const uint64_t *words = (const uint64_t *)map;

	for (size_t i = 0; i < BO_SIZE / 8; i++)
		CHECK(words[i] == pattern_word(p, i), "%s's %s at 0x%zx: 0x%llx instead of 0x%llx",
		      p->name, what, i * 8, (unsigned long long)words[i],
		      (unsigned long long)pattern_word(p, i));
}

void party_check_pattern(const struct party *p)
{
	check_words(p, p->pattern.map, "pattern");
}

void party_check_copy(struct party *p)
{
	EXPECT_EQ(data32(&p->c)[AT_NUMBER / 4], p->number);
	check_words(p, p->copy.map, "copy");
}

void party_open(struct party *p, const char *name)
{
	char label[32];

	memset(p, 0, sizeof(*p));
	p->name = name;
	p->fence = -ENOENT;
	client_open(&p->c, 1);
	snprintf(label, sizeof(label), "%s-pattern", name);
	client_buffer(&p->c, &p->pattern, BO_SIZE, label, PATTERN_VA);
	pattern_fill(p);
	snprintf(label, sizeof(label), "%s-copy", name);
	client_buffer(&p->c, &p->copy, BO_SIZE, label, COPY_VA);
}

uint64_t party_locked(unsigned int as)
{
	static const uint64_t vas[] = { CODE_VA, DATA_VA, PATTERN_VA, COPY_VA };
	struct host_peek peek;

	for (size_t i = 0; i < ARRAY_SIZE(vas); i++) {
		host_translate(as, vas[i], "read", &peek);
		if (peek.locked)
			return vas[i];
	}
	return 0;
}

void party_close(struct party *p)
{
	if (p->fence >= 0)
		close(p->fence);
	bo_destroy(&p->c.gpu, &p->pattern);
	bo_destroy(&p->c.gpu, &p->copy);
	client_close(&p->c);
}

/*
 * Compute tasks of a million threads, of 2 ms each, until the flag is set: the
 * GPU is at work and the host is not, so that the driver's polls go by quickly.
 */
static void emit_spin(struct stream *s)
{
	emit(s, CS_MOVE(0, 0ull));
	emit(s, CS_MOVE(8, 0ull));
	emit(s, CS_MOVE(16, DATA_VA + AT_SHADER));
	emit(s, CS_MOVE(24, DATA_VA + AT_STORAGE));
	emit(s, CS_MOVE32(33, 1023));
	emit(s, CS_MOVE32(37, 1024));
	emit(s, CS_MOVE32(38, 32));
	emit(s, CS_MOVE32(39, 1));
	emit(s, CS_MOVE(R_ADDR, DATA_VA));
	emit(s, CS_MOVE32(R_A, 1));
	emit(s, CS_STORE(R_A, R_ADDR, 1, AT_STARTED));
	emit(s, CS_RUN_COMPUTE());
	emit(s, CS_WAIT(0xff));
	emit(s, CS_LOAD(R_B, R_ADDR, 1, AT_STOP));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_BRANCH(CS_EQ, R_B, -5));
}

/* 64 bytes at a time, then the job's number */
static void emit_copy(struct stream *s, uint32_t number)
{
	emit(s, CS_MOVE(62, PATTERN_VA));
	emit(s, CS_MOVE(64, COPY_VA));
	emit(s, CS_MOVE32(66, BO_SIZE / 64));
	emit(s, CS_LOAD(16, 62, 0xffff, 0));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_STORE(16, 64, 0xffff, 0));
	emit(s, CS_WAIT(0xff));
	emit(s, CS_ADD64(62, 62, 64));
	emit(s, CS_ADD64(64, 64, 64));
	emit(s, CS_ADD32(66, 66, -1));
	emit(s, CS_BRANCH(CS_GT, 66, -8));
	emit(s, CS_MOVE(R_ADDR, DATA_VA));
	emit(s, CS_MOVE32(R_A, number));
	emit(s, CS_STORE(R_A, R_ADDR, 1, AT_NUMBER));
	emit(s, CS_WAIT(0xff));
}

static int party_submit(struct party *p, size_t offset, const struct stream *s)
{
	if (p->fence >= 0)
		close(p->fence);
	memset(p->copy.map, 0, BO_SIZE);
	memcpy(p->c.code.map + offset, s->words, s->nr * sizeof(*s->words));
	p->fence = group_submit(&p->c.gpu, p->c.group, 0, CODE_VA + offset,
				s->nr * sizeof(*s->words), 0, p->c.done);
	if (p->fence >= 0)
		p->fence = syncobj_export(&p->c.gpu, p->c.done);
	return p->fence < 0 ? p->fence : 0;
}

int party_spin(struct party *p)
{
	STREAM(s, 96);

	data32(&p->c)[AT_STARTED / 4] = 0;
	data32(&p->c)[AT_STOP / 4] = 0;
	data32(&p->c)[AT_SHADER / 4] = 8;
	emit_spin(&s);
	emit_draws(p, &s);
	emit_copy(&s, ++p->number);
	return party_submit(p, SPIN_AT, &s);
}

void party_started(struct party *p)
{
	volatile uint32_t *started = &data32(&p->c)[AT_STARTED / 4];
	double deadline = now() + START_S;

	while (!*started) {
		CHECK(now() < deadline, "%s's job has not begun after %d s", p->name, START_S);
		sleep_ms(1);
	}
}

void party_stop(struct party *p)
{
	volatile uint32_t *stop = &data32(&p->c)[AT_STOP / 4];

	*stop = 1;
}

int party_copy(struct party *p)
{
	STREAM(s, 64);

	emit_draws(p, &s);
	emit_copy(&s, ++p->number);
	return party_submit(p, COPY_AT, &s);
}

bool party_done(const struct party *p)
{
	return p->fence >= 0 && sync_file_status(p->fence) != -EBUSY;
}

int party_result(struct party *p, unsigned int ms)
{
	struct pollfd pfd = { .fd = p->fence, .events = POLLIN };

	if (p->fence < 0)
		return p->fence;
	while (poll(&pfd, 1, ms) < 0 && errno == EINTR)
		;
	return party_done(p) ? sync_file_status(p->fence) : -ETIME;
}
