// How messages, values and functions become what a Connection sends.
//
//     send(connection, WorkerBatch{...});
//     auto batch = receive<WorkerBatch>(message);      // throws ArchiveError: the connection
//     closes
//
// Where the machines' messages have a field of opaque Bytes, `pack` makes it of what an archive
// wrote.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/bytes.hpp>

#include "net/connection.hpp"

namespace satchel::cluster {

/// Head and segments in one piece. Copies them, unless there is only a small head.
[[nodiscard]] Bytes pack(const Encoded& encoded);
/// The parts of what was packed; they share its memory. Throws ArchiveError.
[[nodiscard]] Encoded unpack(const Bytes& packed);

void send_encoded(net::Connection& connection, Encoded message);
[[nodiscard]] Encoded received(net::Message& message);

template <class Message>
void send(net::Connection& connection, const Message& message) {
    send_encoded(connection, encode(message));
}

template <class Message>
[[nodiscard]] Message receive(net::Message& message) {
    return decode<Message>(received(message));
}

}  // namespace satchel::cluster
