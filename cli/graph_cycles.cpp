// Finds tasks that wait for each other in a circle, and writes the circle down by their ids.
#include <algorithm>

#include "cli/graph_reader.hpp"

namespace troupe::cli {
namespace {

enum class mark : std::uint8_t { unseen, on_path, done };

struct step {
  task_index task;
  std::size_t next = 0;  // which of its needs comes next
};

// The ids from the task `back_to` on the path to its end, and back.
std::string circle(const std::vector<graph_task>& tasks, const std::vector<step>& path,
                   task_index back_to) {
  constexpr std::size_t most = 20;
  auto begin = std::find_if(path.begin(), path.end(),
                            [&](const step& s) { return s.task == back_to; });
  std::string words;
  std::size_t shown = 0;
  for (auto i = begin; i != path.end(); ++i) {
    if (++shown > most) {
      words += "… → ";
      break;
    }
    words += in_quotes(tasks[i->task].id) + " → ";
  }
  return words + in_quotes(tasks[back_to].id);
}

}  // namespace

void report_cycles(const std::vector<graph_task>& tasks,
                   const std::vector<std::vector<task_index>>& needs, graph_problems& problems) {
  // Depth first without recursion: graphs may be as deep as they have tasks.
  std::vector<mark> marks(tasks.size(), mark::unseen);
  std::vector<step> path;
  for (task_index root = 0; root < tasks.size(); ++root) {
    if (marks[root] != mark::unseen) continue;
    path.push_back({root});
    marks[root] = mark::on_path;
    while (!path.empty()) {
      auto& top = path.back();
      if (top.next == needs[top.task].size()) {
        marks[top.task] = mark::done;
        path.pop_back();
        continue;
      }
      auto need = needs[top.task][top.next++];
      if (marks[need] == mark::on_path) {
        const auto& t = tasks[top.task];
        problems.add(t.node, need == top.task
                                 ? t.where + ": waits for itself"
                                 : "these tasks wait for each other: " + circle(tasks, path, need));
      } else if (marks[need] == mark::unseen) {
        marks[need] = mark::on_path;
        path.push_back({need});
      }
    }
  }
}

}  // namespace troupe::cli
