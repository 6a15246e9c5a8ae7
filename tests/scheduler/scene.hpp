// What the tests of the scheduler share: graphs as text, and events and instructions as text, so
// that a test reads as a story and leaves no instruction unmentioned.
//
//     Scene scene;
//     scene.worker("w");                              // with one thread
//     scene.submit("a; b; a b -> c", "c");
//     CHECK(scene.out() == "w: compute a, compute b");
//     scene.finish("w", "a");
//
// "a; b" are tasks without inputs; "a b -> c" is one that depends on both; "x*3" is a layer of
// three tasks x0, x1, x2; "x -> y*3" is one with the rule `same`.
#pragma once

#include "scheduler/scheduler.hpp"

#include <map>
#include <string>
#include <vector>

namespace satchel::testing {

class Scene {
  public:
    explicit Scene(scheduler::Options options = {}) : scheduler(options) {}

    WorkerRef worker(const std::string& name, std::uint32_t threads = 1);
    ClientId client();
    /// Sends a graph of the first client, or of another, and checks the machine.
    void submit(const std::string& graph, const std::string& wanted, ClientId client = 0,
                std::uint32_t retries = 0);
    /// Offers `count` values of 100 bytes as a layer of data, and wants them.
    void offer(const std::string& layer, std::uint32_t count = 1, ClientId client = 0,
               bool everywhere = false);
    void not_sent(const std::string& task, bool is_gone, ClientId client = 0);
    void release(const std::string& keys, ClientId client = 0);
    void cancel(const std::string& keys, ClientId client = 0);
    void retry(const std::string& keys, ClientId client = 0);

    void finish(const std::string& worker, const std::string& tasks, std::int64_t nbytes = 8,
                Nanoseconds duration = 1'000'000);
    void err(const std::string& worker, const std::string& task, const std::string& text);
    void add_key(const std::string& worker, const std::string& task);
    void missing(const std::string& worker, const std::string& task, const std::string& input,
                 const std::string& holder);
    void executing(const std::string& worker, const std::string& tasks);
    void lose(const std::string& worker, const scheduler::WorkerDeath& death = {});
    void say(const std::string& worker, const FromWorker& message);
    void ask(ClientId client, FromClient message);
    void tick(Nanoseconds now);

    /// All that is to be done since the last call: "w: compute a; c0: ready a; …", or nothing.
    [[nodiscard]] std::string out();
    /// "a memory, b waiting".
    [[nodiscard]] std::string states(const std::string& tasks) const;

    /// Who has the result of a task, or is to have it.
    [[nodiscard]] std::vector<std::string> workers_of(const std::string& task) const;

    [[nodiscard]] TaskRef ref(const std::string& task) const;
    [[nodiscard]] WorkerRef ref_of(const std::string& worker) const { return workers_.at(worker); }
    [[nodiscard]] KeyRange key(const std::string& name) const;

    scheduler::Scheduler scheduler;

  private:
    [[nodiscard]] TaskId id(const std::string& task) const;
    [[nodiscard]] std::string name_of(TaskId task) const;
    [[nodiscard]] std::string name_of(const Key& key) const;
    [[nodiscard]] std::string name_of(WorkerRef worker) const;
    void tell(std::string& text, const ToWorker& message);
    void tell(std::string& text, const ToClient& message);

    std::map<std::string, WorkerRef> workers_;
    std::map<std::string, std::uint32_t> layers_;  // and how many tasks each has
    std::map<TaskRef, std::string> assigned_;
    Nanoseconds now_ = 0;
};

/// The words of a text, as parted by blanks.
[[nodiscard]] std::vector<std::string> words(const std::string& text);

}  // namespace satchel::testing
