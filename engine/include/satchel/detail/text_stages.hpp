// Stages from texts to texts that make no std::string: what they give lies in one buffer, or where
// it lay before.
#pragma once

#include <satchel/detail/pulled.hpp>
#include <satchel/detail/stages.hpp>
#include <satchel/detail/view_stream.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::detail {

/// `F` makes a text of a text, and can append it to others.
template <class F>
concept WritesText = requires(const F& f, std::string_view text, std::string& out) {
    f.append_to(out, text);
};

/// The buffer that texts are written into, one behind the other.
class WrittenTexts {
  public:
    /// Keeps its memory, unless one long text has made it far larger than others need.
    void clear() noexcept {
        if (bytes_.capacity() > 4 * batch_bytes_max) bytes_ = std::string();
        bytes_.clear();
        ends_.clear();
    }
    /// Whether as many bytes are in it as a batch may have, or as many texts.
    [[nodiscard]] bool is_full() const noexcept {
        return bytes_.size() >= batch_bytes_max || ends_.size() >= batch_elements_max;
    }
    /// Where to append the next text, which end() ends.
    [[nodiscard]] std::string& bytes() noexcept { return bytes_; }
    void end() { ends_.push_back(bytes_.size()); }

    /// All of them, valid until clear().
    [[nodiscard]] ViewBatch views();

  private:
    std::string bytes_;
    std::vector<std::size_t> ends_;
    std::vector<std::string_view> views_;
};

/// What `F` makes of each text.
template <WritesText F>
class WriteStream final : public TextStage {
  public:
    WriteStream(std::unique_ptr<Stream<std::string>> upstream, F function)
        : TextStage(std::move(upstream)), function_(std::move(function)) {}

    bool next_views(ViewBatch& views) override {
        if (!texts_.fill()) return false;
        written_.clear();
        texts_.visit([&](std::string_view text) {
            function_.append_to(written_.bytes(), text);
            written_.end();
            return !written_.is_full();
        });
        views = written_.views();
        return true;
    }

  private:
    F function_;
    WrittenTexts written_;
};

/// The texts of a stream of views for which a predicate holds.
template <class F>
class PickStream final : public TextStage {
  public:
    PickStream(std::unique_ptr<Stream<std::string>> upstream, const F& predicate)
        : TextStage(std::move(upstream)), predicate_(predicate) {}

    bool next_views(ViewBatch& views) override {
        if (!texts_.fill()) return false;
        picked_.clear();
        texts_.visit([&](std::string_view text) {
            // An rvalue, which a string_view&& takes, too.
            if (predicate_(std::string_view(text))) picked_.push_back(text);
            return true;
        });
        views = {picked_.data(), picked_.size(), texts_.padded()};
        return true;
    }

  private:
    TaskFunction<F> predicate_;
    ViewList picked_;
};

/// filter() by a predicate that takes a std::string_view. Strings that are there already stay what
/// they are, so that whoever keeps them need not make them again.
template <class F>
std::unique_ptr<StreamBase> make_text_filter(const Value& state, Binding& binding) {
    auto upstream = typed<std::string>(std::move(binding.upstream(0)));
    const auto& predicate = state.get<F>();
    if (dynamic_cast<ViewStream*>(upstream.get()) != nullptr) {
        return std::make_unique<PickStream<F>>(std::move(upstream), predicate);
    }
    return std::make_unique<FilterStream<std::string, F>>(std::move(upstream), predicate);
}

}  // namespace satchel::detail
