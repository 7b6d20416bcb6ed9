/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: which pages the kernel has freed
 *
 * The device "mali-vm,gpu-dma-check".  While it is enabled the states of the
 * frames are mapped, so that they are there to be looked at whatever becomes of
 * the guest's memory; a change of the memory map has them mapped anew.  Records
 * and symbols are read when a finding asks for them.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "qemu/ctype.h"
#include "mali_csf_dma_check.h"
#include "mali_csf_internal.h"
#include "trace.h"

#define PIECE_SIZE              GPU_DMA_CHECK_PIECE_SIZE
#define RECORDS_IN_PIECE        (PIECE_SIZE / GPU_DMA_CHECK_RECORD_SIZE)
#define SYMBOLS_IN_PIECE        (PIECE_SIZE / GPU_DMA_CHECK_SYMBOL_SIZE)

const uint8_t mali_dma_check_unknown = GPU_DMA_CHECK_UNKNOWN;

static uint32_t reg32(const MaliDmaCheck *d, unsigned reg)
{
    return d->regs[reg / 4];
}

static uint64_t reg64(const MaliDmaCheck *d, unsigned reg)
{
    return mali_reg64(d->regs, reg / 4);
}

/* --- Memory --- */

static bool read_ram(const MaliDmaCheck *d, uint64_t pa, void *buf, size_t len)
{
    return address_space_read(d->dma_as, pa, MALI_DMA_ATTRS, buf, len) ==
           MEMTX_OK;
}

/* Where piece @n of the directory at @directory is; 0: nowhere */
static bool read_directory(const MaliDmaCheck *d, uint64_t directory,
                           uint32_t n, uint64_t *pa)
{
    bool ok = read_ram(d, directory + n * sizeof(*pa), pa, sizeof(*pa));

    le64_to_cpus(pa);
    return ok;
}

/* A piece that stays mapped, or NULL where there is no RAM for all of it */
static const uint8_t *map_piece(const MaliDmaCheck *d, uint64_t pa)
{
    hwaddr xlat, len = PIECE_SIZE;
    MemoryRegion *mr;
    void *host;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(d->dma_as, pa, &xlat, &len, true,
                                 MALI_DMA_ATTRS);
    if (len < PIECE_SIZE || !memory_region_is_ram(mr) ||
        !memory_access_is_direct(mr, true, MALI_DMA_ATTRS)) {
        return NULL;
    }
    host = address_space_map(d->dma_as, pa, &len, false, MALI_DMA_ATTRS);
    if (host && len < PIECE_SIZE) {
        address_space_unmap(d->dma_as, host, len, false, 0);
        return NULL;
    }
    return host;
}

/* --- On and off --- */

static void close_map(MaliDmaCheck *d)
{
    for (uint32_t i = 0; i < d->n_pieces; i++) {
        if (d->pieces[i]) {
            address_space_unmap(d->dma_as, (void *)d->pieces[i], PIECE_SIZE,
                                false, 0);
        }
    }
    g_free(d->pieces);
    d->pieces = NULL;
    d->n_pieces = 0;
    d->regs[GPU_DMA_CHECK_STATUS / 4] = 0;
}

/* Every size is one that can be worked with; else why not */
static const char *judge_sizes(const MaliDmaCheck *d)
{
    static const struct {
        const char *what;
        unsigned reg;
        uint32_t max;
        bool power_of_two;
    } sizes[] = {
        { "pieces of states", GPU_DMA_CHECK_DIRECTORY_ENTRIES,
          MALI_DMA_CHECK_MAX_PIECES, false },
        { "pieces of the ring", GPU_DMA_CHECK_RING_PAGES,
          MALI_DMA_CHECK_MAX_RING, true },
        { "pieces of symbols", GPU_DMA_CHECK_SYMBOL_PAGES,
          MALI_DMA_CHECK_MAX_SYMBOLS, false },
    };
    uint32_t bits = reg32(d, GPU_DMA_CHECK_FRAME_SIZE_LOG2);

    for (int i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint32_t n = reg32(d, sizes[i].reg);

        if (n > sizes[i].max || (sizes[i].power_of_two && n & (n - 1))) {
            return sizes[i].what;
        }
    }
    if (bits != 12 && bits != 14 && bits != 16) {
        return "the size of a frame";
    }
    return NULL;
}

