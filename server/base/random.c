#include "server/base/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define AT_ONCE 256 /* up to here getrandom() gives all or nothing */

void random_bytes(void *out, size_t n) {
    static _Thread_local unsigned char bytes[AT_ONCE];
    static _Thread_local size_t left;
    for (size_t done = 0, taken; done < n; done += taken) {
        if (left == 0) {
            if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
                abort();
            left = sizeof bytes;
        }
        taken = n - done < left ? n - done : left;
        left -= taken;
        memcpy((unsigned char *)out + done, bytes + left, taken);
        memset(bytes + left, 0, taken); /* no byte is given twice, nor found later */
    }
}
