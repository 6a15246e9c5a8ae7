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

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

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

/// A value that a client had put into a cluster was lost with the workers that had it, and nobody
/// can give it again.
class DataLost : public Error {
  public:
    using Error::Error;
};

/// A connection to another process that cannot be made, or is lost.
class ConnectionError : public Error {
  public:
    using Error::Error;
};

/// The client was closed while something was asked of it, or is closed.
class ClientClosed : public Error {
  public:
    using Error::Error;
};

/// What was waited for did not come in time.
class TimeoutError : public Error {
  public:
    using Error::Error;
};

/// A task failed with something that cannot be given back as itself: what is not a
/// `std::exception`, or, from a cluster, an exception of a type that other programs do not know.
class TaskError : public Error {
  public:
    /// What is known of it; empty where nothing is.
    struct Details {
        std::string type = {};    ///< of what was thrown
        std::string text = {};    ///< its what()
        std::string task = {};    ///< that threw it
        std::string worker = {};  ///< where the task ran
    };

    explicit TaskError(const std::string& what) : Error(what) {}
    TaskError(const std::string& what, Details details);

    [[nodiscard]] const Details& details() const noexcept;

  private:
    std::shared_ptr<const Details> details_;  // copying an exception must not throw
};

/// Each of several workers died while it executed this task, so it is taken for the reason.
class KilledWorker : public Error {
  public:
    using Error::Error;
};

}  // namespace satchel
