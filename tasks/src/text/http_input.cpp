// The text behind a URL, as it comes over the network: one GET by HTTP/1.1, with or without TLS.
//
// The body is read piece by piece, as its lines are wanted. Each step has to make progress within a
// time; certificates are checked against those that the system trusts. Asio does the waiting, but
// one step at a time: for who reads, this is a file.
#include <satchel/error.hpp>

#include "text/text_input.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <fmt/format.h>

namespace satchel::detail {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr std::chrono::seconds step_time{60};
constexpr int redirections_max = 10;

// http://host:port/target
struct Url {
    bool secure = false;
    std::string host;
    std::string port;
    std::string target;

    static Url parse(const std::string& text);

    [[nodiscard]] std::string authority() const {
        const bool usual = port == (secure ? "443" : "80");
        const auto name = host.find(':') == std::string::npos ? host : "[" + host + "]";
        return usual ? name : name + ":" + port;
    }
    [[nodiscard]] std::string origin() const {
        return (secure ? "https://" : "http://") + authority();
    }
    [[nodiscard]] std::string resolved(const std::string& reference) const;
};

[[noreturn]] void refuse_url(const std::string& url, std::string_view why) {
    throw InvalidArgument(
        fmt::format("from_url: {}: {}; a URL is like http://host/path", url, why));
}

// Whether a URL begins with a scheme, which may be written in capitals.
bool has_scheme(std::string_view url, std::string_view scheme) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; };
    return std::ranges::equal(url.substr(0, scheme.size()), scheme, {}, lower);
}

// Whether a reference on a page is a URL by itself: "scheme:" is in front of all else.
bool is_absolute(std::string_view reference) {
    const auto end = reference.find_first_of(":/?#");
    return end != std::string_view::npos && reference[end] == ':';
}

// What a reference on the page stands for.
std::string Url::resolved(const std::string& reference) const {
    if (is_absolute(reference)) return reference;
    if (reference.starts_with("//")) return (secure ? "https:" : "http:") + reference;
    if (reference.starts_with('/')) return origin() + reference;
    const auto path = target.substr(0, target.find('?'));
    if (reference.starts_with('?')) return origin() + path + reference;
    return origin() + path.substr(0, path.rfind('/') + 1) + reference;
}

Url Url::parse(const std::string& text) {
    // Nothing that could become a second line of the request.
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || c == '\x7F') {
            refuse_url(text, "it has a space or a control character");
        }
    }
    Url url;
    std::string_view rest(text);
    if (has_scheme(rest, "https://")) {
        url.secure = true;
        rest.remove_prefix(8);
    } else if (has_scheme(rest, "http://")) {
        rest.remove_prefix(7);
    } else {
        refuse_url(text, "it begins with neither http:// nor https://");
    }
    rest = rest.substr(0, rest.find('#'));
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    auto authority = rest.substr(0, end);
    url.target = std::string(rest.substr(end));
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    if (authority.find('@') != std::string_view::npos) refuse_url(text, "it names a user");
    url.port = url.secure ? "443" : "80";
    const auto colon = authority.rfind(':');
    if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
        url.port = std::string(authority.substr(colon + 1));
        authority = authority.substr(0, colon);
        const bool is_number = !url.port.empty() && url.port.size() <= 5 &&
                               url.port.find_first_not_of("0123456789") == std::string::npos;
        if (!is_number || std::stoi(url.port) > 65'535) {
            refuse_url(text, "its port is no number from 0 to 65535");
        }
    }
    if (authority.starts_with('[') && authority.ends_with(']')) {
        authority = authority.substr(1, authority.size() - 2);
    }
    url.host = std::string(authority);
    if (url.host.empty()) refuse_url(text, "it names no host");
    return url;
}

// A response that is being received.
class HttpInput : public TextInput {
  public:
    explicit HttpInput(const std::string& url)
        : url_(Url::parse(url)),
          name_(url),
          trusted_(asio::ssl::context::tls_client),
          stream_(context_, trusted_) {
        // Not boost::none: Beast 1.74 takes every length for larger than that.
        parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
        connect();
        if (url_.secure) encrypt();
        ask();
    }

    // Where the response sends us instead; empty: nowhere. Throws FileError where it is no use.
    [[nodiscard]] std::string location() const {
        const auto& response = parser_.get();
        const auto status = response.result_int();
        if (status == 200) {
            check_encoding();
            return {};
        }
        const bool redirects =
            status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
        const auto found = response.find(http::field::location);
        if (redirects && found != response.end()) {
            const auto to =
                url_.resolved(std::string(found->value().data(), found->value().size()));
            check_location(to);
            return to;
        }
        throw FileError(fmt::format("{}: the server answers {} {}", name_, status,
                                    std::string(response.reason())));
    }

