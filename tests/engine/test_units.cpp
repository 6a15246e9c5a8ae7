// Sizes and times, read and printed.
#include <satchel/error.hpp>
#include <satchel/units.hpp>

#include <cstdint>
#include <limits>
#include <string>

#include <doctest/doctest.h>

using satchel::format_bytes;
using satchel::format_duration;
using satchel::InvalidArgument;
using satchel::parse_bytes;
using satchel::parse_duration;

TEST_CASE("sizes are read as people write them") {
    CHECK(parse_bytes("0") == 0);
    CHECK(parse_bytes("123") == 123);
    CHECK(parse_bytes("123B") == 123);
    CHECK(parse_bytes("10MB") == 10'000'000);
    CHECK(parse_bytes("10M") == 10'000'000);
    CHECK(parse_bytes("10MiB") == 10 << 20);
    CHECK(parse_bytes("4 GB") == 4'000'000'000);
    CHECK(parse_bytes(" 1.5k ") == 1500);
    CHECK(parse_bytes("1.5GiB") == 1'610'612'736);
    CHECK(parse_bytes("64kib") == 65536);
    CHECK(parse_bytes("2Ti") == std::int64_t{2} << 40);
    CHECK(parse_bytes("3PB") == 3'000'000'000'000'000);
    CHECK(parse_bytes(".5kB") == 500);
}

TEST_CASE("whole numbers of bytes are exact") {
    CHECK(parse_bytes("9007199254740993") == 9'007'199'254'740'993);
    CHECK(parse_bytes("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
    CHECK(parse_bytes("9007199254740993 kB") == 9'007'199'254'740'993'000);
}

TEST_CASE("what is no size is refused with its text and a remedy") {
    for (const auto* text :
         {"", " ", "MB", "-1", "-1kB", "10XB", "10 M B", "1e3", "10bb", "nan", "inf",
          "9223372036854775808", "1000000PB", "8388608TiB", "12,5MB", "0x10"}) {
        CAPTURE(text);
        CHECK_THROWS_AS((void)parse_bytes(text), satchel::InvalidArgument);
    }
    CHECK_THROWS_WITH(
        (void)parse_bytes("10XB"),
        "cannot read '10XB' as a size: the unit 'XB' is unknown; write a number and a "
        "unit, as in 10MB or 1.5GiB");
    CHECK_THROWS_WITH((void)parse_bytes("1000000PB"),
                      doctest::Contains("'1000000PB' as a size: it is too large"));
    CHECK_THROWS_WITH((void)parse_bytes("-3"), doctest::Contains("it is negative"));
    CHECK_THROWS_WITH((void)parse_bytes("nan"), doctest::Contains("does not begin with a number"));
}

TEST_CASE("sizes are printed in binary units") {
    CHECK(format_bytes(0) == "0 B");
    CHECK(format_bytes(921) == "921 B");
    CHECK(format_bytes(922) == "0.90 kiB");
    CHECK(format_bytes(1240) == "1.21 kiB");
    CHECK(format_bytes(1234567890) == "1.15 GiB");
    CHECK(format_bytes(std::uint64_t{4} << 30) == "4.00 GiB");
    CHECK(format_bytes(std::uint64_t{1} << 63) == "8192.00 PiB");
}

TEST_CASE("times are printed with a unit that fits") {
    CHECK(format_duration(0) == "0.00 us");
    CHECK(format_duration(422.29e-6) == "422.29 us");
    CHECK(format_duration(0.05079) == "50.79 ms");
    CHECK(format_duration(10.4) == "10.40 s");
    CHECK(format_duration(20 * 60 + 34) == "20m 34s");
    CHECK(format_duration(3 * 3600 + 5 * 60) == "3hr 5m");
    CHECK(format_duration(3 * 86400 + 2 * 3600) == "3d 2hr");
}

TEST_CASE("times are read as people write them") {
    CHECK(parse_duration("5") == 5);
    CHECK(parse_duration("300 ms") == doctest::Approx(0.3));
    CHECK(parse_duration("10us") == doctest::Approx(10e-6));
    CHECK(parse_duration("1.5 hours") == 5400);
    CHECK(parse_duration("2 Minutes") == 120);
    CHECK(parse_duration("1d") == 86400);
    CHECK_THROWS_WITH_AS((void)parse_duration("5 parsecs"),
                         doctest::Contains("the unit 'parsecs' is unknown"), InvalidArgument);
    CHECK_THROWS_AS((void)parse_duration("soon"), InvalidArgument);
    CHECK_THROWS_AS((void)parse_duration("-1s"), InvalidArgument);
    CHECK_THROWS_AS((void)parse_duration(""), InvalidArgument);
}

TEST_CASE("the literals are the same numbers") {
    using namespace satchel::literals;
    static_assert(4_GB == 4'000'000'000);
    static_assert(10_MB == 10'000'000 && 1_kB == 1000);
    static_assert(1_kiB == 1024 && 1_KiB == 1024 && 1_MiB == 1 << 20 && 1_GiB == 1 << 30);
}
