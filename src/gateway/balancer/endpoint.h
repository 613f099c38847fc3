// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/intrusive_rc.h"
#include "http/multiplexed_pool.h"
#include "http/pool.h"
#include "net/address.h"
#include "rt/reactor.h"

namespace sluice::gateway {

/// An address of an upstream on one shard, with its connections. Found again by (address, TLS identity), so that it
/// survives changes of configuration.
struct Endpoint : RcObject {
  Endpoint(rt::Reactor& reactor, const http::PoolOptions& options, const net::Address& where)
      : address(where), pool(reactor, options), multiplexed(reactor, options) {}
  net::Address address;
  http::Pool pool;                    // of HTTP/1.1: those that are idle
  http::MultiplexedPool multiplexed;  // of HTTP/2: all
  bool chose_http1 = false;           // when it was last offered both

  /// Whoever forgets it loses nothing.
  [[nodiscard]] bool keeps_nothing() const { return pool.idle() == 0 && multiplexed.empty(); }
};

}  // namespace sluice::gateway
