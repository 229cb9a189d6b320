// troupe config: the configuration, checked, shown and documented.
#include <filesystem>

#include "cli/commands.hpp"
#include "cli/inputs.hpp"
#include "cli/text.hpp"

namespace troupe::cli {
namespace {

exit_code check(context& c, const std::string& file) {
  auto outcome = config::check(file, config::process_environment());
  if (c.out.is_json()) c.out.print_json(json{{"file", file}, {"ok", outcome.ok}, {"text", outcome.text}});
  else if (outcome.ok) { if (!c.out.is_quiet()) c.out.print(outcome.text); }
  else c.out.raw_error(outcome.text);
  return outcome.ok ? exit_code::done : exit_code::usage;
}

exit_code show(context& c, const std::string& file, bool of_cluster) {
  std::string yaml;
  if (of_cluster) {
    yaml = text_at(c.ask("config.show"), "yaml");
  } else {
    auto loaded = load_settings(c.out, file);
    if (c.out.is_json()) {
      c.out.line(config::show_json(loaded.settings));
      return exit_code::done;
    }
    yaml = config::show(loaded);
  }
  if (c.out.is_json()) c.out.print_json(json{{"yaml", yaml}});
  else c.out.print(yaml.ends_with('\n') ? yaml : yaml + '\n');
  return exit_code::done;
}

// As much of a value as a table has room for.
std::string short_value(const json& v) {
  if (v.is_null()) return "—";
  return shorten(v.is_string() ? v.get<std::string>() : compact(v), 40);
}

void print_changes(output& out, const json& answer) {
  for (const auto& w : answer["warnings"]) out.warning(w.get<std::string>());
  const auto& changes = answer["changes"];
  if (changes.empty()) return out.line("Nothing differs from what the cluster runs with.");
  table t({{"OPTION"}, {"WAS"}, {"IS"}, {"TAKES EFFECT"}});
  std::size_t waiting = 0;
  for (const auto& c : changes) {
    const bool live = c["live"].get<bool>();
    waiting += !live;
    t.add({text_at(c, "path"), short_value(c["from"]), short_value(c["to"]), live ? "now" : "with the next start"});
  }
  out.print(t);
  if (waiting > 0)
    out.warning(plural(waiting, "change") + " can't be made while the cluster runs");
  if (!answer["applied"].get<bool>()) out.note("Nothing was changed: this was a dry run.");
}

exit_code apply(context& c, const std::string& file, bool dry_run) {
  json question{{"dry_run", dry_run}};
  if (!file.empty()) {
    question["yaml"] = usage_or_throw(read_input(file), "the configuration");
    // Relative paths in it begin at its folder, wherever the head is at home.
    question["name"] = file == "-" ? "stdin" : std::filesystem::absolute(file).lexically_normal();
  }
  auto answer =
      c.cluster().request("config.apply", to_value(question).value(), std::chrono::seconds{30});
  if (!answer && answer.error().code == errc::invalid_argument) {
    auto text = answer.error().message;
    c.out.raw_error(text.ends_with('\n') ? text : text + '\n');
    c.out.note("Nothing has changed.");
    return exit_code::usage;
  }
  if (!answer) throw_failure(answer.error());
  const auto done = to_json(*answer);
  if (c.out.is_json()) c.out.print_json(done);
  else if (c.out.is_table()) print_changes(c.out, done);
  return exit_code::done;
}

}  // namespace

void add_config(command_line& line) {
  auto* group = line.add("config", group_other, "Check, show and document the configuration",
                         "  troupe config check cluster.yaml\n"
                         "  troupe config show cluster.yaml     # with defaults and environment\n"
                         "  troupe config apply cluster.yaml    # to the running cluster\n"
                         "  troupe config schema > troupe.schema.json");
  group->require_subcommand(1);

  auto file = std::make_shared<std::string>();
  auto* check_command = command_line::add(
      *group, "check", "Find every mistake of a file", "  troupe config check cluster.yaml\n\n"
      "Prints file:line:column of each; exit code 2 if there are any.");
  check_command->add_option("file", *file, "The cluster's YAML file")->required()->type_name("");
  line.run(check_command, [&line, file] { return check(line.c, *file); });

  auto* show_command = command_line::add(
      *group, "show", "Print the settings in effect, and where each comes from",
      "  troupe config show cluster.yaml\n"
      "  TROUPE_SCHEDULER_LISTEN=127.0.0.1:0 troupe config show cluster.yaml\n"
      "  troupe config show --cluster          # of the running cluster\n\n"
      "Environment overrides file overrides default. Secrets are hidden.");
  auto of_cluster = std::make_shared<bool>(false);
  auto* shown = show_command->add_option("file", *file, "A YAML file (default: what holds without)")
                    ->type_name("");
  show_command->add_flag("--cluster", *of_cluster, "Ask the running cluster")->excludes(shown);
  line.run(show_command, [&line, file, of_cluster] { return show(line.c, *file, *of_cluster); });

  auto* apply_command = command_line::add(
      *group, "apply", "Change the running cluster's settings to those of a file",
      "  troupe config apply cluster.yaml --dry-run     # only show what would change\n"
      "  troupe config apply cluster.yaml\n"
      "  troupe config apply                            # the cluster's own file, read again\n\n"
      "Limits, scaling, signals and budgets change at once, and nothing else does: what has to wait\n"
      "for the next start is named. A file with a mistake changes nothing; exit code 2. The head's\n"
      "environment overrides this file too. What `troupe scale` has set stays.\n"
      "A SIGHUP to the head is the same as apply without a file.");
  auto dry_run = std::make_shared<bool>(false);
  apply_command->add_option("file", *file, "A YAML file, or - (default: the cluster's own)")
      ->type_name("");
  apply_command->add_flag("--dry-run", *dry_run, "Only show what would change");
  line.run(apply_command, [&line, file, dry_run] { return apply(line.c, *file, *dry_run); });

  auto* schema = command_line::add(*group, "schema", "Print a JSON Schema of the file, for editors",
                                   "  troupe config schema > troupe.schema.json");
  line.run(schema, [&line] {
    line.c.out.line(config::schema());
    return exit_code::done;
  });

  auto* reference = command_line::add(*group, "reference", "Print every option, as Markdown",
                                      "  troupe config reference | less");
  line.run(reference, [&line] {
    line.c.out.print(config::reference_markdown());
    return exit_code::done;
  });
}

}  // namespace troupe::cli
