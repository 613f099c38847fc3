// SPDX-License-Identifier: Apache-2.0
#include "entity/all.h"
#include "entity/catalog_fixture.h"
#include "schema/published.h"

namespace sluice::entity {
namespace {

class Entities : public ::testing::Test {
 protected:
  const Catalog catalog{test_plugins()};
};

Json only(const Json& document, std::initializer_list<std::string_view> names) {
  Json::Object result;
  for (auto name : names) {
    const Json* value = document.find(name);
    result.append(std::string(name), value != nullptr ? *value : Json("absent"));
  }
  return result;
}

TEST_F(Entities, ServiceHasEveryFieldWithKongsDefaults) {
  Json service = accepted(catalog, "services",
                          R"({"host":"h","name":"s","id":"5b2a1a3e-1111-4111-8111-111111111111","created_at":1})");
  service.as_object().erase("updated_at");
  EXPECT_EQ(service, parse(R"({"id":"5b2a1a3e-1111-4111-8111-111111111111","name":"s","protocol":"http","host":"h",
    "port":80,"path":null,"retries":5,"connect_timeout":60000,"write_timeout":60000,"read_timeout":60000,
    "client_certificate":null,"tls_verify":null,"tls_verify_depth":null,"ca_certificates":null,"enabled":true,
    "tags":null,"created_at":1})"));
}

TEST_F(Entities, ServiceExpandsItsUrl) {
  const Json service = accepted(catalog, "services", R"({"url":"https://example.com/base?x=1"})");
  EXPECT_EQ(to_json(only(service, {"protocol", "host", "port", "path"})),
            R"({"protocol":"https","host":"example.com","port":443,"path":"/base"})");
  const Json other = accepted(catalog, "services", R"({"url":"http://[::1]:8080"})");
  EXPECT_EQ(to_json(only(other, {"protocol", "host", "port", "path"})),
            R"({"protocol":"http","host":"[::1]","port":8080,"path":null})");
}

TEST_F(Entities, ServiceWithoutHostIsRefused) {
  EXPECT_EQ(refused(catalog, "services", R"({"name":"s"})"), "schema violation (host: required field missing)");
}

TEST_F(Entities, ServiceForStreamsHasNoPath) {
  EXPECT_EQ(
      refused(catalog, "services", R"({"host":"h","protocol":"tcp","path":"/x"})"),
      "2 schema violations (failed conditional validation given value of field 'protocol'; path: value must be null)");
}

TEST_F(Entities, ServicePatchedByUrlKeepsTheRest) {
  const Json before = accepted(catalog, "services", R"({"url":"http://a:81/x","retries":7})");
  const auto& services = *catalog.find("services");
  const auto after = services.process(services.merge_patch(before, parse(R"({"url":"https://b"})")),
                                      {.mode = schema::Mode::Update, .current = &before});
  ASSERT_TRUE(after.has_value()) << after.error().text();
  EXPECT_EQ(to_json(only(*after, {"protocol", "host", "port", "path", "retries"})),
            R"({"protocol":"https","host":"b","port":443,"path":null,"retries":7})");
}

TEST_F(Entities, RouteHasKongsDefaults) {
  const Json route = accepted(catalog, "routes", R"({"paths":["/a"]})");
  EXPECT_EQ(to_json(only(route, {"protocols", "methods", "https_redirect_status_code", "regex_priority", "strip_path",
                                 "path_handling", "preserve_host", "request_buffering", "service", "expression"})),
            R"({"protocols":["http","https"],"methods":null,"https_redirect_status_code":426,"regex_priority":0,)"
            R"("strip_path":true,"path_handling":"v0","preserve_host":false,"request_buffering":true,"service":null,)"
            R"("expression":"absent"})");
}

TEST_F(Entities, RouteMustMatchSomething) {
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["http"]})"),
            "schema violation (must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is 'http')");
  EXPECT_EQ(
      refused(catalog, "routes", "{}"),
      "schema violation (must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https')");
  EXPECT_EQ(
      refused(catalog, "routes", R"({"protocols":["tcp"]})"),
      "schema violation (must set one of 'sources', 'destinations', 'snis' when 'protocols' is 'tcp', 'tls' or 'udp')");
}

TEST_F(Entities, RouteForGrpcStripsNoPath) {
  EXPECT_EQ(*accepted(catalog, "routes", R"({"protocols":["grpc"],"paths":["/a"]})").find("strip_path"), Json(false));
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["grpc"],"paths":["/a"],"strip_path":true})"),
            "schema violation (strip_path: cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs')");
}

TEST_F(Entities, RouteRefusesMatchersOfOtherProtocols) {
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["http"],"paths":["/a"],"sources":[{"ip":"1.2.3.4"}]})"),
            "schema violation (sources: cannot set 'sources' when 'protocols' is 'http' or 'https')");
}

