#include "server/render.h"

#include <exception>
#include <string>

#include <kainjow/mustache.hpp>

extern "C" {
#include "server/base/embedded.h"
#include "server/base/log.h"
}

namespace mustache = kainjow::mustache;

static const char *find(const std::string &name) {
    for (const embedded_file *file = embedded_pages; file->name != nullptr; file++) {
        if (name == file->name) {
            return file->data;
        }
    }
    return nullptr;
}

static mustache::data convert(const cJSON *json) {
    if (cJSON_IsObject(json)) {
        mustache::data object{mustache::data::type::object};
        for (const cJSON *child = json->child; child != nullptr; child = child->next) {
            object.set(child->string, convert(child));
        }
        return object;
    }
    if (cJSON_IsArray(json)) {
        mustache::data list{mustache::data::type::list};
        for (const cJSON *child = json->child; child != nullptr; child = child->next) {
            list.push_back(convert(child));
        }
        return list;
    }
    if (cJSON_IsString(json)) {
        return mustache::data{json->valuestring};
    }
    if (cJSON_IsNumber(json)) {
        return mustache::data{std::to_string(static_cast<long long>(json->valuedouble))};
    }
    return mustache::data{cJSON_IsTrue(json) ? mustache::data::type::bool_true
                                             : mustache::data::type::bool_false};
}

static std::string render(const std::string &name, const mustache::data &data) {
    const char *text = find(name + ".mustache");
    if (text == nullptr) {
        throw std::runtime_error("no template " + name);
    }
    mustache::mustache page{text};
    if (!page.is_valid()) {
        throw std::runtime_error(name + ": " + page.error_message());
    }
    return page.render(data);
}

extern "C" char *render_page(struct arena *arena, const char *layout, const char *page,
                             const cJSON *data) {
    try {
        mustache::data tree = convert(data);
        tree.set("content", mustache::data{render(page, tree)});
        tree.set("version", mustache::data{GULOU_VERSION});
        std::string html = render(layout, tree);
        return arena_strndup(arena, html.data(), html.size());
    } catch (const std::exception &error) {
        log_error("render", "page=%s cause=\"%s\"", page, error.what());
        return nullptr;
    }
}

extern "C" char *render_part(struct arena *arena, const char *part, const cJSON *data) {
    try {
        std::string html = render(part, convert(data));
        return arena_strndup(arena, html.data(), html.size());
    } catch (const std::exception &error) {
        log_error("render", "page=%s cause=\"%s\"", part, error.what());
        return nullptr;
    }
}
