// Texts to events, and instructions to texts.
#include "scheduler/scene.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace satchel::testing {
namespace {

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
    return parts;
}

Token token_of(const std::string& layer) { return Token::of(layer); }

// "x*3" is x and 3.
std::pair<std::string, std::uint32_t> counted(const std::string& word) {
    const auto star = word.find('*');
    if (star == std::string::npos) return {word, 1};
    return {word.substr(0, star), static_cast<std::uint32_t>(std::stoul(word.substr(star + 1)))};
}

void add(std::string& text, const std::string& what) { text += (text.empty() ? "" : ", ") + what; }

}  // namespace

std::vector<std::string> words(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string word; stream >> word;) result.push_back(word);
    return result;
}

WorkerRef Scene::worker(const std::string& name, std::uint32_t threads) {
    const auto ref = scheduler.add_worker({name, "at-" + name, threads, 0}, now_);
    workers_[name] = ref;
    scheduler.check();
    return ref;
}

ClientId Scene::client() {
    const auto id = scheduler.add_client();
    scheduler.check();
    return id;
}

// "x2" is task 2 of the layer x, "a" the only one of a.
KeyRange Scene::key(const std::string& name) const {
    if (layers_.contains(name)) return {token_of(name), 0, layers_.at(name)};
    const auto digit = name.find_first_of("0123456789");
    return {token_of(name.substr(0, digit)), std::stoul(name.substr(digit)), 1};
}

TaskId Scene::id(const std::string& task) const { return scheduler.tasks().find(key(task))->first; }
TaskRef Scene::ref(const std::string& task) const { return scheduler.tasks().ref(id(task)); }

std::string Scene::name_of(const Key& key) const {
    for (const auto& [name, count] : layers_) {
        if (token_of(name) != key.token) continue;
        return count == 1 ? name : fmt::format("{}{}", name, key.index);
    }
    return "?";
}

std::string Scene::name_of(TaskId task) const { return name_of(scheduler.tasks().key_of(task)); }

std::string Scene::name_of(WorkerRef worker) const {
    for (const auto& [name, ref] : workers_) {
        if (ref == worker) return name;
    }
    return "?";
}

void Scene::submit(const std::string& text, const std::string& wanted, ClientId client,
                   std::uint32_t retries) {
    UpdateGraph graph;
    std::map<std::string, Input> numbers;
    std::uint32_t next = 0;
    const auto number = [&](const std::string& name, std::uint32_t count) {
        numbers[name] = Input::same(next, count);
        next += count;
    };
    const auto lines = split(text, ';');
    // What is not made here is known already; it has the first numbers.
    for (const auto& line : lines) {
        const auto arrow = line.find("->");
        if (arrow == std::string::npos) continue;
        for (const auto& name : words(line.substr(0, arrow))) {
            const bool made = std::ranges::any_of(lines, [&](const std::string& other) {
                const auto at = other.find("->");
                const auto target = words(at == std::string::npos ? other : other.substr(at + 2));
                return counted(target.front()).first == name;
            });
            if (made || numbers.contains(name)) continue;
            graph.known.push_back(key(name));
            number(name, static_cast<std::uint32_t>(key(name).count));
        }
    }
    for (const auto& line : lines) {
        const auto arrow = line.find("->");
        const auto target = arrow == std::string::npos ? line : line.substr(arrow + 2);
        const auto [name, count] = counted(words(target).front());
        LayerSpec spec{.token = token_of(name),
                       .name = name,
                       .count = count,
                       .retries = retries,
                       .function = Bytes::copy_of(name),
                       .literals = {},
                       .inputs = {}};
        if (arrow != std::string::npos) {
            for (const auto& input : words(line.substr(0, arrow))) {
                const auto& rule = numbers.at(input);
                spec.inputs.push_back(count == 1 && rule.count > 1
                                          ? Input::all(rule.first, rule.count)
                                      : rule.count == 1 ? Input::one(rule.first)
                                                        : rule);
            }
        }
        layers_[name] = count;
        number(name, count);
        graph.layers.push_back(std::move(spec));
    }
    for (const auto& name : words(wanted)) graph.wanted.push_back(key(name));
    ask(client, std::move(graph));
}

