// SPDX-License-Identifier: Apache-2.0
#include "plugins/grpc/proto_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <utility>

#include <google/protobuf/any.pb.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include "base/strings.h"

namespace sluice::plugins::grpc {
namespace {

namespace pb = google::protobuf;
using pb::FieldDescriptor;

constexpr const char* kTypeUrlPrefix = "type.googleapis.com";  // under which the well-known types are known
constexpr const char* kTypeUrl = "type.googleapis.com/";
constexpr int kHttpExtension = 72295728;

// What files import to say how HTTP reaches their methods. Numbers of fields as the published interface has them.
constexpr std::string_view kAnnotations = R"(syntax = "proto3";
package google.api;
import "google/api/http.proto";
import "google/protobuf/descriptor.proto";
extend google.protobuf.MethodOptions { HttpRule http = 72295728; }
)";
constexpr std::string_view kHttp = R"(syntax = "proto3";
package google.api;
message Http { repeated HttpRule rules = 1; bool fully_decode_reserved_expansion = 2; }
message CustomHttpPattern { string kind = 1; string path = 2; }
message HttpRule {
  string selector = 1;
  oneof pattern {
    string get = 2;
    string put = 3;
    string post = 4;
    string delete = 5;
    string patch = 6;
    CustomHttpPattern custom = 8;
  }
  string body = 7;
  string response_body = 12;
  repeated HttpRule additional_bindings = 11;
}
)";

/// The file's folder, and what is built in.
class Sources final : public pb::compiler::SourceTree {
 public:
  explicit Sources(const std::string& folder) { disk_.MapPath("", folder); }
  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    if (auto* found = disk_.Open(name)) return found;
    for (const auto& [built_in, text] :
         {std::pair{"google/api/annotations.proto", kAnnotations}, std::pair{"google/api/http.proto", kHttp}}) {
      if (name != built_in) continue;
      const int size = static_cast<int>(text.size());
      return new pb::io::ArrayInputStream(text.data(), size);  // NOLINT(alloc): protobuf frees it
    }
    return nullptr;
  }
  std::string GetLastErrorMessage() override { return disk_.GetLastErrorMessage(); }

 private:
  pb::compiler::DiskSourceTree disk_;
};

/// Keeps the first thing that is wrong.
class FirstError final : public pb::compiler::MultiFileErrorCollector {
 public:
  void AddError(const std::string& file, int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ = file;
    if (line >= 0) text_ += ":" + std::to_string(line + 1) + ":" + std::to_string(column + 1);
    text_ += ": " + message;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string_view verb_of(int field) {
  switch (field) {
    case 2:
      return "GET";
    case 3:
      return "PUT";
    case 4:
      return "POST";
    case 5:
      return "DELETE";
    case 6:
      return "PATCH";
    default:
      return {};
  }
}

/// Reads an HttpRule as it stands in the options of a method that was compiled at run time.
void add_bindings(const pb::UnknownFieldSet& rule, std::vector<HttpBinding>& out) {
  HttpBinding binding;
  std::vector<const std::string*> more;
  for (int i = 0; i < rule.field_count(); ++i) {
    const pb::UnknownField& field = rule.field(i);
    if (field.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    if (auto verb = verb_of(field.number()); !verb.empty()) {
      binding.verb = verb;
      binding.path = field.length_delimited();
    } else if (field.number() == 7) {
      binding.body = field.length_delimited();
    } else if (field.number() == 11) {
      more.push_back(&field.length_delimited());
    }
  }
  if (!binding.verb.empty()) out.push_back(std::move(binding));
  for (const std::string* each : more) {
    pb::UnknownFieldSet other;
    if (other.ParseFromString(*each)) add_bindings(other, out);
  }
}

std::vector<HttpBinding> bindings_of(const pb::MethodDescriptor& method) {
  std::vector<HttpBinding> bindings;
  const pb::UnknownFieldSet& options = method.options().unknown_fields();
  for (int i = 0; i < options.field_count(); ++i) {
    const pb::UnknownField& field = options.field(i);
    if (field.number() != kHttpExtension || field.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED) continue;
    pb::UnknownFieldSet rule;
    if (rule.ParseFromString(field.length_delimited())) add_bindings(rule, bindings);
  }
  return bindings;
}

/// A text as a value of the field's type. What is none of it stays a text, and encoding refuses it.
Json value_for(const FieldDescriptor& field, std::string_view text) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return text != "0" && text != "false";
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_ENUM:
      if (auto number = parse_int<std::int64_t>(text)) return *number;
      return text;
    case FieldDescriptor::CPPTYPE_FLOAT:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      if (auto number = parse_double(text)) return *number;
      return text;
    default:
      return text;
  }
}

}  // namespace

