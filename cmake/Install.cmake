# `cmake --install`: the program with its model, and a package for find_package(instructme).
include(CMakePackageConfigHelpers)

get_property(install_targets GLOBAL PROPERTY INSTRUCTME_TARGETS)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/instructme)
set(data_folder ${CMAKE_INSTALL_DATADIR}/instructme)

# What torch needs is found anew where the package is used, by instructmeConfig.cmake: the exported
# target is empty, so that no path of this machine gets into it.
foreach(property INTERFACE_LINK_LIBRARIES INTERFACE_INCLUDE_DIRECTORIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
                 INTERFACE_COMPILE_OPTIONS)
  get_target_property(value instructme_torch ${property})
  if(value)
    set_property(TARGET instructme_torch PROPERTY ${property} "$<BUILD_INTERFACE:${value}>")
  endif()
endforeach()
set_target_properties(instructme_torch PROPERTIES EXPORT_NAME torch)

foreach(target IN LISTS install_targets)
  # The public headers use C++20; a project that links them must be told.
  set_property(TARGET ${target} APPEND PROPERTY INTERFACE_COMPILE_FEATURES cxx_std_20)
  get_target_property(folder ${target} SOURCE_DIR)
  if(EXISTS ${folder}/include)
    install(DIRECTORY ${folder}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
  endif()
endforeach()

install(TARGETS ${install_targets} instructme_torch EXPORT instructmeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT instructmeTargets NAMESPACE instructme:: DESTINATION ${package_folder})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/instructmeConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/instructmeConfig.cmake INSTALL_DESTINATION ${package_folder} PATH_VARS data_folder)
# Before 1.0 every minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/instructmeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/instructmeConfig.cmake ${PROJECT_BINARY_DIR}/instructmeConfigVersion.cmake
        DESTINATION ${package_folder})

if(TARGET instructme)
  # For a libtorch that lies outside the system's library folders.
  set_target_properties(instructme PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS instructme RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET instructme-lv2-host)
  # A program for programs: instructme looks for it here, see find_plugin_host.
  install(TARGETS instructme-lv2-host RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/instructme)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/default DESTINATION ${data_folder}/models)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/configs DESTINATION ${data_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Libraries built with sanitizers cannot be linked by a project that does not use the same ones.
if(INSTRUCTME_BUILD_TESTS AND NOT INSTRUCTME_SANITIZE)
  add_subdirectory(tests/install)
endif()
