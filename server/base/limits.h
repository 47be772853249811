#ifndef GULOU_BASE_LIMITS_H
#define GULOU_BASE_LIMITS_H

/* Every maximum and timeout of the server, in one place. Business limits (caps, windows) live in
 * SQL. */

/* ---- HTTP ---- */
#define HTTP_BODY_MAX_BYTES 65536   /* contract.md: a larger callback body is answered 413 */
#define HTTP_SMALL_BODY_BYTES 16384 /* as all pushes are; what is larger … */
#define HTTP_LARGE_BODIES_BYTES (256 << 20) /* … may be so much in all, per worker; then 503 */
#define HTTP_HEAD_MAX_BYTES 8192            /* request line and headers together */
#define HTTP_CONNECTION_BYTES 12288    /* … and room to parse them: what a connection keeps */
#define HTTP_REQUEST_DEADLINE_MS 10000 /* from the first byte to the last of the answer */
#define HTTP_IDLE_SECONDS 30           /* a kept-alive connection without a request */
#define HTTP_CONNECTIONS_MAX 12000     /* per worker; fewer when files are short */
#define OPS_CONNECTIONS_MAX 64

/* ---- a photo sent from a page: a phone's own, over a slow line ---- */
#define UPLOAD_MAX_BYTES (10 << 20)
#define UPLOAD_DEADLINE_MS 60000
#define UPLOADS_PER_PERSON 30  /* a minute, broken ones and those nobody waits for included */
#define UPLOADS_PER_MINUTE 600 /* of everybody */

/* ---- sign-in ---- */
#define SIGN_IN_SECONDS 300 /* a QR code or a way through the platform's page */
/* Codes that a desktop shows, of an address (an office shares one; IPv6: a /64) and of everybody.
 * The platform allows an account 100,000 a day, and printed invites need some of them. */
#define SIGN_IN_CODES_PER_ADDRESS 30 /* a minute */
#define SIGN_IN_CODES_PER_MINUTE 300
#define SIGN_IN_CODES_PER_ADDRESS_AND_DAY 1000
#define SIGN_IN_CODES_PER_DAY 80000
#define SESSION_COOKIE_SECONDS (30 * 86400)

/* ---- public pages and JSON ---- */
#define WEB_ROWS_MAX 500   /* rows of one page or answer */
#define WEB_PAGE_ROWS 50   /* … if nobody asks for more */
#define WEB_WORK_MS 5000   /* then 503 */
#define WEB_ANSWER_MS 8000 /* what waits for the platform: before HTTP_REQUEST_DEADLINE_MS */
#define VISITOR_BURST 240  /* requests of one address at once, per worker */
#define VISITOR_PER_SECOND 20
#define VISITORS_MAX 4096       /* addresses remembered, per worker */
#define FILE_DEADLINE_MS 120000 /* a notice as a file, over a slow line */
#define FILE_CHUNK_ROWS 1000
#define NOTICE_FILE_MAX_BYTES (512l << 20) /* `gulou notice verify` */

/* ---- the callback: the platform hangs up after 5 s and tries three times in all ---- */
#define CALLBACK_BUDGET_MS 4500
#define CALLBACK_ATTEMPTS 3
#define CALLBACK_ATTEMPT_SECONDS 5      /* from one attempt to the next */
#define CALLBACK_CLOCKS_APART_SECONDS 2 /* the platform's and ours */
#define CALLBACK_WORK_MS 20000          /* how long the work itself may go on behind the attempts */
#define PERSON_UNDER_WAY_MAX 128 /* messages of one person, per worker: the slower, the fewer */
#define PERSON_PER_MINUTE 60     /* … counted only while more waits than PG_QUEUE_BUSY */
#define ATTEMPT_LIFE_SECONDS 60

/* ---- answers given again without the database, per worker ---- */
#define RECENT_MS 4000 /* the platform's attempts are 5 s apart */
#define RECENT_PLACES 1024
#define RECENT_KEY_MAX_BYTES 256

