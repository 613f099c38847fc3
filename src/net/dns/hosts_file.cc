// SPDX-License-Identifier: Apache-2.0
#include "net/dns/hosts_file.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "base/strings.h"

namespace sluice::net::dns {
namespace {

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

HostsFile HostsFile::parse(std::string_view text) {
  HostsFile hosts;
  for (std::string_view line : split(text, '\n')) {
    line = line.substr(0, line.find('#'));
    auto ip = IpAddress::parse(next_word(line));
    if (!ip) continue;
    for (std::string_view name = next_word(line); !name.empty(); name = next_word(line)) {
      if (name.ends_with('.')) name.remove_suffix(1);
      auto& addresses = hosts.by_name_[to_lower(name)];
      if (std::ranges::find(addresses, *ip) == addresses.end()) addresses.push_back(*ip);
    }
  }
  return hosts;
}

HostsFile HostsFile::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

std::span<const IpAddress> HostsFile::find(std::string_view name) const {
  if (auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  if (name == "localhost" || name.ends_with(".localhost")) {
    static const std::array<IpAddress, 2> kLoopback = {*IpAddress::parse("127.0.0.1"), *IpAddress::parse("::1")};
    return kLoopback;
  }
  return {};
}

}  // namespace sluice::net::dns
