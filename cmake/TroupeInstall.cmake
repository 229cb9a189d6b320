# What `cmake --install` puts where: the program, the libraries with their headers, and a CMake package,
# so that another project writes find_package(troupe) and links troupe::troupe.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# The one target that users of the package link: everything below the command line.
add_library(troupe_troupe INTERFACE)
add_library(troupe::troupe ALIAS troupe_troupe)
set_target_properties(troupe_troupe PROPERTIES EXPORT_NAME troupe)
target_link_libraries(troupe_troupe INTERFACE troupe_api)
set_target_properties(troupe_build PROPERTIES EXPORT_NAME build)

# TROUPE_LIBRARIES: every library that troupe_library() made, and what they link of ours.
get_property(libraries GLOBAL PROPERTY TROUPE_LIBRARIES)
list(REMOVE_ITEM libraries troupe_cli)
install(TARGETS ${libraries} troupe_build troupe_troupe EXPORT troupe_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

# Two include roots, as in the source tree: "troupe/client.hpp", and "libruntime/value.hpp" for those
# who spawn the runtime's actors themselves.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/api/troupe" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp")
foreach(folder IN ITEMS libruntime autoscaler config net providers worker actors gateway)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}"
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/troupe FILES_MATCHING PATTERN "*.hpp")
endforeach()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/troupe)
install(EXPORT troupe_targets NAMESPACE troupe:: DESTINATION ${package_folder})
configure_package_config_file(
  "${PROJECT_SOURCE_DIR}/cmake/troupeConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/troupeConfig.cmake" INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/troupeConfig.cmake" "${PROJECT_BINARY_DIR}/troupeConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindCAF.cmake"
  DESTINATION ${package_folder})

if(TARGET troupe)
  install(TARGETS troupe RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/config/examples/"
  DESTINATION ${CMAKE_INSTALL_DATADIR}/troupe/clusters)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/examples/graphs/"
  DESTINATION ${CMAKE_INSTALL_DATADIR}/troupe/graphs)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
