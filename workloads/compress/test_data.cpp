// The three kinds of test data, and the block that they are collected in.
#include "test_data.hpp"

#include <satchel/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/compile.h>
#include <fmt/format.h>

namespace satchel {
namespace {

constexpr std::size_t block_size = std::size_t{1} << 20;

// Collects text to blocks for the sink, and cuts it off where the size is reached.
class Output {
  public:
    Output(std::int64_t size, const std::function<void(std::span<const std::byte>)>& sink)
        : left_(static_cast<std::uint64_t>(size)), sink_(sink) {}

    /// Bytes that are still to come.
    [[nodiscard]] std::uint64_t left() const { return left_; }

    void append(std::string_view text) {
        while (!text.empty() && left_ > 0) {
            const auto n = std::min({text.size(), block_size - filled_, left_});
            std::memcpy(block_.data() + filled_, text.data(), n);
            text.remove_prefix(n);
            filled_ += n;
            left_ -= n;
            if (filled_ == block_size || left_ == 0) flush();
        }
    }

    void append_spaces(std::uint64_t count) {
        for (; count > 0; --count) append(" ");
    }

  private:
    void flush() {
        sink_({block_.data(), filled_});
        filled_ = 0;
    }

    std::uint64_t left_;
    const std::function<void(std::span<const std::byte>)>& sink_;
    Buffer block_{block_size};
    std::size_t filled_ = 0;
};

// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same on every machine.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        auto mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }

    /// A number below `limit`, which is small: the tiny bias does not matter here.
    std::uint64_t below(std::uint64_t limit) { return next() % limit; }

    template <std::size_t N>
    std::string_view one_of(const std::array<std::string_view, N>& choices) {
        return choices[below(N)];
    }

  private:
    std::uint64_t state_;
};

void write_guide(Output& output) {
    for (std::int64_t line = 0; output.left() > 0; ++line) {
        const auto words = fmt::format(FMT_COMPILE("Línea de prueba {} "), line);
        for (int times = 0; times < 10; ++times) output.append(words);
        output.append("\n");
    }
}

std::string record(std::int64_t id, Random& random) {
    constexpr std::array<std::string_view, 4> levels{"DEBUG", "INFO", "INFO", "WARNING"};
    constexpr std::array<std::string_view, 6> methods{"GET", "GET", "GET", "POST", "PUT", "DELETE"};
    constexpr std::array<std::string_view, 5> things{"users", "orders", "items", "carts", "search"};
    constexpr std::array<std::string_view, 6> status{"200", "200", "200", "201", "404", "500"};
    constexpr std::array<std::string_view, 8> words{"cache", "miss",  "retry", "slow",
                                                    "query", "login", "token", "expired"};
    const auto second = id / 50;  // 50 records a second
    return fmt::format(
        FMT_COMPILE(R"({{"id":{},"time":"2026-01-31T{:02}:{:02}:{:02}.{:03}Z","level":"{}",)"
                    R"("method":"{}","path":"/api/{}/{}","status":{},"ms":{}.{:03},)"
                    R"("bytes":{},"session":"{:016x}","message":"{} {} {}"}})"),
        id, second / 3600 % 24, second / 60 % 60, second % 60, random.below(1000),
        random.one_of(levels), random.one_of(methods), random.one_of(things), random.below(100'000),
        random.one_of(status), random.below(900), random.below(1000), random.below(1 << 20),
        random.next(), random.one_of(words), random.one_of(words), random.one_of(words));
}

// Every line is a whole record: what is left when no further one fits is filled with spaces, which
// JSON allows after a value.
void write_json(Output& output, Random& random) {
    if (output.left() == 0) return;
    std::string_view separator;
    for (std::int64_t id = 0;; ++id) {
        const auto next = record(id, random);
        if (separator.size() + next.size() + 1 > output.left()) break;
        output.append(separator);
        output.append(next);
        separator = "\n";
    }
    output.append_spaces(output.left() - 1);
    output.append("\n");
}

void write_random(Output& output, Random& random) {
    std::array<std::uint64_t, 1024> words;
    while (output.left() > 0) {
        for (auto& word : words) word = random.next();
        output.append({reinterpret_cast<const char*>(words.data()), sizeof words});
    }
}

}  // namespace

void generate_test_data(TestData kind, std::int64_t size, std::uint64_t seed,
                        const std::function<void(std::span<const std::byte>)>& sink) {
    Output output(size, sink);
    Random random(seed);
    switch (kind) {
        case TestData::guide:
            return write_guide(output);
        case TestData::json:
            return write_json(output, random);
        case TestData::random:
            return write_random(output, random);
    }
}

}  // namespace satchel
