// Where the words of a text begin and end.
#pragma once

#include <satchel/detail/view_stream.hpp>

#include <string_view>
#include <vector>

namespace satchel::detail {

/// Adds what lies between white space, as views of the text.
using AddWords = void (*)(std::string_view text, ViewList& words);

/// The ways to do it that this processor can, the fastest first. All find the same words.
const std::vector<AddWords>& ways_to_add_words();

}  // namespace satchel::detail
