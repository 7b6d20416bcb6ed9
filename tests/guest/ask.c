// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "conf.h"

/* Longer than any rule that QEMU takes */
#define QUESTION_SIZE 1024

bool ask_possible(void)
{
	/* While the host thinks, a guest that waits sees years go by */
	return !strcmp(conf_get("mode", ""), "run") && !conf_bool("icount", 0);
}

static int milliseconds_left(double deadline)
{
	double left = deadline - now();

	return left > 0 ? left * 1000 + 1 : 0;
}

/*
 * One question at a time: who reads the answer must be who asked. The lock goes
 * away with a process that dies; one that the kernel does not let die keeps it.
 */
static int lock_port(int fd, double deadline)
{
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (!milliseconds_left(deadline))
			return -ETIMEDOUT;
		sleep_ms(2);
	}
	return 0;
}

/* Read up to the end of a line. What is longer than the buffer is dropped. */
static int read_line(int fd, char *buf, size_t size, double deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t got;
	char c;

	for (;;) {
		if (poll(&pfd, 1, milliseconds_left(deadline)) == 0)
			return -ETIMEDOUT;
		/* By the byte: what follows the line is another one's. */
		got = read(fd, &c, 1);
		if (got < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (got != 1)
			continue;
		if (c == '\n')
			break;
		if (c != '\r' && len < size - 1)
			buf[len++] = c;
	}
	buf[len] = '\0';
	return 0;
}

/* If `line` answers the question `id`, take its result: 0 or -errno, else 1. */
static int take_answer(char answer[ANSWER_SIZE], const char *line, const char *id)
{
	size_t len = strlen(id);

	if (strncmp(line, id, len) || line[len] != ' ')
		return 1;
	line += len + 1;
	len = strcspn(line, " ");
	snprintf(answer, ANSWER_SIZE, "%s", line[len] ? line + len + 1 : "");
	return len == 2 && !strncmp(line, "ok", 2) ? 0 : -EREMOTEIO;
}

static int ask_port(int fd, char answer[ANSWER_SIZE], const char *question)
{
	char id[24], line[QUESTION_SIZE + 64], heard[ANSWER_SIZE + sizeof(id)];
	double deadline = now() + ASK_TIMEOUT_S;
	struct timespec ts;
	int len, ret;

	ret = lock_port(fd, deadline);
	if (ret)
		return ret;
	/* The clock does not show the same time twice, and one asks at a time. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(id, sizeof(id), "%lld.%09ld", (long long)ts.tv_sec, ts.tv_nsec);
	/* Begins anew: a process may have been killed in the middle of its question. */
	len = snprintf(line, sizeof(line), "\n# mali-vm: ask %s %s .\n", id, question);
	/* In one piece: the kernel lets no other writer come in between. */
	if (write(fd, line, len) != len)
		return -EIO;
	do {
		ret = read_line(fd, heard, sizeof(heard), deadline);
		if (ret)
			return ret;
		ret = take_answer(answer, heard, id);
	} while (ret == 1);
	return ret;
}

int ask(char answer[ANSWER_SIZE], const char *fmt, ...)
{
	char question[QUESTION_SIZE], *c;
	va_list ap;
	int fd, ret;

	va_start(ap, fmt);
	vsnprintf(question, sizeof(question), fmt, ap);
	va_end(ap);
	for (c = question; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	/* A file of its own, since a lock is of a file that was opened. */
	fd = open(HOST_TTY, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ret = fd < 0 ? -errno : ask_port(fd, answer, question);
	if (fd >= 0)
		close(fd);
	if (ret == -ETIMEDOUT)
		snprintf(answer, ANSWER_SIZE, "the host did not answer within %d s",
			 ASK_TIMEOUT_S);
	else if (ret && ret != -EREMOTEIO)
		snprintf(answer, ANSWER_SIZE, "the host cannot be asked: %s", strerror(-ret));
	return ret;
}
