/* What C++ libraries take (mustache, OpenCC) comes from server/base/memory.h, too. Every form is
 * here, because what one gives another may take back. */

#include <cstddef>
#include <new>

extern "C" {
#include "server/base/memory.h"
}

void *operator new(std::size_t size, const std::nothrow_t &) noexcept {
    return memory_malloc(size);
}

void *operator new[](std::size_t size, const std::nothrow_t &) noexcept {
    return memory_malloc(size);
}

void *operator new(std::size_t size) {
    void *memory = memory_malloc(size);
    if (memory == nullptr)
        throw std::bad_alloc();
    return memory;
}

void *operator new[](std::size_t size) {
    return operator new(size);
}

void operator delete(void *memory) noexcept {
    memory_put(memory);
}

void operator delete(void *memory, std::size_t) noexcept {
    memory_put(memory);
}

void operator delete(void *memory, const std::nothrow_t &) noexcept {
    memory_put(memory);
}

void operator delete[](void *memory) noexcept {
    memory_put(memory);
}

void operator delete[](void *memory, std::size_t) noexcept {
    memory_put(memory);
}

void operator delete[](void *memory, const std::nothrow_t &) noexcept {
    memory_put(memory);
}
