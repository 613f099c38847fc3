// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/log_record.h"
#include "gateway/plugin.h"
#include "plugins/all.h"
#include "plugins/file_log/lua_fields.h"
#include "telemetry/sinks.h"

namespace sluice::plugins {
using namespace gateway;

/// Appends a JSON line for every request and stream session to a file. The line is written by another thread: a blocked
/// or missing file costs lines, which are counted, and never time. reference/plugins-transform-observe.md, section 10.
class FileLog final : public Plugin, public StreamPlugin {
 public:
  static constexpr std::string_view kName = "file-log";
  static constexpr int kPriority = 9;
  static constexpr std::uint8_t kScopes = kRoute | kService | kConsumer;
  static constexpr std::string_view kProtocols[] = {"grpc", "grpcs",           "http", "https", "tcp",
                                                    "tls",  "tls_passthrough", "udp",  "ws",    "wss"};

  struct Config {
    std::string path;
    bool reopen = false;
    std::map<std::string, std::string> custom_fields_by_lua;

    static void describe(schema::Record<Config>& r) {
      r.doc("Appends a JSON line for every request to a file.");
      r.field<&Config::path>("path", "Where the file is; it is created when it does not exist.")
          .required()
          .rule(schema::match([](std::string_view path) { return path.find_first_of("*&%`") == path.npos; },
                              "^[^*&%%\\`]+$")
                    .err("not a valid filename"));
      r.field<&Config::reopen>("reopen", "Open the file anew for every line, so that it may be moved away.");
      r.field<&Config::custom_fields_by_lua>("custom_fields_by_lua", "Lua code that computes further fields.")
          .optional();
    }
  };

  static std::vector<std::pair<std::string, std::string>> check(const Config& config) {
    return refuse_lua_fields(config.custom_fields_by_lua);
  }

  FileLog(const Config& config, const PluginIdentity& /*identity*/, PluginHost& host)
      : buffer_(host.sinks->file(config.path, config.reopen ? telemetry::FileWriter::Reopen::BeforeWriting
                                                            : telemetry::FileWriter::Reopen::Keep)) {}

  void on_log(const Exchange& ex) noexcept override { write(ex); }
  void on_stream_log(const StreamSession& session) noexcept override { write(session); }

 private:
  template <class Subject>
  void write(const Subject& subject) noexcept {
    std::string& lines = buffer_.text();
    append_log_record(lines, subject);
    lines += '\n';
    buffer_.commit();
  }

  telemetry::LineBuffer& buffer_;
};

void add_file_log(PluginRegistry& registry) {
  registry.add<FileLog>();
}

}  // namespace sluice::plugins
