// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gmock/gmock.h>

#include "control/platform/platform_fixture.h"
#include "schema/contract.h"

namespace sluice::control::platform {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

constexpr const char* kA = "aaaaaaaa-0000-4000-8000-000000000001";
constexpr const char* kB = "bbbbbbbb-0000-4000-8000-000000000002";

/// Where a body lacks a member of a published schema, or has it in another type; references are followed.
class Conformity {
 public:
  explicit Conformity(const Json& spec) : spec_(spec) {}

  void compare(const Json& body, const Json& schema, const std::string& path) {
    const Json& what = *resolve(&schema);
    const Json* type = what.find("type");
    if (type != nullptr && !has_type(body, type->as_string()))
      differences.push_back(path + ": is no " + type->as_string());
    if (const Json* properties = what.find("properties"); properties != nullptr && body.is_object()) {
      for (const auto& [name, property] : properties->as_object()) {
        const Json* member = body.find(name);
        if (member == nullptr) {
          differences.push_back(path + '.' + name + ": is missing");
        } else {
          compare(*member, property, path + '.' + name);
        }
      }
    }
    const Json* items = what.find("items");
    if (items == nullptr || !body.is_array()) return;
    for (const Json& item : body.as_array()) compare(item, *items, path + "[]");
  }

  std::vector<std::string> differences;

 private:
  static bool has_type(const Json& value, std::string_view type) {
    if (type == "integer") return value.is_int();
    if (type == "number") return value.is_number();
    return value.type_name() == type;
  }
  const Json* resolve(const Json* schema) const {
    const Json* reference = schema->find("$ref");
    if (reference == nullptr) return schema;
    const std::string& text = reference->as_string();
    return spec_.find("components")->find("schemas")->find(text.substr(text.rfind('/') + 1));
  }

  const Json& spec_;
};

class NodeEndpointsTest : public PlatformTest {
 protected:
  cluster::NodeRecord& troubled_node() {
    cluster::NodeRecord& node = nodes.add(kA, "0.3.0");
    node.issues.push_back({.code = "FIELD_UNKNOWN:services.x",
                           .severity = sync::wire::CompatibilityIssue::Severity::Warning,
                           .description = "d",
                           .resolution = "r",
                           .affected = {{"services", Uuid::random()}}});
    return node;
  }
  /// How a reply differs from what the contract says of the operation's answer.
  static std::vector<std::string> differences(const Json& spec, const Json& body, const std::string& response) {
    const Json& described = *spec.find("components")->find("responses")->find(response);
    Conformity conformity(spec);
    conformity.compare(body, *described.find("content")->find("application/json")->find("schema"), "");
    return conformity.differences;
  }
};

TEST_F(NodeEndpointsTest, AgreeWithThePublishedContract) {
  const auto spec = schema::load_contract("konnect/control-planes-config-v2.yaml");
  if (!spec) GTEST_SKIP() << "konnect/control-planes-config-v2.yaml is not at hand";
  troubled_node();
  // Left out: pages of documentation about single issues, and what only nested issues have. A list that is complete
  // has no next page.
  const std::string issue = ".compatibility_status.issues[]";
  const auto absent = [&](const std::string& prefix) {
    return std::vector<std::string>{prefix + issue + ".affected_resources[].parent_code: is missing",
                                    prefix + issue + ".affected_resources[].details: is missing",
                                    prefix + issue + ".documentation_url: is missing"};
  };
  std::vector<std::string> of_list = absent(".items[]");
  of_list.emplace_back(".page.next: is missing");
  EXPECT_THAT(of_list, IsSupersetOf(differences(*spec, get(local() + "/nodes")->json(), "list-nodes")));
  EXPECT_THAT(absent(".item"), IsSupersetOf(differences(*spec, get(local() + "/nodes/" + kA)->json(), "get-node")));
  nodes.add(kB, "0.1.0");
  EXPECT_THAT(differences(*spec, get(local() + "/nodes/eol")->json(), "list-nodes-eol"), IsEmpty());
}

TEST_F(NodeEndpointsTest, ShowWhichReleasesComeToAnEnd) {
  nodes.add(kA, "0.2.4");
  nodes.add(kB, "0.1.9");
  const Json list = get(local() + "/nodes/eol")->json();
  EXPECT_EQ(list.find("page")->find("total_count")->as_int(), 1);
  const Json& item = list.find("items")->as_array().at(0);
  EXPECT_EQ(item.find("node_id")->as_string(), kB);
  EXPECT_EQ(item.find("node_version")->as_string(), "0.1.9");
  EXPECT_THAT(item.find("message")->as_string(), HasSubstr("bring it to 0.3.0"));
}

TEST_F(NodeEndpointsTest, ShowWhomNobodyServesAsEnded) {
  cluster::NodeRecord& node = nodes.add(kA, "");
  node.peer.kong_version = "2.8.0";
  node.sync_status = cluster::SyncStatus::VersionIncompatible;
  node.issues = {
      {.code = "c", .severity = {}, .description = "Kong 2.8.0 is not served", .resolution = "", .affected = {}}};
  const Json list = get(local() + "/nodes/eol")->json();
  EXPECT_EQ(list.find("items")->as_array().at(0).find("message")->as_string(), "Kong 2.8.0 is not served");
}

}  // namespace
}  // namespace sluice::control::platform
