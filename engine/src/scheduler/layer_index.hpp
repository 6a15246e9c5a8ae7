// LayerIndex: the layer that a token names. A client that submits call after call makes a layer for
// each, so the table is kept small: eight bytes a place, and the tokens themselves stay with the
// layers.
#pragma once

#include <satchel/graph.hpp>

#include "messages/names.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace satchel::scheduler {

class LayerIndex {
  public:
    /// The layer with this token, or none; `token_of(layer)` gives that of a layer.
    template <class TokenOf>
    [[nodiscard]] LayerId find(const Token& token, TokenOf&& token_of) const {
        const auto hash = hash_of(token);
        for (auto at = hash & mask(); !places_.empty(); at = (at + 1) & mask()) {
            const auto& place = places_[at];
            if (place.layer == none) break;
            if (place.hash == hash && token_of(place.layer) == token) return place.layer;
        }
        return none;
    }

    /// REQUIRES: the token is not there.
    void insert(const Token& token, LayerId layer) {
        if (4 * (size_ + 1) > 3 * places_.size()) grow();
        put({hash_of(token), layer});
        ++size_;
    }

    /// REQUIRES: it is there.
    void erase(const Token& token, LayerId layer) {
        auto at = hash_of(token) & mask();
        while (places_[at].layer != layer) at = (at + 1) & mask();
        // Those that follow move up, unless they would get in front of where they belong.
        for (auto next = (at + 1) & mask(); places_[next].layer != none;
             next = (next + 1) & mask()) {
            const auto home = places_[next].hash & mask();
            if (((next - home) & mask()) < ((next - at) & mask())) continue;
            places_[at] = places_[next];
            at = next;
        }
        places_[at] = {};
        --size_;
    }

  private:
    struct Place {
        std::uint32_t hash = 0;
        LayerId layer = none;
    };

    static std::uint32_t hash_of(const Token& token) noexcept {
        return static_cast<std::uint32_t>((token.low ^ token.high) * 0x9E37'79B9'7F4A'7C15 >> 32);
    }
    [[nodiscard]] std::uint32_t mask() const noexcept {
        return static_cast<std::uint32_t>(places_.size()) - 1;
    }

    void put(const Place& place) {
        auto at = place.hash & mask();
        while (places_[at].layer != none) at = (at + 1) & mask();
        places_[at] = place;
    }

    void grow() {
        const auto before =
            std::exchange(places_, std::vector<Place>(places_.empty() ? 16 : 2 * places_.size()));
        for (const auto& place : before) {
            if (place.layer != none) put(place);
        }
    }

    std::vector<Place> places_;  // a power of two
    std::size_t size_ = 0;
};

}  // namespace satchel::scheduler
