#ifndef GULOU_QR_H
#define GULOU_QR_H

/* A QR code as an SVG drawing, through libqrencode. */

#include "server/base/arena.h"

/* One <svg> element of `pixels` in a square, quiet zone included; NULL when `text` is too long
 * (about 2 KB). In the arena. */
const char *qr_svg(struct arena *arena, const char *text, int pixels);

#endif
