# Every third-party library is found here and wrapped in an alias target; nothing is downloaded.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)

foreach(package sndfile soxr libebur128)
  pkg_check_modules(${package} REQUIRED IMPORTED_TARGET ${package})
  add_library(instructme_dep_${package} ALIAS PkgConfig::${package})
endforeach()

# instructme_optional(FLUIDSYNTH fluidsynth): INSTRUCTME_HAVE_FLUIDSYNTH and the target instructme_dep_fluidsynth
# when the option INSTRUCTME_WITH_FLUIDSYNTH (Options.cmake) allows it and pkg-config finds the library.
function(instructme_optional name package)
  set(INSTRUCTME_HAVE_${name} OFF PARENT_SCOPE)
  if(INSTRUCTME_WITH_${name} STREQUAL "OFF")
    return()
  endif()
  pkg_check_modules(${package} QUIET IMPORTED_TARGET ${package})
  if(TARGET PkgConfig::${package})
    add_library(instructme_dep_${package} ALIAS PkgConfig::${package})
    set(INSTRUCTME_HAVE_${name} ON PARENT_SCOPE)
    set(INSTRUCTME_OPTIONAL_PACKAGES "${INSTRUCTME_OPTIONAL_PACKAGES} ${package}" PARENT_SCOPE) # for Install.cmake
  elseif(INSTRUCTME_WITH_${name} STREQUAL "ON")
    message(FATAL_ERROR "INSTRUCTME_WITH_${name} is ON, but pkg-config does not find '${package}'")
  endif()
endfunction()
instructme_optional(LILV lilv-0)
set(INSTRUCTME_OPTIONAL_PACKAGES "") # only the program that hosts plugins uses it, not the libraries
instructme_optional(FLUIDSYNTH fluidsynth)
instructme_optional(PNG libpng)
instructme_optional(PUGIXML pugixml)
instructme_optional(TAGLIB taglib)
instructme_optional(YAML_CPP yaml-cpp)

# Torch goes through one INTERFACE target so that its headers are SYSTEM for us and so that the
# check in InstructmeTarget.cmake has one name to look for.
find_package(Torch REQUIRED)
add_library(instructme_torch INTERFACE)
target_include_directories(instructme_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_link_libraries(instructme_torch INTERFACE ${TORCH_LIBRARIES})
separate_arguments(_torch_flags UNIX_COMMAND "${TORCH_CXX_FLAGS}")
target_compile_options(instructme_torch INTERFACE ${_torch_flags})
# A libtorch with the old std::string (_GLIBCXX_USE_CXX11_ABI=0) needs it in the components without torch as well.
foreach(flag IN LISTS _torch_flags)
  if(flag MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
    add_compile_options(${flag})
  endif()
endforeach()

if(INSTRUCTME_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(INSTRUCTME_BUILD_BENCHMARKS)
  find_package(benchmark REQUIRED)
endif()
