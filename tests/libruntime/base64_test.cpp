// Bytes as text, and back.
#include "libruntime/base64.hpp"

#include "tests/support/catch.hpp"

namespace troupe {

TEST_CASE("base64 knows its padding") {
  auto encode = [](std::string_view s) {
    return base64({reinterpret_cast<const std::byte*>(s.data()), s.size()});
  };
  CHECK(encode("") == "");
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foobar") == "Zm9vYmFy");
  for (const char* s : {"", "f", "fo", "foo", "foob"}) CHECK(unbase64(encode(s)).value() == s);
  CHECK_FALSE(unbase64("Zg=a"));
}

}  // namespace troupe
