# What must be the same in a project before and after it adds satchel: its own settings. Call
# remember_project(), add satchel, call check_for_leaks().

set(watched_variables
  BUILD_SHARED_LIBS BUILD_TESTING CMAKE_BUILD_TYPE CMAKE_CXX_COMPILER_LAUNCHER CMAKE_CXX_EXTENSIONS
  CMAKE_CXX_FLAGS CMAKE_CXX_STANDARD CMAKE_EXPORT_COMPILE_COMMANDS CMAKE_INSTALL_PREFIX
  CMAKE_MODULE_PATH CMAKE_RUNTIME_OUTPUT_DIRECTORY)
set(watched_properties COMPILE_OPTIONS COMPILE_DEFINITIONS INCLUDE_DIRECTORIES LINK_OPTIONS)

# A text with every setting that a subproject could change.
function(describe_project result)
  set(text)
  foreach(variable IN LISTS watched_variables)
    string(APPEND text "${variable}=${${variable}} $CACHE{${variable}}\n")
  endforeach()
  foreach(property IN LISTS watched_properties)
    get_directory_property(value ${property})
    string(APPEND text "${property}=${value}\n")
  endforeach()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

macro(remember_project)
  describe_project(project_before)
  get_cmake_property(cache_before CACHE_VARIABLES)
endmacro()

function(check_for_leaks)
  describe_project(project_after)
  if(NOT project_after STREQUAL project_before)
    message(SEND_ERROR
      "satchel changed its parent's settings from\n${project_before}to\n${project_after}")
  endif()

  # The cache gains satchel's own entries, CMake's, and those of the packages that it looks for.
  get_cmake_property(cache_after CACHE_VARIABLES)
  list(REMOVE_ITEM cache_after ${cache_before})
  list(FILTER cache_after EXCLUDE REGEX "^(SATCHEL|satchel|CMAKE_PROJECT)_|^[A-Za-z0-9_]+_DIR$")
  foreach(entry IN LISTS cache_after)
    get_property(is_advanced CACHE ${entry} PROPERTY ADVANCED)
    get_property(type CACHE ${entry} PROPERTY TYPE)
    if(NOT is_advanced AND NOT type STREQUAL "INTERNAL")
      message(SEND_ERROR "satchel put ${entry} into its parent's cache")
    endif()
  endforeach()

  check_targets()
  get_directory_property(tests DIRECTORY ${SATCHEL_SOURCES} TESTS)
  if(tests OR TARGET doctest::doctest)
    message(SEND_ERROR "satchel brought its tests along: ${tests}")
  endif()
endfunction()

# Only the libraries are there, and none passes flags on.
function(check_targets)
  set(targets)
  foreach(folder . engine tasks)
    get_directory_property(found DIRECTORY ${SATCHEL_SOURCES}/${folder} BUILDSYSTEM_TARGETS)
    list(APPEND targets ${found})
  endforeach()
  list(SORT targets)
  if(NOT targets STREQUAL "satchel_engine;satchel_satchel;satchel_tasks")
    message(SEND_ERROR "satchel brought these targets along: ${targets}")
  endif()
  foreach(target IN LISTS targets)
    foreach(property INTERFACE_COMPILE_OPTIONS COMPILE_OPTIONS INTERFACE_COMPILE_DEFINITIONS)
      get_target_property(value ${target} ${property})
      if(value)
        message(SEND_ERROR "${target} compiles with ${property} = ${value} in its parent")
      endif()
    endforeach()
  endforeach()
  get_directory_property(folders DIRECTORY ${SATCHEL_SOURCES} SUBDIRECTORIES)
  if(NOT folders STREQUAL "${SATCHEL_SOURCES}/engine;${SATCHEL_SOURCES}/tasks")
    message(SEND_ERROR "satchel brought these folders along: ${folders}")
  endif()
endfunction()
