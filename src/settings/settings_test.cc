// SPDX-License-Identifier: Apache-2.0
#include "settings/settings.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings/check.h"
#include "settings/load.h"
#include "settings/table.h"

namespace sluice::settings {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Settings loaded(const Sources& sources) {
  auto result = load(sources);
  EXPECT_TRUE(result) << to_string(result.error());
  return result ? std::move(result->settings) : defaults();
}
Settings from_file(std::string text) {
  return loaded({.file_name = "sluice.conf", .file = std::move(text)});
}

std::string problems_of(const Sources& sources) {
  auto result = load(sources);
  return result ? "" : to_string(result.error());
}
std::string file_problems(std::string text) {
  return problems_of({.file_name = "sluice.conf", .file = std::move(text)});
}

TEST(SettingsTable, HasUniqueNamesAndReadableDefaults) {
  std::set<std::string_view> names;
  for (const Setting& setting : describe_all()) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    if (!setting.alias.empty()) EXPECT_TRUE(names.insert(setting.alias).second) << setting.alias;
    Settings settings;
    EXPECT_TRUE(setting.read(setting, setting.fallback, settings)) << setting.name;
    EXPECT_FALSE(is_foreign_kong_name(setting.name)) << setting.name;
    EXPECT_FALSE(setting.doc.empty()) << setting.name;
  }
}

TEST(SettingsTable, WritesEveryDefaultInAFormThatReadsBack) {
  const Settings before = defaults();
  for (const Setting& setting : describe_all()) {
    const Json written = setting.write(setting, before);
    std::string text = written.is_string() ? written.as_string() : written.is_null() ? "" : to_json(written);
    if (written.is_bool()) text = written.as_bool() ? "on" : "off";
    if (written.is_array()) {
      text.clear();
      for (const Json& item : written.as_array()) text += (text.empty() ? "" : ",") + item.as_string();
    }
    Settings after = before;
    ASSERT_TRUE(setting.read(setting, text, after)) << setting.name << " = " << text;
    EXPECT_THAT(changes(before, after), IsEmpty()) << setting.name << " = " << text;
  }
}

