#include "wechat/api_errors.h"

#include <stddef.h>

#define ALERT true
#define QUIET false

/* In order of the codes. */
static const struct api_error errors[] = {
    {-1, -1, API_RETRY, 0, QUIET, "the platform is busy"},
    {0, 0, API_OK, 0, QUIET, "ok"},
    {40001, 40001, API_REFRESH_TOKEN, 0, QUIET, "token invalid or not the latest, or wrong secret"},
    {40003, 40003, API_GIVE_UP, 0, QUIET, "openid is not of this account or not following"},
    {40004, 40012, API_GIVE_UP, 0, QUIET, "media type, id or size"},
    {40013, 40013, API_WAIT, 600, ALERT, "app_id is wrong"},
    {40014, 40014, API_REFRESH_TOKEN, 0, QUIET, "token invalid"},
    {40015, 40028, API_GIVE_UP, 0, ALERT, "menu"},
    {40029, 40030, API_AUTHORISE_AGAIN, 0, QUIET, "sign-in code or refresh token invalid"},
    {40037, 40037, API_GIVE_UP, 0, ALERT, "template_id is wrong"},
    {40125, 40125, API_WAIT, 600, ALERT, "app_secret is wrong"},
    {40155, 40155, API_GIVE_UP, 0, ALERT, "menu links to another account's page"},
    {40163, 40163, API_AUTHORISE_AGAIN, 0, QUIET, "sign-in code was used"},
    {40164, 40164, API_WAIT, 60, ALERT, "this machine's address is not in the IP whitelist"},
    {40243, 40243, API_WAIT, 600, ALERT, "app_secret is frozen"},
    {42001, 42001, API_REFRESH_TOKEN, 0, QUIET, "token expired"},
    {42002, 42003, API_AUTHORISE_AGAIN, 0, QUIET, "sign-in expired"},
    {42007, 42007, API_AUTHORISE_AGAIN, 0, QUIET, "the person changed the password"},
    {43004, 43004, API_GIVE_UP, 0, QUIET, "the person does not follow"},
    {43019, 43019, API_GIVE_UP, 0, QUIET, "the person is on the blacklist"},
    {43100, 43100, API_WAIT, API_WAIT_MIDNIGHT, QUIET, "industry changed too often"},
    {43101, 43101, API_GIVE_UP, 0, QUIET, "the person gave no consent, or it is used up"},
    {45009, 45009, API_WAIT, API_WAIT_MIDNIGHT, ALERT, "the day's quota is used up"},
    {45011, 45011, API_WAIT, 60, QUIET, "too many calls a minute"},
    {45015, 45015, API_GIVE_UP, 0, QUIET, "the person's last message is too long ago"},
    {45028, 45028, API_WAIT, API_WAIT_MIDNIGHT, QUIET, "no mass message left"},
    {45029, 45029, API_GIVE_UP, 0, ALERT, "too many permanent QR codes"},
    {45035, 45035, API_WAIT, 60, ALERT, "this machine's address is not in the IP whitelist"},
    {45047, 45047, API_WAIT, API_WAIT_PERSON, QUIET, "too many messages since the person spoke"},
    {45065, 45065, API_OK, 0, QUIET, "sent before under this id"},
    {45066, 45066, API_WAIT, 60, QUIET, "the same id too soon"},
    {45159, 45159, API_RETRY, 0, QUIET, "invalid tag, or two tag calls at once"},
    {48001, 48001, API_GIVE_UP, 0, ALERT, "the account may not use this call"},
    {48003, 48003, API_GIVE_UP, 0, ALERT, "the agreement on mass messages is not accepted"},
    {48004, 48004, API_WAIT, 3600, ALERT, "the call was banned"},
    {48006, 48006, API_WAIT, API_WAIT_MIDNIGHT, QUIET, "quota clearings used up"},
    {53500, 53500, API_GIVE_UP, 0, ALERT, "publishing is banned"},
    {53501, 53501, API_WAIT, 600, QUIET, "published too often"},
    {53503, 53505, API_GIVE_UP, 0, ALERT, "the draft needs a person on the website"},
    {61004, 61004, API_WAIT, 60, ALERT, "this machine's address is not in the IP whitelist"},
    {61450, 61450, API_RETRY, 0, QUIET, "system error"},
    {89501, 89505, API_WAIT, 300, ALERT, "an administrator's confirmation is pending"},
    {89506, 89506, API_WAIT, 86400, ALERT, "an administrator refused this address for a day"},
    {89507, 89507, API_WAIT, 3600, ALERT, "an administrator refused this address for an hour"},
    {200011, 200013, API_GIVE_UP, 0, ALERT, "account or template banned"},
};

const struct api_error *api_error(int errcode) {
    static const struct api_error other = {0, 0, API_GIVE_UP, 0, QUIET, "refused"};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errcode >= errors[i].first && errcode <= errors[i].last)
            return &errors[i];
    return &other;
}
