// Any bytes as an archive: an object, or an ArchiveError; what was read is written as it was.
//
// The first byte says what is read, the second how many of the rest are a large buffer.
#include <satchel/bag.hpp>

#include "fuzz.hpp"

#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using satchel::Bytes;
using satchel::Encoded;

enum class Level : std::uint8_t { low, high };

struct Tree {
    std::string name;
    std::vector<Tree> children;
    std::unique_ptr<Tree> other;
};

using Mixture = std::tuple<
    std::map<std::string, std::vector<std::optional<double>>>,
    std::variant<std::monostate, Level, std::vector<bool>, std::set<std::pair<int, std::string>>>,
    std::vector<Bytes>, std::vector<std::vector<std::monostate>>>;

bool same(const Encoded& one, const Encoded& other) {
    return one.head == other.head && one.segments == other.segments;
}

// Sets may be written in any order and are read in theirs, and NaNs differ from themselves: so what
// was read is written, read and written again.
template <class T>
void read_and_write(const Encoded& input) {
    const auto written = satchel::encode(satchel::decode<T>(input));
    const auto again = satchel::encode(satchel::decode<T>(written));
    if (!same(written, again)) std::abort();
}

// The bytes as what follows the name of a type or function that is there.
template <class T>
void read_after(const T& object, std::size_t keep, const Encoded& input) {
    const auto head = satchel::encode(object).head;
    std::string bytes(head.slice(0, keep).text());
    bytes += input.head.text();
    (void)satchel::decode<T>({Bytes(std::move(bytes)), input.segments});
}

// Pieces of a shuffle, and the records in them.
void read_pieces(const Encoded& input) {
    read_and_write<satchel::detail::ShufflePieces>(input);
    const auto pieces = satchel::decode<satchel::detail::ShufflePieces>(input);
    for (std::uint32_t output = 0; output < 4; ++output) {
        satchel::detail::RecordReader<std::string, Mixture> reader(pieces, output);
        while (reader.next()) {
        }
        satchel::detail::RecordReader<int, double> plain(pieces, output);
        while (plain.next()) {
        }
    }
}

void read(unsigned char what, const Encoded& input) {
    static const auto function = [](satchel::Arguments&) { return satchel::Value::of(1); };
    switch (what % 10) {
        case 0:
            return read_and_write<Mixture>(input);
        case 1:
            return read_and_write<Tree>(input);
        case 2:
            return read_and_write<std::vector<Mixture>>(input);
        case 3:
            return read_and_write<satchel::detail::OrderedMap<std::string, int>>(input);
        case 4:
            return read_and_write<satchel::Value>(input);
        case 5:
            return read_and_write<satchel::Function>(input);
        case 6:  // a list of strings, by the name of its type
            return read_after(
                satchel::Value::of(std::vector<std::string>()),
                satchel::encode(satchel::Value::of(std::vector<std::string>())).size() - 1, input);
        case 7:
            return read_pieces(input);
        case 8:
            return read_and_write<satchel::detail::Counts<std::string>>(input);
        default:
            return read_after(satchel::Function(function), 0, input);
    }
}

}  // namespace

template <>
inline constexpr auto satchel::last_enumerator<Level> = Level::high;

std::vector<std::string> satchel::fuzz::seeds() {
    const auto seed = [](char what, const Encoded& encoded) {
        return std::string{what, '\1'} + std::string(encoded.head.text());
    };
    const auto mixture = [] {
        return Mixture({{"key", {1.5, std::nullopt}}},
                       std::set<std::pair<int, std::string>>{{1, "x"}}, {Bytes::copy_of("bytes")},
                       {{{}, {}}});
    };
    Tree tree{.name = "root", .children = {}, .other = std::make_unique<Tree>()};
    tree.children.push_back({.name = "child", .children = {}, .other = nullptr});
    std::vector<Mixture> mixtures;
    mixtures.push_back(mixture());
    mixtures.push_back(mixture());
    detail::OrderedMap<std::string, int> map;
    map.find_or_add(std::string("key"), [] { return 1; });
    detail::PieceWriter<std::string, Mixture> pieces(4);
    pieces.add("key", mixture());
    pieces.add("other key", mixture());
    detail::PieceWriter<int, double> plain(4);
    plain.add(1, 1.5);
    detail::Counts<std::string> counts;
    counts.add_one("word");
    const std::vector<std::string> texts{"one", "two"};
    return {seed(0, encode(mixture())),
            seed(1, encode(tree)),
            seed(2, encode(mixtures)),
            seed(3, encode(map)),
            seed(4, encode(Value::of(texts))),
            seed(5, encode(Function([](Arguments&) { return Value::of(1); }))),
            seed(6, encode(texts)),
            seed(7, encode(std::move(pieces).finish())),
            seed(7, encode(std::move(plain).finish())),
            seed(8, encode(counts)),
            seed(9, {})};
}

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t large = data[1] % 4 == 0 ? std::min<std::size_t>(size - 2, 2) : 0;
    Encoded input;
    input.head = Bytes(std::string(reinterpret_cast<const char*>(data) + 2, size - 2 - large));
    if (large != 0) {
        const std::size_t length = satchel::detail::segment_min + data[size - 1];
        input.segments.emplace_back(std::string(length, 'x'));
    }
    try {
        read(data[0], input);
    } catch (const satchel::Error&) {
    }
    return 0;
}
