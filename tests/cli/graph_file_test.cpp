#include "cli/graph_file.hpp"

#include "cli/json_value.hpp"
#include <algorithm>

#include "tests/support/catch.hpp"

using namespace troupe;
using namespace troupe::cli;
using namespace std::chrono_literals;

namespace {

std::string problems_of(const std::string& text) {
  return describe(parse_graph(text).problems, "g.yaml");
}

bool complains(const std::string& text, const std::string& words) {
  auto all = problems_of(text);
  INFO(all);
  CHECK(all.find(words) != std::string::npos);
  return all.find(words) != std::string::npos;
}

job_draft draft_of(const std::string& text) {
  auto g = parse_graph(text);
  INFO(describe(g.problems, "g.yaml"));
  REQUIRE(g.problems.empty());
  return std::move(g.draft);
}

constexpr auto thumbnails = R"(
name: thumbnails
tasks:
  - {id: list,  exec: [sh, -c, "ls *.jpg"]}
  - {id: a,     exec: [convert, in.jpg, -resize, 64x, out.jpg], after: [list], resources: {cpus: 1}, retries: 2, timeout: 30s}
  - {id: count, call: wordcount.count, args: [in.txt], after: [a]}
  - {id: sum,   call: wordcount.merge, args: [{from: count}]}
)";

}  // namespace

TEST_CASE("a graph file becomes one held job with a task for each entry") {
  auto d = draft_of(thumbnails);
  CHECK(d.name == "thumbnails");
  CHECK(d.hold);
  CHECK(d.lifetime == protocol::lifetime::detached);
  REQUIRE(d.tasks.size() == 4);
  CHECK(d.tasks[0].label == "list");
  const auto& a = d.templates[d.tasks[1].template_number];
  CHECK(a.kind == task_kind::exec);
  CHECK(a.command.argv.size() == 5);
  CHECK(a.options.retries == 2);
  CHECK(a.options.timeout == 30s);
  CHECK(a.options.resources == resource_set{{"cpus", 1}});
  CHECK(d.tasks[1].after == std::vector<task_index>{0});
  CHECK(compact(to_json(d.tasks[2].arguments)) == "[\"in.txt\"]");
  CHECK(d.tasks[3].inputs == std::vector<task_index>{2});
  CHECK(compact(to_json(d.tasks[3].arguments)) == R"([{"$ext":[1,"AAAAAA=="]}])");
}

TEST_CASE("a result named twice is one input; later tasks may be named") {
  auto d = draft_of(R"(
tasks:
  - {id: m, call: f, args: [[{from: a}, {from: b}], {x: {from: a}}]}
  - {id: a, call: g}
  - {id: b, call: g}
)");
  CHECK(d.tasks[0].inputs == std::vector<task_index>{1, 2});
  CHECK(compact(to_json(d.tasks[0].arguments)) ==
        R"([[{"$ext":[1,"AAAAAA=="]},{"$ext":[1,"AAAAAQ=="]}],{"x":{"$ext":[1,"AAAAAA=="]}}])");
  CHECK(d.templates.size() == 2);
}

TEST_CASE("arguments have the types that YAML gives them") {
  auto d = draft_of(R"(
tasks:
  - id: a
    call: f
    args: [1, -2, 0x10, 1.5, 5e-1, true, "true", '1', ~, text, 2GiB, {literal: {from: a}}, {k: v}, inf]
)");
  CHECK(compact(to_json(d.tasks[0].arguments)) ==
        R"([1,-2,16,1.5,0.5,true,"true","1",null,"text","2GiB",{"from":"a"},{"k":"v"},"inf"])");
}

