// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/intrusive_rc.h"
#include "http/pool.h"
#include "net/address.h"
#include "rt/reactor.h"

namespace sluice::gateway {

/// An address of an upstream on one shard, with its idle connections. Found again by (address, TLS identity), so that
/// it survives changes of configuration.
struct Endpoint : RcObject {
  Endpoint(rt::Reactor& reactor, const http::PoolOptions& options, const net::Address& where)
      : address(where), pool(reactor, options) {}
  net::Address address;
  http::Pool pool;
};

}  // namespace sluice::gateway