TEST_F(Entities, RouteChecksItsProtocols) {
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["nope"],"paths":["/a"]})"),
            "schema violation (protocols: unknown type: nope)");
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["http","tcp"],"paths":["/a"]})"),
            "schema violation (protocols: these sets are mutually exclusive: ('http'), ('tcp'))");
  EXPECT_EQ(
      refused(catalog, "routes", R"({"protocols":["http","x"],"paths":["/a"]})"),
      "schema violation (protocols.2: expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp)");
}

TEST_F(Entities, RoutesAndServicesMaySpeakWebSocketInOneEdition) {
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["ws"],"paths":["/a"]})"),
            "schema violation (protocols: unknown type: ws)");
  const Catalog enterprise(test_plugins(), {.route_checks = {}, .websockets = WebSockets::Yes});
  accepted(enterprise, "routes", R"({"protocols":["ws","wss"],"paths":["/a"]})");
  accepted(enterprise, "routes", R"({"protocols":["wss"],"snis":["a.test"]})");
  accepted(enterprise, "services", R"({"url":"wss://a.test/chat","tls_verify":true})");
  EXPECT_EQ(refused(enterprise, "routes", R"({"protocols":["ws"],"methods":["GET"],"paths":["/a"]})"),
            "schema violation (methods: cannot set 'methods' when 'protocols' is 'ws' or 'wss')");
  EXPECT_EQ(refused(enterprise, "routes", R"({"protocols":["ws"]})"),
            "schema violation (must set one of 'hosts', 'headers', 'paths' when 'protocols' is 'ws')");
  EXPECT_EQ(refused(enterprise, "routes", R"({"protocols":["http","ws"],"paths":["/a"]})"),
            "schema violation (protocols: these sets are mutually exclusive: ('http'), ('ws'))");
}

TEST_F(Entities, RouteChecksItsPaths) {
  EXPECT_EQ(refused(catalog, "routes", R"({"paths":["a"]})"),
            "schema violation (paths.1: should start with: / (fixed path) or ~/ (regexed path))");
  EXPECT_EQ(refused(catalog, "routes", R"({"paths":["/ok","/a/../b"]})"),
            "schema violation (paths.2: non-normalized path, consider use '/b' instead)");
  accepted(catalog, "routes", R"({"paths":["~/a/\\d+$"]})");
}

TEST_F(Entities, RouteNeedsTlsForSnis) {
  EXPECT_EQ(refused(catalog, "routes", R"({"protocols":["http"],"paths":["/a"],"snis":["a.b"]})"),
            "2 schema violations ('snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or "
            "'tls_passthrough'; snis: length must be 0)");
}

TEST_F(Entities, RouteRefusesTheHostHeader) {
  EXPECT_EQ(
      refused(catalog, "routes", R"({"headers":{"Host":["a"]}})"),
      "schema violation (headers: cannot contain 'host' header, which must be specified in the 'hosts' attribute)");
}

TEST_F(Entities, RouteOfTheExpressionsFlavorHasAnExpression) {
  const Catalog expressions(test_plugins(), {.flavor = RouterFlavor::Expressions, .route_checks = {}});
  const Json route = accepted(expressions, "routes", R"({"expression":"http.path == \"/\"","priority":5})");
  EXPECT_EQ(expressions.of<Route>().read(route).priority, 5);
  EXPECT_EQ(refused(expressions, "routes", R"({"expression":"x","paths":["/a"]})"),
            "schema violation (these sets are mutually exclusive: ('expression'), ('paths'))");
}

