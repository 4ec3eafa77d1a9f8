# instructme_component(NAME audio SOURCES a.cpp … [DEPENDS base …] [PRIVATE_DEPENDS …] [TORCH])
#
# One component = one folder = one static library `instructme_<name>` (alias `instructme::<name>`).
# Public headers live in include/instructme/<name>/. TORCH says that its public headers use torch.
function(instructme_component)
  cmake_parse_arguments(arg "TORCH" "NAME" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "instructme_component(${arg_NAME}): unknown arguments ${arg_UNPARSED_ARGUMENTS}")
  endif()
  set(target instructme_${arg_NAME})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(instructme::${arg_NAME} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${arg_NAME})
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                                              $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  list(TRANSFORM arg_DEPENDS PREPEND instructme_)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS})
  target_link_libraries(${target} PRIVATE ${arg_PRIVATE_DEPENDS} $<BUILD_INTERFACE:instructme_warnings>
                                          $<BUILD_INTERFACE:instructme_sanitizers>)
  if(arg_TORCH)
    target_link_libraries(${target} PUBLIC instructme_torch)
    instructme_use_torch_pch(${target})
  endif()
  set_property(GLOBAL APPEND PROPERTY INSTRUCTME_TARGETS ${target})
endfunction()

# Keeps the build of a target that uses torch short. Every compiler run instantiates the same ten seconds of torch
# templates, so several source files share one run (INSTRUCTME_UNITY) and all share one precompiled header.
function(instructme_use_torch_pch target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${INSTRUCTME_UNITY} UNITY_BUILD_BATCH_SIZE 6)
  if(NOT INSTRUCTME_PCH)
    return()
  endif()
  if(NOT TARGET instructme_pch)
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/pch.cpp CONTENT "")
    add_library(instructme_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
    target_link_libraries(instructme_pch PRIVATE instructme_torch nlohmann_json::nlohmann_json instructme_warnings
                                                 instructme_sanitizers)
    target_precompile_headers(instructme_pch PRIVATE <torch/torch.h> <nlohmann/json.hpp>)
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL EXECUTABLE)
    # CMake compiles executables with -fPIE, which GCC takes for another precompiled header than -fPIC.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
    if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
      target_compile_options(${target} PRIVATE -O2) # the header was precompiled so
    endif()
  endif()
  target_precompile_headers(${target} REUSE_FROM instructme_pch)
endfunction()

# instructme_test(audio SOURCES …): one GoogleTest program per component.
function(instructme_test component)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(target ${component}_test)
  add_executable(${target} ${arg_SOURCES})
  list(TRANSFORM arg_DEPENDS PREPEND instructme_)
  target_link_libraries(${target} PRIVATE instructme_${component} ${arg_DEPENDS} instructme_test_support GTest::gmock_main
                                          instructme_warnings instructme_sanitizers)
  # What is tested is optimised; optimising the tests themselves only takes time.
  target_compile_options(${target} PRIVATE -O0)
  target_compile_definitions(${target} PRIVATE INSTRUCTME_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                               INSTRUCTME_BINARY="$<TARGET_FILE_DIR:${target}>/instructme")
  add_test(NAME ${component} COMMAND ${target})
  set_tests_properties(${component} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()

# Writes `<name>_data.cpp`, which defines `std::string_view <name>_data()` with the bytes of a file, and sets `source` to
# its path: what the program always needs travels inside the library, so that no path has to be known at run time.
function(instructme_embed name file source)
  set(cpp ${CMAKE_CURRENT_BINARY_DIR}/${name}_data.cpp)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  file(CONFIGURE OUTPUT ${cpp} @ONLY CONTENT [[
#include "@name@_data.h"

namespace instructme {
namespace {
const unsigned char kBytes[] = {@bytes@};
}
std::string_view @name@_data() { return {reinterpret_cast<const char*>(kBytes), sizeof kBytes}; }
}  // namespace instructme
]])
  set(${source} ${cpp} PARENT_SCOPE)
endfunction()

# Stops the configuration with the path that leads to torch when a pure component reaches it.
function(instructme_check_no_torch)
  foreach(component IN LISTS ARGN)
    _instructme_walk(instructme_${component} "instructme_${component}")
  endforeach()
endfunction()

function(_instructme_walk target path)
  if(NOT TARGET ${target})
    return()
  endif()
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    set(target ${aliased})
  endif()
  get_target_property(links ${target} LINK_LIBRARIES)
  get_target_property(interface_links ${target} INTERFACE_LINK_LIBRARIES)
  foreach(link IN LISTS links interface_links)
    if(link MATCHES "torch|c10")
      message(FATAL_ERROR "${target} must not depend on torch, but does: ${path} -> ${link}")
    endif()
    if(TARGET "${link}")
      get_target_property(type ${link} TYPE)
      if(link MATCHES "^instructme_")
        _instructme_walk(${link} "${path} -> ${link}")
      endif()
    endif()
  endforeach()
endfunction()
