// Decompressor: a file that is read and decoded block by block, on one thread.
#include <satchel/tasks/decompress.hpp>

#include "stream_decoder.hpp"

#include <exception>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace satchel {
namespace {

// Fits in the cache of a core beside the decoder's window, and is large enough for the pool.
constexpr std::size_t block_size = std::size_t{256} << 10;

std::string text_of_garbage(const Codec& codec) {
    return fmt::format("the {} data is followed by something else", codec.info().name);
}

std::string text_of_doubt(const Codec& codec) {
    return fmt::format("the {} data seems to be cut off", codec.info().name);
}

}  // namespace

class Decompressor::State {
  public:
    State(std::function<Bytes()> read, const DecompressOptions& options)
        : decoder(options), read_(std::move(read)) {}

    Bytes next() {
        if (failure_) std::rethrow_exception(failure_);
        Buffer block(block_size);
        std::span<std::byte> room(block.data(), block.size());
        try {
            fill(room);
        } catch (...) {
            if (room.size() == block_size) throw;
            failure_ = std::current_exception();  // after what is right
        }
        block.resize(block_size - room.size());
        return std::move(block).freeze();
    }

    detail::StreamDecoder decoder;

  private:
    void fill(std::span<std::byte>& room) {
        while (decoder.decode(room) == detail::StreamDecoder::Status::needs_input) {
            const Bytes more = read_();
            if (more.empty()) decoder.end();
            decoder.feed(more);
        }
    }

    std::function<Bytes()> read_;
    std::exception_ptr failure_;
};

Decompressor::Decompressor(std::function<Bytes()> read, const DecompressOptions& options)
    : state_(std::make_unique<State>(std::move(read), options)) {}

Decompressor::~Decompressor() = default;

Bytes Decompressor::next() { return state_->next(); }

const Codec* Decompressor::codec() const noexcept { return state_->decoder.codec(); }

const std::string& Decompressor::warning() const noexcept { return state_->decoder.warning(); }

std::uint64_t Decompressor::offset() const noexcept { return state_->decoder.offset(); }

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
        const bool is_followed = decompressor.offset() < data.size();
        const Codec& codec = *decompressor.codec();
        throw CorruptData(is_followed ? text_of_garbage(codec) : text_of_doubt(codec),
                          decompressor.offset());
    }
    return std::move(result).freeze();
}

}  // namespace satchel
