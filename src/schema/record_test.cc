// SPDX-License-Identifier: Apache-2.0
#include "schema/record.h"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::schema {
namespace {

enum class Policy { Local, Redis };

}  // namespace

template <>
struct EnumNames<Policy> {
  static constexpr std::pair<std::string_view, Policy> kNames[] = {{"local", Policy::Local}, {"redis", Policy::Redis}};
};

namespace {

struct Redis {
  std::optional<std::string> host;
  int port = 6379;
  std::string password;

  static void describe(Record<Redis>& r) {
    r.field<&Redis::host>("host", "Where it is.").rule(schema::host());
    r.field<&Redis::port>("port", "Its port.").rule(schema::port());
    r.field<&Redis::password>("password", "Its password.").optional().secret().referenceable();
  }
};

struct Limit {
  double limit = 0;
  static void describe(Record<Limit>& r) { r.field<&Limit::limit>("limit").required().rule(between(1, 1000)); }
};

struct Config {
  std::optional<double> minute;
  std::optional<double> hour;
  std::string header = "X-Limit";
  std::string name;
  bool hide = false;
  Policy policy = Policy::Local;
  std::vector<std::string> protocols = {"http", "https"};
  std::vector<std::string> allow;
  std::vector<Limit> rules;
  std::map<std::string, std::vector<std::string>> headers;
  std::chrono::milliseconds timeout{60000};
  Redis redis;
  std::optional<Redis> spare;

  static void describe(Record<Config>& r) {
    r.doc("A configuration with a field of each kind.");
    r.field<&Config::minute>("minute", "Per minute.").rule(greater_than(0));
    r.field<&Config::hour>("hour", "Per hour.").rule(greater_than(0));
    r.field<&Config::header>("header", "Header.").rule(header_name());
    r.field<&Config::name>("name", "Name.");
    r.field<&Config::hide>("hide", "Hide.").optional();
    r.field<&Config::policy>("policy", "Policy.");
    r.field<&Config::protocols>("protocols", "Protocols.").as_set().each(one_of({"http", "https", "tcp"}));
    r.field<&Config::allow>("allow", "Allowed.").optional().each(ip_or_cidr());
    r.field<&Config::rules>("rules", "Rules.");
    r.field<&Config::headers>("headers", "Headers.").optional().keys(header_name());
    r.field<&Config::timeout>("timeout", "Timeout.").rule(schema::timeout());
    r.field<&Config::redis>("redis", "Redis.");
    r.field<&Config::spare>("spare", "Another.");
    r.shorthand_for("redis_host", Type::String, {"redis", "host"});
    r.plugin_check(at_least_one_of({"config.minute", "config.hour"}));
    r.check(conditional("policy", equal_to("redis"), "redis.host", schema::required()));
  }
};

Json parse(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? *parsed : Json();
}

std::string refusal(std::string_view input, ProcessOptions options = {}) {
  const auto record = describe<Config>();
  const auto result = record.process(parse(input), options);
  return result ? "accepted: " + to_json(*result) : result.error().message();
}

TEST(Record, FillsDefaultsAndWritesUnsetFieldsAsNull) {
  const auto record = describe<Config>();
  const auto result = record.process(parse(R"({"minute":5,"name":"n"})"));
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ(to_json(*result), R"({"minute":5,"hour":null,"header":"X-Limit","name":"n","hide":false,"policy":"local",)"
                              R"("protocols":["http","https"],"allow":null,"rules":[],"headers":null,"timeout":60000,)"
                              R"("redis":{"host":null,"port":6379,"password":null},"spare":null})");
}

TEST(Record, ReadsACanonicalDocumentIntoTheStruct) {
  const auto record = describe<Config>();
  const auto document =
      record.process(parse(R"({"hour":2.5,"name":"n","policy":"redis","headers":{"a":["x","y"]},"rules":[{"limit":3}],)"
                           R"("redis":{"host":"h","port":1},"allow":["10.0.0.0/8"]})"));
  ASSERT_TRUE(document.has_value()) << document.error().text();
  const Config config = record.read(*document);
  EXPECT_EQ(config.hour, 2.5);
  EXPECT_EQ(config.policy, Policy::Redis);
  EXPECT_EQ(config.headers.at("a").at(1), "y");
  EXPECT_EQ(config.rules.at(0).limit, 3);
  EXPECT_EQ(config.redis.host, "h");
  EXPECT_EQ(config.redis.port, 1);
  EXPECT_EQ(config.allow.at(0), "10.0.0.0/8");
  EXPECT_EQ(config.timeout, std::chrono::milliseconds(60000));
  EXPECT_FALSE(config.spare.has_value());
}

TEST(Record, NamesAMissingRequiredField) {
  EXPECT_EQ(refusal(R"({"minute":1})"), "schema violation (name: required field missing)");
}

TEST(Record, ReportsEveryViolationAtOnceSortedByField) {
  EXPECT_EQ(refusal(R"({"minute":0,"name":"","policy":"x","odd":1,"protocols":["http","ftp"]})"),
            "5 schema violations (minute: value must be greater than 0; name: length must be at least 1; "
            "odd: unknown field; policy: expected one of: local, redis; "
            "protocols.2: expected one of: http, https, tcp)");
}

TEST(Record, NestsViolationsByFieldAndPosition) {
  const auto record = describe<Config>();
  const auto result =
      record.process(parse(R"({"minute":1,"name":"n","rules":[{"limit":1},{"limit":0}],"redis":{"port":-1}})"));
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(to_json(result.error().fields()), R"({"rules":[null,{"limit":"value should be between 1 and 1000"}],)"
                                              R"("redis":{"port":"value should be between 0 and 65535"}})");
  EXPECT_EQ(result.error().begin()->where(), "rules[1].limit");
}

TEST(Record, PrintsDeeperViolationsAsALuaTable) {
  EXPECT_EQ(refusal(R"({"minute":1,"name":"n","rules":[{"limit":0}]})"),
            "schema violation (rules.1: {\n  limit = \"value should be between 1 and 1000\"\n})");
}

TEST(Record, RefusesNullWhereAValueIsRequired) {
  EXPECT_EQ(refusal(R"({"minute":1,"name":"n","timeout":null})"), "schema violation (timeout: required field missing)");
}

TEST(Record, KeepsNullWhereADefaultIsOptional) {
  const auto record = describe<Config>();
  const auto result = record.process(parse(R"({"minute":1,"name":"n","hide":null})"));
  ASSERT_TRUE(result.has_value());
  EXPECT_TRUE(result->find("hide")->is_null());
}

TEST(Record, SaysWhichTypeItExpects) {
  EXPECT_EQ(refusal(
                R"({"minute":"1","name":5,"hide":"yes","timeout":1.5,"protocols":"http","redis":1,"headers":[1],
    "rules":{"a":1}})"),
            "8 schema violations (headers: expected a map; hide: expected a boolean; minute: expected a number; "
            "name: expected a string; protocols: expected a set; redis: expected a record; "
            "rules: expected an array; timeout: expected an integer)");
}

