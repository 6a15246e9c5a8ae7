// decompress_parallel: pieces are cut, guessed and, in order, taken over or decoded after all.
#include <satchel/stream.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/seek.hpp>
#include <satchel/tasks/splitter.hpp>

#include "seek_table.hpp"
#include "stream_decoder.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

namespace satchel {
namespace {

using detail::StreamDecoder;

constexpr std::size_t block_size = std::size_t{256} << 10;

// The file, as pieces.
class Pieces {
  public:
    Pieces(const std::function<Bytes()>& read, Splitter* splitter, Bytes head)
        : read_(read), splitter_(splitter), input_(std::move(head)) {}

    std::optional<Piece> next() {
        std::size_t size = 0;
        while ((size = next_size()) == 0) {
            if (at_end_) return std::nullopt;
            read_more(2 * input_.size());
        }
        if (splitter_ != nullptr) read_more(size + splitter_->lookahead());
        Piece piece{.data = input_.slice(0, size), .offset = offset_};
        if (splitter_ != nullptr) {
            splitter_->describe(piece);
            piece.following = input_.slice(size, splitter_->lookahead());
        }
        input_ = input_.slice(size);
        offset_ += size;
        return piece;
    }

  private:
    std::size_t next_size() {
        if (input_.empty() || splitter_ == nullptr) return input_.size();
        return splitter_->cut(input_, offset_, at_end_);
    }

    // Until there are `size` bytes: twice as many as before, so that each is copied once or twice.
    void read_more(std::size_t size) {
        if (at_end_ || (input_.size() >= size && !input_.empty())) return;
        Buffer more;
        do {
            const Bytes block = read_();
            at_end_ = block.empty();
            if (more.size() == 0 && input_.empty() && block.size() >= size) {
                input_ = block;
                return;
            }
            if (more.size() == 0) more.append(input_);
            more.append(block);
        } while (!at_end_ && more.size() < size);
        input_ = std::move(more).freeze();
    }

    const std::function<Bytes()>& read_;
    Splitter* splitter_;
    Bytes input_;
    std::uint64_t offset_ = 0;
    bool at_end_ = false;
};

// Goes through the pieces in order.
class Truth {
  public:
    Truth(const DecompressOptions& options, const std::function<bool(const Bytes&)>& write,
          const std::function<void(const SeekPiece&)>& on_piece)
        : decoder_(options), write_(write), on_piece_(on_piece) {}

    // Returns whether the guess was right.
    bool append(const Piece& piece, const Guess* guess) {
        if (done()) return false;
        std::size_t used = 0;
        if (guess != nullptr && decoder_.stands_before(*guess)) {
            report(piece, *guess);
            give(guess->data);
            used = guess->used;
            if (decoder_.take_over(*guess)) decode();
        }
        if (used < piece.data.size()) {
            decoder_.feed(piece.data.slice(used));
            decode();
        }
        return used != 0;
    }

    void finish() {
        decoder_.end();
        if (!done()) decode();
    }

    /// Nothing more is needed.
    [[nodiscard]] bool done() const { return stopped_ || decoder_.finished(); }

    [[nodiscard]] DecompressResult result() const {
        return {decoder_.codec(), decoder_.warning(), decoder_.streams()};
    }

  private:
    void decode() {
        auto status = StreamDecoder::Status::needs_output;
        while (status == StreamDecoder::Status::needs_output && !stopped_) {
            Buffer block(block_size);
            std::span<std::byte> room(block.data(), block.size());
            std::exception_ptr failure;
            try {
                status = decoder_.decode(room);
            } catch (...) {
                failure = std::current_exception();  // after what is right
            }
            block.resize(block_size - room.size());
            give(std::move(block).freeze());
            if (failure) std::rethrow_exception(failure);
        }
    }

    void give(const Bytes& data) {
        given_ += data.size();
        if (!data.empty() && !stopped_) stopped_ = !write_(data);
    }

    void report(const Piece& piece, const Guess& guess) const {
        if (!on_piece_) return;
        on_piece_({.offset = piece.offset,
                   .size = piece.data.size(),
                   .begin = piece.begin,
                   .end = piece.end,
                   .output_offset = given_,
                   .output_size = guess.data.size(),
                   .check = guess.check});
    }

    StreamDecoder decoder_;
    const std::function<bool(const Bytes&)>& write_;
    const std::function<void(const SeekPiece&)>& on_piece_;
    std::uint64_t given_ = 0;
    bool stopped_ = false;
};

struct Decoded {
    Piece piece;
    std::shared_ptr<const Guess> guess;
};

// So many pieces may be under way, each with its memory; 0: none.
std::int64_t window_of(Splitter& splitter, const Executor& executor, std::uint64_t memory) {
    const auto threads = executor.concurrency();
    const auto wanted = splitter.pieces_are_large() ? threads + 1 : 2 * threads + 2;
    if (memory == 0) return wanted;
    // What is read of the next one takes as much.
    const auto pieces = static_cast<std::uint64_t>(wanted) + 1;
    const auto affordable = memory / splitter.limit_piece(memory / pieces);
    return static_cast<std::int64_t>(std::min(pieces, affordable)) - 1;
}

Bytes read_head(const std::function<Bytes()>& read) {
    Buffer head;
    while (head.size() < head_size_max) {
        const Bytes block = read();
        if (block.empty()) break;
        head.append(block);
    }
    return std::move(head).freeze();
}

const Codec* codec_of(const Bytes& head, const DecompressOptions& options) {
    if (!options.format.empty()) return &codec(options.format);
    return recognise(std::span(head).first(std::min(head.size(), head_size_max)));
}

}  // namespace

DecompressResult decompress_parallel(const std::function<Bytes()>& read,
                                     const std::function<bool(const Bytes&)>& write,
                                     const ParallelDecompressOptions& options) {
    Bytes head = read_head(read);
    const Codec* const codec = codec_of(head, options.decompress);
    auto known = options.decompress;
    if (codec != nullptr) known.format = codec->info().name;
    const auto own_splitter = codec == nullptr ? nullptr : codec->splitter();
    const auto by_table = own_splitter == nullptr || options.table == nullptr
                              ? nullptr
                              : detail::make_table_splitter(*own_splitter, *options.table);
    Splitter* splitter = by_table ? by_table.get() : own_splitter.get();
    std::shared_ptr<const Executor> executor;
    std::int64_t window = 0;
    if (splitter != nullptr) {
        executor = options.executor.resolve();
        window = window_of(*splitter, *executor, options.decompress.memory);
        if (window <= 0) splitter = nullptr;
    }
    Pieces pieces(read, splitter, std::move(head));
    Truth truth(known, write, options.on_piece);

    const auto next = [&] { return truth.done() ? std::nullopt : pieces.next(); };
    const auto guess = [splitter](Piece piece) {
        std::shared_ptr<const Guess> guessed = splitter->guess(piece);
        return Decoded{std::move(piece), std::move(guessed)};
    };
    const auto append = [&](const Decoded& decoded) {
        const bool was_right = truth.append(decoded.piece, decoded.guess.get());
        // How far cutting is ahead of this depends on timing, and the pieces that are told of may
        // not: whoever keeps them wants the same ones tomorrow.
        if (!was_right || options.on_piece) return;
        splitter->learn(decoded.guess->used, decoded.guess->data.size());
    };
    if (splitter != nullptr) {
        stream(next, guess, append, {.window = window, .executor = *executor});
    } else {
        while (auto piece = next()) truth.append(*piece, nullptr);
    }
    truth.finish();
    return truth.result();
}

}  // namespace satchel
