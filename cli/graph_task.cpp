// One task of a graph file: its keys, each read by a function of a table.
#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "cli/graph_reader.hpp"
#include "cli/text.hpp"
#include "libruntime/option_tree.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {
namespace {

struct key_context {
  const YAML::Node& value;
  std::string where;  // "task \"a\": timeout"
  graph_problems& problems;

  void wrong(const std::string& expected) const {
    problems.add(value, where + ": must be " + expected + ", this is " + describe_node(value));
  }
};

template <class T>
std::optional<T> read_number(const key_context& k, T least, T most) {
  if (k.value.IsScalar()) {
    const auto& text = k.value.Scalar();
    T n{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error == std::errc{} && end == text.data() + text.size() && n >= least && n <= most)
      return n;
  }
  k.wrong("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

void read_duration(const key_context& k, duration& out) {
  auto d = k.value.IsScalar() ? parse_duration(k.value.Scalar()) : std::nullopt;
  if (d) out = *d;
  else k.wrong("a duration with its unit, such as 500ms, 30s or 1h30m");
}

std::optional<std::vector<std::string>> read_texts(const key_context& k,
                                                   const std::string& expected) {
  std::vector<std::string> out;
  if (!k.value.IsSequence()) {
    k.wrong(expected);
    return std::nullopt;
  }
  for (const auto& n : k.value) {
    if (!n.IsScalar()) {
      k.problems.add(n, k.where + ": must be " + expected + ", this element is " +
                            describe_node(n));
      return std::nullopt;
    }
    out.push_back(n.Scalar());
  }
  return out;
}

void read_resources(const key_context& k, task_spec& spec) {
  constexpr auto expected = "a map of amounts, such as {cpus: 1, GPU: 0.5}";
  if (!k.value.IsMap()) return k.wrong(expected);
  for_each_key(k.value, k.where, k.problems, [&](const YAML::Node& key, const YAML::Node& n) {
    auto parsed = n.IsScalar() ? resource_set::parse(key.Scalar() + "=" + n.Scalar())
                               : result<resource_set>(fail(errc::invalid_argument, expected));
    if (!parsed || key.Scalar().find_first_of("=, ") != std::string::npos)
      k.problems.add(n, k.where + ": " + in_quotes(key.Scalar()) + " must be an amount of 0 or more, "
                            "this is " + describe_node(n));
    else
      spec.options.resources.set(key.Scalar(), parsed->get(key.Scalar()));
  });
}

void set_variable(exec_spec& command, const std::string& name, const std::string& text) {
  auto& env = command.env;
  auto i = std::find_if(env.begin(), env.end(), [&](const auto& e) { return e.first == name; });
  if (i == env.end()) env.emplace_back(name, text);
  else i->second = text;
}

void read_env(const key_context& k, task_spec& spec) {
  if (!k.value.IsMap()) return k.wrong("a map of variables, such as {LANG: C}");
  for_each_key(k.value, k.where, k.problems, [&](const YAML::Node& key, const YAML::Node& n) {
    const auto& name = key.Scalar();
    if (name.empty() || name.find('=') != std::string::npos)
      k.problems.add(key, k.where + ": " + in_quotes(name) + " can't be a variable's name");
    else if (!n.IsScalar() && !n.IsNull())
      k.problems.add(n, k.where + ": " + in_quotes(name) + " must be text, this is " +
                            describe_node(n));
    else
      set_variable(spec.command, name, n.IsNull() ? "" : n.Scalar());
  });
}

void read_text(const key_context& k, std::string& out) {
  if (k.value.IsScalar()) out = k.value.Scalar();
  else k.wrong("text");
}

void read_memory(const key_context& k, task_spec& spec) {
  auto n = k.value.IsScalar() ? parse_bytes(k.value.Scalar()) : std::nullopt;
  if (n) spec.options.memory_limit = *n;
  else k.wrong("a size, such as 512MiB or 2GiB");
}

void read_run_when(const key_context& k, task_spec& spec) {
  auto text = k.value.IsScalar() ? k.value.Scalar() : std::string{};
  if (text == "all_succeeded") spec.options.run_when = run_condition::all_succeeded;
  else if (text == "always") spec.options.run_when = run_condition::always;
  else k.wrong("all_succeeded or always");
}

void read_isolation(const key_context& k, task_spec& spec) {
  auto text = k.value.IsScalar() ? k.value.Scalar() : std::string{};
  if (text == "thread") spec.options.isolated = isolation::thread;
  else if (text == "process") spec.options.isolated = isolation::process;
  else k.wrong("thread or process");
}

enum class applies_to { both, exec, call };

struct option_key {
  const char* name;
  applies_to kind;
  void (*read)(const key_context&, task_spec&);
};

constexpr std::uint16_t most_u16 = std::numeric_limits<std::uint16_t>::max();

const option_key option_keys[] = {
    {"resources", applies_to::both, read_resources},
    {"pool", applies_to::both, [](auto& k, auto& s) { read_text(k, s.options.pool); }},
    {"priority", applies_to::both,
     [](auto& k, auto& s) {
       using limits = std::numeric_limits<std::int32_t>;
       if (auto n = read_number<std::int32_t>(k, limits::min(), limits::max()))
         s.options.priority = *n;
     }},
    {"retries", applies_to::both,
     [](auto& k, auto& s) {
       if (auto n = read_number<std::uint16_t>(k, 0, most_u16)) s.options.retries = *n;
     }},
    {"retry_delay", applies_to::both, [](auto& k, auto& s) { read_duration(k, s.options.retry_delay); }},
    {"crash_limit", applies_to::both,
     [](auto& k, auto& s) {
       if (auto n = read_number<std::uint16_t>(k, 1, most_u16)) s.options.crash_limit = *n;
     }},
    {"timeout", applies_to::both, [](auto& k, auto& s) { read_duration(k, s.options.timeout); }},
    {"expected", applies_to::both, [](auto& k, auto& s) { read_duration(k, s.options.expected); }},
    {"memory", applies_to::both, read_memory},
    {"run_when", applies_to::both, read_run_when},
    {"isolation", applies_to::call, read_isolation},
    {"env", applies_to::exec, read_env},
    {"cwd", applies_to::exec, [](auto& k, auto& s) { read_text(k, s.command.cwd); }},
    {"stdin", applies_to::exec, [](auto& k, auto& s) { read_text(k, s.command.stdin_data); }},
};

const option_key* find_option(std::string_view name) {
  for (const auto& o : option_keys)
    if (name == o.name) return &o;
  return nullptr;
}

std::vector<std::string> known_keys(bool of_task) {
  std::vector<std::string> keys;
  if (of_task) keys = {"id", "exec", "call", "args", "after"};
  for (const auto& o : option_keys) keys.emplace_back(o.name);
  return keys;
}

void unknown_key(const YAML::Node& key, const std::string& where, bool of_task,
                 graph_problems& problems) {
  const auto keys = known_keys(of_task);
  auto words = where + ": unknown key " + in_quotes(key.Scalar()) + did_you_mean(key.Scalar(), keys);
  if (nearest(key.Scalar(), keys).empty()) {
    words += "; known are ";
    for (std::size_t i = 0; i < keys.size(); ++i) words += (i == 0 ? "" : ", ") + keys[i];
  }
  problems.add(key, words);
}

// What kind of task it is; nothing (and a problem) unless exactly one of exec and call is there.
std::optional<task_kind> kind_of(const graph_task& t, graph_problems& problems) {
  bool exec = t.node["exec"].IsDefined(), call = t.node["call"].IsDefined();
  if (exec != call) return exec ? task_kind::exec : task_kind::call;
  problems.add(t.node, t.where + (exec ? ": has both exec and call; a task is one of them"
                                       : ": needs exec (a command) or call (a function)"));
  return std::nullopt;
}

void read_command(const key_context& k, task_spec& spec) {
  auto argv = read_texts(k, "a list of texts, such as [sh, -c, \"ls *.jpg\"]");
  if (!argv) return;
  if (argv->empty() || argv->front().empty())
    k.problems.add(k.value, k.where + ": needs a program as its first element");
  spec.command.argv = std::move(*argv);
}

void read_function(const key_context& k, task_spec& spec) {
  read_text(k, spec.function);
  if (k.value.IsScalar() && spec.function.empty())
    k.problems.add(k.value, k.where + ": needs the name of a function");
}

void read_after(const key_context& k, graph_task& task) {
  if (!read_texts(k, "a list of ids")) return;
  for (const auto& n : k.value) {
    const auto& id = n.Scalar();
    bool known = std::any_of(task.after.begin(), task.after.end(),
                             [&](const auto& r) { return r.id == id; });
    if (!known) task.after.push_back({id, n});
  }
}

void read_option(const option_key& option, const key_context& k, std::optional<task_kind> kind,
                 const YAML::Node& key, const std::string& task, task_spec& spec) {
  auto needed = option.kind == applies_to::exec ? task_kind::exec : task_kind::call;
  if (kind && option.kind != applies_to::both && needed != *kind)
    return k.problems.add(key, task + ": " + in_quotes(option.name) + " is for " +
                                   (needed == task_kind::exec ? "exec" : "call") + " tasks only");
  option.read(k, spec);
}

}  // namespace

void read_defaults(const YAML::Node& map, task_spec& defaults, graph_problems& problems) {
  if (!map.IsMap())
    return problems.add(map, "defaults: must be a map of options, this is " + describe_node(map));
  for_each_key(map, "defaults", problems, [&](const YAML::Node& key, const YAML::Node& n) {
    const auto* option = find_option(key.Scalar());
    if (option) option->read({n, "defaults: " + key.Scalar(), problems}, defaults);
    else unknown_key(key, "defaults", false, problems);
  });
}

void read_task(graph_task& task, graph_problems& problems) {
  auto kind = kind_of(task, problems);
  task.spec.kind = kind.value_or(task_kind::call);
  if (task.spec.kind == task_kind::call) task.spec.command = {};  // defaults meant for execs
  bool has_arguments = false;
  for_each_key(task.node, task.where, problems, [&](const YAML::Node& key, const YAML::Node& n) {
    const auto& name = key.Scalar();
    key_context k{n, task.where + ": " + name, problems};
    if (name == "id") return;
    if (name == "exec") return read_command(k, task.spec);
    if (name == "call") return read_function(k, task.spec);
    if (name == "after") return read_after(k, task);
    if (name == "args") {
      if (kind == task_kind::exec)
        return problems.add(key, task.where + ": args are for call tasks; put them into exec");
      has_arguments = true;
      return read_arguments(n, task, problems);
    }
    const auto* option = find_option(name);
    if (option) read_option(*option, k, kind, key, task.where, task.spec);
    else unknown_key(key, task.where, true, problems);
  });
  if (kind == task_kind::call && !has_arguments)
    task.arguments = value::of(std::vector<int>{});
}

}  // namespace troupe::cli
