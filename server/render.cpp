/* kainjow::mustache behind render.h; no exception leaves this file. */

#include "server/render.h"

#include <cstring>
#include <exception>
#include <map>
#include <mustache.hpp>
#include <string>

extern "C" {
#include "server/base/embedded.h"
}

namespace {

using kainjow::mustache::data;
using kainjow::mustache::mustache;
using kainjow::mustache::partial;

const embedded_file *find_file(const std::string &name) {
    for (const embedded_file *file = embedded_pages; file->name; file++)
        if (name + ".mustache" == file->name)
            return file;
    return nullptr;
}

data convert(const cJSON *json) {
    if (cJSON_IsObject(json)) {
        data object = data::type::object;
        for (const cJSON *item = json->child; item; item = item->next)
            object.set(item->string, convert(item));
        return object;
    }
    if (cJSON_IsArray(json)) {
        data list = data::type::list;
        for (const cJSON *item = json->child; item; item = item->next)
            list.push_back(convert(item));
        return list;
    }
    if (cJSON_IsString(json))
        return data(std::string(json->valuestring));
    if (cJSON_IsNumber(json)) /* ids and counts; points are strings */
        return data(std::to_string(static_cast<long long>(json->valuedouble)));
    return data(cJSON_IsTrue(json) ? data::type::bool_true : data::type::bool_false);
}

str fail(arena *memory, const char **error, const char *why) {
    *error = arena_strndup(memory, why, std::strlen(why));
    return str{nullptr, 0};
}

} // namespace

struct str render_page(struct arena *arena, const char *name, const cJSON *facts,
                       const char **error) {
    try {
        const embedded_file *file = find_file(name);
        if (!file)
            return fail(arena, error, "no such template");
        mustache page(std::string(file->data, file->size));
        if (!page.is_valid())
            return fail(arena, error, page.error_message().c_str());
        data tree = convert(facts);
        for (const embedded_file *other = embedded_pages; other->name; other++) {
            std::string part(other->name);
            const size_t end = part.rfind(".mustache");
            if (end != std::string::npos && part[0] == '_') {
                std::string text(other->data, other->size);
                tree.set(part.substr(0, end), data(partial([text] { return text; })));
            }
        }
        std::string html = page.render(tree);
        return str{arena_strndup(arena, html.data(), html.size()), html.size()};
    } catch (const std::exception &e) {
        return fail(arena, error, e.what());
    }
}
