// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::net {

/// A kernel pipe through which octets are spliced from one socket to another. Borrowed from a per-thread stock: making
/// one costs three system calls, and an active transfer needs exactly one.
class SplicePipe {
 public:
  SplicePipe();
  SplicePipe(const SplicePipe&) = delete;
  SplicePipe& operator=(const SplicePipe&) = delete;
  /// Back to the stock if it is known to be empty, else closed.
  ~SplicePipe();

  [[nodiscard]] bool is_open() const { return read_ >= 0; }
  [[nodiscard]] int read_end() const { return read_; }
  [[nodiscard]] int write_end() const { return write_; }
  /// The owner says how many octets are inside; 0 makes it reusable.
  void set_held(unsigned long octets) { held_ = octets; }

  static constexpr int kCapacity = 256 * 1024;  // octets

 private:
  int read_ = -1;
  int write_ = -1;
  unsigned long held_ = 0;
};

}  // namespace sluice::net
