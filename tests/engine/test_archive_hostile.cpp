// Archives that nobody can have written are refused, and cost no memory.
#include <satchel/archive.hpp>
#include <satchel/value.hpp>

#include "engine/support.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

using satchel::ArchiveError;
using satchel::Bytes;
using satchel::decode;
using satchel::encode;
using satchel::Encoded;
using satchel::testing::text_of;

namespace {

enum class Level { low, high };

Encoded head_of(std::string bytes) { return {Bytes(std::move(bytes)), {}}; }

template <class T>
std::string refusal(const Encoded& encoded) {
    return text_of<ArchiveError>([&] { (void)decode<T>(encoded); });
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

const std::string huge_size = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F";

}  // namespace

template <>
inline constexpr auto satchel::last_enumerator<Level> = Level::high;

TEST_CASE("sizes are compared with what is left before anything is allocated") {
    CHECK(contains(refusal<std::vector<std::string>>(head_of(huge_size)),
                   "fewer bytes left than a list has elements"));
    CHECK(contains(refusal<std::vector<std::monostate>>(head_of(huge_size)), "fewer bytes left"));
    CHECK(contains(refusal<std::map<int, int>>(head_of(huge_size)), "fewer bytes left"));
    CHECK(contains(refusal<std::vector<bool>>(head_of(huge_size)), "fewer bytes left"));
    CHECK(contains(refusal<std::string>(head_of(huge_size)), "a large buffer is missing"));
    CHECK(contains(refusal<Bytes>(head_of(huge_size)), "a large buffer is missing"));
    CHECK(contains(refusal<std::string>(head_of("\x05"
                                                "abc")),
                   "5 bytes are wanted at byte 1 of 4"));
}

TEST_CASE("sizes have one spelling and 64 bits") {
    CHECK(contains(refusal<std::string>(head_of(std::string("\x80\x00", 2))),
                   "longer than it needs to be"));
    CHECK(contains(refusal<std::string>(head_of("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02")),
                   "does not fit into 64 bits"));
    CHECK(contains(refusal<std::string>(head_of(std::string(20, '\xFF'))),
                   "does not fit into 64 bits"));
}

TEST_CASE("bools, enums and variants have the values that they can have") {
    CHECK(contains(refusal<bool>(head_of("\x02")), "a bool is neither 0 nor 1"));
    CHECK(contains(refusal<std::vector<bool>>(head_of("\x01\x02")), "a bool is neither"));
    CHECK(contains(refusal<std::optional<int>>(head_of("\x02")), "a bool is neither 0 nor 1"));
    CHECK(contains(refusal<Level>(encode(2)), "none of its enumerators"));
    CHECK(contains(refusal<Level>(encode(-1)), "none of its enumerators"));
    CHECK(contains(refusal<std::vector<Level>>(encode(std::vector<int>{0, 7})), "reading"));
    CHECK(decode<Level>(encode(1)) == Level::high);
    using Variant = std::variant<int, std::string>;
    CHECK(contains(refusal<Variant>(head_of("\x02")), "an alternative that it cannot have"));
}

TEST_CASE("blocks hold whole elements, and segments have the size that was said") {
    CHECK(contains(refusal<std::vector<int>>(head_of("\x03"
                                                     "abc")),
                   "a whole number of elements"));
    auto encoded = encode(std::vector<double>(10'000, 1.0));
    auto short_one = encoded;
    short_one.segments[0] = short_one.segments[0].slice(8);
    CHECK(contains(refusal<std::vector<double>>(short_one), "another size than was said"));
    auto none = encoded;
    none.segments.clear();
    CHECK(contains(refusal<std::vector<double>>(none), "a large buffer is missing"));
    auto more = encoded;
    more.segments.push_back(Bytes(std::string("more")));
    CHECK(contains(refusal<std::vector<double>>(more), "there is more than the object"));
}

TEST_CASE("nothing may be missing or left over") {
    const auto encoded = encode(std::map<std::string, std::vector<int>>{{"key", {1, 2, 3}}});
    for (std::size_t size = 0; size < encoded.head.size(); ++size) {
        const Encoded cut{encoded.head.slice(0, size), {}};
        CHECK_THROWS_AS((void)(decode<std::map<std::string, std::vector<int>>>(cut)), ArchiveError);
    }
    CHECK(contains(refusal<int>(head_of("12345")), "there is more than the object"));
}

namespace {
struct Tree {
    std::vector<Tree> children;
};
struct Chain {
    std::unique_ptr<Chain> next;
};
}  // namespace

TEST_CASE("nesting has an end, for readers and for writers") {
    CHECK(contains(refusal<Tree>(head_of(std::string(100'000, '\x01'))), "nested more than"));
    CHECK(contains(refusal<Chain>(head_of(std::string(100'000, '\x01'))), "nested more than"));
    Chain chain;
    for (int k = 0; k < 2000; ++k) {
        Chain longer;
        longer.next = std::make_unique<Chain>(std::move(chain));
        chain = std::move(longer);
    }
    CHECK_THROWS_AS((void)encode(chain), ArchiveError);
}

TEST_CASE("any bytes give an object or an error") {
    satchel::testing::Random random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random(40), '\0');
        for (auto& byte : bytes) byte = static_cast<char>(random(3) == 0 ? random(256) : random(4));
        using Object = std::vector<std::variant<std::map<std::string, std::optional<Level>>,
                                                std::vector<std::vector<std::monostate>>>>;
        try {
            const auto object = decode<Object>(head_of(bytes));
            CHECK(encode(object).size() <= bytes.size());
        } catch (const ArchiveError&) {
        }
        CHECK_THROWS_AS((void)decode<satchel::Value>(head_of("\x01" + bytes)), satchel::Error);
    }
}
