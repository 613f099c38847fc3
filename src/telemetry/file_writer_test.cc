// SPDX-License-Identifier: Apache-2.0
#include "telemetry/file_writer.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::telemetry {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class FileWriterTest : public ::testing::Test {
 protected:
  FileWriterTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-log-XXXXXX").string();
    dir_ = ::mkdtemp(pattern.data());
  }
  ~FileWriterTest() override { std::filesystem::remove_all(dir_); }
  [[nodiscard]] std::string path(const std::string& name) const { return dir_ + "/" + name; }

  std::string dir_;
};

TEST_F(FileWriterTest, AppendsLinesInOrder) {
  FileWriter writer;
  auto& file = writer.file(path("a"));
  EXPECT_TRUE(writer.append(file, "one\n"));
  EXPECT_TRUE(writer.append(file, "two\n"));
  EXPECT_TRUE(writer.flush(5000));
  EXPECT_EQ(read_file(path("a")), "one\ntwo\n");
}

TEST_F(FileWriterTest, WritesWhatIsQueuedBeforeItEnds) {
  {
    FileWriter writer;
    writer.append(writer.file(path("a")), "last\n");
  }
  EXPECT_EQ(read_file(path("a")), "last\n");
}

TEST_F(FileWriterTest, KeepsTheOldFileAfterARenameUnlessToldToReopen) {
  FileWriter writer;
  auto& file = writer.file(path("a"));
  writer.append(file, "1\n");
  ASSERT_TRUE(writer.flush(5000));
  std::filesystem::rename(path("a"), path("b"));
  writer.append(file, "2\n");
  ASSERT_TRUE(writer.flush(5000));
  EXPECT_EQ(read_file(path("b")), "1\n2\n");
  writer.append(file, "3\n", FileWriter::Reopen::BeforeWriting);
  ASSERT_TRUE(writer.flush(5000));
  EXPECT_EQ(read_file(path("a")), "3\n");
}

TEST_F(FileWriterTest, ReopensAllFilesOnRequest) {
  FileWriter writer;
  auto& file = writer.file(path("a"));
  writer.append(file, "1\n");
  ASSERT_TRUE(writer.flush(5000));
  std::filesystem::rename(path("a"), path("b"));
  writer.reopen_all();
  writer.append(file, "2\n");
  ASSERT_TRUE(writer.flush(5000));
  EXPECT_EQ(read_file(path("a")), "2\n");
}

TEST_F(FileWriterTest, DropsAndCountsWhatAnUnwritablePathRefuses) {
  FileWriter writer;
  writer.append(writer.file(path("no/such/folder")), "1\n2\n");
  ASSERT_TRUE(writer.flush(5000));
  EXPECT_EQ(writer.dropped_lines(), 2U);
}

TEST_F(FileWriterTest, NeitherWaitsForABlockedPipeNorLosesOtherFiles) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK);  // never reads
  auto started = std::chrono::steady_clock::now();
  {
    FileWriter writer({.max_queued = std::size_t{1} << 20, .linger_ms = 50});
    auto& pipe = writer.file(path("pipe"));
    std::string line(1023, 'x');
    line += '\n';
    for (int i = 0; i < 3000; ++i) writer.append(pipe, line);
    EXPECT_GT(writer.dropped_lines(), 0U);
    auto& other = writer.file(path("a"));
    writer.append(other, "fine\n");
    for (int i = 0; i < 200 && read_file(path("a")).empty(); ++i) ::usleep(10000);
    EXPECT_EQ(read_file(path("a")), "fine\n");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(5));
  ::close(reader);
}

}  // namespace
}  // namespace sluice::telemetry
