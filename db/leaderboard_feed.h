#ifndef GULOU_DB_LEADERBOARD_FEED_H
#define GULOU_DB_LEADERBOARD_FEED_H

/* Keeps one account's boards in Redis level with PostgreSQL; runs in one worker of each server.
 *
 * A board that is not ready is rebuilt; so are the two latest periods' at the start and every ten
 * minutes, whatever their markers say; less often where that takes more than a minute. Readiness is
 * looked at after every new connection to Redis and every ten seconds. Rebuilds go on beside other
 * work, one at a time, also of all servers, and leave the board readable that is there. Each second
 * the changes since the last look are applied. Any number of servers may do this at once. */

struct event_base;
struct pg;
struct redis;
struct leaderboard_feed;

struct leaderboard_feed *leaderboard_feed_new(struct event_base *base, struct pg *pg,
                                              struct redis *redis, const char *account);

/* Before redis_free() and pg_free(). NULL is fine. */
void leaderboard_feed_free(struct leaderboard_feed *feed);

#endif
