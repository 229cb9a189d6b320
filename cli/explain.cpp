// troupe explain: why a task is not running, in words.
#include <map>

#include "cli/commands.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

// "is ready: no free slot"; but "failed: boom" and "is running on w1", which say the state themselves.
std::string with_state(const std::string& state, const std::string& why) {
  bool over = state == "finished" || state == "failed" || state == "cancelled";
  if (why.starts_with(state)) return over ? why : "is " + why;
  return "is " + state + ": " + why;
}

exit_code explain_task(context& c, const std::string& id) {
  auto answer = c.ask("why", {{"id", id}});
  if (c.out.is_json()) c.out.print_json(answer);
  else if (c.out.is_quiet()) c.out.line(text_at(answer, "why"));
  else
    c.out.line("Task " + id + " " + with_state(text_at(answer, "state"), text_at(answer, "why")));
  return exit_code::done;
}

struct reason {
  std::string state, why, first;
  std::uint64_t tasks = 0;
};

// The tasks of a job, grouped by what holds them up.
exit_code explain_job(context& c, const std::string& id) {
  constexpr std::size_t page = 1000, most = 100'000;
  std::vector<reason> reasons;
  std::map<std::pair<std::string, std::string>, std::size_t> known;
  for (std::size_t offset = 0; offset < most; offset += page) {
    auto rows = c.ask("tasks", {{"job", id}, {"offset", offset}, {"limit", page}})
                    .value("tasks", json::array());
    for (const auto& t : rows) {
      auto state = text_at(t, "state"), why = text_at(t, "why");
      auto [at, fresh] = known.emplace(std::pair(state, why), reasons.size());
      if (fresh) reasons.push_back({state, why, text_at(t, "id"), 0});
      ++reasons[at->second].tasks;
    }
    if (rows.size() < page) break;
  }
  if (c.out.is_json()) {
    json shown = json::array();
    for (const auto& r : reasons)
      shown.push_back({{"state", r.state}, {"why", r.why}, {"tasks", r.tasks}, {"first", r.first}});
    c.out.print_json(shown);
    return exit_code::done;
  }
  table t({{"TASKS", align::right}, {"STATE"}, {"FIRST"}, {"WHY", align::left, true}});
  for (const auto& r : reasons) t.add({human_count(r.tasks), r.state, r.first, r.why});
  c.out.print(t);
  return exit_code::done;
}

}  // namespace

void add_explain(command_line& line) {
  auto* command = line.add("explain", group_look, "Say why a task is not running, or what became of it",
                           "  troupe explain 12.3\n"
                           "  troupe explain 12      # all tasks of a job, grouped by reason\n\n"
                           "Names the dependency, resource, pool or limit that a task waits for.");
  auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "A task (12.3) or a job (12)")->required()->type_name("");
  line.run(command, [&line, id] {
    return parse_target(*id).is_task ? explain_task(line.c, *id) : explain_job(line.c, *id);
  });
}

}  // namespace troupe::cli
