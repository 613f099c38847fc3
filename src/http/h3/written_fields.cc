// SPDX-License-Identifier: Apache-2.0
#include "http/h3/written_fields.h"

#include <algorithm>
#include <string_view>

namespace sluice::http::h3 {
namespace {

std::string_view lower_name(Arena& arena, const nghttp2_nv& field) {
  const std::string_view name(reinterpret_cast<const char*>(field.name), field.namelen);
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (std::none_of(name.begin(), name.end(), is_upper)) return name;
  auto* lower = static_cast<char*>(arena.alloc(name.size(), 1));
  std::transform(name.begin(), name.end(), lower,
                 [&](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return {lower, name.size()};
}

}  // namespace

std::span<nghttp3_nv> as_http3(Arena& arena, std::span<const nghttp2_nv> fields) {
  auto all = arena.alloc_array<nghttp3_nv>(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = lower_name(arena, fields[i]);
    auto* octets = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data()));  // nghttp3 only reads
    all[i] = {octets, fields[i].value, name.size(), fields[i].valuelen, NGHTTP3_NV_FLAG_NONE};
  }
  return all;
}

}  // namespace sluice::http::h3
