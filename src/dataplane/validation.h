// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "base/json.h"
#include "dataplane/standing.h"
#include "entity/catalog.h"
#include "sync/local.h"

namespace sluice::dataplane {

/// A configuration, or a change of one, as it came off the wire: nothing about it is checked.
struct Incoming {
  std::string from;  // the version that it changes; empty when `delta` is complete
  Standing to;
  bool strict = false;      // `to.hash` is a sync::Digest that has to be met, and order is kept
  bool only_first = false;  // for a node that serves nothing yet, and no other
  sync::Delta delta;
};

/// Why a configuration is not taken.
struct Refusal {
  enum class Kind : std::uint8_t {
    Invalid,      // some entity is wrong; `errors` says which
    WrongDigest,  // what arrived is not what was sent
    OutOfOrder,   // it changes another version than the one that is served
    Stale,        // it is older than what is served
    Failed,       // our own trouble
  };
  Kind kind = Kind::Invalid;
  std::string message;
  Json errors = Json::array();  // as flattened_errors of /config
};

/// A change that can be tried at the gateway.
struct Candidate {
  State next;
  Step step;           // what differs from the state before
  sync::Delta served;  // the same for the gateway
  // What a newer control plane knows and this release does not; left out.
  std::size_t ignored_fields = 0;
  std::size_t ignored_rows = 0;
};

/// Judges a change against `current`: digest, every document, every reference; all of it, so that every problem is
/// named. Takes the time that the change takes, a whole configuration seconds: not on a reactor.
std::expected<Candidate, Refusal> validate(const entity::Catalog& catalog, const State& current, Incoming incoming);

/// A configuration that another release, or one with other plugins, kept: every document again.
std::expected<State, Refusal> revalidate(const entity::Catalog& catalog, const State& kept);

/// The delta with which a gateway begins that holds nothing yet.
sync::Delta whole(const State& state);

/// The same as the control plane has it, for those who pass it on.
sync::Delta received(const RowTable& rows);

/// What the gateway's own problems are to a control plane.
Refusal refusal_of(const std::vector<sync::ConfigProblem>& problems, const RowTable& rows,
                   const entity::Catalog& catalog);

}  // namespace sluice::dataplane
