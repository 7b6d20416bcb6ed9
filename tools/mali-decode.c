/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disassembles a dump of a Mali CSF command stream
 *
 * The dump is little-endian 64-bit words.  Prints a line for each: address,
 * word, text and, behind a semicolon, what is wrong with it.
 *
 * Exits with 0; 1 when the dump ends within a word; 2 when nothing was done.
 */

#include "qemu/osdep.h"
#include "qemu/bswap.h"
#include "mali_csf_isa.h"

static void G_GNUC_PRINTF(1, 2) G_NORETURN fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(2);
}

static void print_insn(const MaliCsIsa *isa, uint64_t word, uint64_t pc)
{
    const MaliCsInsn *insn = mali_cs_decode(isa, word);
    const char *why = "no such instruction";
    char text[MALI_CS_DISASM_MAX];

    if (insn) {
        why = mali_cs_check(isa, insn, word, isa->n_regs);
    }
    mali_cs_disasm(isa, word, pc, text, sizeof(text));
    printf("%012" PRIx64 "  %016" PRIx64 "  %s%s%s\n", pc, word, text,
           why ? "  ; " : "", why ?: "");
}

/* Returns the number of bytes behind the last whole word */
static size_t print_stream(const MaliCsIsa *isa, FILE *in, uint64_t pc)
{
    uint8_t bytes[MALI_CS_INSN_SIZE];
    size_t got;

    while ((got = fread(bytes, 1, sizeof(bytes), in)) == sizeof(bytes)) {
        print_insn(isa, ldq_le_p(bytes), pc);
        pc += MALI_CS_INSN_SIZE;
    }
    return got;
}

int main(int argc, char **argv)
{
    int arch = 10;
    g_autofree char *base = NULL;
    const GOptionEntry options[] = {
        { "arch", 0, 0, G_OPTION_ARG_INT, &arch,
          "architecture of the GPU: 10 (default) to 14", "N" },
        { "base", 0, 0, G_OPTION_ARG_STRING, &base,
          "address of the first word (default: 0)", "VA" },
        { }
    };
    g_autoptr(GOptionContext) context = g_option_context_new("[FILE]");
    g_autoptr(GError) err = NULL;
    const MaliCsIsa *isa;
    uint64_t pc = 0;
    FILE *in = stdin;
    size_t left;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &err)) {
        fail("%s: see --help", err->message);
    }
    if (argc > 2) {
        fail("only one file can be decoded at a time");
    }
    isa = mali_cs_isa(arch);
    if (!isa) {
        fail("architecture %d is not known: choose one from 10 to 14", arch);
    }
    if (base) {
        char *end;

        errno = 0;
        pc = g_ascii_strtoull(base, &end, 0);
        if (errno || end == base || *end || *base == '-') {
            fail("%s is no address: write it as in 0x7fff00000000", base);
        }
    }
    if (argc == 2 && strcmp(argv[1], "-")) {
        in = fopen(argv[1], "rb");
        if (!in) {
            fail("%s: %s", argv[1], g_strerror(errno));
        }
    }

    left = print_stream(isa, in, pc);
    if (ferror(in)) {
        fail("%s: %s", argc == 2 ? argv[1] : "standard input",
             g_strerror(errno));
    }
    if (fflush(stdout)) {
        fail("standard output: %s", g_strerror(errno));
    }
    if (left) {
        fprintf(stderr, "the last %zu bytes are no whole word\n", left);
    }
    return left ? 1 : 0;
}
