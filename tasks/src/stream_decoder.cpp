// The phases of decoding a file: streams, and between them padding.
#include "stream_decoder.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace satchel::detail {
namespace {

Bytes joined(const Bytes& first, const Bytes& second) {
    Buffer buffer(first.size() + second.size());
    std::ranges::copy(second, std::ranges::copy(first, buffer.data()).out);
    return std::move(buffer).freeze();
}

}  // namespace

StreamDecoder::StreamDecoder(const DecompressOptions& options)
    : codec_(options.format.empty() ? nullptr : &satchel::codec(options.format)),
      strict_(options.strict),
      memory_(options.memory) {}

void StreamDecoder::feed(const Bytes& data) {
    if (data.empty()) return;
    input_ = input_.empty() ? data : joined(input_, data);
}

StreamDecoder::Status StreamDecoder::decode(std::span<std::byte>& room) {
    while (!room.empty()) {
        switch (phase_) {
            case Phase::before:
                if (!begin()) return Status::needs_input;
                break;
            case Phase::inside:
                if (decode_stream(room) == Status::needs_input) return Status::needs_input;
                break;
            case Phase::after:
                if (!look_further()) return Status::needs_input;
                break;
            case Phase::ended:
                return Status::finished;
        }
    }
    return Status::needs_output;
}

bool StreamDecoder::begin() {
    if (!head_is_there()) return false;
    if (input_.empty()) throw CorruptData("cannot decompress: there is no data", 0);
    if (codec_ == nullptr) codec_ = recognise(head());
    if (codec_ == nullptr) {
        throw CorruptData("cannot decompress: the data is in none of the known formats", 0);
    }
    begin_stream();
    return true;
}

StreamDecoder::Status StreamDecoder::decode_stream(std::span<std::byte>& room) {
    std::span<const std::byte> input(input_);
    const auto status = decoder_->decode(input, room);
    drop(input_.size() - input.size());
    switch (status) {
        case Decoder::Status::finished:
            phase_ = Phase::after;
            return Status::finished;
        case Decoder::Status::needs_output:
            return Status::needs_output;
        case Decoder::Status::needs_input:
            break;
    }
    if (at_end_) fail_cut_off();
    return Status::needs_input;
}

void StreamDecoder::fail_cut_off() const {
    // What is left is less than the beginning of a stream.
    const auto left = input_.size() < codec_->info().head_size ? input_.size() : 0;
    throw CorruptData(
        fmt::format("the data is cut off: it ends inside the {} stream", codec_->info().name),
        offset_ + left);
}

// After a stream: padding, then another stream, the end, or something else. False: more of the file
// must be seen first.
bool StreamDecoder::look_further() {
    if (codec_->info().padding != 0 && decoder_->may_be_followed()) skip_zeros();
    if (!head_is_there()) return false;
    check_padding();
    if (!input_.empty() && codec_->continues(head())) {
        begin_stream();
        return true;
    }
    if (!decoder_->file_may_end()) fail_cut_off();
    input_.empty() ? warn_of_doubt() : ignore_garbage();
    phase_ = Phase::ended;
    return true;
}

void StreamDecoder::begin_stream() {
    if (decoder_) {
        decoder_->reset(offset_);
    } else {
        decoder_ = codec_->decoder();
        if (memory_ != 0) decoder_->limit_memory(memory_);
    }
    zeros_ = 0;
    ++streams_;
    phase_ = Phase::inside;
}

void StreamDecoder::check_padding() const {
    if (zeros_ == 0) return;
    const CodecInfo& info = codec_->info();
    const auto start = offset_ - zeros_;
    if (zeros_ % static_cast<std::uint64_t>(info.padding) != 0) {
        throw CorruptData(fmt::format("{} zero bytes follow the {} stream, which is padded by {}",
                                      zeros_, info.name, info.padding),
                          start);
    }
    // Where the format itself provides for padding, it is strict about all else.
    if (strict_ && !info.refuses_garbage) {
        throw CorruptData(fmt::format("{} zero bytes follow the {} stream", zeros_, info.name),
                          start);
    }
}

void StreamDecoder::warn_of_doubt() {
    const auto doubt = decoder_->doubt_at_end();
    if (doubt.empty()) return;
    auto text = fmt::format("the data may be cut off: {}", doubt);
    if (strict_) throw CorruptData(text, offset_);
    warning_ = fmt::format("{}, at offset {}", text, offset_);
}

void StreamDecoder::ignore_garbage() {
    const CodecInfo& info = codec_->info();
    if (info.refuses_garbage || strict_ || !decoder_->may_be_followed()) {
        throw CorruptData(fmt::format("the {} data is followed by something else", info.name),
                          offset_);
    }
    warning_ = fmt::format("ignored garbage after the {} data, at offset {}", info.name, offset_);
}

void StreamDecoder::skip_zeros() {
    const auto other =
        std::ranges::find_if(input_, [](std::byte byte) { return byte != std::byte{0}; });
    const auto count = static_cast<std::size_t>(other - input_.begin());
    zeros_ += count;
    drop(count);
}

bool StreamDecoder::stands_before(const Guess& guess) {
    if (!input_.empty() || codec_ == nullptr) return false;
    const bool between = phase_ == Phase::before || (phase_ == Phase::after && zeros_ == 0);
    if (guess.from_start != between) return false;
    return between || (phase_ == Phase::inside && decoder_->stands_before(guess));
}

bool StreamDecoder::take_over(const Guess& guess) {
    if (phase_ != Phase::inside) begin_stream();
    const auto status = decoder_->take_over(guess);
    // Of those that begin in the guess, the first was counted if it begins with the guess.
    streams_ += guess.streams - (guess.from_start ? 1 : 0);
    offset_ += guess.used;
    if (status == Decoder::Status::finished) phase_ = Phase::after;
    return status == Decoder::Status::needs_output;
}

std::span<const std::byte> StreamDecoder::head() const {
    return std::span<const std::byte>(input_).first(std::min(head_size_max, input_.size()));
}

void StreamDecoder::drop(std::size_t size) {
    input_ = input_.slice(size);
    offset_ += size;
}

}  // namespace satchel::detail
