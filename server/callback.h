#ifndef GULOU_CALLBACK_H
#define GULOU_CALLBACK_H

/* GET and POST /wechat/{account}: the platform's side of one message.
 *
 * The envelope is opened, the message becomes a struct request, and route_message() takes over. The
 * platform waits 5 s and tries three times; the first two attempts are left to its own timeout
 * while the work goes on, because an early "success" would make the answer lost, and the third is
 * told to ask again. Nothing here ever answers 5xx: the platform would show people a fault.
 *
 * The work outlives the connection: whichever of the two ends last frees both. */

#include "server/http.h"
#include "server/request.h"

void callback_handle(struct http_exchange *exchange, struct services *services,
                     struct str account_id);

/* Works of this thread not yet ended, with or without a connection; for an orderly stop. */
size_t callback_active(void);

/* Frees those that are left when the thread's loop has ended and its services are gone. */
void callback_free_all(void);

#endif
