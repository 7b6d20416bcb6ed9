// SPDX-License-Identifier: GPL-2.0-or-later
/* Suite load: the firmware's file, as panthor_fw_load() and what it calls read it. */

#include <errno.h>
#include <string.h>

#include "load.h"

/* The file: a header, three entries, then what they speak of */
enum {
	MAGIC = 0, VERSION = 4, SIZE = 16, HEADER_SIZE = 20,

	/* The words of a section's entry */
	HEAD = 0, FLAGS = 4, VA_START = 8, VA_END = 12, DATA_START = 16, DATA_END = 20,
	SECTION_SIZE = 24,

	SHARED = HEADER_SIZE,
	CODE = SHARED + SECTION_SIZE,
	CODE_NAME = CODE + SECTION_SIZE,
	INFO = CODE_NAME + 8,
	INFO_START = INFO + 4, INFO_SIZE = INFO + 8,
	ENTRIES = INFO + 12,

	CODE_DATA = ENTRIES, CODE_DATA_SIZE = 64,
	SHA = CODE_DATA + CODE_DATA_SIZE,
	ALL = SHA + 16,
};

#define ENTRY(type, size)	((type) | (size) << 8)
#define OPTIONAL		(1u << 31)

/* Flags of sections */
#define RD		(1u << 0)
#define WR		(1u << 1)
#define EX		(1u << 2)
#define CACHED		(1u << 3)
#define PROT		(1u << 5)
#define SHARED_MEM	(1u << 30)
#define ZERO		(1u << 31)

#define SHARED_VA	0x04000000u
#define SHARED_BYTES	(512 * 1024u)
#define CODE_BYTES	8192u

static void put(uint8_t *image, unsigned int offset, uint32_t value)
{
	/* The guest is little-endian, and so is the file. */
	memcpy(image + offset, &value, sizeof(value));
}

static void section(uint8_t *at, unsigned int size, uint32_t flags, uint32_t va, uint32_t bytes,
		    uint32_t start, uint32_t end)
{
	put(at, HEAD, ENTRY(0, size));
	put(at, FLAGS, flags);
	put(at, VA_START, va);
	put(at, VA_END, va + bytes);
	put(at, DATA_START, start);
	put(at, DATA_END, end);
}

size_t load_image(const struct load_case *l, uint8_t image[IMAGE_SIZE])
{
	memset(image, 0, IMAGE_SIZE);
	put(image, MAGIC, 0xc3f13a6e);
	put(image, SIZE, ENTRIES);
	section(image + SHARED, SECTION_SIZE, RD | WR | SHARED_MEM | ZERO, SHARED_VA, SHARED_BYTES,
		0, 0);
	section(image + CODE, SECTION_SIZE + 8, RD | EX | CACHED, 0, CODE_BYTES, CODE_DATA,
		CODE_DATA + CODE_DATA_SIZE);
	memcpy(image + CODE_NAME, "code", 5);
	put(image, INFO, ENTRY(6, 12) | OPTIONAL);
	put(image, INFO_START, SHA);
	put(image, INFO_SIZE, 16);
	memset(image + CODE_DATA, 0xc0, CODE_DATA_SIZE);
	memcpy(image + SHA, "git_sha: 123456", 16);
	for (size_t i = 0; i < MAX_EDITS && (l->edits[i].offset || l->edits[i].value); i++)
		put(image, l->edits[i].offset, l->edits[i].value);
	return l->size ? l->size : ALL;
}

#define HEADER_CASE(name, says, ...)						\
	{ name, EINVAL, says, "panthor_fw_load", .edits = { __VA_ARGS__ } }
#define ENTRY_CASE(name, says, ...)						\
	{ name, EINVAL, says, "panthor_fw_load_entry", .edits = { __VA_ARGS__ } }
#define SECTION_CASE(name, says, ...)						\
	{ name, EINVAL, says, "panthor_fw_load_section_entry", .edits = { __VA_ARGS__ } }
#define INFO_CASE(name, says, ...)						\
	{ name, 0, says, "panthor_fw_read_build_info", .edits = { __VA_ARGS__ } }
#define TAKEN(name, by, ...)							\
	{ name, 0, NULL, by, .edits = { __VA_ARGS__ } }

#define TOO_SMALL	"Firmware too small"

