// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "expr/input.h"

namespace sluice::expr {

/// Which fields exist: those of HTTP requests or those of TCP, TLS and UDP sessions.
enum class Schema : std::uint8_t { Http, Stream };

enum class Field : std::uint8_t {
  NetProtocol,
  TlsSni,
  HttpMethod,
  HttpHost,
  HttpPath,
  HttpPathSegments,
  HttpPathSegmentCount,
  HttpHeader,
  HttpQuery,
  SrcIp,
  DstIp,
  SrcPort,
  DstPort,
};

enum class Type : std::uint8_t { String, Int, Ip };

/// A field as an expression names it.
struct FieldRef {
  Field field = Field::NetProtocol;
  std::uint16_t first_segment = 0;  // of HttpPathSegments: a closed range, counted from 0
  std::uint16_t last_segment = 0;
  std::string name;  // of HttpHeader and HttpQuery

  [[nodiscard]] Type type() const;
};

/// Empty when the schema has no such field.
std::optional<FieldRef> find_field(Schema schema, std::string_view name);

/// Segments `first` to `last` of a path, joined as they stand; empty when the path has fewer. `/a/b/` has two.
std::optional<std::string_view> path_segments(std::string_view path, std::size_t first, std::size_t last);
std::size_t count_path_segments(std::string_view path);

/// The `nth` value of a query argument, percent and plus decoded. The view lives in `query` or in `buffer`.
std::optional<std::string_view> query_value(std::string_view query, std::string_view name, std::size_t nth,
                                            std::string& buffer);

}  // namespace sluice::expr
