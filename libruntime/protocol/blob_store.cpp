#include "libruntime/protocol/blob_store.hpp"

#include <new>
#include <string>
#include <vector>

#include "libruntime/protocol/wire.hpp"

namespace troupe::protocol {
namespace {

// Pieces of this size: growing one long buffer would copy it again and again.
constexpr std::size_t piece_size = std::size_t{256} << 10;

class memory_writer final : public blob_writer {
 public:
  result<void> append(std::span<const std::byte> bytes) override {
    if (pieces_.empty() || pieces_.back().size() + bytes.size() > piece_size)
      pieces_.emplace_back();
    pieces_.back().append(wire::as_text(bytes));
    return {};
  }

  result<value> finish() override {
    std::vector<value::bytes> views;
    views.reserve(pieces_.size());
    for (const auto& piece : pieces_) views.push_back(wire::as_bytes(piece));
    try {
      return value::joined(views);
    } catch (const std::bad_alloc&) {
      return fail(errc::overloaded, "no memory for a value that a peer sent");
    }
  }

 private:
  std::vector<std::string> pieces_;
};

}  // namespace

result<std::unique_ptr<blob_writer>> memory_blob_store::create(std::uint64_t) {
  return std::make_unique<memory_writer>();
}

}  // namespace troupe::protocol
