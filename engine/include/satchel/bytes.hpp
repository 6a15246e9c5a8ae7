/// Bytes: an immutable, reference-counted slice of memory, and Buffer, its writable maker.
///
///     satchel::Buffer buffer(1 << 20);
///     buffer.resize(read(fd, buffer.data(), buffer.size()));
///     satchel::Bytes block = std::move(buffer).freeze();
///     satchel::Bytes head = block.slice(0, 16);          // shares the memory
///
/// Copying or slicing `Bytes` copies no data. Large buffers come from a process-wide pool and go
/// back to it with the last slice, because touching fresh memory costs more than filling it.
///
/// Thread safety: distinct objects may be used from any thread, also when they share memory.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace satchel {

/// An immutable slice of shared memory: (owner, pointer, size).
class Bytes {
  public:
    using value_type = std::byte;
    using const_iterator = const std::byte*;

    Bytes() = default;
    Bytes(const Bytes& other) = default;
    Bytes& operator=(const Bytes& other) = default;
    ~Bytes() = default;

    /// What was moved from is empty.
    Bytes(Bytes&& other) noexcept
        : owner_(std::move(other.owner_)),
          data_(std::exchange(other.data_, nullptr)),
          size_(std::exchange(other.size_, 0)) {}
    Bytes& operator=(Bytes&& other) noexcept {
        owner_ = std::move(other.owner_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }

    /// Takes the memory over without copying it.
    Bytes(std::vector<std::byte>&& data);      // NOLINT(google-explicit-constructor)
    Bytes(std::vector<unsigned char>&& data);  // NOLINT(google-explicit-constructor)
    Bytes(std::string&& text);                 // NOLINT(google-explicit-constructor)

    /// `size` bytes at `data`, kept alive by `owner`.
    Bytes(std::shared_ptr<const void> owner, const std::byte* data, std::size_t size) noexcept
        : owner_(std::move(owner)), data_(data), size_(size) {}

    /// A copy of the bytes in `data`.
    [[nodiscard]] static Bytes copy_of(std::span<const std::byte> data);
    [[nodiscard]] static Bytes copy_of(std::string_view text);

    [[nodiscard]] const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
    [[nodiscard]] const std::byte* end() const noexcept { return data_ + size_; }
    [[nodiscard]] std::byte operator[](std::size_t i) const noexcept { return data_[i]; }

    /// The same memory as text. Valid while any slice of it lives.
    [[nodiscard]] std::string_view text() const noexcept {
        return {reinterpret_cast<const char*>(data_), size_};
    }

    /// `length` bytes from `offset` on, fewer at the end; shares the memory.
    /// Throws InvalidArgument if `offset` lies past the end.
    [[nodiscard]] Bytes slice(std::size_t offset, std::size_t length = SIZE_MAX) const;

    /// Compares the contents.
    friend bool operator==(const Bytes& a, const Bytes& b) noexcept { return a.text() == b.text(); }
    friend std::strong_ordering operator<=>(const Bytes& a, const Bytes& b) noexcept {
        return a.text() <=> b.text();
    }

  private:
    std::shared_ptr<const void> owner_;
    const std::byte* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Writable memory for one owner, turned into `Bytes` when it is filled.
class Buffer {
  public:
    Buffer() = default;

    /// `size` bytes with undetermined contents. Throws std::bad_alloc if there is no such memory.
    explicit Buffer(std::size_t size);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    [[nodiscard]] std::byte* data() noexcept { return data_; }
    [[nodiscard]] const std::byte* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::byte* begin() noexcept { return data_; }
    [[nodiscard]] std::byte* end() noexcept { return data_ + size_; }
    [[nodiscard]] const std::byte* begin() const noexcept { return data_; }
    [[nodiscard]] const std::byte* end() const noexcept { return data_ + size_; }

    /// Changes the size; what fits is kept, new bytes are undetermined. Reallocates only to grow
    /// past `capacity()`.
    void resize(std::size_t size);

    /// Copies `data`, which may be a part of this buffer, to the end.
    void append(std::span<const std::byte> data);

    /// Hands the memory over to immutable, shareable Bytes; this buffer is empty afterwards.
    [[nodiscard]] Bytes freeze() &&;

  private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace satchel
