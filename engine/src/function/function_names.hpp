// What functions are called in the text of a program: for people, in the keys of tasks and in
// messages.
#pragma once

#include <string>
#include <string_view>

namespace satchel::detail {

/// "inc" of "int my::inc<long>(std::vector<int> const&)", "lambda" of
/// "main::{lambda(int)#1}::_FUN(int)": a readable name without what stands around it. Empty if it
/// is of no such form.
[[nodiscard]] std::string_view bare_name(std::string_view readable);

/// The bare name of the function at an address; empty if its module has no symbols or cannot be
/// read. Thread-safe.
[[nodiscard]] std::string function_name(const void* function);

}  // namespace satchel::detail
