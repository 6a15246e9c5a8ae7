# The rules that every target of the project follows, as functions.
#
#   satchel_dependency(PUBLIC fmt REQUIRED)        find_package, also for who uses the installation
#   satchel_library(engine src/base/bytes.cpp …)   a library satchel::engine, with its headers
#   satchel_program(satchel_cli)                   an installed executable
#   satchel_target(some_target)                    C++20 and, in our own build, strict warnings
#
# Nothing here sets a global flag or variable, so that a project that adds satchel with
# add_subdirectory() keeps its own.
include_guard()
include(GNUInstallDirs)
include(${CMAKE_CURRENT_LIST_DIR}/SatchelFindLibrary.cmake)

# Finds a package, and notes it for the installed package's configuration. `PUBLIC`: users of our
# headers need it. `PRIVATE`: only the link of a static library does. The other arguments are
# find_package()'s. A macro, because find_package() sets variables that the caller wants to see.
macro(satchel_dependency visibility package)
  find_package(${package} ${ARGN})
  if(${package}_FOUND AND (${visibility} STREQUAL "PUBLIC" OR NOT BUILD_SHARED_LIBS))
    set_property(GLOBAL APPEND PROPERTY satchel_dependencies "find_dependency(${package})")
  endif()
endmacro()

# satchel_find_library(), and the same, as what only the link of a static library needs, for the
# installed package.
function(satchel_library_dependency name library header)
  satchel_find_library(${name} ${library} ${header})
  if(TARGET satchel::${name} AND NOT BUILD_SHARED_LIBS)
    set_property(GLOBAL APPEND PROPERTY satchel_dependencies
      "satchel_find_dependency_library(${name} ${library} ${header})")
  endif()
endfunction()

# C++20, and warnings in our own build alone; as errors only where that is asked for, as all presets
# but `release` do: a newer compiler's new warning must not keep anybody from building.
function(satchel_target target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  if(PROJECT_IS_TOP_LEVEL)
    target_compile_options(${target} PRIVATE
      -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${SATCHEL_WERROR}>:-Werror>
      # GCC 12 sees overlapping copies in "text" + std::string at -O3 where there are none
      # (its bug 105651).
      $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
  endif()
endfunction()

# The library satchel::<part> from <part>/: its public headers are all of include/, found by
# themselves; its private ones lie in src/.
function(satchel_library part)
  set(target satchel_${part})
  add_library(${target} ${ARGN})
  add_library(satchel::${part} ALIAS ${target})
  satchel_target(${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${part}
    LINKER_LANGUAGE CXX
    POSITION_INDEPENDENT_CODE ON
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH $ORIGIN
    VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL})
  target_include_directories(${target} PRIVATE src)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS include/*.hpp)
  target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  satchel_install(${target})
endfunction()

# An executable for users, built in bin/ and installed there.
function(satchel_program target)
  satchel_target(${target})
  file(RELATIVE_PATH libraries ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(${target} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin
    INSTALL_RPATH $ORIGIN/${libraries})
  if(NOT BUILD_SHARED_LIBS)
    # Else CMake would reserve the place for the rpath with colons, and each of those stands for the
    # working folder, whose libraries would be loaded.
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON)
  endif()
  if(SATCHEL_INSTALL)
    install(TARGETS ${target} RUNTIME)
  endif()
endfunction()

# Libraries and their headers, under the names by which find_package(satchel) offers them.
function(satchel_install target)
  if(SATCHEL_INSTALL)
    install(TARGETS ${target} EXPORT satchel FILE_SET HEADERS)
  endif()
endfunction()

# The files behind find_package(satchel). Comes after all libraries, because it writes down what
# they depend on.
function(satchel_install_package)
  if(NOT SATCHEL_INSTALL)
    return()
  endif()
  include(CMakePackageConfigHelpers)
  set(destination ${CMAKE_INSTALL_LIBDIR}/cmake/satchel)
  get_property(dependencies GLOBAL PROPERTY satchel_dependencies)
  list(REMOVE_DUPLICATES dependencies)
  list(JOIN dependencies "\n" dependencies)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/satchelConfig.cmake.in satchelConfig.cmake
    INSTALL_DESTINATION ${destination}
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(satchelConfigVersion.cmake COMPATIBILITY SameMinorVersion)
  install(EXPORT satchel FILE satchelTargets.cmake NAMESPACE satchel:: DESTINATION ${destination})
  install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/satchelConfig.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/satchelConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/cmake/SatchelFindLibrary.cmake
    DESTINATION ${destination})
endfunction()
