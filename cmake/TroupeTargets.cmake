# How every target of this project is built: one place for flags, sanitizers and include roots.
include_guard(GLOBAL)

find_program(TROUPE_CCACHE ccache)
if(TROUPE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers are cached only with these; see the ccache manual, "Precompiled headers".
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${TROUPE_CCACHE})
endif()

add_library(troupe_build INTERFACE)
add_library(troupe::build ALIAS troupe_build)
target_compile_features(troupe_build INTERFACE cxx_std_20)
target_include_directories(troupe_build INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/api>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/troupe>)
target_compile_definitions(troupe_build INTERFACE MSGPACK_NO_BOOST)
target_compile_options(troupe_build INTERFACE $<BUILD_INTERFACE:-Wall> $<BUILD_INTERFACE:-Wextra>)
# g++ 12 sees uninitialised members in moved-from variants and overlapping string copies where there
# are none, once it optimises; clang-tidy and the sanitizers look for the real ones.
target_compile_options(troupe_build INTERFACE
  $<BUILD_INTERFACE:$<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-Wno-maybe-uninitialized>>
  $<BUILD_INTERFACE:$<$<AND:$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-Wno-restrict>>)
if(TROUPE_WERROR)
  target_compile_options(troupe_build INTERFACE $<BUILD_INTERFACE:-Werror>)
endif()
if(TROUPE_SANITIZE)
  target_compile_options(troupe_build INTERFACE
    $<BUILD_INTERFACE:-fsanitize=${TROUPE_SANITIZE}> $<BUILD_INTERFACE:-fno-omit-frame-pointer>)
  target_link_options(troupe_build INTERFACE $<BUILD_INTERFACE:-fsanitize=${TROUPE_SANITIZE}>)
endif()

# troupe_library(NAME SOURCES... [PCH HEADERS...] [LINK LIBS...]): static library troupe_NAME,
# alias troupe::NAME. Links are public, because headers of a folder show types of the ones below.
function(troupe_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PCH;LINK" ${ARGN})
  add_library(troupe_${name} STATIC ${arg_SOURCES})
  add_library(troupe::${name} ALIAS troupe_${name})
  set_target_properties(troupe_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(troupe_${name} PUBLIC troupe::build ${arg_LINK})
  if(arg_PCH)
    target_precompile_headers(troupe_${name} PRIVATE ${arg_PCH})
  endif()
  set_property(GLOBAL APPEND PROPERTY TROUPE_LIBRARIES troupe_${name})
endfunction()

# troupe_test(NAME SOURCES... LINK LIBS... [LABELS ...] [PROPERTIES ...]): a Catch2 program whose
# cases ctest runs one by one.
function(troupe_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;LABELS;PROPERTIES" ${ARGN})
  add_executable(test_${name} ${arg_SOURCES})
  target_link_libraries(test_${name} PRIVATE troupe_test_support ${arg_LINK})
  target_precompile_headers(test_${name} REUSE_FROM troupe_test_support)
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  set_property(GLOBAL APPEND PROPERTY TROUPE_TEST_PROGRAMS test_${name})
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS "${arg_LABELS}" TIMEOUT 120 ${arg_PROPERTIES})
endfunction()