/* ---- messages ---- */
#define XML_DEPTH_MAX 16
#define XML_FIELDS_MAX 512
#define XML_PATHS_MAX_BYTES 65536 /* a long name stands in the path of all that is below it */
#define REPLY_TEXT_MAX_BYTES 2048 /* wechat-protocol.md: Content of a passive reply */

/* ---- PostgreSQL ---- */
#define PG_GROUP_MAX 64  /* calls under one Sync, see docs/architecture.md */
#define PG_CONNECTIONS 2 /* per worker */
/* Calls of a worker that are not done: 4 s of work at 1,000 a second. Whoever came behind them
 * would wait longer than the platform does, and is told at once that the system is busy. */
#define PG_QUEUE_MAX 4096
/* … and when the oldest of its account has waited so long, no more are taken for that account. */
#define PG_QUEUE_WAIT_MS 2500
#define PG_QUEUE_BUSY 256 /* calls not done: from here on, people's rates are counted */
#define PG_STATEMENT_TIMEOUT_MS 10000
#define PG_LOCK_TIMEOUT_MS 1000 /* then a call makes room for others and runs again */
#define PG_CONNECT_SECONDS 5
#define PG_CONNECT_SECONDS_OF_MANY 2 /* where the url names several hosts: then the next one */
#define PG_USER_TIMEOUT_MS 5000      /* a machine that is gone acknowledges nothing */
#define PG_RECONNECT_MS 500
#define PG_ARGUMENTS_MAX 20

/* ---- Redis ---- */
#define REDIS_COMMAND_MS 250
#define REDIS_RECONNECT_MS 500
#define DIALOGUE_LIFE_SECONDS 900

/* ---- the platform's API ---- */
#define API_CONNECT_MS 3000
#define API_CALL_MS 15000                /* one call, a photo's download included */
#define API_CONNECTIONS_MAX 8            /* per worker */
#define API_ANSWER_MAX_BYTES (12l << 20) /* pictures have at most 10 MiB */
#define TOKEN_MAX_BYTES 1024             /* the platform asks for room for 512 */
#define TOKEN_KEPT_SECONDS 60            /* then the database is asked again whether it is good */
#define OUTBOX_POLL_MS 500
#define OUTBOX_IN_FLIGHT_MAX 16 /* per server */
#define OUTBOX_FAULT_SECONDS 10 /* after a fault of the database */

/* ---- pictures ---- */
/* Phones reach 50 million. A JPEG is scaled as it is read; the others are unpacked as a whole. */
#define IMAGE_INPUT_PIXELS 60000000
#define IMAGE_WHOLE_PIXELS 24000000
#define IMAGE_MAX_PIXELS 1600
#define IMAGE_SMALL_PIXELS 320
#define REKEY_CHUNK_PHOTOS 16
#define PHOTO_LINK_SECONDS 1800 /* how long a reviewer's link shows photos */

/* ---- printed invites ---- */
#define INVITES_MAX 40         /* of one answer: the platform is asked for each */
#define INVITE_SECONDS 2592000 /* 30 days, the longest that a temporary QR code may live */

/* ---- tables of an office: files in and out ---- */
#define TABLE_FILE_MAX_BYTES (16 << 20)
#define TABLE_ROWS_MAX 20000
#define TABLE_COLUMNS_MAX 64
#define TABLE_CELL_MAX_BYTES 2048
#define XLSX_PART_MAX_BYTES (64 << 20) /* unpacked */
#define EXPORT_CHUNK_ROWS 2000

/* ---- backups ---- */
#define BACKUP_FACTS_MAX_BYTES (1 << 20) /* the line before the dump: schema and accounts */

/* ---- memory: what stands in when the system has none (server/base/memory.h) ---- */
#define MEMORY_RESERVE_BYTES (16 << 20)
#define MEMORY_PROBE_BYTES (1 << 20) /* that much again, and new requests are let in */

/* ---- the process ---- */
#define FILES_KEPT 256  /* of the descriptors it may have: for what is no connection */
#define STOP_SECONDS 10 /* SIGTERM finishes what is running within this */
#define WORKERS_MAX 64
#define LOG_LINE_MAX_BYTES 1024

#endif
