#include "wechat/callback.h"

#include "server/base/buf.h"
#include "wechat/crypto.h"

/* The token under which the parts are signed: the current, the previous, or NULL. The token is
 * always the first part. */
static const char *token_that_signed(const struct wechat_account *account, struct str given,
                                     size_t n, struct str *parts) {
    const char *tokens[] = {account->token, account->token_previous};
    for (size_t i = 0; i < 2; i++) {
        if (tokens[i] != NULL) {
            parts[0] = str_from(tokens[i]);
            if (wechat_signed(given, n, parts)) {
                return tokens[i];
            }
        }
    }
    return NULL;
}

static const char *token_of_query(const struct wechat_account *account,
                                  const struct callback_query *query) {
    struct str parts[] = {{NULL, 0}, query->timestamp, query->nonce};
    if (query->timestamp.n == 0 || query->nonce.n == 0) {
        return NULL;
    }
    return token_that_signed(account, query->signature, 3, parts);
}

enum callback_result callback_verify(const struct wechat_account *account,
                                     const struct callback_query *query) {
    return query->echostr.n > 0 && token_of_query(account, query) != NULL ? CALLBACK_OK
                                                                          : CALLBACK_FORBIDDEN;
}

static enum callback_result refuse(struct callback_open *out, enum callback_result result,
                                   const char *reason) {
    out->reason = reason;
    return result;
}

static enum callback_result parse(struct arena *arena, struct str xml, struct callback_open *out) {
    enum message_error error = message_parse(arena, xml, &out->message);
    return error == MESSAGE_OK ? CALLBACK_OK
                               : refuse(out, CALLBACK_MALFORMED, message_error_text(error));
}

static enum callback_result open_plain(struct arena *arena, const struct wechat_account *account,
                                       const struct callback_query *query, struct str body,
                                       struct callback_open *out) {
    /* The signature does not cover the body, so who has seen one could send anything: an account
     * that is configured secure takes no plain body. */
    if (account->mode == WECHAT_SECURE) {
        return refuse(out, CALLBACK_FORBIDDEN, "plain body for a secure account");
    }
    out->token = token_of_query(account, query);
    if (out->token == NULL) {
        return refuse(out, CALLBACK_FORBIDDEN, "wrong signature");
    }
    return parse(arena, body, out);
}

static enum callback_result decrypt(struct arena *arena, const struct wechat_account *account,
                                    struct str base64, struct str *xml, struct callback_open *out) {
    const unsigned char *keys[] = {account->aes_key, account->aes_key_previous};
    enum envelope_error first = ENVELOPE_OK;
    for (size_t i = 0; i < 2; i++) {
        if (keys[i] != NULL) {
            enum envelope_error error =
                envelope_decrypt(arena, keys[i], account->app_id, base64, xml);
            if (error == ENVELOPE_OK) {
                out->aes_key = keys[i];
                return CALLBACK_OK;
            }
            first = first == ENVELOPE_OK ? error : first;
        }
    }
    return refuse(out, CALLBACK_FORBIDDEN, envelope_error_text(first));
}

static enum callback_result open_encrypted(struct arena *arena,
                                           const struct wechat_account *account,
                                           const struct callback_query *query, struct str body,
                                           struct callback_open *out) {
    const struct message_field *envelope;
    if (account->mode == WECHAT_PLAIN || account->aes_key == NULL) {
        return refuse(out, CALLBACK_FORBIDDEN, "encrypted body for a plain account");
    }
    enum message_error error = message_fields_parse(arena, body, &envelope);
    if (error != MESSAGE_OK) {
        return refuse(out, CALLBACK_MALFORMED, message_error_text(error));
    }
    struct str base64 = str_trim(message_value(envelope, "Encrypt"));
    struct str parts[] = {{NULL, 0}, query->timestamp, query->nonce, base64};
    if (base64.n == 0) {
        return refuse(out, CALLBACK_MALFORMED, "no Encrypt");
    }
    out->token = token_that_signed(account, query->msg_signature, 4, parts);
    if (out->token == NULL) {
        return refuse(out, CALLBACK_FORBIDDEN, "wrong msg_signature");
    }
    struct str xml;
    enum callback_result result = decrypt(arena, account, base64, &xml, out);
    if (result != CALLBACK_OK) {
        return result;
    }
    /* Only the decrypted content counts; in compatible mode the fields beside it are ignored. */
    result = parse(arena, xml, out);
    struct str outside = message_value(envelope, "ToUserName");
    if (result == CALLBACK_OK && outside.n > 0 && !str_eq(outside, out->message.to_user)) {
        return refuse(out, CALLBACK_FORBIDDEN, "another ToUserName outside");
    }
    out->encrypted = true;
    return result;
}

enum callback_result callback_open(struct arena *arena, const struct wechat_account *account,
                                   const struct callback_query *query, struct str body,
                                   struct callback_open *out) {
    *out = (struct callback_open){.app_id = account->app_id, .nonce = query->nonce};
    if (query->encrypt_type.n == 0 || str_is(query->encrypt_type, "raw")) {
        return open_plain(arena, account, query, body, out);
    }
    if (str_is(query->encrypt_type, "aes")) {
        return open_encrypted(arena, account, query, body, out);
    }
    return refuse(out, CALLBACK_FORBIDDEN, "unknown encrypt_type");
}

/* Lengths before the texts: no two different lists of parts read the same. */
static void add_part(struct buf *identity, struct str part) {
    buf_i64(identity, (int64_t)part.n);
    buf_puts(identity, ":");
    buf_addstr(identity, part);
}

/* The first 16 bytes as PostgreSQL writes a UUID. */
static char *uuid_text(struct arena *arena, const unsigned char *bytes) {
    static const size_t groups[] = {4, 2, 2, 2, 6};
    char *text = arena_room(arena, 37);
    char *to = text;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (i > 0) {
            *to++ = '-';
        }
        str_hex(bytes, groups[i], to);
        bytes += groups[i];
        to += 2 * groups[i];
    }
    return text;
}

char *callback_message_key(struct arena *arena, const char *account_id,
                           const struct message *message) {
    struct buf identity;
    buf_init(&identity, arena);
    add_part(&identity, str_from(account_id));
    add_part(&identity, message->from_user);
    if (message->msg_id.n > 0) {
        add_part(&identity, message->msg_id);
    } else {
        buf_i64(&identity, message->create_time);
        buf_puts(&identity, "|");
        add_part(&identity, message->event);
        add_part(&identity, message->event_key);
        add_part(&identity, message->job_id);
        add_part(&identity, message->content);
    }
    unsigned char digest[WECHAT_DIGEST_BYTES];
    wechat_digest(buf_view(&identity), digest);
    return uuid_text(arena, digest);
}
