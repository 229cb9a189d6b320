// troupe status and troupe version.
#include "cli/commands.hpp"
#include "cli/lists.hpp"
#include "cli/text.hpp"
#include "cli/version.hpp"

namespace troupe::cli {
namespace {

std::string counts(const json& tasks, const output& out) {
  std::string words;
  for (const auto& [state, n] : tasks.items()) {
    auto count = n.is_number_unsigned() ? n.get<std::uint64_t>() : 0;
    if (count == 0) continue;
    words += (words.empty() ? "" : ", ") + human_count(count) + ' ' +
             out.paint(state, style_of(state));
  }
  return words.empty() ? "none" : words;
}

exit_code status(context& c) {
  auto s = c.ask("status");
  if (c.out.is_json()) {
    c.out.print_json(s);
    return exit_code::done;
  }
  auto cluster = s.value("cluster", json::object());
  if (c.out.is_quiet()) {
    c.out.line(text_at(cluster, "address"));
    return exit_code::done;
  }
  auto http = text_at(cluster, "http");
  c.out.line("Cluster   " + c.out.paint(text_at(cluster, "name"), style::bold) + " at " +
             text_at(cluster, "address") + (http.empty() ? "" : ", http://" + http));
  c.out.line("Up        " + human_seconds(number_at(cluster, "uptime")) + " (" +
             text_at(cluster, "version") + ")");
  c.out.line("Tasks     " + counts(s.value("tasks", json::object()), c.out));
  c.out.line("Workers   " + human_count(count_at(s, "workers")));
  auto pools = s.value("pools", json::array());
  if (!pools.empty()) {
    c.out.line("");
    c.out.print(pools_table(pools));
  }
  return exit_code::done;
}

exit_code version(context& c, bool of_cluster) {
  json shown{{"software", software}, {"protocol", protocol::version}};
  if (of_cluster) shown["cluster"] = c.ask("version");
  if (c.out.is_json()) {
    c.out.print_json(shown);
    return exit_code::done;
  }
  c.out.line(software);
  if (of_cluster && !c.out.is_quiet())
    c.out.line("cluster: " + text_at(shown["cluster"], "software"));
  return exit_code::done;
}

}  // namespace

void add_status(command_line& line) {
  auto* command = line.add("status", group_look, "Show the cluster: tasks, workers, pools",
                           "  troupe status\n"
                           "  watch -n1 troupe status\n"
                           "  troupe status -o json | jq .tasks");
  line.run(command, [&line] { return status(line.c); });
}

void add_version(command_line& line) {
  auto* command = line.add("version", group_other, "Print the version",
                           "  troupe version\n  troupe version --cluster   # the cluster's too");
  auto of_cluster = std::make_shared<bool>(false);
  command->add_flag("--cluster", *of_cluster, "Ask the cluster for its version too");
  line.run(command, [&line, of_cluster] { return version(line.c, *of_cluster); });
}

}  // namespace troupe::cli
