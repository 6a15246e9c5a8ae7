// Writing and reading connection files, as JSON.
#include "net/connection_file.hpp"

#include <satchel/error.hpp>

#include "base/file_descriptor.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

namespace satchel::net {
namespace {

using detail::FileDescriptor;
using nlohmann::json;

// Of the form of the file. Another one is refused.
constexpr int format_version = 1;

// A connection file has a few hundred bytes; what is much larger is something else.
constexpr std::size_t max_file_size = std::size_t{64} << 10;

[[noreturn]] void fail(std::string_view doing, const std::filesystem::path& path,
                       std::string_view why, int code = 0) {
    throw FileError(fmt::format("cannot {} the connection file {}: {}", doing, path.string(), why),
                    code);
}

[[noreturn]] void fail_with_errno(std::string_view doing, const std::filesystem::path& path) {
    const int code = errno;
    fail(doing, path, std::strerror(code), code);
}

[[noreturn]] void fail_on_content(const std::filesystem::path& path, std::string_view what) {
    fail("use", path, fmt::format("{}; let the scheduler write it again", what));
}

// The key passes through texts, which are wiped.
void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

std::string text_of(const ConnectionFile& content) {
    json document;
    document["satchel"] = format_version;
    for (const auto& address : content.addresses) document["addresses"].push_back(address.text());
    document["cluster"] = to_hex(content.credentials.cluster);
    document["key"] = to_hex(content.credentials.key.bytes());
    auto text = document.dump(2) + "\n";
    wipe(document["key"].get_ref<std::string&>());
    return text;
}

// False, with errno, if not all could be written.
bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno != EINTR) return false;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

// Why others might know what is in the file, or change it; empty if they cannot.
std::string weakness_of(const struct stat& status) {
    if (!S_ISREG(status.st_mode)) return "it is no ordinary file";
    if (status.st_uid != geteuid() && status.st_uid != 0) return "it belongs to another user";
    if ((status.st_mode & 077) == 0) return "";
    return fmt::format(
        "its mode is {:04o}, so others can read the key in it; let the scheduler write a new one, "
        "with a new key, or if nobody else has seen it, chmod 600 it",
        status.st_mode & 07777U);
}

std::string read_text(const std::filesystem::path& path) {
    // O_NONBLOCK: a pipe of that name is refused, not waited for.
    const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) fail_with_errno("open", path);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) fail_with_errno("read", path);
    if (const auto weakness = weakness_of(status); !weakness.empty()) fail("use", path, weakness);

    std::string text(max_file_size + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const auto count = ::read(file.get(), text.data() + size, text.size() - size);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail_with_errno("read", path);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    if (size > max_file_size) fail_on_content(path, "it is too large to be one");
    text.resize(size);
    return text;
}

const std::string& text_member(const json& document, const char* name,
                               const std::filesystem::path& path) {
    const auto found = document.find(name);
    if (found == document.end() || !found->is_string()) {
        fail_on_content(path, fmt::format("it has no text '{}'", name));
    }
    return found->get_ref<const std::string&>();
}

void read_hex(const json& document, const char* name, std::span<std::byte> bytes,
              const std::filesystem::path& path) {
    if (!from_hex(text_member(document, name, path), bytes)) {
        // Not what it is instead: it might be most of a key.
        fail_on_content(path, fmt::format("its '{}' does not have {} hexadecimal digits", name,
                                          2 * bytes.size()));
    }
}

ConnectionFile content_of(const json& document, const std::filesystem::path& path) {
    if (!document.is_object() || document.find("satchel") == document.end()) {
        fail_on_content(path, "it is no connection file of satchel");
    }
    if (document["satchel"] != format_version) {
        fail_on_content(path, fmt::format("its form is version {}, not {}",
                                          document["satchel"].dump(), format_version));
    }
    ConnectionFile content;
    read_hex(document, "cluster", content.credentials.cluster, path);
    std::array<std::byte, ClusterKey::size> key{};
    read_hex(document, "key", key, path);
    content.credentials.key = ClusterKey(key);
    OPENSSL_cleanse(key.data(), key.size());

    const auto addresses = document.find("addresses");
    if (addresses == document.end() || !addresses->is_array() || addresses->empty()) {
        fail_on_content(path, "it has no 'addresses'");
    }
    for (const auto& address : *addresses) {
        if (!address.is_string()) fail_on_content(path, "one of its 'addresses' is no text");
        try {
            content.addresses.push_back(Address::parse(address.get_ref<const std::string&>()));
        } catch (const InvalidArgument& error) {
            fail_on_content(path, error.what());
        }
    }
    return content;
}

}  // namespace

void write_connection_file(const std::filesystem::path& path, const ConnectionFile& content) {
    std::array<std::byte, 8> random{};
    fill_random(random);
    const auto name = path.filename().string();
    const auto hidden = path.parent_path() / fmt::format(".{}.{}", name, to_hex(random));
    const FileDescriptor file(
        ::open(hidden.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) fail_with_errno("write", path);
    auto text = text_of(content);
    // The mode is set again, in case that the umask takes the owner's rights.
    const bool is_written = ::fchmod(file.get(), 0600) == 0 && write_all(file.get(), text) &&
                            ::fsync(file.get()) == 0 && ::rename(hidden.c_str(), path.c_str()) == 0;
    const int code = errno;
    wipe(text);
    if (is_written) return;
    ::unlink(hidden.c_str());
    fail("write", path, std::strerror(code), code);
}

ConnectionFile read_connection_file(const std::filesystem::path& path) {
    auto text = read_text(path);
    const auto document = json::parse(text, nullptr, false);
    wipe(text);
    if (document.is_discarded()) fail_on_content(path, "it is no JSON");
    return content_of(document, path);
}

}  // namespace satchel::net
