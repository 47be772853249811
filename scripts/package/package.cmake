# The Debian package, by CPack: scripts/package builds it. Included by CMakeLists.txt.
set(PACKAGE ${CMAKE_SOURCE_DIR}/scripts/package)

install(TARGETS gulou DESTINATION bin)
install(PROGRAMS ${PACKAGE}/prepare-database scripts/backup DESTINATION lib/gulou)
install(FILES ${PACKAGE}/config.toml DESTINATION /etc/gulou)
install(FILES ${PACKAGE}/gulou.1 DESTINATION share/man/man1)
install(FILES config.example.toml ${PACKAGE}/nginx-gulou.conf docs/operations.md docs/packaging.md docs/runbook.zh-CN.md
  docs/real-account.md DESTINATION share/doc/gulou)
install(DIRECTORY docs/monitoring docs/samples DESTINATION share/doc/gulou)
install(FILES LICENSE DESTINATION share/doc/gulou RENAME copyright)

# Several instances are the same unit with ports of their own: gulou@1 listens on 8181, its operator's port is 8281.
file(READ ${PACKAGE}/gulou.service UNIT)
string(REPLACE "official account\n" "official account (%i)\n" UNIT "${UNIT}")
string(REPLACE "[Service]\n" "[Service]\nEnvironment=GULOU_SERVER_LISTEN=127.0.0.1:818%i GULOU_SERVER_OPS_LISTEN=127.0.0.1:828%i\n"
       UNIT "${UNIT}")
file(WRITE ${CMAKE_BINARY_DIR}/gulou@.service "${UNIT}")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PACKAGE}/gulou.service)
install(FILES ${PACKAGE}/gulou.service ${CMAKE_BINARY_DIR}/gulou@.service ${PACKAGE}/gulou-backup.service
  ${PACKAGE}/gulou-backup.timer DESTINATION lib/systemd/system)

file(WRITE ${CMAKE_BINARY_DIR}/conffiles "/etc/gulou/config.toml\n")
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON) # the program is all there is to build
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR OFF)
set(CPACK_PACKAGE_NAME gulou)
set(CPACK_PACKAGE_CONTACT "the maintainers of Gulou <gulou@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "backend of a neighbourhood's WeChat official account")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Volunteers declare in the chat what they did, reviewers approve it there,
 a ledger that nobody can rewrite books the points, and a public notice shows the list with a root that anyone can check.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION web)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, age, libvips42 | libvips42t64, postgresql-client (>= 15), util-linux, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql (>= 15), redis-server, nginx-light | nginx, fonts-noto-cjk")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${PACKAGE}/postinst ${PACKAGE}/prerm ${PACKAGE}/postrm ${CMAKE_BINARY_DIR}/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
