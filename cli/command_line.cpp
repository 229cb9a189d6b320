// The shape of `--help`, and the list of all commands.
#include <algorithm>
#include <charconv>

#include "cli/commands.hpp"
#include "cli/simulate.hpp"
#include "cli/text.hpp"
#include "libruntime/units.hpp"

namespace troupe::cli {
namespace {

constexpr std::size_t help_width = 80;

// CLI11's own formatter never breaks lines.
std::string wrapped(const std::string& name, const std::string& text, std::size_t indent) {
  std::string out = "  " + name, line;
  auto column = 2 + display_width(name);
  if (column + 2 > indent) {
    out += '\n';
    column = 0;
  }
  out += std::string(indent - column, ' ');
  column = indent;
  std::size_t at = 0;
  while (at < text.size()) {
    auto end = std::min(text.find(' ', at), text.size());
    auto word = text.substr(at, end - at);
    if (column > indent && column + 1 + display_width(word) > help_width) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += display_width(word);
    at = end + 1;
  }
  return out + '\n';
}

bool shown_positional(const CLI::Option* o) {
  return o->get_positional() && !o->get_group().empty();
}

class help_formatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override {
    auto name = make_option_name(option, positional);
    if (option->get_type_size() != 0 && !positional && !option->get_type_name().empty())
      name += ' ' + option->get_type_name();
    auto text = option->get_description();
    if (option->get_required() && !positional) text += " (required)";
    return wrapped(name, text, 28);
  }
  std::string make_subcommand(const CLI::App* sub) const override {
    return wrapped(sub->get_name(), sub->get_description(), 16);
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    // CLI11 gives the parents' names in `name` only to those without a usage of their own.
    std::string usage = "Usage: " + (name.empty() ? app->get_name() : name);
    if (!app->get_options([](const CLI::Option* o) { return o->nonpositional(); }).empty())
      usage += " [OPTIONS]";
    for (const auto* o : app->get_options(shown_positional)) {
      auto word = o->get_name(true) + (o->get_items_expected_max() > 1 ? "..." : "");
      usage += o->get_required() ? ' ' + word : " [" + word + ']';
    }
    if (!app->get_subcommands([](const CLI::App*) { return true; }).empty()) usage += " COMMAND";
    if (app->get_name() == "submit") usage += " -- PROGRAM [ARGUMENT...]";  // not CLI11's to parse
    return usage + "\n";
  }
};

}  // namespace

CLI::App* command_line::add(const char* name, const char* group, const char* text,
                            const char* examples) {
  auto* command = add(app, name, text, examples);
  command->group(group);
  return command;
}

CLI::App* command_line::add(CLI::App& parent, const char* name, const char* text,
                            const char* examples) {
  auto* command = parent.add_subcommand(name, text);
  auto formatter = std::make_shared<help_formatter>();
  formatter->label("Positionals", "Arguments");
  command->formatter(formatter);
  command->footer(std::string{"Examples:\n"} + examples +
                  "\n\nOptions of every command (--address, --certs, -o): troupe --help");
  return command;
}

void add_all_commands(command_line& line) {
  line.app.formatter(std::make_shared<help_formatter>());
  for (auto add : {add_up, add_down, add_scheduler, add_worker, add_submit, add_call, add_map,
                   add_run, add_status, add_jobs, add_tasks, add_workers, add_pools, add_logs,
                   add_result, add_explain, add_wait, add_cancel, add_retry, add_scale, add_drain,
                   add_autoscaler, add_simulate, add_bench, add_config, add_certs, add_completions,
                   add_version})
    add(line);
}

// ---- shared options

CLI::Validator in_range(std::int64_t least, std::int64_t most) {
  return CLI::Validator(
      [least, most](std::string& text) {
        std::int64_t n = 0;
        auto end = text.data() + text.size();
        auto [at, error] = std::from_chars(text.data(), end, n);
        if (error == std::errc{} && at == end && n >= least && n <= most) return std::string{};
        return in_quotes(text) + " is not a number from " + std::to_string(least) + " to " +
               std::to_string(most);
      },
      "");
}

CLI::Validator one_of(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& text) {
        if (std::find(words.begin(), words.end(), text) != words.end()) return std::string{};
        std::string list;
        for (const auto& w : words) list += (list.empty() ? "" : ", ") + w;
        return in_quotes(text) + " is none of " + list + did_you_mean(text, words);
      },
      "");
}

void task_flags::add_to(CLI::App& command) {
  command.add_option("--name", name, "Name of the job, shown in `troupe jobs`")->type_name("TEXT");
  command.add_option("--pool", pool, "Run only on workers of this pool")->type_name("POOL");
  command.add_option("--resources", resources, "What each task needs: cpus=2,GPU=1 (default cpus=1)")
      ->type_name("NAME=N,...")->allow_extra_args(false);
  command.add_option("--priority", priority, "Higher ones start first (default 0)")
      ->type_name("N");
  command.add_option("--retries", retries, "Run a failed task again up to N times (default 0)")
      ->type_name("N")->check(in_range(0, 65535));
  command.add_option("--retry-delay", retry_delay,
                     "Wait before the first retry; doubles with each (default 0s)")
      ->type_name("TIME");
  command.add_option("--timeout", timeout, "Time limit of one attempt, such as 30s or 1h30m")
      ->type_name("TIME");
  command.add_option("--memory", memory, "Memory limit of a task, such as 512MiB")
      ->type_name("SIZE");
  command.add_option("--expected", expected, "How long a task will take, until it is measured")
      ->type_name("TIME");
  command.add_option("--crash-limit", crash_limit,
                     "Give a task up after N workers died under it (default 3)")
      ->type_name("N")->check(in_range(1, 65535));
}

namespace {

duration duration_flag(const char* flag, const std::string& text) {
  if (text.empty()) return {};
  auto d = parse_duration(text);
  if (!d)
    refuse_usage(std::string{flag} + ": " + in_quotes(text) +
                 " is not a duration with its unit, such as 500ms, 30s or 1h30m");
  return *d;
}

}  // namespace

task_options task_flags::options() const {
  task_options o;
  for (const auto& text : resources)
    o.resources.add(usage_or_throw(resource_set::parse(text), "--resources"));
  o.pool = pool;
  o.priority = priority;
  o.retries = static_cast<std::uint16_t>(retries);
  o.crash_limit = static_cast<std::uint16_t>(crash_limit);
  o.retry_delay = duration_flag("--retry-delay", retry_delay);
  o.timeout = duration_flag("--timeout", timeout);
  o.expected = duration_flag("--expected", expected);
  if (!memory.empty()) {
    auto n = parse_bytes(memory);
    if (!n) refuse_usage("--memory: " + in_quotes(memory) + " is not a size, such as 512MiB or 2GiB");
    o.memory_limit = *n;
  }
  return o;
}

target_id parse_target(const std::string& text) {
  if (auto t = parse_task_id(text)) return {t->job, true, t->index, text};
  if (auto j = parse_job_id(text)) return {*j, false, 0, text};
  refuse_usage(in_quotes(text) + " is neither a job, such as 12, nor a task, such as 12.3");
}

std::string text_at(const json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_string() ? i->get<std::string>() : "";
}

double number_at(const json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_number() ? i->get<double>() : 0;
}

std::uint64_t count_at(const json& object, const char* key) {
  auto i = object.find(key);
  return i != object.end() && i->is_number_unsigned() ? i->get<std::uint64_t>() : 0;
}

}  // namespace troupe::cli
