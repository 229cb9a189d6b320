// The graph file as a whole: its top level, its tasks' ids and what they wait for.
#include "cli/graph_file.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "cli/graph_reader.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

using index_of_id = std::unordered_map<std::string, task_index>;

const std::vector<std::string>& top_keys() {
  static const std::vector<std::string> keys{"name", "defaults", "tasks"};
  return keys;
}

struct document {
  std::string name;
  YAML::Node defaults, tasks;
};

document read_top(const YAML::Node& root, graph_problems& problems) {
  document d;
  if (!root.IsMap()) {
    problems.add(root, "the file must be a map with \"tasks\", this is " + describe_node(root));
    return d;
  }
  for_each_key(root, "the graph", problems, [&](const YAML::Node& key, const YAML::Node& n) {
    const auto& k = key.Scalar();
    if (k == "name") {
      if (n.IsScalar()) d.name = n.Scalar();
      else problems.add(n, "name: must be text, this is " + describe_node(n));
    } else if (k == "defaults") {
      d.defaults.reset(n);
    } else if (k == "tasks") {
      d.tasks.reset(n);
    } else {
      problems.add(key, "unknown key " + in_quotes(k) + did_you_mean(k, top_keys()) +
                            "; a graph has name, defaults and tasks");
    }
  });
  if (!d.tasks.IsDefined() || d.tasks.IsNull())
    problems.add(root, "\"tasks\" is missing: a list with one entry for each task");
  else if (!d.tasks.IsSequence())
    problems.add(d.tasks, "tasks: must be a list, this is " + describe_node(d.tasks));
  else if (d.tasks.size() == 0)
    problems.add(d.tasks, "tasks: the list is empty");
  return d;
}

// The tasks with their ids, so that every later pass can speak of them by name.
std::vector<graph_task> collect_tasks(const YAML::Node& list, index_of_id& ids,
                                      graph_problems& problems) {
  std::vector<graph_task> tasks;
  if (!list.IsDefined() || !list.IsSequence()) return tasks;
  for (const auto& n : list) {
    graph_task t;
    t.node.reset(n);
    t.where = "tasks[" + std::to_string(tasks.size()) + "]";
    if (!n.IsMap()) {
      problems.add(n, t.where + ": must be a map such as {id: a, exec: [ls]}, this is " +
                          describe_node(n));
      continue;
    }
    auto id = n["id"];
    if (!id.IsDefined() || !id.IsScalar() || id.Scalar().empty()) {
      problems.add(id.IsDefined() ? id : t.node, t.where + ": needs an id, a text of its own");
    } else {
      t.id = id.Scalar();
      t.where = "task " + in_quotes(t.id);
      auto [at, fresh] = ids.emplace(t.id, static_cast<task_index>(tasks.size()));
      if (!fresh)
        problems.add(id, "the id " + in_quotes(t.id) + " is taken by the task on line " +
                             std::to_string(tasks[at->second].node.Mark().line + 1));
    }
    tasks.push_back(std::move(t));
  }
  return tasks;
}

class resolver {
 public:
  resolver(const index_of_id& ids, graph_problems& problems) : ids_(ids), problems_(problems) {}

  std::vector<task_index> resolve(const graph_task& task, const char* key,
                                  const std::vector<graph_task::reference>& references) {
    std::vector<task_index> out;
    for (const auto& r : references) {
      auto found = ids_.find(r.id);
      if (found == ids_.end())
        problems_.add(r.at, task.where + ": " + key + ": no task has the id " + in_quotes(r.id) +
                                did_you_mean(r.id, names()));
      else
        out.push_back(found->second);
    }
    return out;
  }

 private:
  const std::vector<std::string>& names() {
    if (names_.empty())
      for (const auto& [id, index] : ids_) names_.push_back(id);
    return names_;
  }

  const index_of_id& ids_;
  graph_problems& problems_;
  std::vector<std::string> names_;  // made when the first problem needs it
};

// Tasks of the same spec share a template: few in graphs of calls, one a task in graphs of commands.
class template_table {
 public:
  std::uint32_t number_of(const task_spec& spec) {
    auto& candidates = by_key_[function_of(spec)];
    for (auto n : candidates)
      if (specs_[n] == spec) return n;
    auto n = static_cast<std::uint32_t>(specs_.size());
    specs_.push_back(spec);
    // Bounds the search: what differs that often is not shared.
    if (candidates.size() < 64) candidates.push_back(n);
    return n;
  }
  std::vector<task_spec> take() { return std::move(specs_); }

