/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Questions to the host, and its answers, over the port that the TAP goes to.
 *
 * A question is a line "# mali-vm: ask ID COMMAND ARGS .", a comment to whoever
 * reads TAP, and whole if it ends in the dot; the answer is "ID ok RESULT" or
 * "ID error SENTENCE". IDs are not used twice, so that an answer to a process
 * that did not live to read it, or was late, is nobody else's.
 * malivm/answers.py has the commands. This is what host.h is made of, and how
 * the harness tells the end of a test.
 */
#ifndef GUEST_ASK_H
#define GUEST_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "util.h"

/* The second serial port: what the host has to read, and what it answers. */
#define HOST_TTY "/dev/ttyAMA1"

/* No answer is longer, with its NUL (malivm/answers.py keeps to it). */
#define ANSWER_SIZE 4096

/* How long the host may take. It answers in milliseconds unless it is gone. */
#define ASK_TIMEOUT_S 20

/* Someone answers: under ./mali-vm run, not in its shell, nor with --icount. */
bool ask_possible(void);

/*
 * Ask, and wait for the answer; any number of processes may at the same time.
 * 0 and the result in `answer`, or -errno and a sentence there: EREMOTEIO is a
 * refusal of the host's, ETIMEDOUT its silence.
 */
int ask(char answer[ANSWER_SIZE], const char *fmt, ...) __printf(2, 3);

#endif