TEST(Settings, HaveTheDefaultsThatPeopleRelyOn) {
  const Settings s = defaults();
  EXPECT_EQ(s.role, Role::All);
  EXPECT_EQ(s.router_flavor, RouterFlavor::TraditionalCompatible);
  ASSERT_EQ(s.proxy_listen.size(), 2U);
  EXPECT_EQ(s.proxy_listen[1].port, 8443);
  EXPECT_TRUE(s.proxy_listen[1].ssl && s.proxy_listen[1].http2 && s.proxy_listen[1].reuseport);
  EXPECT_TRUE(s.admin_listen[0].ip.is_loopback());
  EXPECT_EQ(s.client_max_body_size, Bytes{0});
  EXPECT_EQ(s.client_header_timeout, Millis(10'000));
  EXPECT_EQ(s.upstream_keepalive_idle_timeout, Millis(60'000));
  EXPECT_EQ(s.ssl_session_timeout, Millis(86'400'000));
  EXPECT_TRUE(s.headers.via && s.headers.server && s.headers.upstream_latency && s.headers.request_id);
  EXPECT_FALSE(s.headers.upstream_status);
  EXPECT_TRUE(s.upstream_tls_verify);
}

TEST(Settings, ReadFilesWithCommentsListsAndSwitches) {
  const Settings s = from_file(
      "# a comment\n"
      "  prefix = /tmp/x   # another\n"
      "\n"
      "trusted_ips = 10.0.0.0/8, ::1\n"
      "real_ip_recursive=on\n"
      "client_body_timeout = 1500ms\n"
      "port_maps = 80:8000, 443:8443\n"
      "nginx_worker_processes = 3\r\n"
      "admin_token = a\\#b#c\n");
  EXPECT_EQ(s.prefix, "/tmp/x");
  EXPECT_EQ(s.trusted_ips.size(), 2U);
  EXPECT_TRUE(s.real_ip_recursive);
  EXPECT_EQ(s.client_body_timeout, Millis(1500));
  EXPECT_EQ(s.port_maps[1].outside, 443);
  EXPECT_EQ(s.nginx_worker_processes.count, 3U);
  EXPECT_EQ(s.admin_token.reveal(), "a#b#c");
}

TEST(Settings, RankSources) {
  Sources sources{.file_name = "f", .file = "prefix = /file\nlog_level = debug\n"};
  EXPECT_EQ(loaded(sources).prefix, "/file");
  sources.environment = {{"SLUICE_PREFIX", "/ours"}, {"KONG_PREFIX", "/kongs"}};
  EXPECT_EQ(loaded(sources).prefix, "/ours");
  sources.environment.erase(sources.environment.begin());
  EXPECT_EQ(loaded(sources).prefix, "/kongs");
  sources.command_line = {{"prefix", "/flag"}};
  EXPECT_EQ(loaded(sources).prefix, "/flag");
  EXPECT_EQ(loaded(sources).log_level, log::Level::Debug);
}

TEST(Settings, IgnoreTheCaseOfVariablesAndEmptyOnes) {
  EXPECT_EQ(loaded({.environment = {{"kong_Prefix", "/x"}}}).prefix, "/x");
  EXPECT_EQ(loaded({.environment = {{"SLUICE_PREFIX", ""}}}).prefix, defaults().prefix);
}

TEST(Settings, KnowAliases) {
  EXPECT_EQ(from_file("nginx_http_client_max_body_size = 1m").client_max_body_size, mebibytes(1));
  EXPECT_EQ(from_file("role = traditional").role, Role::All);
  EXPECT_EQ(from_file("log_level = crit").log_level, log::Level::Error);
}

TEST(Settings, RefuseUnknownNamesWithTheNearestMatch) {
  EXPECT_EQ(file_problems("prxy_listen = off"),
            "sluice.conf, line 1: prxy_listen: unknown setting; did you mean proxy_listen?\n");
  EXPECT_EQ(problems_of({.environment = {{"SLUICE_ROLL", "all"}}}),
            "SLUICE_ROLL: roll: unknown setting; did you mean role?\n");
  EXPECT_EQ(problems_of({.command_line = {{"zzzzzzzz", "1"}}}), "command line: zzzzzzzz: unknown setting\n");
}

TEST(Settings, IgnoreUnknownKongVariables) {
  EXPECT_EQ(problems_of({.environment = {{"KONG_PROXY_PORT_80_TCP", "x"}, {"KONG_FOO", "x"}, {"PATH", "x"}}}), "");
}

TEST(Settings, IgnoreWhatIsSetForTheClientCommands) {
  EXPECT_EQ(problems_of({.environment = {{"SLUICE_ADMIN_URL", "http://x:8001"}, {"SLUICE_ADMIN_HEADERS", "a:b"}}}), "");
}

TEST(Settings, IgnoreWhatKubernetesInjects) {
  EXPECT_EQ(problems_of({.environment = {{"SLUICE_SERVICE_HOST", "10.0.0.1"},
                                         {"SLUICE_PORT", "tcp://10.0.0.1:80"},
                                         {"SLUICE_SERVICE_PORT_HTTP", "80"},
                                         {"SLUICE_ADMIN_PORT_8001_TCP", "x"},
                                         {"SLUICE_ADMIN_PORT_8001_TCP_ADDR", "x"},
                                         {"SLUICE_ADMIN_PORT_8001_TCP_PORT", "x"}}}),
            "");
}

TEST(Settings, WarnOnceOfKongNamesWithoutMeaning) {
  auto result = load({.file_name = "f",
                      .file = "anonymous_reports = off\npg_schema = x\n",
                      .environment = {{"KONG_NGINX_HTTP_GZIP", "on"}, {"KONG_MEM_CACHE_SIZE", "1m"}}});
  ASSERT_TRUE(result) << to_string(result.error());
  EXPECT_THAT(result->warnings, ElementsAre("settings of Kong that have no effect here: anonymous_reports, "
                                            "mem_cache_size, nginx_http_gzip, pg_schema"));
}

TEST(Settings, ReportAllProblemsAtOnce) {
  EXPECT_THAT(
      file_problems("role = boss\nproxy_listen = 1.2.3.4\nnonsense\nprefix = /a\nprefix = /b\ndns_cache_size = 1\n"
                    "headers = X-Foo\nssl_protocols = TLSv1.1\nclient_header_timeout = soon\n"),
      AllOf(HasSubstr("line 1: role: expected one of all, control_plane, data_plane, not 'boss'"),
            HasSubstr("line 2: proxy_listen: '1.2.3.4': expected IP:PORT"), HasSubstr("line 3: expected name = value"),
            HasSubstr("line 5: prefix: already set in line 4"),
            HasSubstr("line 6: dns_cache_size: expected a number from 10"),
            HasSubstr("line 7: headers: unknown header 'X-Foo'"), HasSubstr("line 8: ssl_protocols: expected TLSv1.2"),
            HasSubstr("line 9: client_header_timeout: expected a time")));
}

TEST(Settings, RefuseAnOpenAdminApiWithoutAuthentication) {
  EXPECT_THAT(file_problems("admin_listen = 0.0.0.0:8001"), HasSubstr("admin_listen: 0.0.0.0:8001 is open to others"));
  EXPECT_EQ(file_problems("admin_listen = 0.0.0.0:8001\nadmin_auth = token"), "");
  EXPECT_THAT(file_problems("admin_auth = token\ndatabase = off"), HasSubstr("admin_token: required"));
}

TEST(Settings, RefuseAFirstAccountThatCannotBeMade) {
  const auto problems = [](const std::string& email, const std::string& password) {
    Settings settings = defaults();
    settings.admin_email = email;
    settings.admin_password = Secret<std::string>(password);
    return check(settings);
  };
  EXPECT_THAT(problems("jane@example.test", "several words are good"), IsEmpty());
  EXPECT_THAT(problems("jane", ""), IsEmpty()) << "no account is asked for";
  EXPECT_THAT(problems("jane", "several words are good"), ElementsAre(HasSubstr("admin_email")));
  EXPECT_THAT(problems("jane@example.test", "aaaaaaaaaaaaaa"), ElementsAre(HasSubstr("5 different")));
  EXPECT_THAT(problems("jane@example.test", "JANE@example.test"), ElementsAre(HasSubstr("must not be the e-mail")));
  EXPECT_THAT(problems("jane@example.test", std::string(300, 'x')), ElementsAre(HasSubstr("256")));
  EXPECT_THAT(problems("jane@example.test", "bad \xff octets in here"), ElementsAre(HasSubstr("valid text")));
}

TEST(Settings, RefuseListenersThatCollide) {
  EXPECT_THAT(file_problems("proxy_listen = 0.0.0.0:8001"),
              HasSubstr("admin_listen: 127.0.0.1:8001 is taken by 0.0.0.0:8001 of proxy_listen"));
  EXPECT_EQ(file_problems("proxy_listen = 127.0.0.1:0, 127.0.0.1:0, [::]:8000"), "");
  EXPECT_EQ(file_problems("stream_listen = 0.0.0.0:8000 udp"), "") << "TCP and UDP do not meet";
  EXPECT_THAT(file_problems("stream_listen = 0.0.0.0:8000"), HasSubstr("stream_listen: 0.0.0.0:8000 is taken by"));
}

TEST(Settings, ImplyNoDatabaseWithADeclarativeFile) {
  EXPECT_EQ(from_file("declarative_config = kong.yaml").database, Database::Off);
  EXPECT_THAT(file_problems("declarative_config = kong.yaml\ndatabase = sqlite"), HasSubstr("needs database=off"));
}

TEST(Settings, NameTheDatabaseServer) {
  const auto s = from_file("database = postgres\npg_host = db\npg_port = 5433\npg_timeout = 700");
  EXPECT_EQ(s.database, Database::Postgres);
  EXPECT_EQ(s.pg_host, "db");
  EXPECT_EQ(s.pg_port, 5433U);
  EXPECT_EQ(s.pg_timeout, Millis(700));
  EXPECT_THAT(file_problems("pg_ssl_verify = on\npg_timeout = 0\npg_port = 0"),
              HasSubstr("pg_port: expected a number from 1"));
  EXPECT_THAT(file_problems("pg_ssl_verify = on\npg_timeout = 0"),
              AllOf(HasSubstr("pg_ssl_verify: needs pg_ssl"), HasSubstr("pg_timeout: every wait needs an end")));
}

TEST(Settings, RefuseRolesThatLackWhatTheyNeed) {
  EXPECT_THAT(file_problems("role = control_plane"), HasSubstr("cluster_cert: required with role=control_plane"));
  EXPECT_THAT(file_problems("role = data_plane"), HasSubstr("cluster_cert: required with role=data_plane"));
  EXPECT_THAT(file_problems("role = data_plane\ndatabase = sqlite"), HasSubstr("database: a data plane keeps none"));
}

TEST(Settings, MakeADataPlaneWithoutStoreAndAdminApi) {
  const auto s = from_file("role = data_plane\ncluster_cert = c\ncluster_cert_key = k\nadmin_listen = 0.0.0.0:8001");
  EXPECT_EQ(s.database, Database::Off);
  EXPECT_TRUE(s.admin_listen.empty());
  EXPECT_TRUE(s.cluster_listen.empty());
}

TEST(Settings, CheckThatKeysBelongToCertificates) {
  EXPECT_THAT(file_problems("ssl_cert = a.pem, b.pem\nssl_cert_key = a.key"),
              HasSubstr("ssl_cert_key: 1 keys for 2 certificates"));
}

TEST(Settings, ReadReferencesToTheEnvironment) {
  const Sources sources{.file_name = "f",
                        .file = "admin_token = {vault://env/my-token}\nprefix = {vault://env/paths/prefix}",
                        .environment = {{"MY_TOKEN", "t"}, {"PATHS", R"({"prefix":"/p"})"}}};
  EXPECT_EQ(loaded(sources).admin_token.reveal(), "t");
  EXPECT_EQ(loaded(sources).prefix, "/p");
  EXPECT_THAT(file_problems("prefix = {vault://env/nope}"), HasSubstr("environment variable NOPE is not set"));
  EXPECT_THAT(file_problems("prefix = {vault://aws/x}"), HasSubstr("vault env only"));
}

TEST(Settings, MaskSecretsWhenShown) {
  const Settings s = from_file("admin_token = hunter2\nssl_cert = a.pem\nssl_cert_key = secret.key");
  const std::string shown = to_json(to_json(s));
  EXPECT_THAT(shown, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr("secret.key")), HasSubstr("a.pem")));
  EXPECT_THAT(shown, HasSubstr(R"("admin_token":"******")"));
}

TEST(Settings, ShowParsedListeners) {
  const Json shown = to_json(from_file("proxy_listen = 127.0.0.1:8443 ssl http2 backlog=5"));
  EXPECT_EQ(to_json(*shown.find("proxy_listeners")),
            R"([{"ip":"127.0.0.1","port":8443,"ssl":true,"http2":true,"proxy_protocol":false,"deferred":false,)"
            R"("bind":false,"reuseport":false,"backlog=5":true,"listener":"127.0.0.1:8443 ssl http2 backlog=5"}])");
}

TEST(Settings, RefuseFlagsThatStandWhereTheyMeanNothing) {
  EXPECT_THAT(file_problems("stream_listen = 127.0.0.1:1 udp ssl"), HasSubstr("udp and ssl exclude each other"));
  EXPECT_THAT(file_problems("stream_listen = 127.0.0.1:1 http2"), HasSubstr("http2 is for proxy_listen"));
  EXPECT_THAT(file_problems("stream_listen = 127.0.0.1:1 http3"), HasSubstr("http3 is for proxy_listen"));
  EXPECT_THAT(file_problems("admin_listen = 127.0.0.1:1 http3 ssl"), HasSubstr("http3 is for proxy_listen"));
  EXPECT_THAT(file_problems("proxy_listen = 127.0.0.1:1 udp"), HasSubstr("udp is for stream_listen"));
  EXPECT_THAT(file_problems("proxy_stream_access_log = a.log combined"), HasSubstr("no format but basic"));
}

TEST(Settings, Http3NeedsWhatQuicNeeds) {
  EXPECT_THAT(file_problems("proxy_listen = 127.0.0.1:1 http3"), HasSubstr("http3 needs ssl"));
  EXPECT_THAT(file_problems("proxy_listen = 127.0.0.1:1 http3 ssl proxy_protocol"),
              HasSubstr("http3 and proxy_protocol exclude each other"));
  EXPECT_THAT(file_problems("proxy_listen = 127.0.0.1:1 http3 ssl\nssl_protocols = TLSv1.2"),
              HasSubstr("http3 needs TLSv1.3"));
}

TEST(Settings, Http3TakesItsPortOverUdpToo) {
  EXPECT_THAT(file_problems("proxy_listen = 127.0.0.1:1 http3 ssl\nstream_listen = 127.0.0.1:1 udp"),
              HasSubstr("is taken by"));
  EXPECT_EQ(file_problems("proxy_listen = 127.0.0.1:1 ssl\nstream_listen = 127.0.0.1:1 udp"), "");
}

TEST(Settings, Http3IsShownOnlyWhereItIsOn) {
  const Json shown = to_json(from_file("proxy_listen = 127.0.0.1:1 http3 ssl, 127.0.0.1:2 ssl"));
  const auto& listeners = shown.find("proxy_listeners")->as_array();
  EXPECT_NE(listeners[0].find("http3"), nullptr);
  EXPECT_EQ(listeners[1].find("http3"), nullptr);
}

TEST(Settings, ShowStreamListenersWithFlagsOfTheirOwn) {
  const Json shown = to_json(from_file("stream_listen = 127.0.0.1:53 udp reuseport"));
  EXPECT_EQ(to_json(*shown.find("stream_listeners")),
            R"([{"ip":"127.0.0.1","port":53,"ssl":false,"udp":true,"proxy_protocol":false,"bind":false,)"
            R"("reuseport":true,"listener":"127.0.0.1:53 udp reuseport"}])");
}

TEST(Settings, TellWhatChangedAndWhetherItNeedsARestart) {
  Settings after = defaults();
  after.log_level = log::Level::Debug;
  after.proxy_listen.clear();
  const auto list = changes(defaults(), after);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0].name, "log_level");
  EXPECT_EQ(list[0].reload, Reload::Live);
  EXPECT_EQ(list[1].name, "proxy_listen");
  EXPECT_EQ(list[1].reload, Reload::Restart);
}

