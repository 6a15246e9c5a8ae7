// TextStore: many texts, one behind the other in a few blocks of memory, each found by a number of
// 32 bits. A text costs no allocation and no string of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace satchel::detail {

class TextStore {
  public:
    static constexpr std::uint32_t no_number = UINT32_MAX;

    /// Keeps a copy. The numbers rise, and all are below `no_number`. Throws Error when there are
    /// no more of them: there are for 64 GB at least.
    std::uint32_t add(std::string_view text);
    /// Valid until the next add() or forget_before().
    [[nodiscard]] std::string_view at(std::uint32_t number) const noexcept;
    /// Gives memory back that only texts of lower numbers use; they are not to be asked for again.
    void forget_before(std::uint32_t number);

  private:
    std::vector<std::string> blocks_;
    std::uint32_t forgotten_ = 0;  // the first so many of them
};

}  // namespace satchel::detail
