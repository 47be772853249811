/* malloc() and its like for gulou_starved, the program of which tests/e2e/starved.test.mjs takes
 * the memory away: the linker puts these in the place of the C library's (--wrap). The file that
 * GULOU_STARVED names holds the test's orders, shared with it. */

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct orders {
    _Atomic int64_t asked; /* allocations since the test last set it to 0 */
    _Atomic int64_t from;  /* the first that fails, counted from 1; 0: none does */
    _Atomic int64_t many;  /* how many fail from there on */
};

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static struct orders *orders;

__attribute__((constructor)) static void open_orders(void) {
    const char *path = getenv("GULOU_STARVED");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *memory = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED)
        orders = memory;
}

static int fails(void) {
    if (!orders)
        return 0;
    int64_t at = atomic_fetch_add(&orders->asked, 1) + 1, from = atomic_load(&orders->from);
    return from > 0 && at >= from && at - from < atomic_load(&orders->many);
}

void *__wrap_malloc(size_t size) {
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return fails() ? NULL : __real_realloc(memory, size);
}