TEST_F(Entities, ConsumerNeedsANameHereOrElsewhere) {
  EXPECT_EQ(refused(catalog, "consumers", "{}"),
            "schema violation (at least one of these fields must be non-empty: 'custom_id', 'username')");
}

TEST_F(Entities, PluginTakesItsConfigurationFromItsOwnSchema) {
  const Json plugin = accepted(catalog, "plugins", R"({"name":"key-auth"})");
  EXPECT_EQ(to_json(*plugin.find("config")), R"({"key_names":["apikey"],"hide_credentials":false})");
  EXPECT_EQ(to_json(*plugin.find("protocols")), R"(["grpc","grpcs","http","https"])");
  EXPECT_EQ(refused(catalog, "plugins", R"({"name":"http-log","config":{"http_endpoint":"x"}})"),
            "schema violation (config.http_endpoint: missing host in url)");
}

TEST_F(Entities, PluginPatchMergesItsConfiguration) {
  const Json before = accepted(catalog, "plugins", R"({"name":"rate-limiting","config":{"minute":5,"second":1}})");
  const auto& plugins = *catalog.find("plugins");
  const auto after = plugins.process(plugins.merge_patch(before, parse(R"({"config":{"minute":6}})")),
                                     {.mode = schema::Mode::Update, .current = &before});
  ASSERT_TRUE(after.has_value()) << after.error().text();
  EXPECT_EQ(to_json(*after->find("config")), R"({"second":1,"minute":6,"policy":"local"})");
}

TEST_F(Entities, PluginMustBeInstalled) {
  EXPECT_EQ(refused(catalog, "plugins", R"({"name":"nope"})"),
            "schema violation (name: plugin 'nope' not enabled; add it to the 'plugins' configuration property)");
}

TEST_F(Entities, PluginReportsItsChecksOnTheWhole) {
  EXPECT_EQ(refused(catalog, "plugins", R"({"name":"rate-limiting"})"),
            "schema violation (at least one of these fields must be non-empty: 'config.second', 'config.minute')");
}

TEST_F(Entities, PluginRefusesAScopeItDoesNotKnow) {
  EXPECT_EQ(
      refused(catalog, "plugins", R"({"name":"key-auth","consumer":{"id":"5b2a1a3e-1111-4111-8111-111111111111"}})"),
      "schema violation (consumer: value must be null)");
}

TEST_F(Entities, UpstreamHasKongsHealthchecks) {
  const Json upstream = accepted(catalog, "upstreams", R"({"name":"u"})");
  EXPECT_EQ(*upstream.find("healthchecks")->find("active"), parse(R"({"type":"http","timeout":1,"concurrency":10,
    "http_path":"/","https_sni":null,"https_verify_certificate":true,"headers":null,
    "healthy":{"interval":0,"http_statuses":[200,302],"successes":0},
    "unhealthy":{"interval":0,"http_statuses":[429,404,500,501,502,503,504,505],"tcp_failures":0,"timeouts":0,
    "http_failures":0}})"));
  EXPECT_EQ(*upstream.find("slots"), Json(10000));
}

TEST_F(Entities, UpstreamTurnsHashingOnWithWhatIsHashed) {
  const Json upstream = accepted(catalog, "upstreams", R"({"name":"u","hash_on":"ip"})");
  EXPECT_EQ(*upstream.find("algorithm"), Json("consistent-hashing"));
  const Json least = accepted(catalog, "upstreams", R"({"name":"u","algorithm":"least-connections","hash_on":"ip"})");
  EXPECT_EQ(*least.find("hash_on"), Json("none"));
}

TEST_F(Entities, UpstreamNeedsTheNameOfWhatIsHashed) {
  EXPECT_EQ(refused(catalog, "upstreams", R"({"name":"u","hash_on":"header"})"),
            "2 schema violations (failed conditional validation given value of field 'hash_on'; "
            "hash_on_header: required field missing)");
}