TEST(Settings, PlacePathsBelowThePrefix) {
  Settings s = defaults();
  s.prefix = "/p";
  EXPECT_EQ(below_prefix(s, "logs/access.log"), "/p/logs/access.log");
  EXPECT_EQ(below_prefix(s, "/dev/stdout"), "/dev/stdout");
}

TEST(Settings, DescribeThemselves) {
  EXPECT_THAT(reference_page(), AllOf(HasSubstr("## `role`"), HasSubstr("(all, control_plane, data_plane)"),
                                      HasSubstr("Needs a restart.")));
}

TEST(Settings, TakeLiveCopiesWhatARunningNodeMayChangeAndNamesTheRest) {
  Settings running = from_file("log_level = error\nnginx_worker_processes = 2");
  const Settings fresh = from_file("log_level = debug\nnginx_worker_processes = 3\ntrusted_ips = 10.0.0.0/8");
  const auto all = take_live(running, fresh);
  EXPECT_EQ(all.size(), 3U);
  EXPECT_EQ(running.log_level, log::Level::Debug);
  EXPECT_EQ(running.trusted_ips.size(), 1U);
  EXPECT_EQ(running.nginx_worker_processes.count, 2U);
}

TEST(Settings, RefuseWhatWouldLookProtectedAndIsNot) {
  EXPECT_THAT(file_problems("enforce_rbac = on"), HasSubstr("enforce_rbac: role-based access control does not exist"));
  EXPECT_THAT(file_problems("enforce_rbac = off"), IsEmpty());
}

TEST(Settings, CheckTheMaskAndTheWatchdog) {
  EXPECT_THAT(file_problems("umask = 0888"), HasSubstr("umask: '0888': expected up to four octal digits"));
  EXPECT_THAT(file_problems("watchdog_timeout = 10ms"), HasSubstr("watchdog_timeout: must be at least 500ms, or 0"));
  EXPECT_THAT(file_problems("watchdog_timeout = 0"), IsEmpty());
}

/// UPDATE_GOLDEN=1 writes the page anew.
TEST(SettingsPage, IsTheOneInTheDocumentation) {
  const char* path = "docs/settings.md";
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << reference_page();
  std::ifstream in(path);
  if (!in) GTEST_SKIP() << "not run from the source tree";
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), reference_page());
}

}  // namespace
}  // namespace sluice::settings
