// SPDX-License-Identifier: GPL-2.0-or-later

#include <linux/bitfield.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/of.h>
#include <linux/of_address.h>

#include "mmu_wrong.h"

#define COMPATIBLE		"arm,mali-valhall-csf"

/* panthor_regs.h */
#define AS_BASE(as)		(0x2400 + (as) * 0x40)
#define AS_TRANSTAB		0x00
#define AS_LOCKADDR		0x10
#define AS_COMMAND		0x18
#define AS_STATUS		0x28
#define AS_STATUS_ACTIVE	BIT(0)
#define AS_TRANSCFG		0x30
#define AS_TRANSCFG_MODE	GENMASK(3, 0)
#define AS_TRANSCFG_UNMAPPED	1
#define AS_TRANSCFG_4K		6
#define AS_TRANSCFG_INA_BITS	GENMASK(10, 6)
/* 55 less the bits of an address, which are 48: then the root is a table of level 0 */
#define INA_BITS_48		7

#define WAIT_US			1000000

static void __iomem *regs;

/* What regs_disable() and regs_move() have overwritten */
static struct {
	bool is_set;
	u64 transtab, transcfg;
} saved[NR_AS];

int regs_init(void)
{
	struct device_node *node = of_find_compatible_node(NULL, NULL, COMPATIBLE);

	if (!node)
		return -ENODEV;
	regs = of_iomap(node, 0);
	of_node_put(node);
	return regs ? 0 : -ENOMEM;
}

void regs_exit(void)
{
	iounmap(regs);
}

static void __iomem *as_reg(unsigned int as, unsigned int reg)
{
	return regs + AS_BASE(as) + reg;
}

static u64 read64(unsigned int as, unsigned int reg)
{
	return readl(as_reg(as, reg)) | (u64)readl(as_reg(as, reg + 4)) << 32;
}

static void write64(unsigned int as, unsigned int reg, u64 value)
{
	writel(lower_32_bits(value), as_reg(as, reg));
	writel(upper_32_bits(value), as_reg(as, reg + 4));
}

phys_addr_t regs_root(unsigned int as)
{
	u64 transcfg = read64(as, AS_TRANSCFG);

	if (FIELD_GET(AS_TRANSCFG_MODE, transcfg) != AS_TRANSCFG_4K ||
	    FIELD_GET(AS_TRANSCFG_INA_BITS, transcfg) != INA_BITS_48)
		return 0;
	return read64(as, AS_TRANSTAB);
}

void regs_set_lockaddr(unsigned int as, u64 lockaddr)
{
	write64(as, AS_LOCKADDR, lockaddr);
}

/* The size as a power of two, less one, below the address: pack_region_range() */
void regs_set_region(unsigned int as, u64 va, unsigned int log2)
{
	regs_set_lockaddr(as, (va & ~(BIT_ULL(log2) - 1)) | (log2 - 1));
}

void regs_post(unsigned int as, enum as_command command)
{
	writel(command, as_reg(as, AS_COMMAND));
}

int regs_wait(unsigned int as)
{
	u32 status;

	return readl_poll_timeout(as_reg(as, AS_STATUS), status, !(status & AS_STATUS_ACTIVE), 10,
				  WAIT_US);
}

static void save(unsigned int as)
{
	saved[as].is_set = true;
	saved[as].transtab = read64(as, AS_TRANSTAB);
	saved[as].transcfg = read64(as, AS_TRANSCFG);
}

void regs_disable(unsigned int as)
{
	save(as);
	write64(as, AS_TRANSTAB, 0);
	write64(as, AS_TRANSCFG, AS_TRANSCFG_UNMAPPED);
}

void regs_move(unsigned int as)
{
	save(as);
	write64(as, AS_TRANSTAB, saved[as].transtab + PAGE_SIZE);
}

void regs_put_back(unsigned int as)
{
	if (!saved[as].is_set)
		return;
	saved[as].is_set = false;
	write64(as, AS_TRANSTAB, saved[as].transtab);
	write64(as, AS_TRANSCFG, saved[as].transcfg);
}
