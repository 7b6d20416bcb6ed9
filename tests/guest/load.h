/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suite load: what the driver finds when it takes a GPU. A case is a row: what
 * is wrong with the firmware's file, or what the hardware does (rules, as of
 * docs/mali-csf.rst), how the binding ends, and what the driver says of it. In
 * the end the driver takes the GPU as it should be.
 */
#ifndef GUEST_LOAD_H
#define GUEST_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "util.h"

#define MAX_EDITS	4
#define MAX_LOAD_RULES	2

/* A word of the file, by its offset, is another one. */
struct edit {
	unsigned int offset;
	uint32_t value;
};

struct load_case {
	const char *name;
	int error;			/* of the binding; 0: the GPU is taken, and works */
	const char *says;		/* a regular expression of the log, NULL: nothing */
	const char *by;			/* the driver's function that says so */
	struct edit edits[MAX_EDITS];	/* offset 0 is the magic: {} is the end */
	size_t size;			/* 0: all of the file */
	const char *rules[MAX_LOAD_RULES];
	const char *may;		/* what may be logged besides */
};

struct load_table {
	const char *what;
	const struct load_case *cases;
	size_t nr;
};

/* load_file.c, load_gpu.c */
extern const struct load_table load_files, load_registers, load_interfaces;

/* A file that the driver takes, with some words changed. Returns its size. */
#define IMAGE_SIZE 4096
size_t load_image(const struct load_case *l, uint8_t image[IMAGE_SIZE]);

#endif