struct ProtoFile::Pool {
  explicit Pool(const std::string& folder)
      : sources(folder),
        built_in(*pb::DescriptorPool::generated_pool()),
        database(&sources, &built_in),
        pool(&database, database.GetValidationErrorCollector()) {
    pb::Any::descriptor();  // the well-known types are part of the program
    database.RecordErrorsTo(&error);
  }
  FirstError error;
  Sources sources;
  pb::DescriptorPoolDatabase built_in;
  pb::compiler::SourceTreeDescriptorDatabase database;
  pb::DescriptorPool pool;
  std::unique_ptr<pb::util::TypeResolver> types;
};

ProtoFile::ProtoFile(std::unique_ptr<Pool> pool) : pool_(std::move(pool)) {}
ProtoFile::~ProtoFile() = default;

Result<std::shared_ptr<const ProtoFile>> ProtoFile::load(const std::string& path) {
  const std::filesystem::path where(path);
  const std::string folder = where.has_parent_path() ? where.parent_path().string() : ".";
  auto made = std::unique_ptr<ProtoFile>(new ProtoFile(std::make_unique<Pool>(folder)));
  Pool& pool = *made->pool_;
  const pb::FileDescriptor* file = pool.pool.FindFileByName(where.filename().string());
  if (file == nullptr) {
    const std::string& why = pool.error.text();
    return fail(Errc::Invalid, "cannot use " + path + (why.empty() ? "" : ": " + why));
  }
  for (int s = 0; s < file->service_count(); ++s) {
    const pb::ServiceDescriptor& service = *file->service(s);
    for (int m = 0; m < service.method_count(); ++m) {
      const pb::MethodDescriptor& method = *service.method(m);
      made->methods_.push_back({.path = "/" + service.full_name() + "/" + method.name(),
                                .input = method.input_type(),
                                .output = method.output_type(),
                                .bindings = bindings_of(method)});
    }
  }
  pool.types.reset(pb::util::NewTypeResolverForDescriptorPool(kTypeUrlPrefix, &pool.pool));
  return std::shared_ptr<const ProtoFile>(std::move(made));
}

const Method* ProtoFile::find(std::string_view path) const {
  const auto found = std::ranges::find(methods_, path, &Method::path);
  return found != methods_.end() ? &*found : nullptr;
}

Result<std::string> ProtoFile::encode(const pb::Descriptor& type, std::string_view json) const {
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  std::string message;
  const auto status = pb::util::JsonToBinaryString(pool_->types.get(), kTypeUrl + type.full_name(), std::string(json),
                                                   &message, options);
  if (!status.ok()) return fail(Errc::Invalid, std::string(status.message()), Blame::Client);
  return message;
}

Result<std::string> ProtoFile::decode(const pb::Descriptor& type, std::string_view message) const {
  pb::UnknownFieldSet fields;  // the conversion takes what is cut short for the end
  if (!fields.ParseFromString(std::string(message))) return fail(Errc::Invalid, "not a message", Blame::Upstream);
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = pb::util::BinaryToJsonString(pool_->types.get(), kTypeUrl + type.full_name(),
                                                   std::string(message), &json, options);
  if (!status.ok()) return fail(Errc::Invalid, std::string(status.message()), Blame::Upstream);
  return json;
}

void ProtoFile::put(Json::Object& message, const pb::Descriptor& type, std::string_view name, std::string_view value) {
  const std::size_t dot = name.find('.');
  const FieldDescriptor* field = type.FindFieldByName(std::string(name.substr(0, dot)));
  if (field == nullptr) return;
  Json& place = message[field->name()];
  if (dot != std::string_view::npos) {
    if (field->message_type() == nullptr || field->is_repeated()) return;
    if (!place.is_object()) place = Json::object();
    return put(place.as_object(), *field->message_type(), name.substr(dot + 1), value);
  }
  if (field->is_repeated() && !field->is_map()) {
    if (!place.is_array()) place = Json::array();
    place.as_array().push_back(value_for(*field, value));
  } else {
    place = value_for(*field, value);
  }
}

}  // namespace sluice::plugins::grpc