void Scene::ask(ClientId client, FromClient message) {
    scheduler.handle(client, std::move(message), now_);
    scheduler.check();
}

void Scene::offer(const std::string& layer, std::uint32_t count, ClientId client, bool everywhere) {
    LayerSpec spec;
    spec.token = token_of(layer);
    spec.name = layer;
    spec.count = count;
    spec.data.assign(count, 100);
    spec.everywhere = everywhere;
    layers_[layer] = count;
    ask(client, UpdateGraph{{}, {std::move(spec)}, {key(layer)}});
}

void Scene::not_sent(const std::string& task, bool is_gone, ClientId client) {
    ask(client, DataNotSent{ref(task), is_gone});
}

void Scene::release(const std::string& keys, ClientId client) {
    ReleaseKeys message;
    for (const auto& name : words(keys)) message.keys.push_back(key(name));
    ask(client, std::move(message));
}

void Scene::cancel(const std::string& keys, ClientId client) {
    CancelKeys message;
    for (const auto& name : words(keys)) message.keys.push_back(key(name));
    ask(client, std::move(message));
}

void Scene::retry(const std::string& keys, ClientId client) {
    RetryKeys message;
    for (const auto& name : words(keys)) message.keys.push_back(key(name));
    ask(client, std::move(message));
}

void Scene::say(const std::string& worker, const FromWorker& message) {
    scheduler.handle(ref_of(worker), message, now_);
    scheduler.check();
}

void Scene::finish(const std::string& worker, const std::string& tasks, std::int64_t nbytes,
                   Nanoseconds duration) {
    TasksFinished message;
    for (const auto& task : words(tasks)) {
        message.tasks.push_back({ref(task), nbytes, duration, false, {}});
    }
    say(worker, message);
}

void Scene::err(const std::string& worker, const std::string& task, const std::string& text) {
    say(worker, TaskErred{ref(task), {.text = text, .worker = worker}});
}

void Scene::add_key(const std::string& worker, const std::string& task) {
    say(worker, KeysAdded{{ref(task)}});
}

void Scene::missing(const std::string& worker, const std::string& task, const std::string& input,
                    const std::string& holder) {
    say(worker, MissingData{ref(task), ref(input), {ref_of(holder)}});
}

void Scene::executing(const std::string& worker, const std::string& tasks) {
    Executing message;
    for (const auto& task : words(tasks)) message.tasks.push_back(ref(task));
    say(worker, message);
}

void Scene::lose(const std::string& worker, const scheduler::WorkerDeath& death) {
    scheduler.remove_worker(ref_of(worker), death);
    scheduler.check();
}

void Scene::tick(Nanoseconds now) {
    now_ = now;
    scheduler.tick(now);
    scheduler.check();
}

void Scene::tell(std::string& text, const ToWorker& message) {
    if (std::holds_alternative<Welcome>(message)) add(text, "welcome");
    if (const auto* peers = std::get_if<PeersChanged>(&message)) {
        for (const auto& peer : peers->joined) add(text, "peer " + peer.name);
        for (const auto peer : peers->lost) add(text, "lost " + name_of(peer));
    }
    if (const auto* compute = std::get_if<ComputeTasks>(&message)) {
        std::size_t argument = 0, holder = 0;
        for (const auto& task : compute->tasks) {
            auto what = "compute " + (assigned_[task.task] = name_of(task.task.task));
            if (task.alone) what += " alone";
            for (std::uint32_t k = 0; k < task.arguments; ++k, ++argument) {
                const auto& input = compute->arguments[argument];
                what += (k == 0 ? " of " : " ") + name_of(input.reference);
                for (std::uint32_t h = 0; h < input.holders; ++h, ++holder) {
                    what += "@" + name_of(compute->holders[holder]);
                }
            }
            add(text, what);
        }
    }
    if (const auto* release = std::get_if<ReleaseTasks>(&message)) {
        for (const auto task : release->tasks) add(text, "release " + assigned_[task]);
    }
    if (const auto* back = std::get_if<HandBack>(&message)) {
        for (const auto task : back->tasks) add(text, "hand back " + assigned_[task]);
    }
    if (const auto* forget = std::get_if<ForgetLayers>(&message)) {
        add(text, fmt::format("forget {}", forget->layers.size()));
    }
    if (const auto* replicate = std::get_if<Replicate>(&message)) {
        for (const auto task : replicate->tasks) {
            add(text, "copy " + name_of(task.task) + "@" + name_of(replicate->holder));
        }
    }
    if (std::holds_alternative<InventoryRequest>(message)) add(text, "inventory?");
    if (std::holds_alternative<CloseWorker>(message)) add(text, "close");
}