TEST_F(Entities, UpstreamIsNoAddress) {
  EXPECT_EQ(refused(catalog, "upstreams", R"({"name":"10.0.0.1"})"),
            "schema violation (name: Invalid name; no ip addresses allowed)");
}

TEST_F(Entities, TargetGetsPort8000) {
  const char* const kUpstream = R"({"id":"5b2a1a3e-1111-4111-8111-111111111111"})";
  const auto target = [&](const std::string& text) {
    const std::string input = R"({"target":")" + text + R"(","upstream":)" + kUpstream + "}";
    return accepted(catalog, "targets", input).find("target")->as_string();
  };
  EXPECT_EQ(target("example.com"), "example.com:8000");
  EXPECT_EQ(target("10.0.0.1:81"), "10.0.0.1:81");
  EXPECT_EQ(target("::1"), "[::1]:8000");
  EXPECT_EQ(refused(catalog, "targets", R"({"target":"a b","upstream":{"id":"5b2a1a3e-1111-4111-8111-111111111111"}})"),
            "schema violation (target: Invalid target ('a b'); not a valid hostname or ip address)");
}

TEST_F(Entities, PasswordIsHashedOnceWithTheConsumersId) {
  const Json stored =
      accepted(catalog, "basicauth_credentials",
               R"({"username":"u","password":"kong","consumer":{"id":"5b2a1a3e-1111-4111-8111-111111111111"}})");
  // printf 'kong5b2a1a3e-1111-4111-8111-111111111111' | sha1sum
  EXPECT_EQ(stored.find("password")->as_string(), "aafcbd56729aa83ef9292c569691bfb2cc7d469a");
  const auto& type = *catalog.find("basicauth_credentials");
  const auto renamed = type.process(type.merge_patch(stored, parse(R"({"username":"v"})")),
                                    {.mode = schema::Mode::Update, .current = &stored});
  ASSERT_TRUE(renamed.has_value());
  EXPECT_EQ(*renamed->find("password"), *stored.find("password"));
}

TEST_F(Entities, KeysAreMadeUpUnlessGiven) {
  const Json made =
      accepted(catalog, "keyauth_credentials", R"({"consumer":{"id":"5b2a1a3e-1111-4111-8111-111111111111"}})");
  EXPECT_EQ(made.find("key")->as_string().size(), 32U);
}

TEST_F(Entities, VaultBackendMustBeInstalled) {
  EXPECT_EQ(refused(catalog, "vaults", R"({"name":"aws","prefix":"my-aws"})"),
            "schema violation (name: vault 'aws' is not installed)");
  const Json vault = accepted(catalog, "vaults", R"({"name":"env","prefix":"my-env","config":{"prefix":"A_"}})");
  EXPECT_EQ(to_json(*vault.find("config")), R"({"prefix":"A_"})");
  EXPECT_EQ(refused(catalog, "vaults", R"({"name":"env","prefix":"env"})"),
            "schema violation (prefix: must not be one of: env)");
}

TEST_F(Entities, ForeignKeysNameTheirId) {
  EXPECT_EQ(refused(catalog, "routes", R"({"paths":["/a"],"service":{"id":"x"}})"),
            "schema violation (service.id: expected a valid UUID)");
  EXPECT_EQ(refused(catalog, "routes", R"({"paths":["/a"],"service":{}})"),
            "schema violation (service.id: missing primary key)");
}

TEST_F(Entities, EveryTypeStandsBehindThoseItRefersTo) {
  std::vector<std::string> seen;
  for (const auto& type : catalog.types()) {
    for (const auto* field : type->foreign_fields()) EXPECT_THAT(seen, ::testing::Contains(field->reference));
    seen.push_back(type->name());
  }
}

TEST_F(Entities, SchemasListEveryFieldOfAPlugin) {
  const Json schema = schema::kong_schema(*catalog.plugin("rate-limiting"));
  EXPECT_EQ(to_json(*schema.find("entity_checks")), R"([{"at_least_one_of":["config.second","config.minute"]}])");
}

}  // namespace
}  // namespace sluice::entity
