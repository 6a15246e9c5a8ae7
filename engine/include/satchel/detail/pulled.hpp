// What a stage has pulled from the one before it and gone through so far: elements, or strings as
// views for those who only look at them.
#pragma once

#include <satchel/detail/call.hpp>
#include <satchel/detail/stream.hpp>
#include <satchel/detail/view_stream.hpp>
#include <satchel/fn.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace satchel::detail {

/// The elements of a stream, batch by batch.
template <class T>
class PulledElements {
  public:
    explicit PulledElements(std::unique_ptr<Stream<T>> upstream) : upstream_(std::move(upstream)) {}

    /// Pulls the next batch once all of the last one has been visited. False at the end, also when
    /// asked again.
    bool fill() {
        if (at_ < batch_.size) return true;
        at_ = 0;
        batch_.size = 0;
        return upstream_->next(batch_);
    }
    /// Calls `f` with the elements that it was not called with yet, as Batch::visit() does, until
    /// it returns false.
    template <class F>
    void visit(F&& f) {
        at_ = batch_.visit(at_, std::forward<F>(f));
    }
    /// All of the batch, which counts as visited then.
    Batch<T> take() {
        at_ = batch_.size;
        return batch_;
    }
    [[nodiscard]] Stream<T>& stream() { return *upstream_; }
    void expect(std::size_t elements) { upstream_->expect(elements); }

  private:
    std::unique_ptr<Stream<T>> upstream_;
    Batch<T> batch_;
    std::size_t at_ = 0;
};

/// Strings of any stream, as views. Where the stream itself has views, no string is made.
class PulledViews {
  public:
    explicit PulledViews(std::unique_ptr<Stream<std::string>> upstream)
        : upstream_(std::move(upstream)), views_(dynamic_cast<ViewStream*>(upstream_.get())) {}

    /// Has some more visited, of the batch before a new one is pulled; as many as are expected.
    bool fill() {
        if (at_ == batch_.size) {
            at_ = 0;
            batch_.size = 0;
            if (!pull()) return false;
        }
        end_ = at_ + std::min(limit_.next(), batch_.size - at_);
        return true;
    }
    /// Calls `f` with views that are valid until fill().
    template <class F>
    void visit(F&& f) {
        bool goes_on = true;
        while (goes_on && at_ < end_) goes_on = f(std::string_view(batch_.items[at_++]));
    }
    [[nodiscard]] bool padded() const { return batch_.padded; }
    void expect(std::size_t elements) {
        limit_.expect(elements);
        upstream_->expect(elements);
    }

    /// What lies one behind the other in memory may come as one string from now on.
    void join() { joins_ = true; }
    [[nodiscard]] std::string_view ending() const {
        return views_ == nullptr ? std::string_view() : views_->ending();
    }

  private:
    bool pull();

    std::unique_ptr<Stream<std::string>> upstream_;
    ViewStream* views_;  // null: it makes strings
    bool joins_ = false;
    ViewBatch batch_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    BatchLimit limit_;
    std::vector<std::string_view> of_strings_;
};

/// A base of stages that look at texts and give texts.
class TextStage : public ViewStream {
  public:
    void expect(std::size_t elements) final {
        ViewStream::expect(elements);
        texts_.expect(elements);
    }

  protected:
    explicit TextStage(std::unique_ptr<Stream<std::string>> upstream)
        : texts_(std::move(upstream)) {}

    PulledViews texts_;
};

/// Which of the two a stage has.
template <class T, bool as_views>
using Pulled = std::conditional_t<as_views, PulledViews, PulledElements<T>>;

template <class F>
struct TakesView : std::false_type {};
template <class F>
requires requires { std::tuple_size<typename Signature<F>::parameters>::value; }
struct TakesView<F> {
    template <class... A>
    static constexpr bool first_is_view(const std::tuple<A...>*) {
        return false;
    }
    template <class First, class... A>
    static constexpr bool first_is_view(const std::tuple<First, A...>*) {
        return std::is_same_v<std::remove_cvref_t<First>, std::string_view>;
    }
    static constexpr bool value =
        first_is_view(static_cast<const typename Signature<F>::parameters*>(nullptr));
};
template <auto f>
struct TakesView<ConstantFunction<f>> : TakesView<decltype(f)> {};
/// `F` looks at a text and no more: its first parameter is a std::string_view.
template <class F>
inline constexpr bool takes_view = TakesView<F>::value;

}  // namespace satchel::detail
