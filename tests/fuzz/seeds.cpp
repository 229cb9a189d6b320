// Writes seeds for the fuzzers: fuzz_seeds DIR makes DIR/codec and DIR/session, each with messages of
// every kind as an honest peer would send them.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "libruntime/protocol/codec.hpp"
#include "libruntime/protocol/session.hpp"
#include "tests/libruntime/protocol/random_message.hpp"

namespace {

using namespace troupe;
using namespace troupe::protocol;

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream{file, std::ios::binary} << bytes;
}

// Frames as targets.hpp reads them. Small settings make blobs of modest values.
std::string conversation(const std::vector<message>& messages) {
  session_settings settings;
  settings.inline_value = 100;
  settings.batch = 4096;
  protocol::session s{settings};
  for (const auto& m : messages) (void)s.send(m);
  std::string out, frame;
  do {
    frame.clear();
    s.next_frames(frame, 4096);
    if (frame.size() > 0xffff) break;
    out += static_cast<char>(frame.size() >> 8);
    out += static_cast<char>(frame.size());
    out += frame;
  } while (!frame.empty() && out.size() < 100'000);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: %s DIR\n", argv[0]), 2;
  std::filesystem::path dir{argv[1]};
  for (const char* name : {"codec", "session"}) std::filesystem::create_directories(dir / name);
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    protocol::testing::generator make{seed};
    std::vector<message> some;
    for (std::size_t number = 0; number < message_count; ++number) {
      auto m = make.make(number);
      std::string frame;
      encode(m, frame);
      auto name = std::to_string(number) + "-" + std::to_string(seed);
      if (frame.size() < 4096) write(dir / "codec" / name, frame);
      some.push_back(std::move(m));
      if (some.size() == 3) write(dir / "session" / name, conversation(std::exchange(some, {})));
    }
  }
}