static void refuse(MaliDmaCheck *d, const char *why, uint64_t value)
{
    close_map(d);
    d->regs[GPU_DMA_CHECK_STATUS / 4] = GPU_DMA_CHECK_STATUS_REFUSED;
    mali_guest_error("gpu-dma-check: refused, pages that were freed are not "
                     "found any more: %s (0x%" PRIx64 ")", why, value);
}

/* Map what the registers say.  STATUS then tells how that went. */
static void open_map(MaliDmaCheck *d)
{
    uint64_t directory = reg64(d, GPU_DMA_CHECK_DIRECTORY_LO);
    uint32_t n = reg32(d, GPU_DMA_CHECK_DIRECTORY_ENTRIES);
    const char *bad = judge_sizes(d);

    close_map(d);
    if (bad) {
        g_autofree char *why = g_strdup_printf("a wrong number of %s", bad);

        refuse(d, why, n);
        return;
    }
    d->frame_bits = reg32(d, GPU_DMA_CHECK_FRAME_SIZE_LOG2);
    d->first_pfn = reg64(d, GPU_DMA_CHECK_FIRST_PFN_LO);
    d->pieces = g_new0(const uint8_t *, n + 1);
    for (; d->n_pieces < n; d->n_pieces++) {
        uint64_t pa;

        if (!read_directory(d, directory, d->n_pieces, &pa)) {
            refuse(d, "the directory is not in RAM", directory);
            return;
        }
        d->pieces[d->n_pieces] = pa ? map_piece(d, pa) : NULL;
        if (pa && !d->pieces[d->n_pieces]) {
            refuse(d, "a piece of the states is not in RAM", pa);
            return;
        }
    }
    d->regs[GPU_DMA_CHECK_STATUS / 4] = GPU_DMA_CHECK_STATUS_ENABLED;
    trace_mali_csf_dma_check_enable(directory, n, d->first_pfn);
}

/* What is mapped may have gone, and something else come in its place */
static void memory_changed(MemoryListener *listener)
{
    MaliDmaCheck *d = container_of(listener, MaliDmaCheck, listener);

    if (d->pieces) {
        open_map(d);
    }
}

/* --- Registers --- */

static uint64_t mali_dma_check_read(void *opaque, hwaddr offset, unsigned size)
{
    MaliDmaCheck *d = opaque;

    switch (offset) {
    case GPU_DMA_CHECK_MAGIC:
        return GPU_DMA_CHECK_MAGIC_VALUE;
    case GPU_DMA_CHECK_VERSION:
        return GPU_DMA_CHECK_VERSION_VALUE;
    default:
        return offset / 4 < MALI_DMA_CHECK_REGS ? d->regs[offset / 4] : 0;
    }
}

static void mali_dma_check_write(void *opaque, hwaddr offset, uint64_t val,
                                 unsigned size)
{
    MaliDmaCheck *d = opaque;
    bool enabled = reg32(d, GPU_DMA_CHECK_CONTROL);

    switch (offset) {
    case GPU_DMA_CHECK_CONTROL:
        val &= GPU_DMA_CHECK_CONTROL_ENABLE;
        d->regs[GPU_DMA_CHECK_CONTROL / 4] = val;
        if (!val) {
            close_map(d);
        } else if (!enabled) {
            open_map(d);
        }
        break;
    case GPU_DMA_CHECK_DIRECTORY_LO ... GPU_DMA_CHECK_SYMBOL_PAGES:
        if (enabled) {
            mali_guest_error("gpu-dma-check: write at 0x%" HWADDR_PRIx
                             " while it is enabled", offset);
        } else {
            d->regs[offset / 4] = val;
        }
        break;
    default:
        mali_guest_error("gpu-dma-check: write at 0x%" HWADDR_PRIx
                         ", which is read-only", offset);
    }
}

