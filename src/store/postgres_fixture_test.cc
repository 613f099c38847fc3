// SPDX-License-Identifier: Apache-2.0
#include "store/postgres_fixture.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/sql/postgres.h"

namespace sluice::store {
namespace {

constexpr uid_t kNobody = 65534;

std::unique_ptr<PostgresServer>& shared_server() {
  static std::unique_ptr<PostgresServer> server;
  return server;
}

/// Where initdb is: Debian keeps it out of PATH.
std::string find_programs() {
  for (const char* folder : {"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/16/bin", "/usr/lib/postgresql/17/bin",
                             "/usr/local/bin", "/usr/bin"}) {
    if (std::filesystem::exists(std::filesystem::path(folder) / "initdb")) return folder;
  }
  return {};
}

/// Backends lead process groups of their own; their parent tells them apart.
std::vector<int> children_of(int pid) {
  std::vector<int> found;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", gone)) {
    std::ifstream children(entry.path() / "children");
    for (int child = 0; children >> child;) found.push_back(child);
  }
  return found;
}

/// Whether it still runs; what has ended and waits to be counted by whoever inherited it does not.
bool is_alive(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  return name_end != text.npos && name_end + 2 < text.size() && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

class EndOfTests final : public testing::Environment {
 public:
  void TearDown() override { PostgresServer::stop_shared(); }
};
[[maybe_unused]] const auto* const kEnd = testing::AddGlobalTestEnvironment(new EndOfTests);

}  // namespace

PostgresServer* PostgresServer::shared() {
  auto& server = shared_server();
  if (server == nullptr) {
    const std::string programs = find_programs();
    if (programs.empty()) return nullptr;
    server.reset(new PostgresServer(programs));
  }
  return server.get();
}

void PostgresServer::stop_shared() {
  shared_server().reset();
}

PostgresServer::PostgresServer(std::string programs) : programs_(std::move(programs)) {
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::owner_all);
  if (::getuid() == 0) EXPECT_EQ(::chown(folder_.path().c_str(), kNobody, kNobody), 0);
  const std::string data = folder_ / "data";
  const bool made = run(unprivileged({programs_ + "/initdb", "-D", data, "-U", "kong", "-A", "trust", "-E", "UTF8",
                                      "--locale=C", "--no-instructions"}),
                        folder_ / "initdb.log");
  EXPECT_TRUE(made) << "initdb failed";
  start();
}

PostgresServer::~PostgresServer() {
  kill();
}

std::vector<std::string> PostgresServer::unprivileged(std::vector<std::string> command) const {
  if (::getuid() != 0) return command;
  std::vector<std::string> whole = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--pdeathsig=KILL"};
  whole.insert(whole.end(), command.begin(), command.end());
  return whole;
}

int PostgresServer::spawn(const std::vector<std::string>& command, const std::string& log) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int pid = ::fork();
  if (pid != 0) return pid;
  ::setpgid(0, 0);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0666);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (::chdir("/") == 0) ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

bool PostgresServer::run(const std::vector<std::string>& command, const std::string& log) const {
  const int pid = spawn(command, log);
  int status = -1;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

void PostgresServer::start() {
  const std::string folder = folder_.path();
  const auto database = sql::postgres_database(options("public"));
  for (int i = 0; i < 400; ++i) {
    // It ends at once while the last one's helpers still hold the shared memory: then again.
    if (pid_ != 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    if (pid_ == 0) {
      pid_ = spawn(
          unprivileged({programs_ + "/postgres", "-D", folder + "/data", "-k", folder, "-c", "listen_addresses=", "-c",
                        "fsync=on", "-c", "shared_buffers=32MB", "-c", "max_connections=30"}),
          folder + "/server.log");
    }
    if (database->connect()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  ADD_FAILURE() << "PostgreSQL does not answer";
}

/// Backends notice the end of their parent only when they next wait, and may answer until then: so all are ended, and
/// waited for. Stopped first, the parent makes no more of them.
void PostgresServer::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGSTOP);
  ::waitpid(pid_, nullptr, WUNTRACED);
  const std::vector<int> helpers = children_of(pid_);
  ::kill(-pid_, SIGKILL);
  for (const int helper : helpers) ::kill(helper, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
  for (int i = 0; i < 1000 && std::ranges::any_of(helpers, is_alive); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  for (const int helper : helpers) EXPECT_FALSE(is_alive(helper)) << "process " << helper << " of PostgreSQL lives on";
}

void PostgresServer::freeze(bool frozen) {
  std::vector<int> processes = children_of(pid_);
  processes.insert(processes.begin(), pid_);
  for (const int process : processes) ::kill(process, frozen ? SIGSTOP : SIGCONT);
}

PostgresOptions PostgresServer::options(const std::string& schema) const {
  PostgresOptions options;
  options.host = folder_.path();
  options.user = "kong";
  options.database = "postgres";
  options.schema = schema;
  return options;
}

}  // namespace sluice::store
