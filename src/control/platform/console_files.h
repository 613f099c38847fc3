// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control/admin/message.h"
#include "http/message.h"
#include "rt/offload.h"
#include "rt/reactor.h"

namespace sluice::control::platform {

/// Serves the console: a folder of files as a front end's build leaves them, with compressed copies (`.br`, `.gz`)
/// beside them. Names that carry a digest are cached for ever, index.html never, and is what paths of the console's own
/// get. Belongs to one shard; files are read on a thread of its own.
class ConsoleFiles {
 public:
  /// `folder` is empty where there is no console: then a page says so.
  ConsoleFiles(std::string folder, rt::Reactor& reactor);
  ConsoleFiles(const ConsoleFiles&) = delete;
  ConsoleFiles& operator=(const ConsoleFiles&) = delete;

  /// The reply to GET or HEAD of a path that is no API's.
  Task<admin::Reply> answer(const http::RequestHead& head);

 private:
  struct File;
  Task<std::shared_ptr<const File>> read(std::string name);

  const std::string folder_;
  rt::Reactor& reactor_;
  std::unique_ptr<rt::BlockingPool> thread_;  // made when the first file is read
};

}  // namespace sluice::control::platform
