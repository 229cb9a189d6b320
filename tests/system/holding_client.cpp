// A client whose results the system tests look at: maps test.traced over numbers, holds the futures,
// and does what it is told on stdin, a word a line: "wait" waits for all results; "check" reads every
// result again, from its future and from the cluster; "end" says goodbye. Each answer is one line.
//
//   holding_client ADDRESS TRACE_FILE TASKS SECONDS
#include <cstdint>
#include <iostream>
#include <string>
#include <tuple>
#include <vector>

#include "troupe/troupe.hpp"

namespace {

struct result_question {
  std::string id;
  MSGPACK_DEFINE_MAP(id)
};
struct result_answer {
  std::vector<char> value;
  MSGPACK_DEFINE_MAP(value)
};

// How many results are as they should be.
std::size_t count_right(const troupe::client& client, const troupe::futures<std::int64_t>& held) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < held.size(); ++i) {
    auto expected = static_cast<std::int64_t>(i);
    auto question = troupe::value::of(result_question{to_string(held[i].id())});
    auto answer = client.request("result", question);
    if (!answer) {
      std::cerr << "result of task " << i << ": " << to_string(answer.error()) << std::endl;
      continue;
    }
    auto bytes = answer->as<result_answer>().value;
    auto stored = msgpack::unpack(bytes.data(), bytes.size()).get().as<std::int64_t>();
    if (held[i].get() == expected && stored == expected) ++right;
  }
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    auto client = troupe::client::connect(argv[1]);
    std::vector<std::tuple<std::string, std::int64_t, double>> arguments;
    for (std::int64_t i = 0; i < std::stoll(argv[3]); ++i) {
      arguments.emplace_back(argv[2], i, std::stod(argv[4]));
    }
    auto held = client.map<std::int64_t>("test.traced", arguments);
    std::cout << "job " << held[0].id().job.value << std::endl;
    for (std::string word; std::getline(std::cin, word);) {
      if (word == "wait") {
        held.wait();
        std::cout << "done " << held.size() << std::endl;
      } else if (word == "check") {
        std::cout << "right " << count_right(client, held) << std::endl;
      } else {
        break;
      }
    }
    client.close();
    return 0;
  } catch (const std::exception& e) {
    std::cerr << "holding_client: " << e.what() << std::endl;
    return 1;
  }
}
