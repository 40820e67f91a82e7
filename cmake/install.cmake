# cmake --install, and what find_package(filbert) finds afterwards.
include(CMakePackageConfigHelpers)

install(TARGETS filbert EXPORT filbertTargets)
install(DIRECTORY include/filbert ${PROJECT_BINARY_DIR}/include/filbert DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/filbert/models)
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/filbert)
install(EXPORT filbertTargets NAMESPACE filbert:: DESTINATION ${package_dir})
configure_package_config_file(cmake/filbertConfig.cmake.in ${PROJECT_BINARY_DIR}/filbertConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/filbertConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/filbertConfig.cmake ${PROJECT_BINARY_DIR}/filbertConfigVersion.cmake
        DESTINATION ${package_dir})
