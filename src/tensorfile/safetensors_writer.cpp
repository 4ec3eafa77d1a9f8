#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "format.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using nlohmann::json;
using Item = std::pair<const std::string, TensorView>;

void check_item(const Item& item) {
  const auto& [name, view] = item;
  ensure(name != safetensors::kMetadataKey, "a tensor must not be named __metadata__");
  const auto wanted = safetensors::byte_count(view.dtype, view.shape);
  ensure(wanted && *wanted == view.bytes.size(), "tensor '" + name + "' of " + dtype_name(view.dtype) + " " +
                                                     safetensors::shape_text(view.shape) + " has " +
                                                     std::to_string(view.bytes.size()) + " bytes");
}

/// Wide elements first, so that every tensor begins at a multiple of its element size; then by name.
std::vector<const Item*> data_order(const std::map<std::string, TensorView>& tensors) {
  std::vector<const Item*> order;
  for (const Item& item : tensors) {
    check_item(item);
    order.push_back(&item);
  }
  std::stable_sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return dtype_size(a->second.dtype) > dtype_size(b->second.dtype);
  });
  return order;
}

std::string header_text(const std::vector<const Item*>& order, const std::map<std::string, std::string>& metadata) {
  json header = json::object();
  if (!metadata.empty()) header[safetensors::kMetadataKey] = metadata;
  uint64_t offset = 0;
  for (const Item* item : order) {
    const auto& [name, view] = *item;
    const uint64_t end = offset + view.bytes.size();
    header[name] = {{"dtype", dtype_name(view.dtype)}, {"shape", view.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const json::exception& error) {
    throw Error(ErrorKind::kInternal, std::string("tensor names and metadata must be UTF-8: ") + error.what());
  }
  const size_t excess = (safetensors::kLengthBytes + text.size()) % safetensors::kDataAlignment;
  if (excess != 0) text.append(safetensors::kDataAlignment - excess, ' ');
  ensure(text.size() <= safetensors::kMaxHeaderBytes, "too many tensors for one safetensors file");
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::vector<const Item*> order = data_order(tensors);
  const std::string header = header_text(order, metadata);
  AtomicFile file(path);
  {
    std::ofstream out(file.temporary(), std::ios::binary | std::ios::trunc);
    const auto write = [&out](const void* data, size_t size) {
      out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    };
    const uint64_t length = header.size();
    write(&length, sizeof length);
    write(header.data(), header.size());
    for (const Item* item : order) write(item->second.bytes.data(), item->second.bytes.size());
    out.close();
    if (!out) throw Error(ErrorKind::kIo, "cannot write " + path.string() + ": " + std::strerror(errno));
  }
  file.commit();
}

}  // namespace instructme
