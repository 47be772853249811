/* toml++ behind config_toml.h; no exception leaves this file. */

#include "server/config_toml.h"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1 /* the packaged library is built with exceptions */
#include <toml++/toml.h>

namespace {

const char *copy(arena *a, std::string_view text) {
    return arena_strndup(a, text.data(), text.size());
}

struct reader {
    arena *memory;
    std::vector<config_entry> entries;

    config_entry place(const char *section, int index, bool in_array, const toml::node &node) {
        config_entry entry = {};
        entry.section = section;
        entry.index = index;
        entry.in_array = in_array;
        entry.type = CONFIG_OTHER;
        entry.line = static_cast<int>(node.source().begin.line);
        return entry;
    }

    void value(config_entry entry, const toml::key &key, const toml::node &node) {
        entry.key = copy(memory, key.str());
        entry.line = static_cast<int>(key.source().begin.line);
        if (const auto *text = node.as_string()) {
            entry.type = CONFIG_STRING;
            entry.string = copy(memory, text->get());
        } else if (const auto *number = node.as_integer()) {
            entry.type = CONFIG_INTEGER;
            entry.integer = number->get();
        } else if (const auto *yes = node.as_boolean()) {
            entry.type = CONFIG_BOOLEAN;
            entry.boolean = yes->get();
        }
        entries.push_back(entry);
    }

    void section(const char *name, int index, bool in_array, const toml::table &table) {
        entries.push_back(place(name, index, in_array, table));
        for (auto &&[key, node] : table)
            value(place(name, index, in_array, node), key, node);
    }

    void file(const toml::table &root) {
        for (auto &&[key, node] : root) {
            const char *name = copy(memory, key.str());
            const auto *array = node.as_array();
            if (const auto *table = node.as_table()) {
                section(name, 0, false, *table);
            } else if (array && array->is_array_of_tables()) {
                int index = 0;
                for (auto &&item : *array)
                    section(name, index++, true, *item.as_table());
            } else {
                value(place("", 0, false, node), key, node);
            }
        }
    }
};

/* The line of the first byte beyond ASCII that stands outside strings and comments; 0: none. TOML
 * has no place for one, and the library's search for blanks is undefined for some of them, 「 among
 * them. A string that its line does not close ends the search: the library refuses it there. */
int misplaced_letter(std::string_view text) {
    int line = 1;
    for (size_t i = 0; i < text.size(); i++) {
        const char c = text[i];
        if (c == '\n') {
            line++;
        } else if (c == '#') {
            i = text.find('\n', i);
            if (i == text.npos)
                return 0;
            line++;
        } else if ((c == '"' || c == '\'') &&
                   (i == 0 || std::strchr(" \t\r\n=[{,.", text[i - 1]))) {
            const bool many = text.compare(i, 3, std::string(3, c)) == 0;
            const std::string end(many ? 3 : 1, c);
            for (i += end.size(); text.compare(i, end.size(), end) != 0; i++) {
                if (text[i] == '\n' && !many)
                    return 0;
                line += text[i] == '\n';
                if (c == '"' && text[i] == '\\')
                    line += ++i < text.size() && text[i] == '\n';
                if (i + 1 >= text.size())
                    return 0;
            }
            i += end.size() - 1;
            /* A text may end in one or two quotation marks of its own: """a""""" */
            for (int more = 0; many && more < 2 && i + 1 < text.size() && text[i + 1] == c; more++)
                i++;
        } else if (static_cast<unsigned char>(c) > 0x7f) {
            return line;
        }
    }
    return 0;
}

} // namespace

struct config_entries config_toml_read(struct arena *arena, const char *text, size_t n) {
    struct config_entries result = {};
    const size_t mark = n >= 3 && std::memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    result.error_line = misplaced_letter(std::string_view(text + mark, n - mark));
    if (result.error_line > 0) {
        result.error = "only strings and comments may have other letters than ASCII's";
        return result;
    }
    toml::parse_result parsed = toml::parse(std::string_view(text, n));
    if (!parsed) {
        result.error = copy(arena, parsed.error().description());
        result.error_line = static_cast<int>(parsed.error().source().begin.line);
        return result;
    }
    reader r{arena, {}};
    r.file(parsed.table());
    size_t bytes = r.entries.size() * sizeof(config_entry);
    auto *items = static_cast<config_entry *>(arena_alloc(arena, bytes + 1));
    if (bytes > 0)
        std::memcpy(items, r.entries.data(), bytes);
    result.items = items;
    result.n = r.entries.size();
    return result;
}