void Scene::tell(std::string& text, const ToClient& message) {
    if (std::holds_alternative<ClientWelcome>(message)) add(text, "welcome");
    if (const auto* peers = std::get_if<PeersChanged>(&message)) {
        for (const auto& peer : peers->joined) add(text, "peer " + peer.name);
        for (const auto peer : peers->lost) add(text, "lost " + name_of(peer));
    }
    if (const auto* ready = std::get_if<KeysInMemory>(&message)) {
        for (const auto& key : ready->keys) {
            auto what = "ready " + name_of(key.key);
            for (const auto holder : key.holders) what += "@" + name_of(holder);
            if (key.inlined) what += "=" + std::string(key.value.text());
            add(text, what);
        }
    }
    if (const auto* lost = std::get_if<KeysLost>(&message)) {
        for (const auto& key : lost->keys) add(text, "again " + name_of(key));
    }
    if (const auto* erred = std::get_if<KeyErred>(&message)) {
        add(text, fmt::format("erred {} by {}: {}", name_of(erred->key), name_of(erred->cause),
                              erred->failure.text));
    }
    if (const auto* cancelled = std::get_if<KeysCancelled>(&message)) {
        for (const auto& key : cancelled->keys) add(text, "cancelled " + name_of(key));
    }
    if (const auto* refused = std::get_if<GraphRefused>(&message)) {
        add(text, "refused: " + refused->reason);
    }
    if (const auto* send = std::get_if<SendData>(&message)) {
        for (const auto& item : send->items) {
            assigned_[item.task] = name_of(item.key);
            add(text, "send " + name_of(item.key) + " to " + name_of(item.to));
        }
    }
    if (const auto* forget = std::get_if<ForgetData>(&message)) {
        for (const auto& layer : forget->layers) add(text, "forget " + name_of(Key{layer, 0}));
    }
    if (const auto* holders = std::get_if<Holders>(&message)) {
        auto what = fmt::format("answer {}:", holders->request);
        for (const auto& key : holders->keys) what += " " + name_of(key.key);
        add(text, what);
    }
}

std::string Scene::out() {
    std::string all;
    const auto append = [&](const std::string& who, const std::string& what) {
        all += (all.empty() ? "" : "; ") + who + ": " + what;
    };
    const auto instructions = scheduler.take();
    for (const auto& batch : instructions.workers) {
        std::string text;
        for (const auto& message : batch.messages) tell(text, message);
        append(name_of(batch.to), text);
    }
    for (const auto& batch : instructions.clients) {
        std::string text;
        for (const auto& message : batch.messages) tell(text, message);
        append(fmt::format("c{}", batch.client), text);
    }
    for (const auto& disconnect : instructions.disconnects) {
        append("disconnect " + name_of(disconnect.worker), disconnect.reason);
    }
    for (const auto& warning : instructions.warnings) append("warning", warning);
    return all;
}

std::vector<std::string> Scene::workers_of(const std::string& task) const {
    std::vector<std::string> names;
    scheduler.tasks().for_each_holder(id(task), [&](WorkerId worker) {
        names.push_back(name_of(WorkerRef{worker, scheduler.workers()[worker].incarnation}));
    });
    return names;
}

std::string Scene::states(const std::string& tasks) const {
    std::string text;
    for (const auto& task : words(tasks)) {
        const auto found = scheduler.tasks().find(key(task));
        const auto state =
            found ? scheduler.tasks()[found->first].state : scheduler::TaskState::forgotten;
        add(text, task + " " + scheduler::name_of(state));
    }
    return text;
}

}  // namespace satchel::testing
