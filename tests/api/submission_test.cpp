// What users submit, as messages.
#include "api/submission.hpp"

#include <utility>

#include "libruntime/protocol/codec.hpp"
#include "libruntime/protocol/session_settings.hpp"
#include "libruntime/protocol/wire.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::detail;

namespace {

std::vector<protocol::message> messages_of(job_draft draft) {
  job_messages pieces(std::move(draft), 1);
  std::vector<protocol::message> all;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next())
    for (auto& m : piece) all.push_back(std::move(m));
  return all;
}

template <class T>
std::vector<T> all(const std::vector<protocol::message>& messages) {
  std::vector<T> out;
  for (const auto& m : messages)
    if (auto* x = std::get_if<T>(&m)) out.push_back(*x);
  return out;
}

}  // namespace

TEST_CASE("what is submitted is cut so that each message is sent in one piece") {
  for (std::size_t size : {1u, 20u, 65u, 100u, 500u, 1000u, 50'000u}) {
    job_draft draft;
    draft.templates.emplace_back().function = "f";
    draft.tasks.resize(10'000 * 100 / (100 + size));
    for (auto& t : draft.tasks) t.arguments = value::of(std::string(size, 'x'));
    for (const auto& m : messages_of(std::move(draft))) {
      std::string bytes;
      protocol::encode(m, bytes);
      INFO(size << " bytes a task");
      CHECK(bytes.size() <= protocol::session_settings{}.batch);
    }
  }
}

TEST_CASE("a job is made in pieces that grow, and nothing of one with a fault is") {
  job_draft draft;
  draft.templates.resize(2);
  for (auto& t : draft.templates) t.function = "f";
  constexpr std::size_t tasks_in_all = 7 * first_piece + add_limit + 10;
  draft.tasks.resize(tasks_in_all);
  for (std::uint32_t i = 0; i < draft.tasks.size(); ++i) draft.tasks[i].template_number = i % 2;
  job_messages pieces(draft, 1);
  std::vector<std::size_t> sizes;
  std::vector<bool> ends;
  std::size_t position = 0;
  for (auto piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
    std::size_t tasks = 0;
    for (const auto& add : all<protocol::add_tasks>(piece)) {
      CHECK(add.position == position + tasks);
      tasks += add.tasks.size();
    }
    sizes.push_back(tasks);
    position += tasks;
    ends.push_back(!all<protocol::close_job>(piece).empty());
  }
  CHECK(sizes == std::vector<std::size_t>{first_piece, 2 * first_piece, 4 * first_piece, add_limit, 10});
  CHECK(ends == std::vector{false, false, false, false, true});

  draft.name = "night";
  draft.tasks.back().arguments = value::copy_of(wire::as_bytes(std::string(200, '\x91')));
  draft.tasks.back().label = "last";
  try {
    job_messages{draft, 2};
    FAIL("nothing was thrown");
  } catch (const error& e) {
    CHECK(e.why().code == errc::invalid_argument);
    CHECK_THAT(e.why().message,
               Catch::Matchers::StartsWith("job \"night\", task " +
                                            std::to_string(tasks_in_all - 1) +
                                            ", \"last\": its arguments: "));
  }
}

TEST_CASE("a task of many inputs is a message of its own, so that those around it aren't cut with it") {
  constexpr std::uint32_t sources = 50'000;
  job_draft draft;
  draft.templates.emplace_back().function = "f";
  draft.tasks.resize(sources + 2);
  for (std::uint32_t i = 0; i < sources; ++i) draft.tasks[sources].inputs.push_back(i);
  auto messages = messages_of(std::move(draft));
  auto adds = all<protocol::add_tasks>(messages);
  REQUIRE(adds.size() >= 3);
  CHECK(adds.back().tasks.size() == 1);
  CHECK(adds[adds.size() - 2].tasks.size() == 1);
  CHECK(adds[adds.size() - 2].tasks[0].inputs.size() == sources);
  std::size_t position = 0;
  for (const auto& a : adds) {
    CHECK(a.position == position);
    position += a.tasks.size();
  }
  CHECK(position == sources + 2);
}
