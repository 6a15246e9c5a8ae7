// Counting strings.
#include <satchel/detail/counts.hpp>
#include <satchel/error.hpp>

#include <algorithm>
#include <array>
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

/// The lowest bytes of a number.
template <class Word>
Word lowest_bytes(Word number, std::size_t size) {
    static constexpr std::uint64_t all = ~std::uint64_t{0};
    static constexpr std::uint64_t masks[] = {0,         all >> 56, all >> 48, all >> 40, all >> 32,
                                              all >> 24, all >> 16, all >> 8,  all};
    return number & static_cast<Word>(masks[size]);
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

}  // namespace

// `has_room`: the text can be read for `image_size` bytes from its begin, however short it is. So
// there is no branch on its size, which in words no processor can foretell.
[[gnu::always_inline]] inline Counts<std::string>::Image Counts<std::string>::image_of(
    std::string_view text, bool has_room) noexcept {
    const auto size = text.size();
    if (size > short_max) {
        return {hash_bytes(text) | Image::no_number,
                0xFFU << 24 | static_cast<std::uint32_t>(size & 0xFF'FFFF)};
    }
    const auto in_low = std::min<std::size_t>(size, 8);
    const auto in_high = size - in_low;
    const auto tag = static_cast<std::uint32_t>(size + 1) << 24;
    if (!has_room) {
        return {few_bytes(text.data(), in_low),
                static_cast<std::uint32_t>(few_bytes(text.data() + in_low, in_high)) | tag};
    }
    const auto low = word_at<std::uint64_t>(text.data());
    const auto high = static_cast<std::uint32_t>(word_at<std::uint32_t>(text.data() + 8));
    return {lowest_bytes(low, in_low), lowest_bytes(high, in_high) | tag};
}

bool Counts<std::string>::holds_long(const Slot& slot, const Image& image,
                                     std::string_view text) const {
    return image.is_long() && slot.high == image.high && slot.low >> 32 == image.low >> 32 &&
           longs_[slot.image().number()] == text;
}

template <class Text>
[[gnu::always_inline]] inline Counts<std::string>::Slot& Counts<std::string>::find_or_add(
    const Image& image, Text&& text) {
    for (auto k = image.hash() & mask_;; k = (k + 1) & mask_) {
        auto& slot = slots_[k];
        if (slot.image() == image || holds_long(slot, image, text)) return slot;
        if (slot.is_empty()) return add_slot(image, std::forward<Text>(text));
    }
}

template <class Text>
[[gnu::noinline]] Counts<std::string>::Slot& Counts<std::string>::add_slot(Image image,
                                                                           Text&& text) {
    if (places_.size() * (slots_.size() < roomy_slots_max ? 4 : 2) >= slots_.size()) grow();
    if (image.is_long()) {
        image.set_number(static_cast<std::uint32_t>(longs_.size()));
        longs_.emplace_back(std::forward<Text>(text));
    }
    const auto place = free_place(image);
    places_.push_back(static_cast<std::uint32_t>(place));
    slots_[place] = {image.low, image.high, 0};
    return slots_[place];
}

std::size_t Counts<std::string>::free_place(const Image& image) const noexcept {
    auto k = image.hash() & mask_;
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
    const auto old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    const auto carried = by_place(std::exchange(carried_, {}));
    mask_ = slots_.size() - 1;
    for (auto& place : places_) {
        const auto& slot = old[place];
        const auto now = static_cast<std::uint32_t>(free_place(slot.image()));
        slots_[now] = slot;
        if (const auto times = times_at(place, carried)) carried_.emplace_back(now, times);
        place = now;
    }
}

[[gnu::always_inline]] inline void Counts<std::string>::count(Slot& slot, std::uint64_t times) {
    const auto sum = slot.count + times;
    slot.count = static_cast<std::uint32_t>(sum);
    if (sum != slot.count) [[unlikely]] {
        carried_.emplace_back(&slot - slots_.data(), sum - slot.count);
    }
}

// Some at a time, so that the processor fetches the slots of all of them at once.
template <class ImageAt, class Give>
[[gnu::always_inline]] inline void Counts<std::string>::for_each_image(std::size_t size,
                                                                       ImageAt&& image_at,
                                                                       Give&& give) {
    constexpr std::size_t block = 32;
    std::array<Image, block> images;
    for (std::size_t from = 0; from < size; from += block) {
        const auto n = std::min(block, size - from);
        for (std::size_t k = 0; k < n; ++k) {
            images[k] = image_at(from + k);
            __builtin_prefetch(&slots_[images[k].hash() & mask_]);
        }
        for (std::size_t k = 0; k < n; ++k) give(images[k], from + k);
    }
}

void Counts<std::string>::add(const ViewBatch& batch) {
    for_each_image(
        batch.size,
        [&](std::size_t k) {
            const auto text = batch.items[k];
            return batch.padded ? image_of(text, true) : image_of(text, false);
        },
        [&](const Image& image, std::size_t k) { count(find_or_add(image, batch.items[k]), 1); });
}

void Counts<std::string>::add(const Batch<std::string>& batch) {
    for_each_image(
        batch.size, [&](std::size_t k) { return image_of(batch.at(k), true); },
        [&](const Image& image, std::size_t k) {
            if (batch.owned) return count(find_or_add(image, std::move(batch.items[k])), 1);
            count(find_or_add(image, batch.at(k)), 1);
        });
}

void Counts<std::string>::add_one(const std::string& text) {
    count(find_or_add(image_of(text, true), text), 1);
}
void Counts<std::string>::add_one(std::string&& text) {
    count(find_or_add(image_of(text, true), std::move(text)), 1);
}

void Counts<std::string>::merge(Counts&& later) {
    const auto times = later.counts();
    const auto image_at = [&](std::size_t k) { return later.slots_[later.places_[k]].image(); };
    std::string none;
    for_each_image(
        times.size(),
        [&](std::size_t k) {
            auto image = image_at(k);
            if (image.is_long()) image.set_number(Image::no_number);
            return image;
        },
        [&](const Image& image, std::size_t k) {
            auto& text = image.is_long() ? later.longs_[image_at(k).number()] : none;
            count(find_or_add(image, std::move(text)), times[k]);
        });
}

std::string_view Counts<std::string>::text_of(const Slot& slot) const noexcept {
    if (slot.image().is_long()) return longs_[slot.image().number()];
    return {reinterpret_cast<const char*>(&slot), (slot.high >> 24) - 1};
}

// Of each string, in the order in which they came.
std::vector<std::size_t> Counts<std::string>::counts() const {
    std::vector<std::size_t> counts;
    counts.reserve(places_.size());
    const auto carried = by_place(carried_);
    for (const auto place : places_) {
        counts.push_back(slots_[place].count + times_at(place, carried));
    }
    return counts;
}

Counts<std::string>::Entries Counts<std::string>::take() {
    const auto times = counts();
    Entries entries;
    entries.reserve(times.size());
    for (std::size_t k = 0; k < times.size(); ++k) {
        const auto& slot = slots_[places_[k]];
        if (slot.image().is_long()) {
            entries.emplace_back(std::move(longs_[slot.image().number()]), times[k]);
        } else {
            entries.emplace_back(text_of(slot), times[k]);
        }
    }
    *this = {};
    return entries;
}

void Counts<std::string>::serialize(OutputArchive& archive, unsigned) const {
    const auto times = counts();
    archive.save_size(times.size());
    for (std::size_t k = 0; k < times.size(); ++k) {
        const std::string text(text_of(slots_[places_[k]]));
        archive& text& times[k];
    }
}

void Counts<std::string>::serialize(InputArchive& archive, unsigned) {
    *this = {};
    const auto size = archive.load_count();
    for (std::size_t k = 0; k < size; ++k) {
        std::string text;
        std::size_t times = 0;
        archive& text& times;
        const auto image = image_of(text, true);
        count(find_or_add(image, std::move(text)), times);
    }
}

}  // namespace satchel::detail
