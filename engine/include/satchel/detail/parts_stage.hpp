// flatten() behind a function that can give the parts of its result one by one, as split() can: the
// vectors in between are never made.
#pragma once

#include <satchel/detail/stream.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel::detail {

/// `F` makes a vector of strings of a string, and can do without the vector.
template <class F>
concept GivesParts = requires(const F& f, const std::string& text) {
    f.for_each_part(text, [](std::string_view) {});
};

/// Puts `text` into a string that is there already. It keeps its memory, unless that is far more
/// than the text needs: whoever takes the string over takes all of it.
inline void put_into(std::string& place, std::string_view text) {
    constexpr std::size_t spare = 64;
    if (place.capacity() > 3 * text.size() + spare) place = std::string();
    place.assign(text);
}

/// The parts that `F` gives of each string.
template <class F>
class PartsStream final : public Stream<std::string> {
  public:
    PartsStream(std::unique_ptr<Stream<std::string>> upstream, const F& function)
        : upstream_(std::move(upstream)), function_(function) {}

    bool next(Batch<std::string>& batch) override {
        std::size_t size = 0;
        std::size_t bytes = 0;
        const auto limit = limit_.next();
        while (size < limit && bytes < batch_bytes_max) {
            if (at_ == pulled_.size) {
                at_ = 0;
                pulled_.size = 0;
                if (!upstream_->next(pulled_)) break;
                continue;
            }
            function_.for_each_part(pulled_.at(at_++), [&](std::string_view part) {
                if (size == parts_.size()) parts_.resize(std::max(batch_elements_max, 2 * size));
                put_into(parts_[size++], part);
                bytes += sizeof(std::string) + part.size();
            });
        }
        batch = {parts_.data(), nullptr, size, true};
        return size != 0;
    }
    void expect(std::size_t elements) override {
        limit_.expect(elements);
        upstream_->expect(elements);
    }

    /// The states are the function and that of flatten, which has none.
    static std::unique_ptr<StreamBase> open(const Value& states, Binding& binding) {
        return std::make_unique<PartsStream>(typed<std::string>(std::move(binding.upstream(0))),
                                             states.get<std::vector<Value>>().front().get<F>());
    }

  private:
    std::unique_ptr<Stream<std::string>> upstream_;
    F function_;
    Batch<std::string> pulled_;
    std::size_t at_ = 0;
    std::vector<std::string> parts_;
    BatchLimit limit_;
};

/// What lowering may use instead of the function and flatten.
template <class F>
inline constexpr FusedStages parts_stages{
    2, &StreamCodeOf<&PartsStream<F>::open, std::vector<Value>>::code};

}  // namespace satchel::detail
