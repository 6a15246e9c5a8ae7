// Boost's own helpers in satchel's archives, and Boost's archives inside of them.
#include <satchel/boost_serialization.hpp>
#include <satchel/value.hpp>

#include <memory>
#include <string>
#include <vector>

#include <boost/serialization/base_object.hpp>
#include <boost/serialization/nvp.hpp>
#include <boost/serialization/split_member.hpp>
#include <boost/serialization/version.hpp>
#include <doctest/doctest.h>

using satchel::decode;
using satchel::encode;
using satchel::travels;

namespace {

struct Base {
    int b = 0;
    template <class Archive>
    void serialize(Archive& archive, const unsigned) {
        archive& BOOST_SERIALIZATION_NVP(b);
    }
};
struct Versioned : Base {
    int x = 1;
    std::string text;
    int version_read = -1;
    template <class Archive>
    void save(Archive& archive, const unsigned version) const {
        archive << boost::serialization::base_object<Base>(*this);
        archive << boost::serialization::make_nvp("x", x) << text;
        if (version > 2) archive << version;
    }
    template <class Archive>
    void load(Archive& archive, const unsigned version) {
        archive >> boost::serialization::base_object<Base>(*this);
        archive >> boost::serialization::make_nvp("x", x) >> text;
        if (version > 2) archive >> version_read;
    }
    BOOST_SERIALIZATION_SPLIT_MEMBER()
};

struct Shape {
    Shape() = default;
    Shape(const Shape&) = default;
    Shape& operator=(const Shape&) = default;
    virtual ~Shape() = default;
    [[nodiscard]] virtual double area() const = 0;
    template <class Archive>
    void serialize(Archive&, const unsigned) {}
};
struct Square : Shape {
    double side = 0;
    [[nodiscard]] double area() const override { return side * side; }
    template <class Archive>
    void serialize(Archive& archive, const unsigned) {
        archive& boost::serialization::base_object<Shape>(*this) & side;
    }
};
using Shapes = std::vector<std::shared_ptr<Shape>>;

}  // namespace

BOOST_CLASS_VERSION(Versioned, 3)
BOOST_CLASS_EXPORT(Square)

template <>
inline constexpr bool satchel::through_boost<Shapes> = true;

TEST_CASE("Boost's nvp, split_member, base_object and versions work in satchel's archives") {
    static_assert(travels<Versioned>);
    Versioned object;
    object.b = 9;
    object.x = 5;
    object.text = "text";
    const auto read = decode<Versioned>(encode(object));
    CHECK(read.b == 9);
    CHECK(read.x == 5);
    CHECK(read.text == "text");
    CHECK(read.version_read == 3);
}

TEST_CASE("pointers to a base, shared, travel through Boost if a type asks for it") {
    static_assert(!travels<std::shared_ptr<Shape>>);
    static_assert(travels<Shapes>);
    const auto square = std::make_shared<Square>();
    square->side = 3;
    const auto read = decode<satchel::Value>(encode(satchel::Value::of(Shapes{square, square})));
    const auto& shapes = read.get<Shapes>();
    REQUIRE(shapes.size() == 2);
    CHECK(shapes[0]->area() == 9);
    CHECK(shapes[0] == shapes[1]);
}

TEST_CASE("what Boost cannot read is an ArchiveError") {
    auto encoded = encode(Shapes{std::make_shared<Square>()});
    auto cut = encode(satchel::Bytes(encoded.head.slice(1, encoded.head.size() / 2)));
    CHECK_THROWS_AS((void)decode<Shapes>(cut), satchel::ArchiveError);
}
