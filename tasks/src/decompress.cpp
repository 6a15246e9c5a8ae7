// The driver that decodes whole files with the decoders of single streams. What may follow a stream
// is told by CodecInfo, so that the driver knows no format.
#include <satchel/tasks/decompress.hpp>

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace {

// Fits in the cache of a core beside the decoder's window, and is large enough for the pool.
constexpr std::size_t block_size = std::size_t{256} << 10;

// What Codec::recognises may look at.
constexpr std::size_t head_size = 16;

Bytes joined(const Bytes& first, const Bytes& second) {
    Buffer buffer;
    buffer.resize(first.size() + second.size());
    std::ranges::copy(second, std::ranges::copy(first, buffer.data()).out);
    return std::move(buffer).freeze();
}

std::string text_of_garbage(const Codec& codec) {
    return fmt::format("the {} data is followed by something else", codec.info().name);
}

}  // namespace

class Decompressor::State {
  public:
    State(std::function<Bytes()> read, const DecompressOptions& options)
        : codec(options.format.empty() ? nullptr : &satchel::codec(options.format)),
          read_(std::move(read)),
          strict_(options.strict) {}

    Bytes next() {
        if (failure_) std::rethrow_exception(failure_);
        Buffer block(block_size);
        std::span<std::byte> room(block.data(), block.size());
        try {
            while (phase_ != Phase::ended && !room.empty()) step(room);
        } catch (...) {
            if (room.size() == block_size) throw;
            failure_ = std::current_exception();  // after what is right
        }
        block.resize(block_size - room.size());
        return std::move(block).freeze();
    }

    const Codec* codec;
    std::string warning;
    std::uint64_t offset = 0;  // of `input_` in the file

  private:
    enum class Phase { before, inside, after, ended };

    void step(std::span<std::byte>& room) {
        switch (phase_) {
            case Phase::before:
                return begin();
            case Phase::inside:
                return decode(room);
            case Phase::after:
                return look_further();
            case Phase::ended:
                return;
        }
    }

    void begin() {
        fill_head();
        if (input_.empty()) throw CorruptData("cannot decompress: there is no data", 0);
        if (codec == nullptr) codec = recognise(head());
        if (codec == nullptr) {
            throw CorruptData("cannot decompress: the data is in none of the known formats", 0);
        }
        decoder_ = codec->decoder();
        phase_ = Phase::inside;
    }

    void decode(std::span<std::byte>& room) {
        if (input_.empty()) read_more();
        std::span<const std::byte> input(input_);
        const auto status = decoder_->decode(input, room);
        drop(input_.size() - input.size());
        if (status == Decoder::Status::finished) phase_ = Phase::after;
        if (status == Decoder::Status::needs_input && input_at_end_) {
            throw CorruptData(
                fmt::format("the data is cut off: it ends inside a {} stream", codec->info().name),
                offset);
        }
    }

    // After a stream: padding, then another stream, the end, or something else.
    void look_further() {
        const auto start = offset;
        if (codec->info().padding != 0) skip_zeros();
        const auto zeros = offset - start;
        fill_head();
        check_padding(zeros, start);
        if (input_.empty()) {
            phase_ = Phase::ended;
        } else if (codec->recognises(head())) {
            decoder_->reset(offset);
            phase_ = Phase::inside;
        } else {
            ignore_garbage();
        }
    }

    void check_padding(std::uint64_t zeros, std::uint64_t start) const {
        if (zeros == 0) return;
        const CodecInfo& info = codec->info();
        if (zeros % static_cast<std::uint64_t>(info.padding) != 0) {
            throw CorruptData(fmt::format("{} zero bytes follow a {} stream, which is padded by {}",
                                          zeros, info.name, info.padding),
                              start);
        }
        // Where the format itself provides for padding, it is strict about all else.
        if (strict_ && !info.refuses_garbage) {
            throw CorruptData(fmt::format("{} zero bytes follow a {} stream", zeros, info.name),
                              start);
        }
    }

    void ignore_garbage() {
        const CodecInfo& info = codec->info();
        if (info.refuses_garbage || strict_) {
            throw CorruptData(fmt::format("the {} data is followed by something else", info.name),
                              offset);
        }
        warning = fmt::format("ignored garbage after the {} data, at offset {}", info.name, offset);
        phase_ = Phase::ended;
    }

    void skip_zeros() {
        while (true) {
            const auto other =
                std::ranges::find_if(input_, [](std::byte byte) { return byte != std::byte{0}; });
            drop(static_cast<std::size_t>(other - input_.begin()));
            if (!input_.empty() || input_at_end_) return;
            read_more();
        }
    }

    [[nodiscard]] std::span<const std::byte> head() const {
        return std::span<const std::byte>(input_).first(std::min(head_size, input_.size()));
    }

    void fill_head() {
        while (input_.size() < head_size && !input_at_end_) read_more();
    }

    // Puts the next block of the file behind what is left of the last one.
    void read_more() {
        if (input_at_end_) return;
        Bytes more = read_();
        input_at_end_ = more.empty();
        if (!input_at_end_) input_ = input_.empty() ? std::move(more) : joined(input_, more);
    }

    void drop(std::size_t size) {
        input_ = input_.slice(size);
        offset += size;
    }

    std::function<Bytes()> read_;
    bool strict_;
    Phase phase_ = Phase::before;
    std::unique_ptr<Decoder> decoder_;
    Bytes input_;                // read and not yet used
    bool input_at_end_ = false;  // whether `read_` has nothing more
    std::exception_ptr failure_;
};

Decompressor::Decompressor(std::function<Bytes()> read, const DecompressOptions& options)
    : state_(std::make_unique<State>(std::move(read), options)) {}

Decompressor::~Decompressor() = default;

Bytes Decompressor::next() { return state_->next(); }

const Codec* Decompressor::codec() const noexcept { return state_->codec; }

const std::string& Decompressor::warning() const noexcept { return state_->warning; }

std::uint64_t Decompressor::offset() const noexcept { return state_->offset; }

Bytes decompress(std::span<const std::byte> data) {
    // The memory belongs to the caller, for as long as this runs.
    Bytes input(nullptr, data.data(), data.size());
    Decompressor decompressor([&] { return std::exchange(input, {}); });
    Buffer result;
    for (Bytes block = decompressor.next(); !block.empty(); block = decompressor.next()) {
        result.append(block);
    }
    // Nobody would read a warning here.
    if (!decompressor.warning().empty()) {
        throw CorruptData(text_of_garbage(*decompressor.codec()), decompressor.offset());
    }
    return std::move(result).freeze();
}

}  // namespace satchel
