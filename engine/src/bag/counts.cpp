// Counting strings.
#include <satchel/detail/counts.hpp>

namespace satchel::detail {
namespace {

constexpr std::size_t short_max = 15;
static_assert(sizeof(std::string) > short_max, "strings have room for short ones");

/// The lowest bytes of a number, up to eight of them.
std::uint64_t lowest_bytes(std::uint64_t number, std::size_t size) {
    static constexpr std::uint64_t all = ~std::uint64_t{0};
    static constexpr std::uint64_t masks[] = {0,         all >> 56, all >> 48, all >> 40, all >> 32,
                                              all >> 24, all >> 16, all >> 8,  all};
    return number & masks[size];
}

}  // namespace

// `has_room`: the text can be read for `view_padding` bytes from its begin, however short it is. So
// there is no branch on its size, which in words no processor can foretell.
[[gnu::always_inline]] inline Counts<std::string>::Image Counts<std::string>::image_of(
    std::string_view text, bool has_room) noexcept {
    const auto size = text.size();
    if (size > short_max) return {hash_bytes(text), std::uint64_t{0xFF} << 56 | size};
    const auto low = std::min<std::size_t>(size, 8);
    const auto high = size - low;
    const auto image = [&](std::uint64_t first, std::uint64_t second) {
        return Image{first, second | std::uint64_t{size} << 56};
    };
    if (!has_room) return image(few_bytes(text.data(), low), few_bytes(text.data() + low, high));
    return image(lowest_bytes(word_at<std::uint64_t>(text.data()), low),
                 lowest_bytes(word_at<std::uint64_t>(text.data() + 8), high));
}

template <class Text>
[[gnu::always_inline]] inline Counts<std::string>::Slot& Counts<std::string>::find_or_add(
    const Image& image, Text&& text) {
    for (auto k = image.hash() & mask_;; k = (k + 1) & mask_) {
        auto& slot = slots_[k];
        if (slot.entry == empty) return add_slot(k, image, std::forward<Text>(text));
        if (slot.image == image && (!image.is_long() || entries_[slot.entry].first == text)) {
            return slot;
        }
    }
}

template <class Text>
[[gnu::noinline]] Counts<std::string>::Slot& Counts<std::string>::add_slot(std::uint64_t place,
                                                                           const Image& image,
                                                                           Text&& text) {
    if (entries_.size() * 2 >= slots_.size()) {
        grow();
        place = free_place(image);
    }
    entries_.emplace_back(std::forward<Text>(text), 0);
    slots_[place] = {image, static_cast<std::uint32_t>(entries_.size() - 1), 0};
    return slots_[place];
}

std::uint64_t Counts<std::string>::free_place(const Image& image) const noexcept {
    auto k = image.hash() & mask_;
    while (slots_[k].entry != empty) k = (k + 1) & mask_;
    return k;
}

void Counts<std::string>::grow() {
    const auto old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
    mask_ = slots_.size() - 1;
    for (const auto& slot : old) {
        if (slot.entry != empty) slots_[free_place(slot.image)] = slot;
    }
}

[[gnu::always_inline]] inline void Counts<std::string>::count(Slot& slot) {
    if (++slot.more == 0) entries_[slot.entry].second += std::size_t{1} << 32;
}

void Counts<std::string>::add_one(const std::string& text) {
    count(find_or_add(image_of(text, true), text));
}
void Counts<std::string>::add_one(std::string&& text) {
    count(find_or_add(image_of(text, true), std::move(text)));
}

void Counts<std::string>::add(const ViewBatch& batch) {
    constexpr std::size_t block = 32;
    Image images[block];
    for (std::size_t from = 0; from < batch.size; from += block) {
        const auto* const views = batch.items + from;
        const auto size = std::min(block, batch.size - from);
        for (std::size_t k = 0; k < size; ++k) {
            images[k] = batch.padded ? image_of(views[k], true) : image_of(views[k], false);
            __builtin_prefetch(&slots_[images[k].hash() & mask_]);
        }
        for (std::size_t k = 0; k < size; ++k) count(find_or_add(images[k], views[k]));
    }
}

void Counts<std::string>::add_some(std::string&& text, std::size_t count) {
    const auto entry = find_or_add(image_of(text, true), std::move(text)).entry;
    entries_[entry].second += count;
}

// Of each entry, with what its slot adds to it.
std::vector<std::size_t> Counts<std::string>::counts() const {
    std::vector<std::size_t> counts;
    counts.reserve(entries_.size());
    for (const auto& entry : entries_) counts.push_back(entry.second);
    for (const auto& slot : slots_) {
        if (slot.entry != empty) counts[slot.entry] += slot.more;
    }
    return counts;
}

void Counts<std::string>::merge(Counts&& later) {
    for (auto& [text, count] : later.take()) add_some(std::move(text), count);
}

Counts<std::string>::Entries Counts<std::string>::take() {
    for (const auto& slot : slots_) {
        if (slot.entry != empty) entries_[slot.entry].second += slot.more;
    }
    auto entries = std::move(entries_);
    *this = {};
    return entries;
}

void Counts<std::string>::serialize(OutputArchive& archive, unsigned) const {
    const auto all = counts();
    archive.save_size(all.size());
    for (std::size_t k = 0; k < all.size(); ++k) archive& entries_[k].first& all[k];
}

void Counts<std::string>::serialize(InputArchive& archive, unsigned) {
    *this = {};
    const auto size = archive.load_count();
    for (std::size_t k = 0; k < size; ++k) {
        std::string text;
        std::size_t count = 0;
        archive& text& count;
        add_some(std::move(text), count);
    }
}

}  // namespace satchel::detail
