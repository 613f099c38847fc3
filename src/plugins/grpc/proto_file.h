// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace google::protobuf {
class Descriptor;
}

namespace sluice::plugins::grpc {

/// How HTTP reaches a method, as `google.api.http` says.
struct HttpBinding {
  std::string verb;  // "GET"
  std::string path;  // template: "/v1/{name=shelves/*}:borrow"
  std::string body;  // name of a field, "*" for the whole message, empty for none
};

struct Method {
  std::string path;  // "/package.Service/Method"
  const google::protobuf::Descriptor* input = nullptr;
  const google::protobuf::Descriptor* output = nullptr;
  std::vector<HttpBinding> bindings;
};

/// A .proto file as the plugins use it: its methods, and their messages from and to JSON (the canonical mapping of
/// protobuf, with the names of fields as the file spells them). Immutable.
class ProtoFile {
 public:
  /// Compiles the file. What it imports is looked for in its folder; `google/protobuf/*.proto`,
  /// `google/api/annotations.proto` and `google/api/http.proto` are built in. Blocks on the disk: not for requests.
  static Result<std::shared_ptr<const ProtoFile>> load(const std::string& path);
  ProtoFile(const ProtoFile&) = delete;
  ProtoFile& operator=(const ProtoFile&) = delete;
  ~ProtoFile();

  [[nodiscard]] const std::vector<Method>& methods() const { return methods_; }
  /// Null when the file has no such method.
  [[nodiscard]] const Method* find(std::string_view path) const;

  /// Members that the message does not have are left out.
  [[nodiscard]] Result<std::string> encode(const google::protobuf::Descriptor& type, std::string_view json) const;
  [[nodiscard]] Result<std::string> decode(const google::protobuf::Descriptor& type, std::string_view message) const;

  /// Puts what a path or a query says into a message to be: `name` may be dotted, the value takes the field's type.
  /// A name that the message does not have is left out.
  static void put(Json::Object& message, const google::protobuf::Descriptor& type, std::string_view name,
                  std::string_view value);

 private:
  struct Pool;
  explicit ProtoFile(std::unique_ptr<Pool> pool);
  std::unique_ptr<Pool> pool_;
  std::vector<Method> methods_;
};

}  // namespace sluice::plugins::grpc
