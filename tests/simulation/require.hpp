// How the simulator says that something is wrong.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace satchel::simulation {

/// Ends a life in which something does not hold that must.
inline void require(bool holds, std::string_view what) {
    if (!holds) throw std::logic_error(std::string(what));
}

}  // namespace satchel::simulation
