# Writes OUTPUT, a C file that holds the files of the lists declared in server/base/embedded.h.
# Usage: cmake -DSOURCE=… -DOUTPUT=… -P embed.cmake

function(embed_list list)
  set(files "")
  foreach(pattern ${ARGN})
    file(GLOB found ${SOURCE}/${pattern})
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  set(arrays "")
  set(entries "")
  set(number 0)
  foreach(path ${files})
    file(READ ${path} hex HEX)
    string(LENGTH "${hex}" digits)
    math(EXPR size "${digits} / 2")
    string(REGEX REPLACE "(................................................................)" "\\1\n"
           hex "${hex}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    get_filename_component(name ${path} NAME)
    string(APPEND arrays "static const unsigned char ${list}_${number}[] = {\n${bytes}0x00};\n")
    string(APPEND entries
      "    {\"${name}\", (const char *)${list}_${number}, ${size}},\n")
    math(EXPR number "${number} + 1")
  endforeach()
  file(APPEND ${OUTPUT}.new
    "${arrays}const struct embedded_file embedded_${list}[] = {\n${entries}    {NULL, NULL, 0}};\n\n")
endfunction()

file(WRITE ${OUTPUT}.new "#include \"server/base/embedded.h\"\n\n")
embed_list(migrations db/migrations/*.sql)
embed_list(rollback db/rollback/*.sql)
embed_list(functions db/functions/*.sql)
embed_list(demo db/demo/*.sql)
embed_list(pages server/pages/*.mustache server/pages/*.css server/pages/*.js
           server/pages/node_modules/weui/dist/style/weui.min.css)
file(RENAME ${OUTPUT}.new ${OUTPUT})