static const struct load_case file_cases[] = {
	TAKEN("whole", "panthor_fw_load", { }),

	/* The header */
	{ "no_header", EINVAL, TOO_SMALL, "panthor_fw_binary_iter_read", .size = HEADER_SIZE - 1 },
	HEADER_CASE("wrong_magic", "Invalid firmware magic", { MAGIC, 0x12345678 }),
	HEADER_CASE("newer_version", "Unsupported firmware binary header version 1\\.0",
		    { VERSION, 0x0100 }),
	HEADER_CASE("truncated", "Firmware image is truncated", { SIZE, ALL + 1 }),
	HEADER_CASE("no_entries", "Shared interface region not found", { SIZE, HEADER_SIZE }),

	/* Entries of any type */
	ENTRY_CASE("half_an_entry", TOO_SMALL, { SIZE, HEADER_SIZE + 2 }),
	ENTRY_CASE("entry_of_bytes", "entry is not 32-bit aligned",
		   { SHARED + HEAD, ENTRY(0, SECTION_SIZE + 1) }),
	ENTRY_CASE("entry_too_long", "Firmware entry too long", { SHARED + HEAD, ENTRY(0, 252) }),
	ENTRY_CASE("entry_of_nothing", "Firmware entry too long", { SHARED + HEAD, ENTRY(0, 0) }),
	ENTRY_CASE("unknown_entry", "Unsupported non-optional entry type 5",
		   { INFO, ENTRY(5, 12) }),
	TAKEN("unknown_optional_entry", "panthor_fw_load_entry", { INFO, ENTRY(5, 12) | OPTIONAL }),
	TAKEN("config_entry", "panthor_fw_load_entry", { INFO, ENTRY(1, 12) }),
	TAKEN("test_entry", "panthor_fw_load_entry", { INFO, ENTRY(2, 12) }),
	TAKEN("trace_entry", "panthor_fw_load_entry", { INFO, ENTRY(3, 12) }),
	TAKEN("timeline_entry", "panthor_fw_load_entry", { INFO, ENTRY(4, 12) }),

	/* Sections */
	SECTION_CASE("section_too_short", TOO_SMALL, { CODE + HEAD, ENTRY(0, 8) }),
	SECTION_CASE("data_ends_first", "data\\.end < data\\.start", { CODE + DATA_START, ALL }),
	SECTION_CASE("addresses_end_first", "va\\.end < hdr\\.va\\.start",
		     { CODE + VA_START, 2 * CODE_BYTES }),
	SECTION_CASE("data_behind_file", "file truncated\\?", { CODE + DATA_END, ALL + 1 }),
	SECTION_CASE("start_in_page", "virtual addresses not page aligned",
		     { CODE + VA_START, 64 }),
	SECTION_CASE("end_in_page", "virtual addresses not page aligned",
		     { CODE + VA_END, CODE_BYTES - 64 }),
	SECTION_CASE("unknown_flag", "interface with unsupported flags",
		     { CODE + FLAGS, RD | 1 << 8 }),
	SECTION_CASE("shared_is_not", "must be shared", { SHARED + FLAGS, RD | WR | ZERO }),
	SECTION_CASE("data_too_long", "section data exceeds section size",
		     { SHARED + DATA_END, ALL }, { SHARED + VA_END, SHARED_VA }),
	SECTION_CASE("shared_is_empty", "Shared interface region not found",
		     { SHARED + VA_END, SHARED_VA }),
	{ "protected", 0, "protected mode entry is not supported", "panthor_fw_load_section_entry",
	  .edits = { { CODE + FLAGS, RD | EX | PROT } } },
	{ "twice_the_same", ENOSPC, NULL, "panthor_vm_alloc_va",
	  .edits = { { CODE + VA_START, SHARED_VA + CODE_BYTES },
	    { CODE + VA_END, SHARED_VA + 2 * CODE_BYTES } } },
	/* The model says so of a section without room for the interface. */
	{ "shared_too_small", ETIMEDOUT, "Failed to boot MCU", "panthor_fw_start",
	  .edits = { { SHARED + VA_END, SHARED_VA + 4096 } },
	  .may = "Unhandled Page fault in AS0|raw fault status" },
	TAKEN("empty_section", "panthor_fw_load_section_entry",
	      { CODE + VA_END, 0 }, { CODE + DATA_END, CODE_DATA }),
	TAKEN("no_data", "panthor_fw_init_section_mem", { CODE + DATA_END, CODE_DATA }),
	TAKEN("zeroes_behind_data", "panthor_fw_init_section_mem",
	      { CODE + FLAGS, RD | WR | EX | ZERO }),
	TAKEN("data_of_no_code", "panthor_fw_load_section_entry",
	      { CODE + FLAGS, RD | WR | SHARED_MEM | ZERO }),
	/* The name is what is left of the entry; the rest becomes entries of no meaning. */
	TAKEN("no_name", "panthor_fw_load_section_entry", { CODE + HEAD, ENTRY(0, SECTION_SIZE) },
	      { CODE_NAME, ENTRY(1, 8) }),

	/* The build's information, which nothing depends on */
	{ "info_too_short", EINVAL, TOO_SMALL, "panthor_fw_read_build_info",
	  .edits = { { INFO, ENTRY(6, 8) | OPTIONAL }, { INFO + 8, ENTRY(1, 4) } } },
	INFO_CASE("info_behind_file", "build info corrupt", { INFO_START, ALL + 1 }),
	INFO_CASE("info_too_long", "build info corrupt", { INFO_SIZE, 17 }),
	INFO_CASE("info_of_nothing", "build info corrupt", { INFO_SIZE, 9 }),
	INFO_CASE("info_of_other_kind", NULL, { SHA, 0x21212121 }),
	INFO_CASE("info_without_end", "git sha is not NULL terminated", { INFO_SIZE, 12 }),
};

const struct load_table load_files = { "file", file_cases, ARRAY_SIZE(file_cases) };
