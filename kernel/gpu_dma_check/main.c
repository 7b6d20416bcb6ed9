// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Follows every page from being allocated to being freed and shows the device
 * "mali-vm,gpu-dma-check", a part of the GPU model of mali-vm, which page frames
 * are free: it reports a GPU that accesses one of them, and who freed it. It
 * changes nothing for the kernel, reads no memory of others, and takes one byte
 * a page frame beside what its parameters say.
 *
 * Without the device it can be loaded as well; debugfs shows what it knows.
 */

#include <linux/debugfs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>

#include "gpu_dma_check.h"

static unsigned int ring_pages = 512;
module_param(ring_pages, uint, 0444);
MODULE_PARM_DESC(ring_pages, "4 KiB pages for records of what was freed by whom, 32 records each, rounded up to a power of two; 0 for none (default 512)");

static unsigned int symbol_pages = 64;
module_param(symbol_pages, uint, 0444);
MODULE_PARM_DESC(symbol_pages, "4 KiB pages for the names of the functions in these records, 32 names each, rounded up to a power of two; 0 for none (default 64)");

/* The device */

static void write_address(void __iomem *regs, unsigned int reg, u64 address)
{
	writel(lower_32_bits(address), regs + reg);
	writel(upper_32_bits(address), regs + reg + 4);
}

static void disable(void __iomem *regs)
{
	writel(0, regs + GPU_DMA_CHECK_CONTROL);
	/* The device has stopped when this comes back. */
	readl(regs + GPU_DMA_CHECK_STATUS);
}

static int device_probe(struct platform_device *pdev)
{
	void __iomem *regs = devm_platform_ioremap_resource(pdev, 0);
	u32 magic, version, status;

	if (IS_ERR(regs))
		return PTR_ERR(regs);
	magic = readl(regs + GPU_DMA_CHECK_MAGIC);
	version = readl(regs + GPU_DMA_CHECK_VERSION);
	if (magic != GPU_DMA_CHECK_MAGIC_VALUE || version != GPU_DMA_CHECK_VERSION_VALUE)
		return dev_err_probe(&pdev->dev, -ENODEV,
				     "not a device this module knows: magic 0x%x, version %u\n",
				     magic, version);

	write_address(regs, GPU_DMA_CHECK_DIRECTORY_LO, area_directory(&frames_area));
	write_address(regs, GPU_DMA_CHECK_FIRST_PFN_LO, frames_first_pfn);
	writel(frames_area.nr_pieces, regs + GPU_DMA_CHECK_DIRECTORY_ENTRIES);
	write_address(regs, GPU_DMA_CHECK_RING_LO, area_directory(&ring_area));
	writel(ring_area.nr_pieces, regs + GPU_DMA_CHECK_RING_PAGES);
	writel(PAGE_SHIFT, regs + GPU_DMA_CHECK_FRAME_SIZE_LOG2);
	write_address(regs, GPU_DMA_CHECK_SYMBOLS_LO, area_directory(&symbols_area));
	writel(symbols_area.nr_pieces, regs + GPU_DMA_CHECK_SYMBOL_PAGES);
	writel(GPU_DMA_CHECK_CONTROL_ENABLE, regs + GPU_DMA_CHECK_CONTROL);

	status = readl(regs + GPU_DMA_CHECK_STATUS);
	if (!(status & GPU_DMA_CHECK_STATUS_ENABLED)) {
		disable(regs);
		return dev_err_probe(&pdev->dev, -EIO, "the device refused the map: status 0x%x\n",
				     status);
	}
	platform_set_drvdata(pdev, (void __force *)regs);
	dev_info(&pdev->dev, "the GPU's accesses are checked\n");
	return 0;
}

static void device_remove(struct platform_device *pdev)
{
	disable((void __iomem __force *)platform_get_drvdata(pdev));
}

static const struct of_device_id device_ids[] = {
	{ .compatible = GPU_DMA_CHECK_COMPATIBLE },
	{}
};
MODULE_DEVICE_TABLE(of, device_ids);

static struct platform_driver driver = {
	.driver = {
		.name = KBUILD_MODNAME,
		.of_match_table = device_ids,
	},
	.probe = device_probe,
	.remove = device_remove,
	/* A kernel that this one boots has other uses for the memory. */
	.shutdown = device_remove,
};

/* debugfs: the areas as they are, see gpu_dma_check_regs.h */

static struct dentry *debugfs_dir;
static struct debugfs_blob_wrapper blobs[3];

static void debugfs_add(struct debugfs_blob_wrapper *blob, const char *name,
			const struct area *area)
{
	blob->data = area->base;
	blob->size = area_size(area);
	debugfs_create_blob(name, 0400, debugfs_dir, blob);
}

static void debugfs_init(void)
{
	debugfs_dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_u64("first_pfn", 0400, debugfs_dir, &frames_first_pfn);
	debugfs_add(&blobs[0], "states", &frames_area);
	debugfs_add(&blobs[1], "ring", &ring_area);
	debugfs_add(&blobs[2], "symbols", &symbols_area);
}

static int __init gpu_dma_check_init(void)
{
	int ret;

	ret = frames_init();
	if (ret)
		return ret;
	ret = ring_init(ring_pages, symbol_pages);
	if (ret)
		goto err_frames;
	ret = hooks_init();
	if (ret)
		goto err_ring;
	ret = platform_driver_register(&driver);
	if (ret)
		goto err_hooks;
	debugfs_init();
	return 0;

err_hooks:
	hooks_exit();
err_ring:
	ring_exit();
err_frames:
	frames_exit();
	return ret;
}
module_init(gpu_dma_check_init);

static void __exit gpu_dma_check_exit(void)
{
	debugfs_remove(debugfs_dir);
	platform_driver_unregister(&driver);
	hooks_exit();
	ring_exit();
	frames_exit();
}
module_exit(gpu_dma_check_exit);

MODULE_DESCRIPTION("Shows a GPU model which page frames are free");
MODULE_AUTHOR("The mali-vm project");
MODULE_LICENSE("GPL");
