#ifndef GULOU_COMMANDS_H
#define GULOU_COMMANDS_H

/* The subcommands of the program, one file each.
 *
 * Every one gets its own arguments (argv[0] is its name) and returns the exit code: COMMAND_DONE,
 * COMMAND_FAILED, or COMMAND_USAGE after one clear line on standard error. */

#include <popt.h>
#include <stdbool.h>

#include "server/config.h"

enum { COMMAND_DONE = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

struct subcommand {
    const char *name;
    const char *summary;
    int (*run)(int argc, const char **argv);
};

extern const struct subcommand command_serve;
extern const struct subcommand command_migrate;
extern const struct subcommand command_check;
extern const struct subcommand command_audit;
extern const struct subcommand command_backup;
extern const struct subcommand command_restore;
extern const struct subcommand command_clock;
extern const struct subcommand command_rebuild_cache;
extern const struct subcommand command_menu;
extern const struct subcommand command_notice;
extern const struct subcommand command_export;
extern const struct subcommand command_erase;
extern const struct subcommand command_import;
extern const struct subcommand command_rekey;

/* Reads the options that `own` adds to --config and loads the configuration. A text given
 * twice, an empty one and one that is another option are refused: argDescrip and descrip of an
 * option say what would be right. NULL: *exit_code says how to end; it was said why. */
struct config *command_config(int argc, const char **argv, const struct poptOption *own,
                              int *exit_code);

/* The same with `n` words that are no options, as `usage` names them; to be free()d, also when NULL
 * is returned. */
struct config *command_words(int argc, const char **argv, const struct poptOption *own,
                             const char *usage, char **words, int n, int *exit_code);

/* The same for a command without a configuration; false: it was said why. */
bool command_options(int argc, const char **argv, const struct poptOption *own, const char *usage,
                     char **words, int n);

/* gulou export ledger|declarations|notice; one with --member is member_data.c's. */
int command_export_list(int argc, const char **argv);

/* The account of --account, or the only one there is. NULL: it was said why. */
const struct account *command_account(const struct config *config, const char *id);

/* What gulou audit prints; false: something does not verify, or the database did not answer. */
bool command_audit_report(const char *postgres_url);

/* Prints `gulou: …` on standard error, and what to do where the schema is missing; frees it. */
int command_fail(char *error);

#endif
