#include "server/qr.h"

#include <qrencode.h>

#include "server/base/buf.h"

#define QUIET 4 /* modules of white around, as the standard asks */

const char *qr_svg(struct arena *arena, const char *text, int pixels) {
    QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
    if (!code)
        return NULL;
    struct buf out;
    int side = code->width + 2 * QUIET;
    buf_init(&out, arena);
    buf_printf(&out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" shape-rendering=\"crispEdges\" role=\"img\">"
               "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/><path fill=\"#000\" d=\"",
               pixels, pixels, side, side, side, side);
    for (int y = 0; y < code->width; y++)
        for (int x = 0; x < code->width; x++)
            if (code->data[y * code->width + x] & 1)
                buf_printf(&out, "M%d %dh1v1h-1z", x + QUIET, y + QUIET);
    buf_puts(&out, "\"/></svg>");
    QRcode_free(code);
    return buf_view(&out).p;
}
