// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/crowd.h"

#include <utility>

#include <sys/socket.h>

namespace sluice::control::cluster {

void Crowd::enter(Place& place, const IpAddress& network, int socket) {
  auto& own = by_network_[network];
  place.crowd_ = this;
  place.socket_ = socket;
  place.network_ = network;
  place.among_all_ = all_.insert(all_.end(), &place);
  place.among_own_ = own.insert(own.end(), &place);
  if (own.size() > limits_.of_one) {
    put_out(*own.front());
  } else if (all_.size() > limits_.all) {
    put_out(*all_.front());
  }
}

void Crowd::put_out(Place& place) {
  ::shutdown(place.socket_, SHUT_RDWR);
  place.leave();
}

void Crowd::Place::leave() {
  Crowd* const crowd = std::exchange(crowd_, nullptr);
  if (crowd == nullptr) return;
  crowd->all_.erase(among_all_);
  const auto own = crowd->by_network_.find(network_);
  own->second.erase(among_own_);
  if (own->second.empty()) crowd->by_network_.erase(own);
}

}  // namespace sluice::control::cluster
