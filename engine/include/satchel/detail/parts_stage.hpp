// flatten() behind a function that can give the parts of its result as views, as split() can: the
// vectors in between are never made.
#pragma once

#include <satchel/detail/view_stream.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::detail {

/// `F` makes a vector of strings of a string, and can do without the vector.
template <class F>
concept GivesParts = requires(const F& f, std::string_view text, ViewList& parts) {
    f.add_parts(text, parts);
};

/// The parts that `F` gives of each string.
template <class F>
class PartsStream final : public ViewStream {
  public:
    PartsStream(std::unique_ptr<Stream<std::string>> upstream, F function)
        : upstream_(std::move(upstream)),
          views_upstream_(dynamic_cast<ViewStream*>(upstream_.get())),
          function_(std::move(function)) {
        if constexpr (requires { function_.goes_on_behind(std::string_view()); }) {
            if (views_upstream_ == nullptr || views_upstream_->ending().empty()) return;
            joins_ = function_.goes_on_behind(views_upstream_->ending());
        }
    }

    bool next_views(ViewBatch& views) override {
        parts_.clear();
        if (at_ == texts_.size) {
            at_ = 0;
            texts_.size = 0;
            if (!pull()) return false;
        }
        while (at_ < texts_.size && parts_.size() < batch_elements_max) {
            function_.add_parts(texts_.items[at_++], parts_);
        }
        views = {parts_.data(), parts_.size(), texts_.padded};
        return true;
    }
    void expect(std::size_t elements) override {
        ViewStream::expect(elements);
        upstream_->expect(elements);
    }

    /// The states are the function and that of flatten, which has none.
    static std::unique_ptr<StreamBase> open(const Value& states, Binding& binding) {
        return std::make_unique<PartsStream>(typed<std::string>(std::move(binding.upstream(0))),
                                             states.get<std::vector<Value>>().front().get<F>());
    }

  private:
    bool pull() {
        if (joins_) return views_upstream_->next_joined(texts_);
        if (views_upstream_ != nullptr) return views_upstream_->next_views(texts_);
        Batch<std::string> batch;
        if (!upstream_->next(batch)) return false;
        views_.clear();
        for (std::size_t k = 0; k < batch.size; ++k) views_.emplace_back(batch.at(k));
        texts_ = {views_.data(), views_.size(), false};
        return true;
    }

    std::unique_ptr<Stream<std::string>> upstream_;
    ViewStream* views_upstream_;  // null: it makes strings
    F function_;
    bool joins_ = false;  // several texts make the same parts as they do one by one
    ViewBatch texts_;
    std::size_t at_ = 0;
    std::vector<std::string_view> views_;  // of strings
    ViewList parts_;
};

/// What lowering may use instead of the function and flatten.
template <class F>
inline constexpr FusedStages parts_stages{
    2, &StreamCodeOf<&PartsStream<F>::open, std::vector<Value>>::code};

}  // namespace satchel::detail