static const MemoryRegionOps mali_dma_check_ops = {
    .read = mali_dma_check_read,
    .write = mali_dma_check_write,
    .endianness = DEVICE_LITTLE_ENDIAN,
    .valid = { .min_access_size = 4, .max_access_size = 4 },
    .impl = { .min_access_size = 4, .max_access_size = 4 },
};

/* --- States --- */

const uint8_t *mali_dma_check_find(const MaliDmaCheck *d, uint64_t pa)
{
    uint64_t pfn = pa >> d->frame_bits;
    uint64_t n = pfn - d->first_pfn;

    if (pfn < d->first_pfn || n / PIECE_SIZE >= d->n_pieces ||
        !d->pieces[n / PIECE_SIZE]) {
        return &mali_dma_check_unknown;
    }
    return d->pieces[n / PIECE_SIZE] + n % PIECE_SIZE;
}

/* --- Records --- */

/* Piece @n of an area, into @buf */
static bool read_piece(const MaliDmaCheck *d, unsigned directory, uint32_t n,
                       uint8_t *buf)
{
    uint64_t pa;

    return read_directory(d, reg64(d, directory), n, &pa) && pa &&
           read_ram(d, pa, buf, PIECE_SIZE);
}

/* The guest's words, fit for a line of a log and for JSON */
static void copy_text(char *to, const uint8_t *from, size_t size)
{
    size_t i;

    for (i = 0; i < size - 1 && from[i]; i++) {
        to[i] = qemu_isprint(from[i]) ? from[i] : '?';
    }
    to[i] = '\0';
}

static bool record_covers(const uint8_t *record, uint64_t pfn)
{
    uint64_t first = ldq_le_p(record + GPU_DMA_CHECK_RECORD_PFN);
    uint8_t order = record[GPU_DMA_CHECK_RECORD_ORDER];

    /* Before the first one the difference wraps, and is larger than all */
    return order < 64 && (pfn - first) >> order == 0;
}

/* The latest record of @pfn, of those that are where their number belongs */
static bool find_record(const MaliDmaCheck *d, uint64_t pfn, uint8_t *found)
{
    uint32_t pages = reg32(d, GPU_DMA_CHECK_RING_PAGES);
    g_autofree uint8_t *piece = g_malloc(PIECE_SIZE);
    uint64_t latest = 0;

    for (uint32_t p = 0; p < pages; p++) {
        if (!read_piece(d, GPU_DMA_CHECK_RING_LO, p, piece)) {
            continue;
        }
        for (uint32_t i = 0; i < RECORDS_IN_PIECE; i++) {
            const uint8_t *record = piece + i * GPU_DMA_CHECK_RECORD_SIZE;
            uint64_t seq = ldq_le_p(record + GPU_DMA_CHECK_RECORD_SEQ);
            uint64_t slot = p * RECORDS_IN_PIECE + i;

            if (seq > latest && record_covers(record, pfn) &&
                (seq - 1) % (pages * RECORDS_IN_PIECE) == slot) {
                latest = seq;
                memcpy(found, record, GPU_DMA_CHECK_RECORD_SIZE);
            }
        }
    }
    return latest;
}

static void find_symbols(const MaliDmaCheck *d, MaliFreed *freed)
{
    uint32_t pages = reg32(d, GPU_DMA_CHECK_SYMBOL_PAGES);
    g_autofree uint8_t *piece = g_malloc(PIECE_SIZE);

    for (uint32_t p = 0; p < pages; p++) {
        if (!read_piece(d, GPU_DMA_CHECK_SYMBOLS_LO, p, piece)) {
            continue;
        }
        for (uint32_t i = 0; i < SYMBOLS_IN_PIECE; i++) {
            const uint8_t *symbol = piece + i * GPU_DMA_CHECK_SYMBOL_SIZE;
            uint64_t address = ldq_le_p(symbol + GPU_DMA_CHECK_SYMBOL_ADDRESS);

            for (unsigned a = 0; address && a < freed->depth; a++) {
                if (freed->stack[a].address == address) {
                    copy_text(freed->stack[a].symbol,
                              symbol + GPU_DMA_CHECK_SYMBOL_TEXT,
                              GPU_DMA_CHECK_SYMBOL_TEXT_SIZE);
                }
            }
        }
    }
}

