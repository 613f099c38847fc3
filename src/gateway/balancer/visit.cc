// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/visit.h"

namespace sluice::gateway {

void Visit::begin(const LiveService& service, const Choice& choice, std::int64_t now_ns) {
  end();
  service_ = &service;
  peer_ = choice.peer;
  began_ns_ = now_ns;
  if (service.algorithm() != Algorithm::LeastConnections || !peer_) return;
  peer_->state->enter();
  counted_ = true;
}

void Visit::answered(int status, std::int64_t now_ns) {
  if (!peer_ || !peer_->state) return;
  if (service_->algorithm() == Algorithm::Latency) {
    peer_->state->note_latency(static_cast<double>(now_ns - began_ns_), now_ns);
  }
  if (service_->policy() != nullptr) {
    service_->health()->report_status(*peer_->state, *service_->policy(), Witness::Request, status);
  }
}

void Visit::connected(std::int64_t now_ns) {
  if (!peer_ || !peer_->state) return;
  if (service_->algorithm() == Algorithm::Latency) {
    peer_->state->note_latency(static_cast<double>(now_ns - began_ns_), now_ns);
  }
  if (service_->policy() != nullptr) {
    service_->health()->report(*peer_->state, *service_->policy(), Witness::Request, Outcome::Success);
  }
}

void Visit::failed(const Error& error) {
  if (!peer_ || !peer_->state || error.blame == Blame::Client || service_->policy() == nullptr) return;
  const Outcome outcome = error.code == Errc::Timeout ? Outcome::Timeout : Outcome::TcpFailure;
  service_->health()->report(*peer_->state, *service_->policy(), Witness::Request, outcome);
}

void Visit::end() {
  if (counted_) peer_->state->leave();
  counted_ = false;
}

}  // namespace sluice::gateway
