// Counting strings.
#include <satchel/detail/counts.hpp>
#include <satchel/error.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <unordered_map>

namespace satchel::detail {
namespace {

constexpr std::size_t short_max = 11;
constexpr std::size_t image_size = 12;
static_assert(sizeof(std::string) > image_size, "strings have room for short ones");
static_assert(view_padding >= image_size);

// A table of few words, which are most of a text, has room to spare: where two words want the same
// slot, the processor foretells badly which one it is. In a large one, room is time.
constexpr std::size_t roomy_slots_max = std::size_t{1} << 16;

/// What a short string's size says of its image: which of the bytes that follow its begin are its
/// own, and its size itself, so that none has a tag of zero.
struct ShortMask {
    std::uint64_t low;
    std::uint32_t high;
    std::uint32_t tag;
};
constexpr auto short_masks = [] {
    std::array<ShortMask, short_max + 1> masks{};
    for (std::size_t size = 0; size <= short_max; ++size) {
        const auto in_high = size - std::min<std::size_t>(size, 8);
        masks[size] = {size < 8 ? (std::uint64_t{1} << 8 * size) - 1 : ~std::uint64_t{0},
                       (std::uint32_t{1} << 8 * in_high) - 1,
                       static_cast<std::uint32_t>(size + 1) << 24};
    }
    return masks;
}();

/// Of more than 11 bytes, in pieces that may overlap, so that no branch depends on how many are
/// left at the end. The factors have different seeds, lest they can be exchanged.
std::uint64_t hash_long(std::string_view text, std::uint64_t seed) noexcept {
    const auto other_seed = std::rotl(seed, 32);
    const auto mixed = [&](std::uint64_t hash, const char* first, const char* second) {
        return hash_mix(word_at<std::uint64_t>(first) ^ hash,
                        word_at<std::uint64_t>(second) ^ other_seed);
    };
    const char* at = text.data();
    const char* const end = at + text.size();
    auto hash = text.size() ^ seed;
    for (; end - at > 16; at += 16) hash = mixed(hash, at, at + 8);
    return mixed(hash, text.size() < 16 ? text.data() : end - 16, end - 8);
}

using TimesByPlace = std::unordered_map<std::uint32_t, std::uint64_t>;

TimesByPlace by_place(const std::vector<std::pair<std::uint32_t, std::uint64_t>>& carried) {
    TimesByPlace times;
    for (const auto& [place, more] : carried) times[place] += more;
    return times;
}

std::uint64_t times_at(std::uint32_t place, const TimesByPlace& times) {
    if (times.empty()) return 0;  // as nearly always
    const auto found = times.find(place);
    return found == times.end() ? 0 : found->second;
}

// Slots are read in the order in which their strings came, which the processor cannot foretell.
constexpr std::size_t ahead = 32;
template <class Slots>
void fetch_slot(const Slots& slots, const std::vector<std::uint32_t>& places, std::size_t k) {
    if (k < places.size()) __builtin_prefetch(&slots[places[k]]);
}

}  // namespace

// So that nobody can choose texts whose hashes are equal. Nothing that is seen depends on it.
std::uint64_t Counts<std::string>::seed_of_process() {
    static const std::uint64_t seed = [] {
        std::random_device random;
        return std::uint64_t{random()} << 32 | random();
    }();
    return seed;
}

void Counts<std::string>::look_at_long(std::string_view text, std::uint64_t seed,
                                       Looked& looked) noexcept {
    looked.image = {hash_long(text, seed),
                    0xFFU << 24 | static_cast<std::uint32_t>(text.size() & 0xFF'FFFF)};
    looked.image.set_number(TextStore::no_number);
    looked.hash = looked.image.hash(seed);
}

// `has_room`: the text can be read for `image_size` bytes from its begin, however short it is. So
// there is no branch on its size, which in words no processor can foretell.
//
// It writes where the caller wants it, number by number: a compiler copies a returned pair of
// numbers as one vector, and the processor waits for the writes of its parts.
[[gnu::always_inline]] inline void Counts<std::string>::look_at(std::string_view text,
                                                                bool has_room, std::uint64_t seed,
                                                                Looked& looked) noexcept {
    const auto size = text.size();
    if (size > short_max) [[unlikely]]
        return look_at_long(text, seed, looked);
    const auto& mask = short_masks[size];
    std::uint64_t low = 0;
    std::uint32_t high = 0;
    if (has_room) {
        low = word_at<std::uint64_t>(text.data()) & mask.low;
        high = static_cast<std::uint32_t>(word_at<std::uint32_t>(text.data() + 8)) & mask.high;
    } else {
        const auto in_low = std::min<std::size_t>(size, 8);
        low = few_bytes(text.data(), in_low);
        high = static_cast<std::uint32_t>(few_bytes(text.data() + in_low, size - in_low));
    }
    high |= mask.tag;
    looked.image.low = low;
    looked.image.high = high;
    looked.hash = Image::mixed(low, high, seed);
}

// Some at a time, so that the processor fetches the slots of all of them at once.
template <class Look, class Give>
[[gnu::always_inline]] inline void Counts<std::string>::for_each_looked_at(std::size_t size,
                                                                           Look&& look,
                                                                           Give&& give) {
    constexpr std::size_t block = 32;
    std::array<Looked, block> looked;
    for (std::size_t from = 0; from < size; from += block) {
        const auto n = std::min(block, size - from);
        const auto* const slots = slots_.data();
        const auto mask = mask_;
        for (std::size_t k = 0; k < n; ++k) {
            look(from + k, looked[k]);
            __builtin_prefetch(slots + (looked[k].hash & mask));
        }
        for (std::size_t k = 0; k < n; ++k) give(looked[k], from + k);
    }
}

template <bool padded>
void Counts<std::string>::add_texts(const std::string_view* texts, std::size_t size) {
    for_each_looked_at(
        size,
        [texts, seed = seed_](std::size_t k, Looked& looked) {
            look_at(texts[k], padded, seed, looked);
        },
        [&](const Looked& looked, std::size_t k) { count_one(find_or_add(looked, texts[k])); });
}

void Counts<std::string>::add(const ViewBatch& batch) {
    if (batch.padded) return add_texts<true>(batch.items, batch.size);
    add_texts<false>(batch.items, batch.size);
}

void Counts<std::string>::add(const Batch<std::string>& batch) {
    for_each_looked_at(
        batch.size,
        [&batch, seed = seed_](std::size_t k, Looked& looked) {
            look_at(batch.at(k), true, seed, looked);
        },
        [&](const Looked& looked, std::size_t k) {
            if (batch.owned) return count_one(find_or_add(looked, std::move(batch.items[k])));
            count_one(find_or_add(looked, batch.at(k)));
        });
}

void Counts<std::string>::add_one(const std::string& text) {
    Looked looked;
    look_at(text, true, seed_, looked);
    count_one(find_or_add(looked, text));
}
void Counts<std::string>::add_one(std::string&& text) {
    Looked looked;
    look_at(text, true, seed_, looked);
    count_one(find_or_add(looked, std::move(text)));
}

// Most words are short and found where they are looked for first; all else is another function's,
// that the loop around this one may be short.
template <class Text>
[[gnu::always_inline]] inline Counts<std::string>::Slot& Counts<std::string>::find_or_add(
    const Looked& looked, Text&& text) {
    auto& slot = slots_[looked.hash & mask_];
    if (slot.image() == looked.image) [[likely]]
        return slot;
    return search_or_add(looked, std::forward<Text>(text));
}

template <class Text>
[[gnu::noinline]] Counts<std::string>::Slot& Counts<std::string>::search_or_add(
    const Looked& looked, Text&& text) {
    for (auto k = looked.hash & mask_;; k = (k + 1) & mask_) {
        auto& slot = slots_[k];
        if (slot.image() == looked.image || holds_long(slot, looked.image, text)) return slot;
        if (slot.is_empty()) return add_slot(looked, std::forward<Text>(text));
    }
}

bool Counts<std::string>::holds_long(const Slot& slot, const Image& image,
                                     std::string_view text) const noexcept {
    return image.is_long() && slot.high == image.high && slot.low >> 32 == image.low >> 32 &&
           longs_.at(slot.image().number()) == text;
}

template <class Text>
[[gnu::noinline]] Counts<std::string>::Slot& Counts<std::string>::add_slot(const Looked& looked,
                                                                           Text&& text) {
    if (places_.size() * (slots_.size() < roomy_slots_max ? 4 : 2) >= slots_.size()) grow();
    auto image = looked.image;
    if (image.is_long()) image.set_number(longs_.add(std::forward<Text>(text)));
    const auto place = free_place(looked.hash);
    places_.push_back(static_cast<std::uint32_t>(place));
    slots_[place] = {image.low, image.high, 0};
    return slots_[place];
}

std::size_t Counts<std::string>::free_place(std::uint64_t hash) const noexcept {
    auto k = hash & mask_;
    while (!slots_[k].is_empty()) k = (k + 1) & mask_;
    return k;
}

// In the order in which the strings came: those that are frequent came early, and are to be found
// at once.
void Counts<std::string>::grow() {
    if (slots_.size() > UINT32_MAX) {
        throw Error(
            "frequencies, distinct: there are more than 2^31 different strings in one table; "
            "group them in several partitions instead: groupby(f, {.npartitions = ...})");
    }
    const auto carried = by_place(carried_);
    const auto old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    carried_.clear();
    mask_ = slots_.size() - 1;
    for_each_looked_at(
        places_.size(),
        [&](std::size_t k, Looked& looked) {
            fetch_slot(old, places_, k + ahead);
            const auto& slot = old[places_[k]];
            looked.hash = slot.image().hash(seed_);
        },
        [&](const Looked& looked, std::size_t k) {
            auto& place = places_[k];
            const auto now = static_cast<std::uint32_t>(free_place(looked.hash));
            slots_[now] = old[place];
            if (const auto times = times_at(place, carried)) carried_.emplace_back(now, times);
            place = now;
        });
}

[[gnu::always_inline]] inline void Counts<std::string>::count_one(Slot& slot) {
    if (++slot.count == 0) [[unlikely]]
        carry(slot, std::uint64_t{1} << 32);
}

void Counts<std::string>::count(Slot& slot, std::uint64_t times) {
    const auto sum = slot.count + times;
    slot.count = static_cast<std::uint32_t>(sum);
    if (sum != slot.count) carry(slot, sum - slot.count);
}

void Counts<std::string>::carry(const Slot& slot, std::uint64_t times) {
    carried_.emplace_back(&slot - slots_.data(), times);
}

void Counts<std::string>::merge(Counts&& later) {
    const auto carried = by_place(later.carried_);
    for_each_looked_at(
        later.places_.size(),
        [&](std::size_t k, Looked& looked) {
            fetch_slot(later.slots_, later.places_, k + ahead);
            looked.image = later.slots_[later.places_[k]].image();
            looked.hash = looked.image.hash(seed_);
            if (looked.image.is_long()) looked.image.set_number(TextStore::no_number);
        },
        [&](const Looked& looked, std::size_t k) {
            const auto place = later.places_[k];
            const auto& slot = later.slots_[place];
            const auto add = [&](auto&& text) {
                count(find_or_add(looked, std::forward<decltype(text)>(text)),
                      slot.count + times_at(place, carried));
            };
            if (!looked.image.is_long()) return add(std::string_view());
            later.longs_.take(slot.image().number(), add);
        });
}

std::string_view Counts<std::string>::text_of(const Slot& slot) const noexcept {
    if (slot.image().is_long()) return longs_.at(slot.image().number());
    return {reinterpret_cast<const char*>(&slot), (slot.high >> 24) - 1};
}

// In the order in which they came, each with how often it did.
template <class Use>
void Counts<std::string>::for_each_text(Use&& use) const {
    const auto carried = by_place(carried_);
    for (std::size_t k = 0; k < places_.size(); ++k) {
        fetch_slot(slots_, places_, k + ahead);
        const auto& slot = slots_[places_[k]];
        use(slot, slot.count + times_at(places_[k], carried));
    }
}

Counts<std::string>::Entries Counts<std::string>::take() {
    Entries entries;
    entries.reserve(places_.size());
    for_each_text([&](const Slot& slot, std::size_t times) {
        if (!slot.image().is_long()) return (void)entries.emplace_back(text_of(slot), times);
        longs_.take(slot.image().number(), [&](auto&& text) {
            entries.emplace_back(std::forward<decltype(text)>(text), times);
        });
    });
    *this = {};
    return entries;
}

void Counts<std::string>::serialize(OutputArchive& archive, unsigned) const {
    archive.save_size(places_.size());
    for_each_text([&](const Slot& slot, std::size_t times) {
        const std::string text(text_of(slot));
        archive& text& times;
    });
}

void Counts<std::string>::serialize(InputArchive& archive, unsigned) {
    *this = {};
    const auto size = archive.load_count();
    for (std::size_t k = 0; k < size; ++k) {
        std::string text;
        std::size_t times = 0;
        archive& text& times;
        Looked looked;
        look_at(text, true, seed_, looked);
        count(find_or_add(looked, std::move(text)), times);
    }
}

}  // namespace satchel::detail
