// TextStore: texts of any size come back by their numbers, which rise.
#include <satchel/detail/text_store.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::detail::TextStore;

namespace {

// Most are short; some are larger than a block of the store.
std::vector<std::string> random_texts(std::size_t count) {
    std::mt19937 random(1);
    std::vector<std::string> texts(count);
    for (auto& text : texts) {
        const std::size_t kind = random() % 1000;
        const std::size_t size_max = kind == 0 ? 3'000'000 : kind < 10 ? 100'000 : 40;
        text.assign(random() % (size_max + 1), static_cast<char>(random()));
        if (!text.empty()) text.back() = static_cast<char>(random());
    }
    return texts;
}

}  // namespace

TEST_CASE("text store: what was added comes back") {
    const auto texts = random_texts(4'000);
    TextStore store;
    std::vector<std::uint32_t> numbers;
    for (const auto& text : texts) {
        numbers.push_back(store.add(text));
        REQUIRE(store.at(numbers.back()) == text);
        REQUIRE(numbers.back() < TextStore::no_number);
        if (numbers.size() > 1) REQUIRE(numbers[numbers.size() - 2] < numbers.back());
    }
    const auto moved = std::move(store);
    for (std::size_t k = 0; k < texts.size(); ++k) REQUIRE(moved.at(numbers[k]) == texts[k]);
}

TEST_CASE("text store: what is forgotten takes nothing away from what is behind it") {
    const auto texts = random_texts(4'000);
    TextStore store;
    std::vector<std::uint32_t> numbers;
    numbers.reserve(texts.size());
    for (const auto& text : texts) numbers.push_back(store.add(text));
    for (std::size_t k = 0; k < texts.size(); ++k) {
        store.forget_before(numbers[k]);
        REQUIRE(store.at(numbers[k]) == texts[k]);
    }
    CHECK(store.at(store.add("one more")) == "one more");
}