 private:
  static std::string function_of(const task_spec& s) {
    if (s.kind == task_kind::call) return "c" + s.function;
    std::string key = "e";
    for (const auto& a : s.command.argv) key += a + '\0';
    return key;
  }

  std::vector<task_spec> specs_;
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_key_;
};

void fill_draft(job_draft& draft, std::vector<graph_task>& tasks, resolver& ids,
                graph_problems& problems) {
  template_table templates;
  std::vector<std::vector<task_index>> needs;
  for (auto& t : tasks) {
    task_draft d;
    d.inputs = ids.resolve(t, "args", t.inputs);
    d.after = ids.resolve(t, "after", t.after);
    needs.push_back(d.inputs);
    needs.back().insert(needs.back().end(), d.after.begin(), d.after.end());
    d.template_number = templates.number_of(t.spec);
    d.arguments = std::move(t.arguments);
    d.label = t.id;
    draft.tasks.push_back(std::move(d));
  }
  draft.templates = templates.take();
  report_cycles(tasks, needs, problems);
}

void parse_document(const YAML::Node& root, job_draft& draft, graph_problems& problems) {
  auto top = read_top(root, problems);
  draft.name = top.name;
  task_spec defaults;
  if (top.defaults.IsDefined() && !top.defaults.IsNull())
    read_defaults(top.defaults, defaults, problems);
  index_of_id ids;
  auto tasks = collect_tasks(top.tasks, ids, problems);
  for (auto& t : tasks) {
    t.spec = defaults;
    read_task(t, problems);
  }
  resolver r(ids, problems);
  fill_draft(draft, tasks, r, problems);
}

bool indented_with_tab(const std::string& text, int line) {
  std::size_t begin = 0;
  for (int i = 0; i < line && begin != std::string::npos; ++i) {
    begin = text.find('\n', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return false;
  auto indent = text.find_first_not_of(" \t", begin);
  return text.substr(begin, indent == std::string::npos ? indent : indent - begin).find('\t') !=
         std::string::npos;
}

}  // namespace

void graph_problems::add(const YAML::Node& at, std::string text) { add(at.Mark(), std::move(text)); }

void graph_problems::add(const YAML::Mark& at, std::string text) {
  bool known = !at.is_null() && at.line >= 0;
  list_.push_back({known ? at.line + 1 : 0, known ? at.column + 1 : 0, std::move(text)});
}

std::vector<graph_problem> graph_problems::take_sorted() {
  std::stable_sort(list_.begin(), list_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.line, a.column) < std::tie(b.line, b.column);
  });
  return std::move(list_);
}

std::string describe_node(const YAML::Node& n) {
  if (n.IsMap()) return "a map";
  if (n.IsSequence()) return "a list";
  if (n.IsScalar()) return in_quotes(n.Scalar());
  return "nothing";
}

parsed_graph parse_graph(const std::string& text) {
  parsed_graph out;
  out.draft.hold = true;
  graph_problems problems;
  try {
    auto documents = YAML::LoadAll(text);
    if (documents.empty()) {
      problems.add(YAML::Mark::null_mark(), "the file is empty; it needs \"tasks\"");
    } else {
      parse_document(documents.front(), out.draft, problems);
      if (documents.size() > 1)
        problems.add(documents[1], "a second document begins here; a file is one graph");
    }
  } catch (const YAML::Exception& e) {  // not YAML at all: nothing else can be said about the file
    auto words = e.msg;
    if (indented_with_tab(text, e.mark.line)) words += " (a tab; YAML is indented with spaces)";
    problems.add(e.mark, "not YAML: " + words);
  }
  out.problems = problems.take_sorted();
  return out;
}

std::string describe(const std::vector<graph_problem>& problems, const std::string& file,
                     std::size_t most) {
  std::string out;
  auto shown = std::min(most, problems.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& p = problems[i];
    if (i > 0) out += '\n';
    out += file + ':';
    if (p.line > 0) out += std::to_string(p.line) + ':' + std::to_string(p.column) + ':';
    out += ' ' + p.text;
  }
  if (shown < problems.size())
    out += "\n… and " + plural(problems.size() - shown, "more problem");
  return out;
}

}  // namespace troupe::cli
