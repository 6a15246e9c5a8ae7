// A codec that a program adds: the one of docs/codecs.md, whole.
#include <satchel/error.hpp>

#include "test_support.hpp"

#include <algorithm>
#include <array>

#include <doctest/doctest.h>

using namespace satchel::testing;

namespace satchel {
namespace {

//     stream := "PLN1" | chunk … | 0(4)
//     chunk  := size(4) | that many bytes                                    (little-endian)
Bytes number(std::size_t value) {
    Buffer out(4);
    for (unsigned i = 0; i < 4; ++i) out.data()[i] = std::byte(value >> (8 * i) & 0xFF);
    return std::move(out).freeze();
}

class PlainJoiner : public Joiner {
  public:
    Bytes begin() override { return Bytes::copy_of(std::string_view("PLN1")); }
    Bytes append(const CompressedChunk& chunk) override {
        return concatenated({number(chunk.data.size()), chunk.data});
    }
    Bytes finish() override { return number(0); }
};

class PlainDecoder : public Decoder {
  public:
    Status decode(std::span<const std::byte>& input, std::span<std::byte>& output) override {
        while (true) {
            if (left_ > 0) {
                const auto size = std::min({left_, input.size(), output.size()});
                std::ranges::copy(input.first(size), output.begin());
                output = output.subspan(size);
                take(input, size);
                left_ -= size;
                if (left_ > 0) return output.empty() ? Status::needs_output : Status::needs_input;
            }
            while (field_size_ < 4 && !input.empty()) {
                field_[field_size_++] = input.front();
                take(input, 1);
            }
            if (field_size_ < 4) return Status::needs_input;
            field_size_ = 0;
            if (!begun_) {
                begin();
                continue;
            }
            for (std::size_t i = 4; i-- > 0;)
                left_ = left_ << 8 | std::to_integer<std::size_t>(field_[i]);
            if (left_ == 0) return Status::finished;
        }
    }

    void reset(std::uint64_t offset) override {
        *this = PlainDecoder();
        offset_ = offset;
    }

  private:
    void begin() {
        begun_ = std::ranges::equal(field_, Bytes::copy_of(std::string_view("PLN1")));
        if (!begun_) throw CorruptData("not plain data", offset_ - 4);
    }

    void take(std::span<const std::byte>& input, std::size_t size) {
        input = input.subspan(size);
        offset_ += size;
    }

    std::array<std::byte, 4> field_{};
    std::size_t field_size_ = 0;
    std::size_t left_ = 0;
    std::uint64_t offset_ = 0;
    bool begun_ = false;
};

class PlainCodec : public Codec {
  public:
    const CodecInfo& info() const override {
        static constexpr std::array suffixes{Suffix{".plain", ""}};
        static constexpr CodecInfo info{
            .name = "plain", .suffix = ".plain", .suffixes = suffixes, .head_size = 4};
        return info;
    }
    bool recognises(std::span<const std::byte> head) const override {
        return head.size() >= 4 &&
               std::ranges::equal(head.first(4), Bytes::copy_of(std::string_view("PLN1")));
    }
    std::int64_t default_chunk_size(std::int64_t /*level*/) const override { return 1 << 20; }
    std::uint64_t compress_memory(const CompressOptions& /*options*/) const override { return 0; }
    CompressedChunk compress_chunk(std::span<const std::byte> chunk,
                                   const CompressOptions& /*options*/) const override {
        return {.data = Bytes::copy_of(chunk), .input_size = chunk.size()};
    }
    std::unique_ptr<Joiner> joiner(const CompressOptions& /*options*/) const override {
        return std::make_unique<PlainJoiner>();
    }
    std::unique_ptr<Decoder> decoder() const override { return std::make_unique<PlainDecoder>(); }
};

TEST_CASE("a codec that was added is found and used like the others") {
    static const PlainCodec plain;
    const auto before = codecs().size();
    add_codec(plain);
    CHECK(codecs().size() == before + 1);
    CHECK(&codec("plain") == &plain);
    CHECK_THROWS_WITH_AS(add_codec(plain), "cannot add the codec 'plain': there is one",
                         InvalidArgument);
    for (const Bytes& data : {Bytes(), text(1), text(300'000)}) {
        const Bytes file = compress(data, "plain", {.chunk_size = 65'536});
        CHECK(recognise(file) == &plain);
        CHECK(decompress(file) == data);
        CHECK(decode_file(concatenated({file, file}), {}, 1000).data == concatenated({data, data}));
        CHECK_THROWS_AS(decode_file(file.slice(0, file.size() - 1)), CorruptData);
    }
    CHECK(decompress(compress(text(10), "gzip")) == text(10));
}

}  // namespace
}  // namespace satchel
