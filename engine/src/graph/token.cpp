// Tokens: names made by mixing, and names that no other process or call will make.
#include <satchel/graph.hpp>

#include "function/modules.hpp"

#include <atomic>
#include <random>

#include <fmt/format.h>

namespace satchel {
namespace {

// The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
    x += 0x9E37'79B9'7F4A'7C15;
    x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
    x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
    return x ^ (x >> 31);
}

}  // namespace

Token Token::unique() {
    static const std::uint64_t process = [] {
        std::random_device device;
        return (std::uint64_t{device()} << 32) | device();
    }();
    static std::atomic<std::uint64_t> next{0};
    // Numbers are handed out to threads in blocks: one contended increment for a thousand tokens.
    constexpr std::uint64_t block = 1024;
    thread_local std::uint64_t number = 0;
    if (number % block == 0) number = next.fetch_add(1, std::memory_order_relaxed) * block;
    ++number;
    return {mix(process ^ number), mix(number + mix(process))};
}

Token Token::of(std::string_view text) noexcept {
    Token token{0x5361'7463'6865'6C31, text.size()};
    for (std::size_t i = 0; i < text.size(); i += 8) {
        std::uint64_t word = 0;
        for (std::size_t k = i; k < text.size() && k < i + 8; ++k) {
            word = (word << 8) | static_cast<unsigned char>(text[k]);
        }
        token = token.then(word);
    }
    return token;
}

// What lies in no module that others could have is named by its address, among the tokens of this
// process alone.
Token Token::of_place(const void* address) {
    const auto place = reinterpret_cast<std::uintptr_t>(address);
    const auto table = detail::module_table();
    const auto* module = table->find(place);
    if (module == nullptr || module->module.id.empty()) {
        static const auto here = unique();
        return here.then(place);
    }
    return Token{module->module.tag, place - module->base}.then(1);
}

Token Token::then(std::uint64_t next) const noexcept {
    return {mix(high ^ mix(next)), mix(low + mix(next ^ high))};
}

Token Token::then(Token next) const noexcept { return then(next.high).then(next.low); }

std::string Token::text() const { return fmt::format("{:016x}{:016x}", high, low); }

}  // namespace satchel
