// Why a task has no result: what a worker tells the scheduler, and the scheduler every client that
// wants the task or one that depends on it.
#pragma once

#include <satchel/bytes.hpp>

#include <cstdint>
#include <string>

namespace satchel {

struct Failure {
    enum class Kind : std::uint8_t {
        exception,      ///< the function threw
        killed_worker,  ///< it was executing on too many workers that died
        refused,        ///< it could not be called at all: a module is missing, bytes are damaged
        lost            ///< its value came from a client, and is there no more
    };

    Kind kind = Kind::exception;
    std::string type = {};    ///< the exception's
    std::string text = {};    ///< for people
    std::string worker = {};  ///< where it happened
    Bytes exception = {};     ///< the exception itself, if it travels; opaque here

    friend bool operator==(const Failure&, const Failure&) = default;
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& kind& type& text& worker& exception;
    }
};

}  // namespace satchel
