// What is written to an archive is what is read from it.
#include <satchel/archive.hpp>
#include <satchel/value.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <complex>
#include <deque>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include <doctest/doctest.h>

using satchel::Bytes;
using satchel::decode;
using satchel::encode;
using satchel::InputArchive;
using satchel::OutputArchive;
using satchel::Value;

namespace {

template <class T>
T round_trip(const T& object) {
    return decode<T>(encode(object));
}
template <class T>
void check_round_trip(const T& object) {
    CHECK(round_trip(object) == object);
}

enum class Color : std::uint8_t { red, green, blue };
struct Point {
    int x = 0;
    double y = 0;
    bool operator==(const Point&) const = default;
};
struct Person {
    std::string name;
    std::vector<Point> path;
    Color color = Color::red;
    bool operator==(const Person&) const = default;
};

}  // namespace

TEST_CASE("numbers") {
    check_round_trip(true);
    check_round_trip('c');
    check_round_trip(std::numeric_limits<std::int64_t>::min());
    check_round_trip(std::numeric_limits<std::uint64_t>::max());
    check_round_trip(1.5F);
    check_round_trip(-0.1);
    check_round_trip(1.25L);
    check_round_trip(L'w');
    check_round_trip(Color::blue);
    check_round_trip(std::byte{200});
    CHECK(std::isnan(round_trip(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("containers of the standard library") {
    check_round_trip(std::string("text\0with zero", 14));
    check_round_trip(std::wstring(L"wide"));
    check_round_trip(std::vector<int>{1, 2, 3});
    check_round_trip(std::vector<bool>{true, false, true});
    check_round_trip(std::vector<std::string>{"", "a", "bc"});
    check_round_trip(std::vector<std::vector<double>>{{1, 2}, {}, {3}});
    check_round_trip(std::vector<Color>{Color::green, Color::blue});
    check_round_trip(std::deque<Person>{{"a", {{1, 2}}, Color::green}});
    check_round_trip(std::list<int>{1, 2});
    check_round_trip(std::set<std::string>{"b", "a"});
    check_round_trip(std::multiset<int>{1, 1, 2});
    check_round_trip(std::map<std::string, std::vector<int>>{{"a", {1, 2}}, {"b", {}}});
    check_round_trip(std::multimap<int, int>{{1, 2}, {1, 3}});
    check_round_trip(std::unordered_map<int, std::string>{{1, "a"}, {2, "b"}});
    check_round_trip(std::unordered_set<std::string>{"x", "y"});
    check_round_trip(std::array<std::string, 2>{"a", "b"});
    check_round_trip(std::array<double, 3>{1, 2, 3});
}

TEST_CASE("the standard library's other types") {
    check_round_trip(std::tuple<int, double, std::string>{1, 2.5, "z"});
    check_round_trip(std::pair<std::string, int>{"a", 1});
    check_round_trip(std::optional<std::string>());
    check_round_trip(std::optional<std::string>("s"));
    check_round_trip(std::variant<int, std::string>("q"));
    check_round_trip(std::variant<std::monostate, int>());
    check_round_trip(std::complex<double>(1, 2));
    check_round_trip(std::filesystem::path("/a/b c"));
    check_round_trip(std::chrono::milliseconds(-5));
    check_round_trip(std::chrono::system_clock::now());
    CHECK(*round_trip(std::make_unique<Point>(Point{1, 2})) == Point{1, 2});
    CHECK(round_trip(std::unique_ptr<Point>()) == nullptr);
}

TEST_CASE("simple aggregates, without a line of code") {
    check_round_trip(Person{"Ada", {{1, 2}, {3, 4}}, Color::blue});
    struct Bits {
        unsigned a : 3;
        unsigned b : 5;
        int c;
    };
    const auto bits = round_trip(Bits{5, 17, -3});
    CHECK(bits.a == 5);
    CHECK(bits.b == 17);
    CHECK(bits.c == -3);
    struct Constant {
        const int n;
        const std::string s;
    };
    CHECK(round_trip(Constant{5, "x"}).s == "x");
    struct Handler {
        int (*function)(int) = nullptr;
        int n = 0;
    };
    CHECK_FALSE(static_cast<bool>(round_trip(Handler{nullptr, 3}).function));
    CHECK(round_trip(Handler{nullptr, 3}).n == 3);
    struct Sixteen {
        int a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
        bool operator==(const Sixteen&) const = default;
    };
    check_round_trip(Sixteen{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
}

TEST_CASE("what has no data takes a byte in a list, so that a count is a promise") {
    check_round_trip(std::vector<std::monostate>(500));
    CHECK(encode(std::vector<std::monostate>(100)).size() == 101);
    CHECK(encode(std::vector<std::vector<std::monostate>>(3)).size() == 4);
}

TEST_CASE("numbers are little-endian, and sizes short") {
    CHECK(encode(std::uint32_t{0x01020304}).head.text() == std::string("\x04\x03\x02\x01"));
    CHECK(encode(std::string("abc")).head.text() ==
          "\x03"
          "abc");
    CHECK(encode(std::vector<std::uint16_t>{1}).head.text() == std::string("\x02\x01\x00", 3));
    CHECK(encode(std::string(200, 'x')).size() == 202);
    CHECK(encode(Point{1, 2}).size() == 12);
}

// ---- large buffers ------------------------------------------------------------------------------

TEST_CASE("large buffers stand beside the others and are shared") {
    const std::vector<Bytes> blocks{Bytes(std::string(100'000, 'a')), Bytes(std::string("small")),
                                    Bytes(std::string(50'000, 'b'))};
    const auto encoded = encode(blocks);
    REQUIRE(encoded.segments.size() == 2);
    CHECK(encoded.segments[0].data() == blocks[0].data());
    CHECK(encoded.head.size() < 20);
    CHECK(encoded.size() == encoded.head.size() + 150'000);
    const auto read = decode<std::vector<Bytes>>(encoded);
    CHECK(read == blocks);
    CHECK(read[2].data() == blocks[2].data());
}

TEST_CASE("the buffers of a value are shared, too, and kept alive") {
    satchel::Encoded encoded;
    const void* data = nullptr;
    {
        const auto value = Value::of(std::vector<double>(100'000, 1.5));
        data = value.get<std::vector<double>>().data();
        encoded = encode(value);
    }
    REQUIRE(encoded.segments.size() == 1);
    CHECK(encoded.segments[0].data() == data);
    const auto read = decode<Value>(encoded);
    CHECK(read.get<std::vector<double>>() == std::vector<double>(100'000, 1.5));
}

namespace {
// Writes what does not live as long as the object.
struct Temporary {
    int n = 0;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        std::vector<int> many(20'000, n);
        archive& many;
        n = many.back();
    }
};
}  // namespace

TEST_CASE("a small buffer among many records does not keep them all") {
    auto written = OutputArchive::contiguous();
    const auto large = Bytes::copy_of(std::string(1'000, 'l'));
    const auto small = Bytes::copy_of("small");
    written& small& large;
    const auto records = std::move(written).finish().head;
    auto archive = InputArchive::contiguous(records);
    const auto is_inside = [&](const Bytes& bytes) {
        return bytes.data() >= records.data() && bytes.data() < records.data() + records.size();
    };
    Bytes first;
    archive& first;
    CHECK(first.text() == "small");
    CHECK_FALSE(is_inside(first));
    Bytes second;
    archive& second;
    CHECK(second.text() == large.text());
    CHECK(is_inside(second));
}

TEST_CASE("a buffer that a serialize makes up is copied") {
    const auto encoded = encode(Value::of(Temporary{7}));
    CHECK(decode<Value>(encoded).get<Temporary>().n == 7);
}

// ---- the idiom of Boost.Serialization
// ------------------------------------------------------------

namespace idiom {

struct Free {
    int x = 0;
    double y[2] = {1, 2};
};
template <class Archive>
void serialize(Archive& archive, Free& object, unsigned) {
    archive& object.x& object.y;
}

struct Split {
    int n = 0;
    template <class Archive>
    void save(Archive& archive, unsigned) const {
        archive << n + 1;
    }
    template <class Archive>
    void load(Archive& archive, unsigned) {
        archive >> n;
    }
    template <class Archive>
    void serialize(Archive& archive, unsigned version) {
        satchel::split_member(archive, *this, version);
    }
};

struct FreeSplit {
    int n = 0;
};
template <class Archive>
void save(Archive& archive, const FreeSplit& object, unsigned) {
    archive << object.n * 2;
}
template <class Archive>
void load(Archive& archive, FreeSplit& object, unsigned) {
    archive >> object.n;
}
template <class Archive>
void serialize(Archive& archive, FreeSplit& object, unsigned version) {
    satchel::split_free(archive, object, version);
}

struct Base {
    int b = 1;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& b;
    }
};
struct Derived : Base {
    std::string d;
    bool read = false;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& satchel::base_object<Base>(*this) & satchel::make_nvp("d", d);
        if constexpr (Archive::is_loading::value) read = true;
    }
};

}  // namespace idiom

TEST_CASE("members, functions, split, base_object and names") {
    const auto free = round_trip(idiom::Free{7, {8, 9}});
    CHECK(free.x == 7);
    CHECK(free.y[1] == 9);
    CHECK(round_trip(idiom::Split{1}).n == 2);
    CHECK(round_trip(idiom::FreeSplit{4}).n == 8);
    const auto derived = round_trip(idiom::Derived{{5}, "text"});
    CHECK(derived.b == 5);
    CHECK(derived.d == "text");
    CHECK(derived.read);
}

TEST_CASE("strings of every size, the last one at the end of the bytes") {
    for (std::size_t size = 0; size < 40; ++size) {
        CAPTURE(size);
        std::vector<std::string> strings;
        for (std::size_t k = 0; k < 100; ++k)
            strings.emplace_back(size, static_cast<char>('a' + k % 26));
        CHECK(round_trip(strings) == strings);
        CHECK(round_trip(strings.front()) == strings.front());
        auto encoded = encode(strings);
        const auto cut = encoded.head.slice(0, encoded.head.size() - 1);
        CHECK_THROWS_AS(decode<std::vector<std::string>>({cut, {}}), satchel::ArchiveError);
    }
    std::string there(200, 'x');  // keeps its memory
    OutputArchive out;
    out << std::string("short") << std::string(16, 'y') << std::string(15, 'z');
    InputArchive in(std::move(out).finish());
    for (const auto& text : {std::string("short"), std::string(16, 'y'), std::string(15, 'z')}) {
        in >> there;
        CHECK(there == text);
    }
    in.expect_end();
}

TEST_CASE("an archive holds one object after another") {
    OutputArchive out;
    out << 1 << std::string("two") << 3.0;
    out.save_binary("raw", 3);
    InputArchive in(std::move(out).finish());
    int one = 0;
    std::string two;
    double three = 0;
    char raw[3] = {};
    in >> one >> two >> three;
    in.load_binary(raw, 3);
    in.expect_end();
    CHECK(one == 1);
    CHECK(two == "two");
    CHECK(three == 3.0);
    CHECK(std::string(raw, 3) == "raw");
}