TEST(Record, DropsRepeatedElementsOfASet) {
  const auto record = describe<Config>();
  const auto result = record.process(parse(R"({"minute":1,"name":"n","protocols":["tcp","http","tcp"]})"));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(to_json(*result->find("protocols")), R"(["tcp","http"])");
}

TEST(Record, TakesAnEmptyObjectForAnEmptyArray) {
  const auto record = describe<Config>();
  const auto result = record.process(parse(R"({"minute":1,"name":"n","allow":{},"headers":[]})"));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(to_json(*result->find("allow")), "[]");
  EXPECT_EQ(to_json(*result->find("headers")), "{}");
}

TEST(Record, ReportsAPluginCheckOnTheWholePlugin) {
  EXPECT_EQ(refusal(R"({"name":"n"})"),
            "schema violation (at least one of these fields must be non-empty: 'config.minute', 'config.hour')");
}

TEST(Record, ReportsAConditionAndTheFieldItConcerns) {
  EXPECT_EQ(refusal(R"({"minute":1,"name":"n","policy":"redis"})"),
            "2 schema violations (failed conditional validation given value of field 'policy'; "
            "redis.host: required field missing)");
}

TEST(Record, ExpandsAnOldNameAndShowsItWhenRead) {
  const auto record = describe<Config>();
  auto result = record.process(parse(R"({"minute":1,"name":"n","redis_host":"old"})"));
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ(result->find("redis_host"), nullptr);
  EXPECT_EQ(result->find("redis")->find("host")->as_string(), "old");
  record.add_shorthands(*result);
  EXPECT_EQ(result->find("redis_host")->as_string(), "old");
}

TEST(Record, RefusesAnOldNameThatContradictsTheNewOne) {
  EXPECT_EQ(refusal(R"({"minute":1,"name":"n","redis_host":"a","redis":{"host":"b"}})"),
            "schema violation (redis_host: both deprecated and new field are used but their values mismatch: "
            "redis_host = a vs redis.host = b)");
}

TEST(Record, SkipsRulesForASecretReference) {
  const auto record = describe<Config>();
  auto result = record.process(parse(R"({"minute":1,"name":"n","redis":{"password":"{vault://env/pw}"}})"));
  ASSERT_TRUE(result.has_value()) << result.error().text();
  record.visit_references(*result, [](std::string& reference) { reference = "resolved"; });
  EXPECT_EQ(record.read(*result).redis.password, "resolved");
  record.redact(*result);
  EXPECT_EQ(result->find("redis")->find("password")->as_string(), "***");
}

TEST(Record, MergesAPatchIntoRecordsAndReplacesArrays) {
  const auto record = describe<Config>();
  const auto current =
      record.process(parse(R"({"minute":1,"name":"n","redis":{"host":"h","port":7},"allow":["1.1.1.1"]})"));
  ASSERT_TRUE(current.has_value());
  const auto merged =
      record.process(record.merge_patch(*current, parse(R"({"redis":{"port":8},"allow":["2.2.2.2"],"minute":2})")),
                     {.mode = Mode::Update, .current = &*current});
  ASSERT_TRUE(merged.has_value()) << merged.error().text();
  EXPECT_EQ(to_json(*merged->find("redis")), R"({"host":"h","port":8,"password":null})");
  EXPECT_EQ(to_json(*merged->find("allow")), R"(["2.2.2.2"])");
}

TEST(Record, WordsAtLeastOneOfForUpdates) {
  EXPECT_EQ(refusal(R"({"name":"n"})", {.mode = Mode::Update}),
            "schema violation (when updating, at least one of these fields must be non-empty: 'config.minute', "
            "'config.hour')");
}

TEST(Record, CanBeBuiltAtRunTime) {
  RecordBase record;
  Field field;
  field.name = "colour";
  field.type = Type::String;
  field.required = true;
  field.add_rule(one_of({"red", "blue"}));
  record.add_field(field);
  EXPECT_EQ(record.process(parse(R"({"colour":"green"})")).error().message(),
            "schema violation (colour: expected one of: red, blue)");
}

}  // namespace
}  // namespace sluice::schema
