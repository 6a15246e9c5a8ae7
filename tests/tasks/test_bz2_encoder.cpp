// The steps of bzip2's compression, each against what it is defined by; then all of them against
// the programs that read the format.
#include "bz2_format.hpp"
#include "bz2_runs.hpp"
#include "huffman_lengths.hpp"
#include "recent_bytes.hpp"
#include "rotation_sort.hpp"
#include "test_support.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace satchel::testing;

namespace satchel::detail {
namespace {

std::span<const std::uint8_t> octets(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// `count` times `unit`, and its first `more` characters.
std::string repeated(std::string_view unit, std::size_t count, std::size_t more = 0) {
    std::string result;
    for (std::size_t i = 0; i < count; ++i) result += unit;
    return result + std::string(unit.substr(0, more));
}

void check_rotations(const std::string& text) {
    const std::string twice = text + text;
    std::vector<std::size_t> order(text.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto rotation = [&](std::size_t i) {
        return std::string_view(twice).substr(i, text.size());
    };
    std::ranges::sort(order, {}, rotation);
    std::string expected;
    for (const auto i : order) expected += rotation(i).back();

    std::vector<std::uint8_t> last(text.size());
    const auto origin = sort_rotations(octets(text), last);
    INFO(text.substr(0, 100));
    CHECK(std::ranges::equal(octets(expected), last));
    REQUIRE(origin < text.size());
    CHECK(rotation(order[origin]) == text);
}

TEST_CASE("rotations of all short texts are sorted") {
    for (std::size_t size = 1; size <= 12; ++size) {
        for (unsigned bits = 0; bits < 1U << size; ++bits) {
            std::string text;
            for (std::size_t i = 0; i < size; ++i) text += (bits >> i & 1) != 0 ? 'b' : 'a';
            check_rotations(text);
        }
    }
}

TEST_CASE("rotations of texts that repeat themselves are sorted") {
    std::string previous = "a";
    std::string fibonacci = "ab";
    while (fibonacci.size() < 2000) previous = std::exchange(fibonacci, fibonacci + previous);
    check_rotations(fibonacci);
    std::string run_and_end(3000, 'b');
    check_rotations(run_and_end);
    check_rotations(run_and_end + 'a');
    check_rotations(run_and_end + 'c');
    for (const std::string unit : {"ab", "abc", "aab", "abab\xff", "mississippi"}) {
        for (const auto more : sizes({0, 1})) check_rotations(repeated(unit, 300, more));
    }
}

TEST_CASE("rotations of random texts are sorted") {
    std::mt19937 generator(5);
    for (int i = 0; i < 300; ++i) {
        const auto size = 1 + generator() % 2000;
        const auto alphabet = 1 + generator() % (i % 2 == 0 ? 256 : 4);
        const auto period = 1 + generator() % size;
        std::string text;
        while (text.size() < size) {
            const bool repeats = text.size() >= period && generator() % 50 != 0;
            text +=
                repeats ? text[text.size() - period] : static_cast<char>(generator() % alphabet);
        }
        check_rotations(text);
    }
}

TEST_CASE("the rotations of the largest block are sorted where they lie") {
    const Bytes plain = text(rotation_sort_max);
    std::vector<std::uint8_t> elsewhere(plain.size());
    std::vector<std::uint8_t> in_place(octets(plain.text()).begin(), octets(plain.text()).end());
    const auto origin = sort_rotations(in_place, elsewhere);
    CHECK(sort_rotations(in_place, in_place) == origin);
    CHECK(in_place == elsewhere);
}

TEST_CASE("runs are shortened and expanded") {
    std::mt19937 generator(6);
    for (const auto longest : sizes({1, 3, 4, 5, 20, 254, 255, 256, 259, 510, 3000})) {
        std::string data;
        while (data.size() < 5000) {
            data.append(1 + generator() % longest, static_cast<char>(generator() % 3));
        }
        const auto bytes = std::as_bytes(std::span(data));
        for (const auto room : sizes({0, 1, 4, 5, 8, 100, 4000, 7000})) {
            std::vector<std::uint8_t> shortened(room);
            const auto done = shorten_runs(bytes, shortened);
            REQUIRE(done.size <= room);
            CHECK((done.size + 5 > room || done.used == bytes.size()));
            for (const auto step : sizes({1, 7, 20, 10'000})) {
                RunExpander runs(std::span<const std::uint8_t>(shortened).first(done.size));
                std::vector<std::byte> expanded;
                while (!runs.is_done()) {
                    std::vector<std::byte> piece(step);
                    std::span<std::byte> left(piece);
                    runs.expand(left);
                    expanded.insert(expanded.end(), piece.begin(), piece.end() - left.size());
                }
                CHECK_FALSE(runs.is_damaged());
                CHECK(std::ranges::equal(expanded, bytes.first(done.used)));
            }
        }
    }
}

TEST_CASE("a run without its count is damage") {
    RunExpander runs(octets("abbbb"));
    std::vector<std::byte> room(100);
    std::span<std::byte> out(room);
    runs.expand(out);
    CHECK(runs.is_damaged());
}

TEST_CASE("bytes move to the front") {
    std::vector<std::uint8_t> list(256);
    std::iota(list.begin(), list.end(), std::uint8_t{0});
    RecentBytes writer(list);
    RecentBytes reader(list);
    std::mt19937 generator(7);
    for (int i = 0; i < 5000; ++i) {
        const auto byte = static_cast<std::uint8_t>(generator() >> (i % 7));
        const auto at = std::ranges::find(list, byte);
        const auto place = static_cast<unsigned>(at - list.begin());
        std::rotate(list.begin(), at, at + 1);
        CHECK(writer.use(byte) == place);
        CHECK(reader.take(place) == byte);
        CHECK(writer.front() == byte);
    }
}

TEST_CASE("code lengths are complete, limited, and the best if the limit allows") {
    const auto check = [](const std::vector<std::uint32_t>& counts) {
        std::vector<std::uint8_t> lengths(counts.size());
        huffman_lengths(counts, lengths);
        double sum = 0;
        for (const auto length : lengths) {
            CHECK(length >= 1);
            CHECK(length <= huffman_length_max);
            sum += std::exp2(-length);
        }
        CHECK(sum == 1);
        return lengths;
    };
    CHECK(check({1, 1}) == std::vector<std::uint8_t>{1, 1});
    CHECK(check({0, 9, 0}) == std::vector<std::uint8_t>{2, 1, 2});
    CHECK(check({8, 1, 4, 2, 1}) == std::vector<std::uint8_t>{1, 4, 2, 3, 4});
    CHECK(check(std::vector<std::uint32_t>(256, 7)) == std::vector<std::uint8_t>(256, 8));
    std::vector<std::uint32_t> fibonacci{1, 1};
    while (fibonacci.back() < 800'000) fibonacci.push_back(fibonacci.back() + fibonacci.end()[-2]);
    check(fibonacci);
    fibonacci.resize(huffman_symbols_max);
    check(fibonacci);
}

TEST_CASE("the CRC is bzip2's") {
    CHECK(bz2_crc(0, std::as_bytes(std::span("123456789", 9))) == 0xFC89'1918);
    const Bytes data = random_bytes(1000);
    for (const auto cut : sizes({0, 1, 7, 8, 9, 500, 999})) {
        CHECK(bz2_crc(bz2_crc(0, data.slice(0, cut)), data.slice(cut)) == bz2_crc(0, data));
    }
}

// Inputs that have broken compressors: one symbol, all symbols, runs, periods, the border of a
// block.
std::vector<Sample> hard_inputs() {
    std::vector<Sample> inputs;
    for (const auto size : sizes({1, 2, 3, 4, 5, 255, 256, 258, 259, 260, 514, 900'000})) {
        inputs.push_back({fmt::format("{} zeros", size), zeros(size)});
    }
    for (const auto more : sizes({0, 1, 19, 20, 21, 22})) {
        const auto size = 100'000 - 21 + more;
        inputs.push_back({fmt::format("{} random bytes", size), random_bytes(size)});
        inputs.push_back({fmt::format("{} bytes of text", size), text(size)});
    }
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    for (const std::string& unit : {all, std::string("ab"), std::string("aaaab"),
                                    std::string(258, 'x') + "y", std::string(text(997).text())}) {
        const auto count = 250'000 / unit.size();
        inputs.push_back({fmt::format("{} times {} bytes", count, unit.size()),
                          Bytes(repeated(unit, count, unit.size() / 2))});
    }
    return inputs;
}

TEST_CASE("whoever reads bzip2 reads our blocks") {
    std::vector<std::string> readers{
        "bzip2 -dc",
        "python3 -c 'import bz2, sys; d = bz2.BZ2Decompressor()\n"
        "sys.stdout.buffer.write(d.decompress(sys.stdin.buffer.read())); assert d.eof'"};
    for (const std::string tool : {"lbzip2", "pbzip2"}) {
        if (is_installed(tool)) readers.push_back(tool + " -dc");
    }
    for (const auto& [name, data] : hard_inputs()) {
        const Bytes file = compress(data, "bz2", {.level = 1, .chunk_size = 150'000});
        for (const auto& reader : readers) {
            INFO(name, " read by ", reader);
            CHECK(piped(file, reader) == data);
        }
        INFO(name);
        CHECK(decode_file(file).data == data);
    }
}

// Numbered lines of one sentence, ten times each.
Bytes repeated_lines(std::size_t size) {
    std::string lines;
    for (int k = 0; lines.size() < size; ++k) {
        for (int j = 0; j < 10; ++j) lines += fmt::format("This is line {} ", k);
        lines += '\n';
    }
    return Bytes(lines.substr(0, size));
}

TEST_CASE("blocks are as small as those of bzip2") {
    // One block each: what becomes of many blocks depends on where the input is cut.
    for (const Bytes& data : {text(890'000), random_bytes(300'000), runs(100'000), text(20'000),
                              repeated_lines(890'000)}) {
        const auto bzip2 = static_cast<double>(piped(data, "bzip2 -c").size());
        CHECK(static_cast<double>(compress(data, "bz2").size()) <= 1.005 * bzip2 + 20);
    }
}

}  // namespace
}  // namespace satchel::detail