    std::size_t read(std::span<char> room) override {
        auto& body = parser_.get().body();
        while (!parser_.is_done()) {
            body.data = room.data();
            body.size = room.size();
            body.more = true;
            with_stream([&](auto& stream) {
                step("receive", [&](auto&& handler) {
                    http::async_read(stream, received_, parser_, handler);
                });
            });
            const auto read = room.size() - body.size;
            if (read != 0) return read;
        }
        return 0;
    }

  private:
    void check_location(const std::string& to) const {
        const auto refuse = [&](std::string_view why) {
            throw FileError(fmt::format("{}: sends us to {}, which is {}", name_, to, why));
        };
        try {
            const auto is_secure = Url::parse(to).secure;
            if (url_.secure && !is_secure) refuse("not encrypted");
        } catch (const InvalidArgument&) {
            refuse("no web page");
        }
    }
    // Some servers encode all the same.
    void check_encoding() const {
        const auto found = parser_.get().find(http::field::content_encoding);
        if (found == parser_.get().end() || beast::iequals(found->value(), "identity")) return;
        throw FileError(fmt::format(
            "{}: the server sends its content encoded as '{}', although that was not asked for",
            name_, std::string(found->value())));
    }

    // What is done next; what the caller sees of it is an error with the URL's name.
    template <class Start>
    void step(const char* what, Start start) {
        error_code error;
        beast::get_lowest_layer(stream_).expires_after(step_time);
        start([&error](const error_code& result, auto&&...) { error = result; });
        context_.restart();
        context_.run();
        if (!error || error == http::error::need_buffer) return;
        throw FileError(fmt::format("{}: cannot {}: {}", name_, what, error.message()));
    }

    // Calls `use` with the stream that carries the request.
    template <class Use>
    void with_stream(Use use) {
        if (url_.secure) {
            use(stream_);
        } else {
            use(stream_.next_layer());
        }
    }

    void connect() {
        asio::ip::tcp::resolver resolver(context_);
        asio::ip::tcp::resolver::results_type found;
        step("find the host", [&](auto&& handler) {
            resolver.async_resolve(url_.host, url_.port,
                                   [&found, handler](const error_code& error, auto results) {
                                       found = std::move(results);
                                       handler(error);
                                   });
        });
        step("connect", [&](auto&& handler) {
            beast::get_lowest_layer(stream_).async_connect(found, handler);
        });
    }

    void encrypt() {
        trusted_.set_default_verify_paths();
        stream_.set_verify_mode(asio::ssl::verify_peer);
        stream_.set_verify_callback(asio::ssl::host_name_verification(url_.host));
        ::SSL_set_tlsext_host_name(stream_.native_handle(), url_.host.c_str());
        step("encrypt the connection", [&](auto&& handler) {
            stream_.async_handshake(asio::ssl::stream_base::client, handler);
        });
    }

    void ask() {
        http::request<http::empty_body> request(http::verb::get, url_.target, 11);
        request.set(http::field::host, url_.authority());
        request.set(http::field::user_agent, "satchel");
        request.set(http::field::accept_encoding, "identity");
        request.set(http::field::connection, "close");
        with_stream([&](auto& stream) {
            step("send the request",
                 [&](auto&& handler) { http::async_write(stream, request, handler); });
            step("receive", [&](auto&& handler) {
                http::async_read_header(stream, received_, parser_, handler);
            });
        });
    }

    Url url_;
    std::string name_;
    asio::io_context context_{1};
    asio::ssl::context trusted_;
    beast::ssl_stream<beast::tcp_stream> stream_;
    beast::flat_buffer received_;
    http::response_parser<http::buffer_body> parser_;
};

}  // namespace

void check_url(const std::string& url) { (void)Url::parse(url); }

std::unique_ptr<TextInput> open_url(const std::string& url) {
    auto at = url;
    for (int k = 0; k <= redirections_max; ++k) {
        auto input = std::make_unique<HttpInput>(at);
        auto next = input->location();
        if (next.empty()) return input;
        at = std::move(next);
    }
    throw FileError(fmt::format("{}: is redirected more than {} times", url, redirections_max));
}

}  // namespace satchel::detail
