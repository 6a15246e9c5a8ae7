// TextStore: texts of any size come back by their numbers, which rise.
#include <satchel/detail/text_store.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using satchel::detail::TextStore;

namespace {

// Most are short; some are strings of their own.
std::vector<std::string> random_texts(std::size_t count) {
    std::mt19937 random(1);
    std::vector<std::string> texts(count);
    for (auto& text : texts) {
        const std::size_t kind = random() % 1000;
        const std::size_t size_max = kind == 0 ? 100'000 : kind < 100 ? 300 : 40;
        text.assign(random() % (size_max + 1), static_cast<char>(random()));
        if (!text.empty()) text.back() = static_cast<char>(random());
    }
    return texts;
}

std::string taken(TextStore& store, std::uint32_t number) {
    return store.take(number,
                      [](auto&& text) { return std::string(std::forward<decltype(text)>(text)); });
}

}  // namespace

TEST_CASE("text store: what was added comes back") {
    const auto texts = random_texts(200'000);  // some blocks of them
    TextStore store;
    std::vector<std::uint32_t> numbers;
    for (const auto& text : texts) {
        numbers.push_back(numbers.size() % 2 == 0 ? store.add(text) : store.add(std::string(text)));
        REQUIRE(store.at(numbers.back()) == text);
        REQUIRE(numbers.back() < TextStore::no_number);
    }
    auto moved = std::move(store);
    for (std::size_t k = 0; k < texts.size(); ++k) REQUIRE(moved.at(numbers[k]) == texts[k]);
    for (std::size_t k = 0; k < texts.size(); ++k) REQUIRE(taken(moved, numbers[k]) == texts[k]);
    CHECK(moved.at(moved.add(std::string_view("one more"))) == "one more");
}

TEST_CASE("text store: long strings that are given away are not copied, either way") {
    TextStore store;
    std::string text(100'000, 'x');
    const auto* const bytes = text.data();
    const auto number = store.add(std::move(text));
    CHECK(store.at(number).data() == bytes);
    store.take(number, [&](auto&& given) {
        const std::string back(std::forward<decltype(given)>(given));
        CHECK(back.data() == bytes);
    });
}
