# What only our own build does; a project that contains satchel decides these for itself.
get_property(is_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT is_multi_config AND NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, RelWithDebInfo or MinSizeRel" FORCE)
endif()

if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(SATCHEL_CCACHE ccache)
  mark_as_advanced(SATCHEL_CCACHE)
  if(SATCHEL_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${SATCHEL_CCACHE})
  endif()
endif()

option(BUILD_TESTING "Build the tests, and the examples, which are tests as well" ON)
option(SATCHEL_WERROR "Take the compiler's warnings for errors" OFF)

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
