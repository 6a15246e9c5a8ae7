# Finding libraries that have no CMake package everywhere, by their names and that of a header:
#
#   satchel_find_library(libdeflate deflate libdeflate.h)   the target satchel::libdeflate, if there
#
# For our own build, and for users of our static libraries, who link what these need: where that is
# on their computer, and not on that of who built the package.
include_guard()

function(satchel_find_library name library header)
  if(TARGET satchel::${name})
    return()
  endif()
  string(TOUPPER SATCHEL_${name} prefix)
  find_library(${prefix}_LIBRARY ${library})
  find_path(${prefix}_INCLUDE_DIR ${header})
  mark_as_advanced(${prefix}_LIBRARY ${prefix}_INCLUDE_DIR)
  if(${prefix}_LIBRARY AND ${prefix}_INCLUDE_DIR)
    add_library(satchel::${name} UNKNOWN IMPORTED)
    set_target_properties(satchel::${name} PROPERTIES
      IMPORTED_LOCATION ${${prefix}_LIBRARY}
      INTERFACE_INCLUDE_DIRECTORIES ${${prefix}_INCLUDE_DIR})
  endif()
endfunction()
