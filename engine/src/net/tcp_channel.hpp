// TcpChannel: messages over a connected, authenticated socket.
#pragma once

#include "net/channel.hpp"
#include "net/frame.hpp"
#include "net/socket.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/steady_timer.hpp>

namespace satchel::net {

class TcpChannel : public Channel {
  public:
    /// `open_count` is kept until the channel is destroyed: its use count counts the connections.
    TcpChannel(EventLoop& loop, TcpSocket socket, Role peer_role, std::string peer,
               const FrameLimits& limits, std::shared_ptr<void> open_count);

    void send(std::span<const std::byte> body, std::vector<Bytes> segments) override;
    [[nodiscard]] std::size_t queued() const override { return writer_.queued(); }
    void close(std::string_view reason) override;
    void flush() override;

  protected:
    void receive() override;
    void shut() override;

  private:
    [[nodiscard]] std::shared_ptr<TcpChannel> self();
    void flush_soon();
    [[nodiscard]] bool write_some();
    void wait_to_write();
    void wait_to_read();
    [[nodiscard]] bool read_some(std::size_t& budget);
    [[nodiscard]] bool deliver_all();
    void lose(int error);
    void wait_for_goodbye();

    TcpSocket socket_;
    FrameReader reader_;
    FrameWriter writer_;
    std::shared_ptr<void> open_count_;
    boost::asio::steady_timer goodbye_timer_;
    bool is_flush_due_ = false;
    bool is_waiting_to_write_ = false;
    bool is_waiting_to_read_ = false;
    bool is_closing_ = false;
};

}  // namespace satchel::net
