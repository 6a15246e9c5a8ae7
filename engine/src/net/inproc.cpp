// Connections inside a process: a message is moved from one loop's thread to another's.
//
// There is no handshake, because there is nobody else in a process, and segments are not copied.
#include <satchel/bytes.hpp>

#include "net/channel.hpp"

#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

namespace satchel::net {
namespace {

// What a channel has been sent and has not delivered.
struct Letter {
    Bytes body;
    std::vector<Bytes> segments;

    [[nodiscard]] std::size_t size() const {
        auto sum = body.size();
        for (const auto& segment : segments) sum += segment.size();
        return sum;
    }
};

class InprocChannel : public Channel {
  public:
    InprocChannel(EventLoop& loop, Role peer_role, std::string peer, const FrameLimits& limits)
        : Channel(loop, peer_role, std::move(peer)), limits_(limits), thread_(loop.shared_impl()) {}

    void join(std::weak_ptr<InprocChannel> peer) { peer_ = std::move(peer); }

    void send(std::span<const std::byte> body, std::vector<Bytes> segments) override;
    [[nodiscard]] std::size_t queued() const override { return queued_; }
    void close(std::string_view reason) override;
    void flush() override {}

  protected:
    void receive() override;
    void shut() override;

  private:
    void put(Letter letter);
    void put_end(Closed end);
    void on_delivered(std::size_t size);
    void wake();
    [[nodiscard]] std::optional<Letter> take();

    FrameLimits limits_;
    std::shared_ptr<EventLoop::Impl> thread_;  // the loop may go while the peer still sends
    std::weak_ptr<InprocChannel> peer_;
    std::atomic<std::size_t> queued_ = 0;  // sent, and not delivered by the peer
    bool is_closing_ = false;

    std::mutex mutex_;  // of what follows
    std::deque<Letter> inbox_;
    std::optional<Closed> end_of_inbox_;
    bool is_awake_ = false;  // a call of receive() is on its way
};

std::shared_ptr<InprocChannel> as_inproc(const std::shared_ptr<Channel>& channel) {
    return std::static_pointer_cast<InprocChannel>(channel);
}

void InprocChannel::send(std::span<const std::byte> body, std::vector<Bytes> segments) {
    check_frame(FrameType::message, body.size(), segments.size(), limits_);
    const auto peer = peer_.lock();
    if (is_over() || is_closing_ || !peer) return;
    Letter letter{Bytes::copy_of(body), std::move(segments)};
    queued_ += letter.size();
    note_queue();
    peer->put(std::move(letter));
}

void InprocChannel::close(std::string_view reason) {
    if (is_over() || std::exchange(is_closing_, true)) return;
    if (const auto peer = peer_.lock()) {
        peer->put_end({Closed::Kind::by_peer, std::string(reason)});
    }
    finish(Closed::Kind::here, "closed");
}

// Called by the peer, in its thread.
void InprocChannel::put(Letter letter) {
    const std::lock_guard lock(mutex_);
    inbox_.push_back(std::move(letter));
    wake();
}

void InprocChannel::put_end(Closed end) {
    const std::lock_guard lock(mutex_);
    if (!end_of_inbox_) end_of_inbox_ = std::move(end);
    wake();
}

// REQUIRES: the mutex is held.
void InprocChannel::wake() {
    if (std::exchange(is_awake_, true)) return;
    (void)thread_->try_post([self = as_inproc(shared_from_this())] {
        {
            const std::lock_guard lock(self->mutex_);
            self->is_awake_ = false;
        }
        self->receive();
    });
}

std::optional<Letter> InprocChannel::take() {
    const std::lock_guard lock(mutex_);
    if (inbox_.empty()) return std::nullopt;
    auto letter = std::move(inbox_.front());
    inbox_.pop_front();
    return letter;
}

void InprocChannel::receive() {
    std::size_t delivered = 0;
    while (may_deliver()) {
        auto letter = take();
        if (!letter) break;
        delivered += letter->size();
        Message message{{letter->body.data(), letter->body.size()}, std::move(letter->segments)};
        deliver(message);
    }
    if (const auto peer = peer_.lock()) peer->on_delivered(delivered);
    if (!may_deliver()) return;
    std::optional<Closed> end;
    {
        const std::lock_guard lock(mutex_);
        if (inbox_.empty()) end = end_of_inbox_;
    }
    if (end) finish(end->kind, end->text);
}

// Called by the peer, in its thread.
void InprocChannel::on_delivered(std::size_t size) {
    const auto before = queued_.fetch_sub(size);
    constexpr auto low_water = Connection::high_water / 2;
    if (before <= low_water || before - size > low_water) return;
    (void)thread_->try_post([self = as_inproc(shared_from_this())] { self->report_queue(); });
}

void InprocChannel::shut() {
    // The peer learns of an end that nobody announced.
    if (const auto peer = peer_.lock(); peer && !is_closing_) {
        peer->put_end({Closed::Kind::lost,
                       fmt::format("{} closed the connection without a word", peer->peer())});
    }
    const std::lock_guard lock(mutex_);
    inbox_.clear();
}

class InprocListener {
  public:
    InprocListener(EventLoop& its_loop, Address where, ListenOptions its_options,
                   std::function<void(Connection)> on_connection)
        : loop(its_loop),
          thread(its_loop.shared_impl()),
          options(std::move(its_options)),
          address_(std::move(where)),
          on_connection_(std::move(on_connection)) {}