TEST_CASE("defaults hold for every task, and a task's own options come first") {
  auto d = draft_of(R"(
defaults: {retries: 3, pool: big, env: {A: 1, B: 2}, cwd: /tmp}
tasks:
  - {id: a, exec: [ls], env: {B: 3}, retries: 0}
  - {id: b, call: f}
)");
  const auto& a = d.templates[d.tasks[0].template_number];
  CHECK(a.options.retries == 0);
  CHECK(a.options.pool == "big");
  CHECK(a.command.cwd == "/tmp");
  CHECK(a.command.env ==
        std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", "3"}});
  const auto& b = d.templates[d.tasks[1].template_number];
  CHECK(b.options.retries == 3);
  CHECK(b.command.env.empty());
}

TEST_CASE("every problem of a file is reported at once, with line and column") {
  CHECK(problems_of(R"(nmae: x
tasks:
  - {id: a, exec: [ls], timeout: 30}
  - {id: a, call: f, afte: [b]}
  - {id: c, exec: ls, after: [d]}
)") ==
        "g.yaml:1:1: unknown key \"nmae\" (did you mean \"name\"?); a graph has name, defaults and "
        "tasks\n"
        "g.yaml:3:34: task \"a\": timeout: must be a duration with its unit, such as 500ms, 30s or "
        "1h30m, this is \"30\"\n"
        "g.yaml:4:10: the id \"a\" is taken by the task on line 3\n"
        "g.yaml:4:22: task \"a\": unknown key \"afte\" (did you mean \"after\"?)\n"
        "g.yaml:5:19: task \"c\": exec: must be a list of texts, such as [sh, -c, \"ls *.jpg\"], "
        "this is \"ls\"\n"
        "g.yaml:5:31: task \"c\": after: no task has the id \"d\"");
}

TEST_CASE("a graph file that can't mean anything is refused") {
  complains("", "g.yaml: the file is empty");
  complains("[1]", "g.yaml:1:1: the file must be a map");
  complains("name: x", "\"tasks\" is missing");
  complains("tasks: []", "the list is empty");
  complains("tasks: 5", "tasks: must be a list, this is \"5\"");
  complains("tasks: [{id: a, exec: [ls]}]\n---\n{}", "a second document begins here");
  complains("tasks:\n\t- x", "g.yaml:2:2: not YAML: illegal block entry (a tab; YAML is indented with spaces)");
  complains("tasks: [{id: a}]", "task \"a\": needs exec (a command) or call (a function)");
  complains("tasks: [{id: a, exec: [ls], call: f}]", "has both exec and call");
  complains("tasks: [{exec: [ls]}]", "tasks[0]: needs an id");
  complains("tasks: [x]", "tasks[0]: must be a map");
  complains("tasks: [{id: a, exec: []}]", "needs a program");
  complains("tasks: [{id: a, exec: [ls], args: [1]}]", "args are for call tasks");
  complains("tasks: [{id: a, call: f, cwd: /}]", "\"cwd\" is for exec tasks only");
  complains("tasks: [{id: a, call: f, call: g}]", "\"call\" stands here twice, first on line 1");
  complains("tasks: [{id: a, call: f, retries: -1}]", "a whole number from 0 to 65535");
  complains("tasks: [{id: a, call: f, resources: {GPU: much}}]", "\"GPU\" must be an amount");
  complains("tasks: [{id: a, call: f, args: {x: 1}}]", "args: must be a list");
  complains("tasks: [{id: a, call: f, args: [{from: [b]}]}]", "from must be the id of a task");
  complains("tasks: [{id: a, call: f, memory: lots}]", "a size, such as 512MiB");
  complains("tasks: [{id: a, call: f, run_when: never}]", "all_succeeded or always");
}

TEST_CASE("a circle is written down by the ids of its tasks") {
  complains(R"(
tasks:
  - {id: a, exec: [x], after: [c]}
  - {id: b, exec: [x], after: [a]}
  - {id: c, exec: [x], after: [b]}
)",
            "these tasks wait for each other: \"a\" → \"c\" → \"b\" → \"a\"");
  complains("tasks: [{id: a, exec: [x], after: [a]}]", "task \"a\": waits for itself");
  complains("tasks: [{id: a, call: f, args: [{from: a}]}]", "task \"a\": waits for itself");
}

TEST_CASE("aliases can't make a small file a huge value") {
  std::string bomb = "tasks:\n  - id: a\n    call: f\n    args:\n      - &l0 [x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "      - &l" + std::to_string(i) + " [";
    for (int k = 0; k < 8; ++k)
      bomb += (k == 0 ? "*l" : ", *l") + std::to_string(i - 1);
    bomb += "]\n";
  }
  complains(bomb, "(aliases count each time)");
}

TEST_CASE("a chain of 100,000 tasks is checked for circles without recursion") {
  std::string text = "tasks:\n";
  for (int i = 0; i < 100'000; ++i) {
    text += "- {id: t" + std::to_string(i) + ", call: f";
    if (i < 99'999) text += ", after: [t" + std::to_string(i + 1) + "]";
    text += "}\n";
  }
  auto d = draft_of(text);
  CHECK(d.tasks.size() == 100'000);
  CHECK(d.templates.size() == 1);
}

TEST_CASE("a long list of problems is cut with a count") {
  std::vector<graph_problem> many(60, {1, 1, "x"});
  auto text = describe(many, "f");
  CHECK(std::count(text.begin(), text.end(), '\n') == 50);
  CHECK(text.find("… and 10 more problems") != std::string::npos);
}
