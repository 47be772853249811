/* A push's XML becomes its leaves: pugixml behind message.h.
 *
 * pugixml reads a small document in a fourth of expat's time, in place, and keeps to what is
 * needed. It expands no entity and reads nothing else, but it is lenient; what it lets pass
 * although it is no XML is refused here: characters that XML does not know, text or a second
 * element beside <xml>, references that nobody declared. */

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include <pugixml.hpp>

extern "C" {
#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/memory.h"
#include "wechat/message.h"
}

namespace {

/* ---- characters ---- */

bool is_control(unsigned char c) {
    return c < 0x20 && c != '\t' && c != '\n' && c != '\r';
}

/* Eight bytes at a time: every byte of a push goes through here. */
bool has_controls(str text) {
    const uint64_t each = ~UINT64_C(0) / 255;
    const char *p = text.p, *const end = text.p + text.n;
    for (; end - p >= 8; p += 8) {
        uint64_t eight;
        memcpy(&eight, p, sizeof eight);
        if (((eight - each * 0x20) & ~eight & each * 0x80) != 0 &&
            std::any_of(p, p + 8, is_control))
            return true;
    }
    return std::any_of(p, end, is_control);
}

/* The library overlooks a < that nothing follows. */
bool ends_with_tag(str xml) {
    str trimmed = str_trim(xml);
    return trimmed.n > 0 && trimmed.p[trimmed.n - 1] == '>';
}

bool is_blank(const char *text) {
    return text[strspn(text, " \t\r\n")] == '\0';
}

bool is_character(unsigned long code) {
    return code >= 0x20 ? code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) ||
                              (code >= 0x10000 && code <= 0x10ffff)
                        : code == '\t' || code == '\n' || code == '\r';
}

/* ---- references ---- */

