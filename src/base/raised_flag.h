// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice {

/// Sets a flag for as long as it lives, however its scope is left. Outlived by the flag.
class RaisedFlag {
 public:
  explicit RaisedFlag(bool& flag) : flag_(flag) { flag_ = true; }
  RaisedFlag(const RaisedFlag&) = delete;
  RaisedFlag& operator=(const RaisedFlag&) = delete;
  ~RaisedFlag() { flag_ = false; }

 private:
  bool& flag_;
};

}  // namespace sluice
