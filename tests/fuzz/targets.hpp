// What the fuzzers run on their bytes, and the tests on those that once were trouble. Whatever the
// bytes, these return; a broken promise ends the process.
#pragma once

#include <cstddef>
#include <span>

namespace troupe::fuzz {

// As a frame; and as a value: arguments to splice, a command's result.
void codec(std::span<const std::byte> bytes);
// As the frames of a hostile peer, each behind its length in two bytes; what messages come of them is
// then sent from one honest session to another.
void session(std::span<const std::byte> bytes);

}  // namespace troupe::fuzz
