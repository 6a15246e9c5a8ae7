/// What satchel throws.
///
/// Every error says what was being done, to what, what went wrong and what to do. All derive from
/// `Error`, which derives from `std::runtime_error` alone, so that both of these always match:
///
///     try { bag.compute(); }
///     catch (const satchel::EmptyBag& e) { ... }
///     catch (const std::exception& e) { ... }
///
/// An exception that a user's own function throws is not wrapped: it comes back as itself.
#pragma once

#include <stdexcept>
#include <string>

namespace satchel {

/// The base of everything that satchel itself throws.
class Error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// An argument that can never work, refused at the call, before anything runs.
class InvalidArgument : public Error {
  public:
    using Error::Error;
};

/// A reduction without a neutral element met a bag without elements.
class EmptyBag : public Error {
  public:
    using Error::Error;
};

/// A key or an index that an element does not have.
class KeyError : public Error {
  public:
    using Error::Error;
};

/// Bags that are walked together have partitions of unequal length.
class LengthError : public Error {
  public:
    using Error::Error;
};

/// A graph that cannot run: an unknown key, a duplicate key, a cycle. The text names the keys.
class GraphError : public Error {
  public:
    using Error::Error;
};

/// The run was stopped, by its `std::stop_token` or because its executor went away.
class Cancelled : public Error {
  public:
    using Error::Error;
};

/// A file that cannot be opened, read or written.
class FileError : public Error {
  public:
    /// `what` as for every error; `code` is the `errno` of the failed call, 0 where there is none.
    explicit FileError(const std::string& what, int code = 0) : Error(what), code_(code) {}

    /// The `errno` of the call that failed, or 0.
    [[nodiscard]] int code() const noexcept { return code_; }

  private:
    int code_;
};

/// A connection to another process that cannot be made, or is lost.
class ConnectionError : public Error {
  public:
    using Error::Error;
};

/// A task failed with something that cannot be given back as itself: here, what is not a
/// `std::exception`.
class TaskError : public Error {
  public:
    using Error::Error;
};

}  // namespace satchel
