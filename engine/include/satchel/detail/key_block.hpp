// KeyBlock: the keys of some elements of a batch, all of which the processor looks up at the same
// time.
#pragma once

#include <satchel/detail/invoke.hpp>
#include <satchel/detail/stream.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace satchel::detail {

/// The type of the keys that `F` gives: string literals become strings.
template <class F, class T>
using key_result = element_type<std::invoke_result_t<const F&, const T&>>;

/// So many of them; fewer of such that are very large.
template <class K>
inline constexpr auto keys_at_once = std::min<std::size_t>(32, 16 * 1024 / sizeof(K) + 1);

/// Keys that are parts of their elements stay there; others are kept here. The map that they are to
/// be found in is an OrderedMap.
template <class T, class F>
class KeyBlock {
  public:
    using K = key_result<F, T>;
    static constexpr std::size_t size_max = keys_at_once<K>;

    KeyBlock() = default;
    KeyBlock(const KeyBlock&) = delete;
    KeyBlock& operator=(const KeyBlock&) = delete;
    ~KeyBlock() { forget(); }

    /// Takes those of `batch` from element `from` on: as many as there are, at most `size_max`.
    /// `use(k, key)` may use a key that would have to be kept at once instead, and returns whether
    /// it has: there is no key(k) then.
    template <class Map, class Use>
    void fill(const Map& map, const F& function, const Batch<T>& batch, std::size_t from,
              const Use& use) {
        forget();
        const auto size = std::min(size_max, batch.size - from);
        for (; size_ < size; ++size_) take(map, function, batch.at(from + size_), use);
        for (std::size_t k = 0; k < size_; ++k) {
            if (has_key(k)) map.approach(hashes_[k]);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool has_key(std::size_t k) const noexcept { return keys_[k] != nullptr; }
    [[nodiscard]] const K& key(std::size_t k) const noexcept { return *keys_[k]; }
    [[nodiscard]] std::uint64_t hash(std::size_t k) const noexcept { return hashes_[k]; }

    /// What a map has at a key, which it may take over; if that is new, what `make` gives.
    template <class Map, class Make>
    auto& find_or_add(Map& map, std::size_t k, const Make& make) {
        if constexpr (may_refer) {
            return map.find_or_add(hashes_[k], key(k), make);
        } else {
            return map.find_or_add(hashes_[k], std::move(const_cast<K&>(key(k))), make);
        }
    }

  private:
    using Result = std::invoke_result_t<const F&, const T&>;
    static constexpr bool may_refer =
        std::is_lvalue_reference_v<Result> && std::is_same_v<std::remove_cvref_t<Result>, K>;

    struct alignas(K) Place {
        std::byte bytes[sizeof(K)];
    };

    template <class Map, class Use>
    void take(const Map& map, const F& function, const T& element, const Use& use) {
        if constexpr (may_refer) {
            const K& key = detail::invoke(function, element);
            // What lies elsewhere may be another key's after the next call.
            const auto offset = reinterpret_cast<std::uintptr_t>(std::addressof(key)) -
                                reinterpret_cast<std::uintptr_t>(std::addressof(element));
            if (offset < sizeof element) {
                keys_[size_] = std::addressof(key);
            } else if (use(size_, key)) {
                keys_[size_] = nullptr;
                return;
            } else {
                keys_[size_] = ::new (next_place()) K(key);
                ++kept_;
            }
        } else {
            keys_[size_] = ::new (next_place()) K(detail::invoke(function, element));
            ++kept_;
        }
        hashes_[size_] = map.announce(*keys_[size_]);
    }

    [[nodiscard]] void* next_place() noexcept { return places_ + kept_; }
    void forget() noexcept {
        for (std::size_t k = 0; k < kept_; ++k) {
            std::destroy_at(std::launder(reinterpret_cast<K*>(places_ + k)));
        }
        size_ = kept_ = 0;
    }

    std::size_t size_ = 0;
    std::size_t kept_ = 0;
    const K* keys_[size_max];
    std::uint64_t hashes_[size_max];
    Place places_[size_max];
};

/// Calls `use` with what `map` has at the key of each element of a batch (if that is new, what
/// `make` gives), and with the element.
template <class Map, class F, class T, class Make, class Use>
void for_each_by_key(Map& map, const F& key, const Batch<T>& batch, const Make& make,
                     const Use& use) {
    using K = key_result<F, T>;
    if constexpr (is_light<K>) {
        if (!map.is_large()) {  // what is in the cache is not waited for
            batch.for_each([&](auto&& x) {
                auto& found = map.find_or_add(K(detail::invoke(key, std::as_const(x))), make);
                use(found, std::forward<decltype(x)>(x));
            });
            return;
        }
    }
    KeyBlock<T, F> keys;
    for (std::size_t from = 0; from < batch.size;) {
        keys.fill(map, key, batch, from, [](std::size_t, const K&) { return false; });
        std::size_t k = 0;
        from = batch.visit(from, [&](auto&& x) {
            use(keys.find_or_add(map, k, make), std::forward<decltype(x)>(x));
            return ++k < keys.size();
        });
    }
}

}  // namespace satchel::detail
