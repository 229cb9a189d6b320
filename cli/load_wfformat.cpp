// Workflows in WfFormat (wfcommons.org): the graph from `specification`, run times from `execution`.
#include <map>

#include "autoscaler/simulator/bounds.hpp"
#include "cli/json_value.hpp"
#include "cli/load_file.hpp"
#include "cli/load_rows.hpp"
#include "cli/text.hpp"

namespace troupe::cli {

namespace {

// Names the place in the file, because JSON has no lines that anybody would count.
struct bad_workflow {
  std::string words;
};

const json& member(const json& object, const char* key, const std::string& of) {
  auto at = object.find(key);
  if (at == object.end()) throw bad_workflow{of + " has no \"" + key + "\""};
  return *at;
}

const json& list(const json& object, const char* key, const std::string& of) {
  const auto& l = member(object, key, of);
  if (!l.is_array()) throw bad_workflow{of + ": \"" + key + "\" is not a list"};
  return l;
}

std::string id_of(const json& task, const std::string& where) {
  const auto& id = member(task, "id", where);
  if (!id.is_string()) throw bad_workflow{where + ": its id is not a string"};
  return id.get<std::string>();
}

// "mProject_ID0000001" → "mProject": what tasks of one program have in common.
std::string function_of(const std::string& name) {
  auto end = name.find_last_not_of("0123456789");
  if (end == std::string::npos) return name;
  auto stem = name.substr(0, end + 1);
  if (stem.ends_with("_ID")) stem.resize(stem.size() - 3);
  while (stem.size() > 1 && (stem.back() == '_' || (stem.back() >= '0' && stem.back() <= '9')))
    stem.pop_back();
  return stem;
}

double positive(const json& task, const char* key, double otherwise, const std::string& of) {
  auto at = task.find(key);
  if (at == task.end() || at->is_null()) return otherwise;
  if (!at->is_number() || at->get<double>() < 0)
    throw bad_workflow{of + ": \"" + key + "\" is not a number from 0 on"};
  return at->get<double>();
}

std::string name_of(const json& task, const std::string& otherwise, const std::string& of) {
  auto at = task.find("name");
  if (at == task.end() || at->is_null()) return otherwise;
  if (!at->is_string()) throw bad_workflow{of + ": its name is not a string"};
  return at->get<std::string>();
}

simulator::submission tasks_of(const json& workflow, kind_table& kinds) {
  std::map<std::string, const json*> executed;
  for (const auto& t : list(member(workflow, "execution", "workflow"), "tasks", "execution"))
    executed[id_of(t, "a task of execution")] = &t;
  const auto& specified =
      list(member(workflow, "specification", "workflow"), "tasks", "specification");
  std::map<std::string, std::uint32_t> position;
  for (const auto& t : specified)
    if (!position.emplace(id_of(t, "a task of specification"), position.size()).second)
      throw bad_workflow{"two tasks have the id " + in_quotes(id_of(t, ""))};
  simulator::submission out;
  for (const auto& t : specified) {
    const auto id = id_of(t, "");
    const auto of = "task " + in_quotes(id);
    auto ran = executed.find(id);
    if (ran == executed.end()) throw bad_workflow{of + " is not among those of execution"};
    member(*ran->second, "runtimeInSeconds", of);
    simulator::work_kind k;
    k.function = function_of(name_of(t, id, of));
    const auto cores = positive(*ran->second, "coreCount", 1, of);
    if (cores > simulator::most_resources)
      throw bad_workflow{of + ": \"coreCount\" is more than " +
                         compact_number(simulator::most_resources)};
    k.resources.set("cpus", static_cast<amount>(std::max(cores, 1.0) * one_unit));
    simulator::planned_task task;
    task.kind = kinds.of(std::move(k));
    task.run_time =
        trace_seconds(positive(*ran->second, "runtimeInSeconds", 0, of), 1, of + ": run time");
    for (const auto& parent : list(t, "parents", of)) {
      auto at = position.find(parent.is_string() ? parent.get<std::string>() : "");
      if (at == position.end()) throw bad_workflow{of + " has a parent that is no task: " + compact(parent)};
      task.after.push_back(at->second);
    }
    out.tasks.push_back(std::move(task));
  }
  return out;
}

// Refuses cycles, which would wait for ever.
void check_order(const simulator::submission& s) {
  std::vector<std::size_t> missing, ready;
  std::vector<std::vector<std::size_t>> next(s.tasks.size());
  for (std::size_t i = 0; i < s.tasks.size(); ++i) {
    missing.push_back(s.tasks[i].after.size());
    for (auto p : s.tasks[i].after) next[p].push_back(i);
    if (missing[i] == 0) ready.push_back(i);
  }
  for (std::size_t at = 0; at < ready.size(); ++at)
    for (auto n : next[ready[at]])
      if (--missing[n] == 0) ready.push_back(n);
  if (ready.size() < s.tasks.size()) throw bad_workflow{"the parents of its tasks form a cycle"};
}

}  // namespace

result<file_load> read_wfformat(std::string_view text, const std::string& file) {
  auto parsed = parse_json(text);
  if (!parsed) return fail(errc::invalid_argument, file + ": " + parsed.error().message);
  try {
    file_load out;
    kind_table kinds;
    if (!parsed->is_object()) throw bad_workflow{"it is not a JSON object"};
    const auto& workflow = member(*parsed, "workflow", "the file");
    if (workflow.contains("tasks"))
      throw bad_workflow{"it is older than WfFormat 1.4, which has a specification and an execution"};
    auto s = tasks_of(workflow, kinds);
    check_order(s);
    out.load.submissions.push_back(std::move(s));
    out.load.name = file;
    out.load.kinds = kinds.take();
    return out;
  } catch (const bad_workflow& b) {
    return fail(errc::invalid_argument, file + ": " + b.words);
  } catch (const bad_row& b) {
    return fail(errc::invalid_argument, file + ": " + b.words);
  }
}

}  // namespace troupe::cli
