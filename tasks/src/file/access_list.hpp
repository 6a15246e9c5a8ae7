// POSIX access lists: what single users and further groups may do with a file. Where a file has
// one, the group's bits of its mode are the most that any of those may do, its own group included,
// and not what that may.
#pragma once

#include <string>

#include <sys/types.h>

namespace satchel {

/// The list of an open file, as the system encodes it; empty if it has none.
[[nodiscard]] std::string access_list_of(int descriptor);

/// Gives a file a list, and with it its mode. Returns false if that is not possible.
[[nodiscard]] bool set_access_list(int descriptor, const std::string& list);

/// Takes away the list that a folder may have given to a new file.
void remove_access_list(int descriptor);

/// The mode of a file of mode `mode` and that list, for a copy without it: nobody may do more than
/// before, whether they had an entry in the list or not.
[[nodiscard]] mode_t mode_without_list(mode_t mode, const std::string& list);

}  // namespace satchel