MaliFreed *mali_dma_check_who(const MaliDmaCheck *d, uint64_t pa)
{
    uint8_t record[GPU_DMA_CHECK_RECORD_SIZE];
    MaliFreed *freed;

    if (!d->pieces || !find_record(d, pa >> d->frame_bits, record)) {
        return NULL;
    }
    freed = g_new0(MaliFreed, 1);
    freed->pfn = ldq_le_p(record + GPU_DMA_CHECK_RECORD_PFN);
    freed->when = ldq_le_p(record + GPU_DMA_CHECK_RECORD_TIME);
    freed->pid = ldl_le_p(record + GPU_DMA_CHECK_RECORD_PID);
    freed->order = record[GPU_DMA_CHECK_RECORD_ORDER];
    freed->depth = MIN(record[GPU_DMA_CHECK_RECORD_DEPTH],
                       GPU_DMA_CHECK_RECORD_DEPTH_MAX);
    copy_text(freed->comm, record + GPU_DMA_CHECK_RECORD_COMM,
              GPU_DMA_CHECK_RECORD_COMM_SIZE);
    for (unsigned i = 0; i < freed->depth; i++) {
        freed->stack[i].address =
            ldq_le_p(record + GPU_DMA_CHECK_RECORD_STACK + i * 8);
    }
    find_symbols(d, freed);
    return freed;
}

/* --- Findings --- */

static MaliFreed *who(MaliCsfState *s, uint64_t pa)
{
    return mali_dma_check_who(&s->dma_check, pa);
}

/*
 * freed-page.  The driver drops a page of a buffer when no VM maps it any more,
 * with the UNLOCK that drops the translations done (panthor_vm_unmap_pages,
 * panthor_gem_shmem's release), and a page table when the tables above do not
 * lead to it; the kernel gives neither back before.
 */
void mali_dma_check_report(MaliCsfState *s, unsigned as, uint64_t va,
                           MaliAccess access, uint16_t source, uint64_t pa,
                           const char *what)
{
    const MaliCheckWhere where = {
        .as = as, .has_va = true, .va = va, .has_access = true,
        .access = access, .source = source, .pa = pa, .who = who,
    };

    mali_check_finding(s, MALI_FINDING_FREED_PAGE, &where,
                       "%s at PA 0x%" PRIx64 ", which the kernel has freed",
                       what, pa);
}

/* --- The device --- */

void mali_dma_check_init(MaliDmaCheck *d, Object *owner, AddressSpace *dma_as)
{
    d->dma_as = dma_as;
    memory_region_init_io(&d->mr, owner, &mali_dma_check_ops, d,
                          "mali-csf-dma-check", GPU_DMA_CHECK_REGS_SIZE);
    d->listener = (MemoryListener) {
        .name = "mali-csf-dma-check",
        .commit = memory_changed,
    };
    memory_listener_register(&d->listener, dma_as);
}

void mali_dma_check_finalize(MaliDmaCheck *d)
{
    memory_listener_unregister(&d->listener);
    close_map(d);
}

void mali_dma_check_reset(MaliDmaCheck *d)
{
    close_map(d);
    memset(d->regs, 0, sizeof(d->regs));
}

static int mali_dma_check_post_load(void *opaque, int version_id)
{
    MaliDmaCheck *d = opaque;

    if (reg32(d, GPU_DMA_CHECK_STATUS) & GPU_DMA_CHECK_STATUS_ENABLED) {
        open_map(d);
    }
    return 0;
}

const VMStateDescription vmstate_mali_dma_check = {
    .name = "mali-csf/dma-check",
    .version_id = 1,
    .minimum_version_id = 1,
    .post_load = mali_dma_check_post_load,
    .fields = (const VMStateField[]) {
        VMSTATE_UINT32_ARRAY(regs, MaliDmaCheck, MALI_DMA_CHECK_REGS),
        VMSTATE_END_OF_LIST()
    }
};