    [[nodiscard]] const Address& address() const { return address_; }

    // In the thread of the loop, in which `close` is called, too.
    void accept(const std::shared_ptr<InprocChannel>& channel) {
        if (is_closed_) {
            channel->abandon();
        } else {
            on_connection_(Connection(channel));
        }
    }
    void close() { is_closed_ = true; }

    EventLoop& loop;
    std::shared_ptr<EventLoop::Impl> thread;
    ListenOptions options;

  private:
    Address address_;
    std::function<void(Connection)> on_connection_;
    bool is_closed_ = false;
};

// The listeners of this process by name.
class Registry {
  public:
    [[nodiscard]] bool add(const std::string& name, std::weak_ptr<InprocListener> listener) {
        const std::lock_guard lock(mutex_);
        return listeners_.emplace(name, std::move(listener)).second;
    }
    void remove(const std::string& name) {
        const std::lock_guard lock(mutex_);
        listeners_.erase(name);
    }
    [[nodiscard]] std::shared_ptr<InprocListener> find(const std::string& name) {
        const std::lock_guard lock(mutex_);
        const auto found = listeners_.find(name);
        return found == listeners_.end() ? nullptr : found->second.lock();
    }

  private:
    std::mutex mutex_;
    std::map<std::string, std::weak_ptr<InprocListener>> listeners_;
};

Registry& registry() {
    static Registry instance;
    return instance;
}

class InprocListenerHandle : public Listener::Impl {
  public:
    explicit InprocListenerHandle(std::shared_ptr<InprocListener> listener)
        : listener_(std::move(listener)) {}
    ~InprocListenerHandle() override {
        registry().remove(listener_->address().host);
        listener_->loop.call([&] { listener_->close(); });
    }
    InprocListenerHandle(const InprocListenerHandle&) = delete;
    InprocListenerHandle& operator=(const InprocListenerHandle&) = delete;
    [[nodiscard]] const Address& address() const override { return listener_->address(); }
    [[nodiscard]] std::int64_t refused() const override { return 0; }

  private:
    std::shared_ptr<InprocListener> listener_;
};

}  // namespace

std::unique_ptr<Listener::Impl> listen_inproc(EventLoop& loop, const Address& where,
                                              const ListenOptions& options,
                                              std::function<void(Connection)> on_connection) {
    auto listener =
        std::make_shared<InprocListener>(loop, where, options, std::move(on_connection));
    if (!registry().add(where.host, listener)) {
        throw ConnectionError(
            fmt::format("cannot listen on {}: another part of this process does", where.text()));
    }
    return std::make_unique<InprocListenerHandle>(std::move(listener));
}

void connect_inproc(EventLoop& loop, const Address& to, const ConnectOptions& options,
                    const std::function<void(ConnectResult)>& done) {
    const auto listener = registry().find(to.host);
    if (!listener) {
        return done({{},
                     fmt::format("cannot connect to {}: no part of this process listens there",
                                 to.text())});
    }
    const auto ours = std::make_shared<InprocChannel>(loop, listener->options.identity.role,
                                                      to.text(), options.limits);
    const auto theirs = std::make_shared<InprocChannel>(listener->loop, options.identity.role,
                                                        to.text(), listener->options.limits);
    ours->join(theirs);
    theirs->join(ours);
    (void)listener->thread->try_post([listener, theirs] { listener->accept(theirs); });
    done({Connection(ours), {}});
}

}  // namespace satchel::net
