/* Any bytes as the leaves of a tree and as a path: the right path leads to the root, and a path of
 * which anything was changed does not. */

#include <stdlib.h>
#include <string.h>

#include "server/merkle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEAVES_MAX 33

/* The path of leaf `index`, from the leaf up: what stands beside it, level by level. */
static size_t path_of(const struct merkle_hash *leaves, size_t n, size_t index,
                      struct merkle_hash *path) {
    struct merkle_hash level[LEAVES_MAX];
    size_t steps = 0;
    memcpy(level, leaves, n * sizeof *level);
    for (; n > 1; index /= 2) {
        struct merkle_hash above[LEAVES_MAX];
        size_t up = 0;
        if ((index ^ 1) < n)
            path[steps++] = level[index ^ 1];
        for (size_t i = 0; i < n; i += 2) {
            struct merkle_hash pair[] = {level[i], i + 1 < n ? level[i + 1] : level[i]};
            above[up++] = merkle_root(pair, i + 1 < n ? 2 : 1);
        }
        memcpy(level, above, up * sizeof *level);
        n = up;
    }
    return steps;
}

static bool leads(struct merkle_hash leaf, size_t index, size_t n, const struct merkle_hash *path,
                  size_t steps, const struct merkle_hash *root) {
    struct merkle_hash end;
    return merkle_follow(leaf, index, n, path, steps, &end) &&
           memcmp(end.bytes, root->bytes, sizeof end.bytes) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct merkle_hash leaves[LEAVES_MAX], used[LEAVES_MAX], path[LEAVES_MAX];
    if (size < 4)
        return 0;
    size_t n = 1 + data[0] % LEAVES_MAX, index = data[1] % n, where = data[2], bit = data[3];
    for (size_t i = 0; i < n; i++) {
        struct str text[] = {{(const char *)data, size}, {(const char *)&i, sizeof i}};
        leaves[i] = used[i] = merkle_digest(text, 2);
    }
    struct merkle_hash root = merkle_root(used, n);
    size_t steps = path_of(leaves, n, index, path);
    char hex[MERKLE_HEX_SIZE], *text = hex;
    struct merkle_hash read;
    merkle_hex(root, hex);
    if (!merkle_from_hex(text, &read) || memcmp(&read, &root, sizeof root) != 0 ||
        !leads(leaves[index], index, n, path, steps, &root))
        abort();
    if (n > 1 && (leads(leaves[index], index, n, path, steps - 1, &root) ||
                  leads(leaves[index], (index + 1) % n, n, path, steps, &root)))
        abort();
    if (steps > 0) {
        path[where % steps].bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        if (leads(leaves[index], index, n, path, steps, &root))
            abort();
    }
    char free_text[65] = "";
    memcpy(free_text, data, size < 64 ? size : 64);
    merkle_from_hex(free_text, &read);
    return 0;
}
