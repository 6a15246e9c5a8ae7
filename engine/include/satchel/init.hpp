/// init: lets a program be its own worker processes.
///
///     int main(int argc, char** argv) {
///         satchel::init(argc, argv);       // first; in a worker process it never returns
///         satchel::LocalCluster cluster({.n_workers = 4});
///         ...
///
/// A cluster of local processes starts this same program again for each worker, so that functions
/// need no registration to be known there. `init` is where such a process becomes a worker.
/// Programs that use only threads do not need it.
///
/// Thread safety: to be called once, before the program has other threads.
#pragma once

namespace satchel {

/// Returns at once, unless the program was started as `PROGRAM --satchel-worker …`: then it runs a
/// worker and ends the process.
void init(int argc, char** argv);

}  // namespace satchel
