#include "libruntime/task_spec.hpp"

#include <map>

#include "libruntime/arguments.hpp"
#include "libruntime/protocol/wire.hpp"
#include "tests/support/catch.hpp"

using namespace troupe;

TEST_CASE("durations are kept by function name, or by the command's program") {
  task_spec call;
  call.function = "wordcount.count";
  CHECK(function_key(call) == "wordcount.count");
  task_spec exec;
  exec.kind = task_kind::exec;
  CHECK(function_key(exec) == "[]");
  exec.command.argv = {"convert", "in.jpg"};
  CHECK(function_key(exec) == "[convert]");
}

TEST_CASE("inputs stand in the arguments where they are named, at any depth") {
  using nested = std::map<std::string, std::vector<input_reference>>;
  nested places{{"a", {{1}, {0}}}, {"b", {{1}}}};
  auto args = pack_arguments("text", places, input_reference{0});
  auto spliced = splice_inputs(args, {value::of(7), value::of(std::string{"seven"})});
  REQUIRE(spliced.has_value());
  auto expected = pack_arguments("text",
                                 std::map<std::string, std::vector<value>>{
                                     {"a", {value::of(std::string{"seven"}), value::of(7)}},
                                     {"b", {value::of(std::string{"seven"})}}},
                                 7);
  CHECK(*spliced == expected);
  CHECK(value::checked(spliced->data()).has_value());
}

TEST_CASE("arguments that name no input are shared, not copied") {
  auto args = pack_arguments(1, "a long text");
  auto same = splice_inputs(args, {value::of(1)});
  REQUIRE(same.has_value());
  CHECK(same->data().data() == args.data().data());
  CHECK(splice_inputs(value{}, {})->is_nil());
}

TEST_CASE("bytes that only look like an input are left alone") {
  std::string lookalike = "\xd6\x01";
  lookalike.append(4, '\0');
  auto args = pack_arguments(lookalike, std::vector<char>(lookalike.begin(), lookalike.end()));
  auto same = splice_inputs(args, {value::of(1)});
  REQUIRE(same.has_value());
  CHECK(*same == args);
}

TEST_CASE("a position beyond the inputs and malformed arguments are refused") {
  auto beyond = splice_inputs(pack_arguments(input_reference{2}), {value::of(1), value::of(2)});
  REQUIRE(!beyond.has_value());
  CHECK(beyond.error().message == "arguments name input 2, but the task has 2");
  CHECK(!splice_inputs(value::copy_of(wire::as_bytes("\x92\x01")), {value{}}).has_value());
  CHECK(!splice_inputs(value::copy_of(wire::as_bytes("\x01\x02")), {value{}}).has_value());
  std::string deep(200, '\x91');
  CHECK(!splice_inputs(value::copy_of(wire::as_bytes(deep + "\x01")), {value{}}).has_value());
}

TEST_CASE("a few bytes can't ask for more than a value may hold") {
  auto big = value::of(std::vector<char>(std::size_t{1} << 20));
  std::vector<input_reference> many(20'000);
  auto spliced = splice_inputs(pack_arguments(many), {big});
  REQUIRE(!spliced.has_value());
  CHECK(spliced.error().code == errc::too_large);
}

TEST_CASE("a command's result is a map that any language can read") {
  exec_result r;
  r.exit_code = -1;
  r.signal = 9;
  r.stdout_data = "Gr\xc3\xbc\xc3\x9f" "e";
  r.stderr_data = "\xff\x00\xfe";
  r.truncated = true;
  auto v = encode(r);
  REQUIRE(value::checked(v.data()).has_value());
  auto m = v.as<std::map<std::string, msgpack::object>>();
  CHECK(m.size() == 5);
  CHECK(m.at("stdout").type == msgpack::type::STR);
  CHECK(m.at("stderr").type == msgpack::type::BIN);  // not UTF-8
  auto back = decode_exec_result(v);
  REQUIRE(back.has_value());
  CHECK(back->exit_code == -1);
  CHECK(back->signal == 9);
  CHECK(back->stdout_data == r.stdout_data);
  CHECK(back->stderr_data == r.stderr_data);
  CHECK(back->truncated);
}

TEST_CASE("what isn't a command's result is refused") {
  CHECK(!decode_exec_result(value::of(3)).has_value());
  CHECK(!decode_exec_result(value::of(std::map<std::string, std::string>{{"exit_code", "x"}}))
             .has_value());
  CHECK(decode_exec_result(value::of(std::map<std::string, int>{{"later", 1}})).has_value());
}
