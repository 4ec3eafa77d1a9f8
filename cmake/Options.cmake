# Everything a user may switch. Optional parts are AUTO (used when found), ON (required) or OFF.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
# Loops that gain from -O3 are in kernels that ask for it themselves; the rest only compiles more slowly.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG" CACHE STRING "Flags of the Release build" FORCE)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

option(INSTRUCTME_BUILD_TESTS "Build the tests (needs GoogleTest)" ${PROJECT_IS_TOP_LEVEL})
option(INSTRUCTME_BUILD_BENCHMARKS "Build the benchmarks (needs Google Benchmark)" OFF)
option(INSTRUCTME_WERROR "Treat warnings in this project's own code as errors" ON)
option(INSTRUCTME_PCH "Precompile the torch headers (faster builds, about 600 MB in the build folder)" ON)
set(INSTRUCTME_SANITIZE "" CACHE STRING "Sanitizers for this project's targets, e.g. address,undefined")
