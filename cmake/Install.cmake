# SPDX-License-Identifier: Apache-2.0
# `cmake --install build/release --prefix DIR`: the program, the console beside it where the program looks for it, and
# the documentation. The console is built by `./dev build`, not by CMake: it needs Node.
set(SLUICE_CONSOLE "${CMAKE_SOURCE_DIR}/build/web/console")

install(TARGETS sluice RUNTIME DESTINATION bin)
install(DIRECTORY "${SLUICE_CONSOLE}/" DESTINATION share/sluice/console OPTIONAL)
install(FILES README.md LICENSE DESTINATION share/doc/sluice)
install(DIRECTORY docs DESTINATION share/doc/sluice)
install(CODE "
  if(NOT EXISTS \"${SLUICE_CONSOLE}/index.html\")
    message(WARNING \"The console is not built, and not installed: run ./dev build first, with Node 20.19 or later.\")
  endif()")
