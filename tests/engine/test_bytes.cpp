// Bytes and Buffer: sharing, slicing, growing, and reuse of large blocks.
#include <satchel/bytes.hpp>
#include <satchel/detail/pooled_allocator.hpp>
#include <satchel/error.hpp>

#include <cstdint>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::Buffer;
using satchel::Bytes;

namespace {

Buffer filled(std::size_t size, char with) {
    Buffer buffer(size);
    std::memset(buffer.data(), with, size);
    return buffer;
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

}  // namespace

TEST_CASE("Bytes take over a string, vectors and copies") {
    std::string text(1000, 'x');
    const auto* memory = reinterpret_cast<const std::byte*>(text.data());
    const Bytes taken(std::move(text));
    CHECK(taken.data() == memory);
    CHECK(taken.text() == std::string(1000, 'x'));

    CHECK(Bytes(std::vector<unsigned char>{'a', 'b'}).text() == "ab");
    CHECK(Bytes(std::vector<std::byte>{std::byte{'c'}}).text() == "c");
    CHECK(Bytes::copy_of("hello").text() == "hello");
    CHECK(Bytes::copy_of("").empty());
}

TEST_CASE("Bytes of nothing behave") {
    const Bytes none;
    CHECK(none.empty());
    CHECK(none.begin() == none.end());
    CHECK(none == Bytes::copy_of(""));
    CHECK(none.slice(0).empty());
    CHECK(Buffer().freeze().empty());
    CHECK(Buffer(0).freeze().empty());
}

TEST_CASE("a slice shares the memory and keeps it alive") {
    Bytes slice;
    {
        const auto whole = Bytes::copy_of("0123456789");
        slice = whole.slice(3, 4);
        CHECK(slice.data() == whole.data() + 3);
    }
    CHECK(slice.text() == "3456");
    CHECK(slice.slice(2, 100).text() == "56");
    CHECK(slice.slice(4).empty());
    CHECK_THROWS_WITH_AS((void)slice.slice(5),
                         "Bytes::slice: offset 5 lies past the end of 4 bytes",
                         satchel::InvalidArgument);
}

TEST_CASE("Bytes that were moved from are empty") {
    auto first = Bytes::copy_of("abc");
    const Bytes second = std::move(first);
    CHECK(first.empty());  // NOLINT(bugprone-use-after-move): that is the question
    CHECK(second.text() == "abc");

    auto third = Bytes::copy_of("def");
    first = std::move(third);
    CHECK(first.text() == "def");
    CHECK(third.empty());  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("Bytes compare by content") {
    CHECK(Bytes::copy_of("abc") == Bytes::copy_of("abc"));
    CHECK(Bytes::copy_of("abc") != Bytes::copy_of("abd"));
    CHECK(Bytes::copy_of("ab") < Bytes::copy_of("abc"));
    CHECK(Bytes::copy_of("\xff") > Bytes::copy_of("\x01"));
}

TEST_CASE("a Buffer keeps its content while it grows") {
    Buffer buffer;
    std::string expected;
    for (int i = 0; i < 5000; ++i) {
        const auto piece = std::to_string(i);
        buffer.append(bytes_of(piece));
        expected += piece;
    }
    CHECK(buffer.size() == expected.size());
    buffer.resize(buffer.size() + 100'000);
    buffer.resize(expected.size());
    CHECK(std::move(buffer).freeze().text() == expected);
}

TEST_CASE("a Buffer can append a part of itself") {
    Buffer buffer;
    buffer.append(bytes_of("ab"));
    for (int i = 0; i < 17; ++i) buffer.append(buffer);
    CHECK(buffer.size() == 2 << 17);
    const auto text = std::move(buffer).freeze();
    CHECK(text.text().substr(0, 4) == "abab");
    CHECK(text.text().find_first_not_of("ab") == std::string_view::npos);
}

TEST_CASE("a frozen Buffer is empty and usable again") {
    auto buffer = filled(10, 'a');
    const auto bytes = std::move(buffer).freeze();
    CHECK(buffer.size() == 0);  // NOLINT(bugprone-use-after-move)
    CHECK(buffer.capacity() == 0);
    buffer.append(bytes_of("new"));
    CHECK(std::move(buffer).freeze().text() == "new");
    CHECK(bytes.text() == "aaaaaaaaaa");
}

TEST_CASE("a large block is used again, and not before its last slice is gone") {
    constexpr std::size_t size = 1 << 20;
    auto bytes = filled(size, 'a').freeze();
    const auto* block = bytes.data();
    auto slice = bytes.slice(size - 1);
    bytes = {};
    CHECK(Buffer(size).data() != block);
    slice = {};
    CHECK(Buffer(size - 1).data() == block);
}

TEST_CASE("the pool serves new sizes after it was filled with others") {
    std::vector<Buffer> others(100);
    for (auto& other : others) other.resize(1 << 20);
    others.clear();
    const auto* block = Buffer(3 << 20).data();
    CHECK(Buffer(3 << 20).data() == block);
}

TEST_CASE("an array from the pool grows beyond its smallest block, and gives all blocks back") {
    using Numbers = satchel::detail::PooledVector<std::uint32_t>;
    const std::uint32_t* place = nullptr;
    for (int round = 0; round < 2; ++round) {
        Numbers numbers;
        for (std::uint32_t k = 0; k < 300'000; ++k) numbers.push_back(k);
        CHECK(std::accumulate(numbers.begin(), numbers.end(), std::uint64_t{0}) ==
              std::uint64_t{299'999} * 300'000 / 2);
        if (round == 0) place = numbers.data();
        CHECK(numbers.data() == place);
        Numbers moved = std::move(numbers);
        CHECK(moved.data() == place);
    }
}

TEST_CASE("an absurd size is refused") {
    CHECK_THROWS_AS(Buffer(SIZE_MAX), std::bad_alloc);
    CHECK_THROWS_AS(Buffer(SIZE_MAX / 2 + 1), std::bad_alloc);
    CHECK_THROWS_AS((void)satchel::detail::take_pooled(SIZE_MAX), std::bad_alloc);
}
