// KeyBlock: the keys of some elements of a batch, all of which the processor looks up at the same
// time.
#pragma once

#include <satchel/detail/invoke.hpp>
#include <satchel/detail/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace satchel::detail {

/// The type of the keys that `F` gives: string literals become strings.
template <class F, class T>
using key_result = element_type<std::invoke_result_t<const F&, const T&>>;

/// Whether to look up keys of this type several at a time. The table of numbers is mostly in the
/// cache, and a look-up waits for nothing else.
template <class K>
inline constexpr bool looks_up_blocks = !is_light<K>;

/// Keys that are parts of their elements stay there; others are kept here. The map that they are to
/// be found in is an OrderedMap.
template <class T, class F>
class KeyBlock {
  public:
    using K = key_result<F, T>;
    static constexpr std::size_t size_max = 32;

    /// Takes those of `batch` from element `from` on: as many as there are, at most `size_max`.
    template <class Map>
    void fill(const Map& map, const F& function, const Batch<T>& batch, std::size_t from) {
        size_ = std::min(size_max, batch.size - from);
        kept_.prepare(size_max);
        for (std::size_t k = 0; k < size_; ++k) {
            if constexpr (may_refer) {
                keys_[k] = std::addressof(key_of(function, batch.at(from + k)));
            } else {
                kept_.emplace(detail::invoke(function, batch.at(from + k)));
            }
            hashes_[k] = map.announce(key(k));
        }
        for (std::size_t k = 0; k < size_; ++k) map.approach(hashes_[k]);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] const K& key(std::size_t k) const noexcept {
        if constexpr (may_refer) {
            return *keys_[k];
        } else {
            return kept_.items()[k];
        }
    }
    [[nodiscard]] std::uint64_t hash(std::size_t k) const noexcept { return hashes_[k]; }

    /// What a map has at a key, which it may take over; if that is new, what `make` gives.
    template <class Map, class Make>
    auto& find_or_add(Map& map, std::size_t k, Make&& make) {
        if constexpr (may_refer) {
            return map.find_or_add(hashes_[k], key(k), std::forward<Make>(make));
        } else {
            return map.find_or_add(hashes_[k], std::move(kept_.items()[k]),
                                   std::forward<Make>(make));
        }
    }

  private:
    using Result = std::invoke_result_t<const F&, const T&>;
    static constexpr bool may_refer =
        std::is_lvalue_reference_v<Result> && std::is_same_v<std::remove_cvref_t<Result>, K>;

    const K& key_of(const F& function, const T& element) {
        const K& key = detail::invoke(function, element);
        // What lies elsewhere may be another key's after the next call.
        const auto offset = reinterpret_cast<std::uintptr_t>(std::addressof(key)) -
                            reinterpret_cast<std::uintptr_t>(std::addressof(element));
        return offset < sizeof element ? key : kept_.emplace(key);
    }

    std::size_t size_ = 0;
    std::uint64_t hashes_[size_max];
    BatchStorage<K> kept_;
    const K* keys_[may_refer ? size_max : 1];
};

/// Calls `use` with what `map` has at the key of each element of a batch (if that is new, what
/// `make` gives), and with the element.
template <class Map, class F, class T, class Make, class Use>
void for_each_by_key(Map& map, const F& key, const Batch<T>& batch, const Make& make,
                     const Use& use) {
    using K = key_result<F, T>;
    if constexpr (looks_up_blocks<K>) {
        KeyBlock<T, F> keys;
        for (std::size_t from = 0; from < batch.size;) {
            keys.fill(map, key, batch, from);
            std::size_t k = 0;
            from = batch.visit(from, [&](auto&& x) {
                use(keys.find_or_add(map, k, make), std::forward<decltype(x)>(x));
                return ++k < keys.size();
            });
        }
    } else {
        batch.for_each([&](auto&& x) {
            auto& found = map.find_or_add(K(detail::invoke(key, std::as_const(x))), make);
            use(found, std::forward<decltype(x)>(x));
        });
    }
}

}  // namespace satchel::detail
