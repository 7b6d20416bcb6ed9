// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tool to break the protocol between the GPU's driver and its MMU on purpose:
 * what is written to the file mmu_wrong/run in debugfs is done at once, on
 * address spaces that the real driver has set up and knows nothing of it. For a
 * guest whose GPU is watched (suite mmu), and for nothing else: the driver is
 * free to crash. The user puts back what was changed, before the GPU's VM goes.
 *
 * A text is a sequence of these, with numbers in any base that kstrtou64()
 * knows:
 *
 *   find VA VALUE      choose the address space in which VALUE is at VA
 *   again              choose the one that was chosen last
 *   lock VA LOG2       LOCK the 2^LOG2 bytes around VA
 *   lockaddr NUMBER    LOCK what the number says
 *   unlock, flush_pt, flush_mem, update
 *   post COMMAND       one of these four, without waiting for its end
 *   wait               for the end of what is active
 *   disable, move      write another configuration: no tables, other tables
 *   put_back           write the one that was there
 *   clear VA           take the page at VA away
 *   readonly VA        take the right to write to it
 *   point VA OTHER     put the page at OTHER there as well
 *   table VA           put the page table that describes it there
 *   page VA            put a page of this module's own there
 *   free               give that page back to the kernel
 *   restore            put all descriptors back
 *
 * The write() fails with the error of the first that fails; with EFAULT if
 * nothing is mapped at VA.
 */

#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "mmu_wrong.h"

#define MAX_TEXT	4096

static DEFINE_MUTEX(lock);
static unsigned int chosen;

static const struct {
	const char *name;
	enum as_command command;
} commands[] = {
	{ "unlock", AS_UNLOCK },
	{ "flush_pt", AS_FLUSH_PT },
	{ "flush_mem", AS_FLUSH_MEM },
	{ "update", AS_UPDATE },
};

static int do_find(const u64 *arg)
{
	unsigned int as;
	u64 value;

	/* The first one is the firmware's */
	for (as = 1; as < NR_AS; as++) {
		phys_addr_t root = regs_root(as);

		if (root && tables_read(root, arg[0], &value) && value == arg[1]) {
			chosen = as;
			return 0;
		}
	}
	return -ENOENT;
}

static int do_again(const u64 *arg)
{
	return chosen ? 0 : -ENOENT;
}

static int do_command(enum as_command command)
{
	regs_post(chosen, command);
	return regs_wait(chosen);
}

static int do_lock(const u64 *arg)
{
	if (arg[1] < 1 || arg[1] > 63)
		return -EINVAL;
	regs_set_region(chosen, arg[0], arg[1]);
	return do_command(AS_LOCK);
}

static int do_lockaddr(const u64 *arg)
{
	regs_set_lockaddr(chosen, arg[0]);
	return do_command(AS_LOCK);
}

static int do_wait(const u64 *arg)
{
	return regs_wait(chosen);
}

static int do_disable(const u64 *arg)
{
	regs_disable(chosen);
	return 0;
}

static int do_move(const u64 *arg)
{
	regs_move(chosen);
	return 0;
}

static int do_put_back(const u64 *arg)
{
	regs_put_back(chosen);
	return 0;
}

static int do_clear(const u64 *arg)
{
	return tables_clear(regs_root(chosen), arg[0]);
}

static int do_readonly(const u64 *arg)
{
	return tables_make_readonly(regs_root(chosen), arg[0]);
}

static int do_point(const u64 *arg)
{
	return tables_point(regs_root(chosen), arg[0], arg[1]);
}

static int do_table(const u64 *arg)
{
	return tables_point_to_table(regs_root(chosen), arg[0]);
}

static int do_page(const u64 *arg)
{
	return tables_point_to_page(regs_root(chosen), arg[0]);
}

static int do_free(const u64 *arg)
{
	tables_free_page();
	return 0;
}

static int do_restore(const u64 *arg)
{
	tables_restore();
	return 0;
}

#define MAX_ARGS	2

static const struct {
	const char *name;
	unsigned int nr_args;
	int (*fn)(const u64 *arg);
} words[] = {
	{ "find", 2, do_find },
	{ "again", 0, do_again },
	{ "lock", 2, do_lock },
	{ "lockaddr", 1, do_lockaddr },
	{ "wait", 0, do_wait },
	{ "disable", 0, do_disable },
	{ "move", 0, do_move },
	{ "put_back", 0, do_put_back },
	{ "clear", 1, do_clear },
	{ "readonly", 1, do_readonly },
	{ "point", 2, do_point },
	{ "table", 1, do_table },
	{ "page", 1, do_page },
	{ "free", 0, do_free },
	{ "restore", 0, do_restore },
};

static const char *next_word(char **text)
{
	char *word;

	do {
		word = strsep(text, " \n");
	} while (word && !*word);
	return word;
}

static int run_command(const char *name, bool post)
{
	unsigned int i;

	for (i = 0; name && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		if (!post)
			return do_command(commands[i].command);
		regs_post(chosen, commands[i].command);
		return 0;
	}
	return -EINVAL;
}

static int run_word(const char *name, char **rest)
{
	u64 args[MAX_ARGS];
	unsigned int i, k;
	int ret;

	if (!strcmp(name, "post"))
		return run_command(next_word(rest), true);
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, name))
			continue;
		for (k = 0; k < words[i].nr_args; k++) {
			const char *text = next_word(rest);

			ret = text ? kstrtou64(text, 0, &args[k]) : -EINVAL;
			if (ret)
				return ret;
		}
		return words[i].fn(args);
	}
	return run_command(name, false);
}

static ssize_t run_write(struct file *file, const char __user *user, size_t size, loff_t *pos)
{
	char *text, *rest;
	const char *word;
	int ret = 0;

	if (size > MAX_TEXT)
		return -EINVAL;
	text = memdup_user_nul(user, size);
	if (IS_ERR(text))
		return PTR_ERR(text);
	rest = text;
	mutex_lock(&lock);
	while (!ret && (word = next_word(&rest)))
		ret = run_word(word, &rest);
	mutex_unlock(&lock);
	kfree(text);
	return ret ? ret : size;
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.write = run_write,
};

static struct dentry *dir;

static int __init mmu_wrong_init(void)
{
	int ret = regs_init();

	if (ret)
		return ret;
	dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("run", 0200, dir, NULL, &run_fops);
	return 0;
}
module_init(mmu_wrong_init);

static void __exit mmu_wrong_exit(void)
{
	debugfs_remove(dir);
	tables_free_page();
	regs_exit();
}
module_exit(mmu_wrong_exit);

MODULE_DESCRIPTION("Breaks the protocol of a GPU's MMU on purpose, for tests");
MODULE_AUTHOR("The mali-vm project");
MODULE_LICENSE("GPL");
