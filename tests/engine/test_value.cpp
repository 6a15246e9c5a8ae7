// Value: small objects of every size, boxes with several holders, and giving objects away.
#include <satchel/error.hpp>
#include <satchel/value.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

using satchel::Value;

namespace {

template <std::size_t size>
using Bytes = std::array<std::uint8_t, size>;

template <std::size_t size>
void check_size() {
    CAPTURE(size);
    using Object = Bytes<size>;
    Object object{};
    for (std::size_t k = 0; k < size; ++k) object[k] = static_cast<std::uint8_t>(0xF0 + k);
    const Value value = Value::of(object);
    const Value copy = value;
    Value moved = Value::of(Object{});
    moved = Value(copy);
    CHECK(value.get<Object>() == object);
    CHECK(copy.get<Object>() == object);
    CHECK(std::move(moved).take<Object>() == object);
}

struct Fixed {  // neither assignable nor default-constructible
    explicit Fixed(std::int16_t n) : number(n) {}
    const std::int16_t number;
    const char letter = 'x';
};
static_assert(std::is_trivially_copyable_v<Fixed>);

}  // namespace

TEST_CASE("objects of every size keep their bytes") {
    check_size<1>();
    check_size<2>();
    check_size<3>();
    check_size<4>();
    check_size<5>();
    check_size<6>();
    check_size<7>();
    check_size<8>();
    check_size<9>();
    check_size<100>();
}

TEST_CASE("objects are made in place from arguments") {
    CHECK(Value::make<Fixed>(std::int16_t{-3}).get<Fixed>().number == -3);
    CHECK(Value::make<Fixed>(std::int16_t{-3}).get<Fixed>().letter == 'x');
    CHECK(Value::make<int>().get<int>() == 0);
    CHECK(Value::make<std::string>(3, 'a').get<std::string>() == "aaa");
    CHECK(Value::of(-1.5F).get<float>() == -1.5F);
    CHECK(Value::of(true).get<bool>());
}

TEST_CASE("a small object may be changed, and is copied and moved as it is then") {
    auto value = Value::of(1);
    value.unique_object<int>() = 2;
    auto copy = value;
    copy.unique_object<int>() = 3;
    CHECK(value.get<int>() == 2);
    value = std::move(copy);
    CHECK(value.get<int>() == 3);
}

TEST_CASE("a box goes with its last holder") {
    const auto counted = std::make_shared<int>(7);
    auto value = Value::of(counted);
    CHECK(counted.use_count() == 2);
    CHECK(value.unique());
    {
        const auto copy = value;
        CHECK_FALSE(value.unique());
        CHECK(counted.use_count() == 2);
    }
    CHECK(value.unique());
    value.reset();
    CHECK_FALSE(value.has_value());
    CHECK(counted.use_count() == 1);
}

TEST_CASE("taking moves from the only holder and copies from others") {
    auto value = Value::of(std::string(100, 'a'));
    auto copy = value;
    CHECK(std::move(copy).take<std::string>() == std::string(100, 'a'));
    copy.reset();
    CHECK(value.get<std::string>() == std::string(100, 'a'));
    CHECK(std::move(value).take<std::string>() == std::string(100, 'a'));

    auto kept = Value::of(std::make_unique<int>(1));
    auto shared = kept;
    CHECK_THROWS_AS((void)std::move(shared).take<std::unique_ptr<int>>(), satchel::InvalidArgument);
    CHECK(*kept.get<std::unique_ptr<int>>() == 1);
}
