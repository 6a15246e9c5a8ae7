// Who does the work: threads of this process, worker processes that it starts, or a cluster.
#pragma once

#include <satchel/client.hpp>
#include <satchel/executor.hpp>
#include <satchel/local_cluster.hpp>

#include "compressor_options.hpp"
#include "messages.hpp"

#include <cstdint>
#include <optional>

namespace satchel::cli {

/// Bytes that decoding may take, as --memory says; 0: no limit. Throws Refusal if it leaves none.
[[nodiscard]] std::uint64_t decoder_memory(const CompressorOptions& options);

class Workforce {
  public:
    /// Connects to the cluster, if one is named, and waits until it has a worker. Throws Error if
    /// that is not possible.
    Workforce(const CompressorOptions& options, const Messages& messages);

    /// Started when it is needed, which may be remarked upon. Throws Refusal if --memory does not
    /// allow one thread.
    const Executor& executor();

  private:
    void start();

    const CompressorOptions& options_;
    const Messages& messages_;
    std::optional<ThreadPoolExecutor> pool_;
    std::optional<LocalCluster> cluster_;
    std::optional<Client> client_;
};

}  // namespace satchel::cli