/* Behind the reference that begins at this &, or NULL when it is none. */
const char *behind_reference(const char *text) {
    for (const char *known : {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"})
        if (strncmp(text, known, strlen(known)) == 0)
            return text + strlen(known);
    if (text[1] != '#')
        return nullptr;
    bool hex = text[2] == 'x';
    const char *digits = text + (hex ? 3 : 2);
    size_t n = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");
    bool good = n > 0 && digits[n] == ';' && is_character(strtoul(digits, nullptr, hex ? 16 : 10));
    return good ? digits + n + 1 : nullptr;
}

/* The end of a CDATA section is no text either. */
bool has_references_only(const char *text) {
    if (strstr(text, "]]>") != nullptr)
        return false;
    while (text != nullptr && (text = strchr(text, '&')) != nullptr)
        if ((text = behind_reference(text)) == nullptr)
            return false;
    return true;
}

/* Nothing in it stands for something else. */
bool is_itself(pugi::xml_node piece) {
    return piece.type() != pugi::node_pcdata || strpbrk(piece.value(), "&]") == nullptr;
}

const unsigned VERBATIM =
    pugi::parse_fragment | pugi::parse_cdata | pugi::parse_ws_pcdata | pugi::parse_eol;

/* False: there was no memory for it. */
bool add_decoded(buf *out, const char *text) {
    pugi::xml_document document;
    bool well = document.load_buffer(text, strlen(text), VERBATIM | pugi::parse_escapes,
                                     pugi::encoding_utf8);
    buf_puts(out, document.first_child().value());
    return well;
}

/* ---- memory ---- */

/* The library takes a page for each document; each thread keeps one. */
thread_local struct {
    alignas(max_align_t) char bytes[32768];
    bool taken;
} page;

void *page_get(size_t size) {
    if (page.taken || size > sizeof page.bytes)
        return memory_malloc(size);
    page.taken = true;
    return page.bytes;
}

void page_put(void *memory) {
    if (memory == page.bytes)
        page.taken = false;
    else
        memory_put(memory);
}

/* ---- the tree ---- */

struct leaves {
    arena *memory;
    message_field *first = nullptr, **next = &first;
    size_t n = 0;
    size_t path_bytes = 0; /* of all elements */
    bool decoded = true;   /* until there was no memory for that */

    str text(const char *name_or_value) {
        return {name_or_value, strlen(name_or_value)};
    }

    /* Of several pieces, or of one that is not what it stands for. */
    str joined(pugi::xml_node element) {
        buf whole;
        buf_init(&whole, memory);
        for (pugi::xml_node piece : element)
            if (is_itself(piece))
                buf_puts(&whole, piece.value());
            else
                decoded = add_decoded(&whole, piece.value()) && decoded;
        return buf_view(&whole);
    }

    str value_of(pugi::xml_node element) {
        pugi::xml_node piece = element.first_child();
        return !piece.next_sibling() && is_itself(piece) ? text(piece.value()) : joined(element);
    }

    message_error keep(pugi::xml_node element, str path, bool at_the_top) {
        if (++n > XML_FIELDS_MAX)
            return MESSAGE_TOO_DEEP;
        if (at_the_top && message_value(first, path.p).p != nullptr)
            return MESSAGE_REPEATED;
        auto *field = static_cast<message_field *>(arena_alloc(memory, sizeof *first));
        field->path = path;
        field->value = value_of(element);
        *next = field;
        next = const_cast<message_field **>(&field->next);
        return decoded ? MESSAGE_OK : MESSAGE_NOT_XML;
    }

    str path_of(pugi::xml_node element, str above, int depth) {
        if (depth <= 1)
            return text(depth == 0 ? "" : element.name());
        return text(arena_printf(memory, "%s/%s", above.p, element.name()));
    }

    /* `depth` is 0 for <xml> itself. */
    message_error read(pugi::xml_node element, str above, int depth) {
        if (depth >= XML_DEPTH_MAX)
            return MESSAGE_TOO_DEEP;
        path_bytes += depth > 1 ? above.n + strlen(element.name()) : 0;
        if (path_bytes > XML_PATHS_MAX_BYTES)
            return MESSAGE_TOO_DEEP;
        str path = path_of(element, above, depth);
        bool is_leaf = depth > 0;
        for (pugi::xml_node child : element)
            if (child.type() == pugi::node_element) {
                is_leaf = false;
                if (message_error error = read(child, path, depth + 1))
                    return error;
            } else if (!is_itself(child) && !has_references_only(child.value()))
                return MESSAGE_NOT_XML;
        return is_leaf ? keep(element, path, depth == 1) : MESSAGE_OK;
    }
};

/* One element named xml, and nothing beside it. */
message_error find_root(const pugi::xml_document &document, pugi::xml_node *root) {
    for (pugi::xml_node node : document) {
        if (node.type() == pugi::node_doctype)
            return MESSAGE_DOCTYPE;
        if (node.type() == pugi::node_element && !*root && strcmp(node.name(), "xml") == 0)
            *root = node;
        else if (node.type() != pugi::node_pcdata || !is_blank(node.value()))
            return MESSAGE_NOT_XML;
    }
    return *root ? MESSAGE_OK : MESSAGE_NOT_XML;
}

} // namespace

message_error message_fields_parse(arena *memory, str xml, const message_field **out) {
    static const bool ours = (pugi::set_memory_management_functions(page_get, page_put), true);
    (void)ours;
    if (xml.n > HTTP_BODY_MAX_BYTES || !ends_with_tag(xml) || has_controls(xml) ||
        !str_is_utf8(xml))
        return MESSAGE_NOT_XML;
    pugi::xml_document document;
    pugi::xml_node root;
    leaves found = {memory};
    /* In place: names and values are views of this copy, each with its NUL. The last byte given is
     * the library's to overwrite. */
    char *copy = arena_strndup(memory, xml.p, xml.n);
    pugi::xml_parse_result result = document.load_buffer_inplace(
        copy, xml.n + 1, VERBATIM | pugi::parse_doctype, pugi::encoding_utf8);
    /* What was read before something broke says why more exactly. */
    message_error error = find_root(document, &root);
    if (error == MESSAGE_OK)
        error = found.read(root, {}, 0);
    if (error == MESSAGE_OK && !result)
        error = MESSAGE_NOT_XML;
    if (error == MESSAGE_OK)
        *out = found.first;
    return error;
}
