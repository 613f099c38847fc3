# SPDX-License-Identifier: Apache-2.0
# sluice_library(http DEPS net LIBS nghttp2) declares a library made of every .cc below the current folder.
#
# DEPS are our own libraries. They must already exist, that is: stand above this one in src/CMakeLists.txt, so an
# arrow that points the wrong way fails here, at configure time. tools/check_deps.py compares the includes with DEPS.
# LIBS are third-party targets. Files named *_test.cc become the test program <name>_test.

define_property(TARGET PROPERTY SLUICE_DEPS BRIEF_DOCS "Direct Sluice dependencies")

function(sluice_library name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;TEST_DEPS;TEST_LIBS" ${ARGN})
  foreach(dep ${ARG_DEPS})
    if(NOT TARGET ${dep})
      message(FATAL_ERROR "src/${name}: depends on '${dep}', which is not below it (see src/CMakeLists.txt)")
    endif()
  endforeach()

  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  # A subfolder with a CMakeLists.txt of its own is another library.
  file(GLOB_RECURSE nested "${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt")
  foreach(file ${nested})
    get_filename_component(folder "${file}" DIRECTORY)
    list(FILTER sources EXCLUDE REGEX "^${folder}/")
  endforeach()
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")

  if(sources)
    add_library(${name} STATIC ${sources})
    set(scope PUBLIC)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${name} ${scope} ${ARG_DEPS} ${ARG_LIBS})
  set_target_properties(${name} PROPERTIES SLUICE_DEPS "${ARG_DEPS}")

  if(tests)
    add_executable(${name}_test ${tests})
    foreach(dep ${ARG_TEST_DEPS})
      if(NOT TARGET ${dep})
        message(FATAL_ERROR "src/${name}: TEST_DEPS names '${dep}', which is not below it")
      endif()
    endforeach()
    target_link_libraries(${name}_test PRIVATE ${name} ${ARG_TEST_DEPS} ${ARG_TEST_LIBS} GTest::gmock GTest::gtest GTest::gtest_main)
    target_precompile_headers(${name}_test PRIVATE <gtest/gtest.h> <gmock/gmock.h>)
    set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
  endif()
endfunction()
