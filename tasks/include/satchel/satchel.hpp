/// All of satchel: the engine and the ready-made tasks. Programs that care for their compile time
/// include what they use instead.
#pragma once

#include <satchel/archive.hpp>
#include <satchel/bag.hpp>
#include <satchel/bytes.hpp>
#include <satchel/client.hpp>
#include <satchel/compute.hpp>
#include <satchel/delayed.hpp>
#include <satchel/error.hpp>
#include <satchel/executor.hpp>
#include <satchel/fn.hpp>
#include <satchel/future.hpp>
#include <satchel/init.hpp>
#include <satchel/local_cluster.hpp>
#include <satchel/log.hpp>
#include <satchel/module.hpp>
#include <satchel/progress.hpp>
#include <satchel/stable_hash.hpp>
#include <satchel/stream.hpp>
#include <satchel/task.hpp>
#include <satchel/tasks/codec.hpp>
#include <satchel/tasks/compress.hpp>
#include <satchel/tasks/decompress.hpp>
#include <satchel/tasks/file.hpp>
#include <satchel/tasks/text.hpp>
#include <satchel/this_task.hpp>
#include <satchel/travelling_error.hpp>
#include <satchel/units.hpp>
