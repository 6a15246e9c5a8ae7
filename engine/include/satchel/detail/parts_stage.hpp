// flatten() behind a function that can give the parts of its result as views, as split() can: the
// vectors in between are never made.
#pragma once

#include <satchel/detail/pulled.hpp>
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
class PartsStream final : public TextStage {
  public:
    PartsStream(std::unique_ptr<Stream<std::string>> upstream, F function)
        : TextStage(std::move(upstream)), function_(std::move(function)) {
        if constexpr (requires { function_.goes_on_behind(std::string_view()); }) {
            const auto ending = texts_.ending();
            if (!ending.empty() && function_.goes_on_behind(ending)) texts_.join();
        }
    }

    bool next_views(ViewBatch& views) override {
        if (!texts_.fill()) return false;
        parts_.clear();
        texts_.visit([&](std::string_view text) {
            function_.add_parts(text, parts_);
            return parts_.size() < batch_elements_max;
        });
        views = {parts_.data(), parts_.size(), texts_.padded()};
        return true;
    }

    /// The states are the function and that of flatten, which has none.
    static std::unique_ptr<StreamBase> open(const Value& states, Binding& binding) {
        return std::make_unique<PartsStream>(typed<std::string>(std::move(binding.upstream(0))),
                                             states.get<std::vector<Value>>().front().get<F>());
    }

  private:
    F function_;
    ViewList parts_;
};

/// What lowering may use instead of the function and flatten.
template <class F>
inline constexpr FusedStages parts_stages{
    2, &StreamCodeOf<&PartsStream<F>::open, std::vector<Value>>::code};

}  // namespace satchel::detail
