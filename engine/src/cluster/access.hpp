// What it takes to connect to a cluster.
#pragma once

#include "net/address.hpp"
#include "net/credentials.hpp"

namespace satchel::detail {

struct ClusterAccess {
    net::Address scheduler = {};
    net::Credentials credentials = {};
};

}  // namespace satchel::detail
