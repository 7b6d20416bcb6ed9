/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the libFuzzer targets of the device's pure parts share: the input, as
 * numbers.  Where it has ended, all that follows is 0.
 *
 * A target is a file with LLVMFuzzerTestOneInput() in it and a row in
 * malivm/fuzz_pure.py, which says what it is linked with.
 */

#ifndef TESTS_FUZZ_FUZZ_INPUT_H
#define TESTS_FUZZ_FUZZ_INPUT_H

#include "qemu/bswap.h"

typedef struct FuzzInput {
    const uint8_t *data;
    size_t left;
} FuzzInput;

/* Called by libFuzzer; what must not be aborts: an assertion, or a sanitizer */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline uint64_t fuzz_take(FuzzInput *in, size_t bytes)
{
    uint8_t buf[8] = { };
    size_t n = MIN(bytes, in->left);

    memcpy(buf, in->data, n);
    in->data += n;
    in->left -= n;
    return ldq_le_p(buf);
}

static inline uint8_t fuzz_u8(FuzzInput *in)
{
    return fuzz_take(in, 1);
}

static inline uint64_t fuzz_u64(FuzzInput *in)
{
    return fuzz_take(in, 8);
}

#endif /* TESTS_FUZZ_FUZZ_INPUT_H */
