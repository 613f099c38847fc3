// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/ip.h"

namespace sluice::http {

/// How many connections each client address has on one shard. IPv6 clients are counted by their /64, which is what one
/// of them is given. Outlives its seats.
class AddressCounts {
  using Key = std::array<std::uint8_t, 16>;
  struct Hash {
    std::size_t operator()(const Key& key) const noexcept {
      return StringHash{}({reinterpret_cast<const char*>(key.data()), key.size()});
    }
  };
  struct Entry;
  using Entries = std::unordered_map<Key, Entry, Hash>;
  struct Entry {
    AddressCounts* counts = nullptr;
    std::uint32_t connections = 0;
  };

 public:
  /// One counted connection; its end gives the place back. Empty ones count nothing.
  class Seat {
   public:
    Seat() = default;
    Seat(Seat&& other) noexcept : entry_(std::exchange(other.entry_, nullptr)) {}
    Seat& operator=(Seat&& other) noexcept {
      std::swap(entry_, other.entry_);
      return *this;
    }
    ~Seat() { leave(); }

   private:
    friend class AddressCounts;
    explicit Seat(Entries::value_type& entry) : entry_(&entry) {}
    void leave() noexcept {
      if (entry_ != nullptr && --entry_->second.connections == 0) {
        entry_->second.counts->entries_.erase(Key(entry_->first));
      }
    }
    Entries::value_type* entry_ = nullptr;  // values of an unordered_map stay where they are
  };

  AddressCounts() = default;
  AddressCounts(const AddressCounts&) = delete;
  AddressCounts& operator=(const AddressCounts&) = delete;

  [[nodiscard]] Seat take(const IpAddress& address);
  /// Connections of that address, or of its /64.
  [[nodiscard]] std::uint32_t count(const IpAddress& address) const;
  [[nodiscard]] std::size_t addresses() const { return entries_.size(); }

 private:
  [[nodiscard]] static Key key_of(const IpAddress& address);

  Entries entries_;
};

}  // namespace sluice::http
