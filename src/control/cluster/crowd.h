// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <map>

#include "base/ip.h"

namespace sluice::control::cluster {

/// Connections that keep us waiting, of which there are only so many: whoever has been there longest goes for one who
/// comes, among those of his own network first. So those who are quick get by, however many others do nothing. Belongs
/// to one shard.
class Crowd {
 public:
  struct Limits {
    std::size_t all = 0;
    std::size_t of_one = 0;  // network
  };
  explicit Crowd(const Limits& limits) : limits_(limits) {}
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// One connection's part in it, while it lasts. The crowd outlives it.
  class Place {
   public:
    Place() = default;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }
    void leave();

   private:
    friend class Crowd;
    Crowd* crowd_ = nullptr;  // null: in none
    int socket_ = -1;
    IpAddress network_;
    std::list<Place*>::iterator among_all_;
    std::list<Place*>::iterator among_own_;
  };

  /// `socket` is open for as long as `place` is in the crowd. It is shut down, which wakes whoever waits for it, when
  /// its connection has to go.
  void enter(Place& place, const IpAddress& network, int socket);
  [[nodiscard]] std::size_t size() const { return all_.size(); }

 private:
  static void put_out(Place& place);

  const Limits limits_;
  std::list<Place*> all_;  // oldest first, as the others
  std::map<IpAddress, std::list<Place*>> by_network_;
};

}  // namespace sluice::control::cluster
