// TextStore: many texts, each found by a number of 32 bits. Short ones lie one behind the other in
// a few blocks of memory: they cost no allocation and no string of their own. Long ones are
// strings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::detail {

class TextStore {
  public:
    static constexpr std::uint32_t no_number = UINT32_MAX;

    /// Keeps a copy, or a long string itself if it is given away. Numbers are below `no_number`.
    /// Throws Error when there are no more of them: there are for 2^31 - 1 long texts and 32 GB of
    /// short ones.
    std::uint32_t add(std::string_view text) {
        return is_short(text) ? add_short(text) : add_long(std::string(text));
    }
    std::uint32_t add(const std::string& text) { return add(std::string_view(text)); }
    std::uint32_t add(std::string&& text) {
        return is_short(text) ? add_short(text) : add_long(std::move(text));
    }

    /// Valid until the next add() or take().
    [[nodiscard]] std::string_view at(std::uint32_t number) const noexcept;
    /// Calls `use` with a text and gives its memory away: with a `std::string&&` if it is a long
    /// one, else with a view for as long as the call takes. To be called with rising numbers.
    template <class Use>
    decltype(auto) take(std::uint32_t number, Use&& use) {
        if (is_long(number)) return use(std::move(long_text(number)));
        forget_blocks_before(number);
        return use(at(number));
    }

  private:
    // Strings of this size are copied as fast as memory for them is found.
    static constexpr std::size_t short_max = 128;
    static bool is_short(std::string_view text) noexcept { return text.size() <= short_max; }
    std::uint32_t add_short(std::string_view text);
    std::uint32_t add_long(std::string&& text);
    static bool is_long(std::uint32_t number) noexcept;
    std::string& long_text(std::uint32_t number) noexcept;
    void forget_blocks_before(std::uint32_t number) noexcept;

    std::vector<std::string> blocks_;
    std::size_t forgotten_ = 0;  // the first so many blocks
    std::vector<std::string> long_;
};

}  // namespace satchel::detail
