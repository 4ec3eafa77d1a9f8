#include <cstring>
#include <functional>
#include <limits>
#include <optional>

#include "format.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/tensorfile/onnx.h"
#include "mapped_file.h"

namespace instructme {
namespace {

using Bytes = std::span<const std::byte>;

/// One field of a Protocol Buffers message: a number, or bytes that may be text, a message or packed numbers.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;
  Bytes bytes;
  bool is_bytes = false;

  std::string text() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

class MessageReader {
 public:
  MessageReader(const std::filesystem::path& path, Bytes file) : path_(path), file_(file) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kModel, path_.string() + " is not a usable ONNX file: " + what);
  }

  uint64_t varint(Bytes& rest) const {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (rest.empty()) fail_at(rest, "it ends inside a number");
      const auto byte = std::to_integer<uint64_t>(rest[0]);
      rest = rest.subspan(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    fail_at(rest, "a number has too many bytes");
  }

  void each_field(Bytes message, const std::function<void(const Field&)>& use) const {
    enum Wire : uint64_t { kVarint = 0, k64Bits = 1, kBytes = 2, k32Bits = 5 };
    while (!message.empty()) {
      const uint64_t key = varint(message);
      Field field;
      field.number = key >> 3;
      switch (key & 7) {
        case kVarint: field.value = varint(message); break;
        case k64Bits: take(message, 8); break;
        case k32Bits: take(message, 4); break;
        case kBytes:
          field.bytes = take(message, varint(message));
          field.is_bytes = true;
          break;
        default: fail_at(message, "a field has an unknown type");
      }
      use(field);
    }
  }

 private:
  [[noreturn]] void fail_at(Bytes rest, const std::string& what) const {
    fail(format("%s (byte %zu)", what.c_str(), static_cast<size_t>(rest.data() - file_.data())));
  }
  Bytes take(Bytes& rest, uint64_t count) const {
    if (count > rest.size()) fail_at(rest, "a field reaches beyond its end");
    const Bytes taken = rest.first(count);
    rest = rest.subspan(count);
    return taken;
  }

  const std::filesystem::path& path_;
  Bytes file_;
};

// TensorProto.DataType
std::optional<DType> dtype_of(uint64_t code) {
  switch (code) {
    case 1: return DType::kF32;
    case 2: return DType::kU8;
    case 3: return DType::kI8;
    case 5: return DType::kI16;
    case 6: return DType::kI32;
    case 7: return DType::kI64;
    case 9: return DType::kBool;
    case 10: return DType::kF16;
    case 11: return DType::kF64;
    case 16: return DType::kBF16;
    default: return std::nullopt;
  }
}

void read_tensor(const MessageReader& reader, Bytes message, std::map<std::string, TensorView>& tensors) {
  enum : uint64_t {
    kDims = 1,
    kDataType = 2,
    kFloatData = 4,
    kName = 8,
    kRawData = 9,
    kDoubleData = 10,
    kLocation = 14
  };
  TensorView view;
  std::string name;
  std::optional<DType> dtype;
  bool plain = false, elsewhere = false;
  const auto add_dimension = [&](uint64_t value) {
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) reader.fail("a dimension is negative");
    view.shape.push_back(static_cast<int64_t>(value));
  };
  reader.each_field(message, [&](const Field& field) {
    switch (field.number) {
      case kDims:
        if (field.is_bytes)
          for (Bytes rest = field.bytes; !rest.empty();) add_dimension(reader.varint(rest));
        else
          add_dimension(field.value);
        break;
      case kDataType: dtype = dtype_of(field.value); break;
      case kName: name = field.text(); break;
      case kRawData:
      case kFloatData:  // packed floats and doubles are plain bytes
      case kDoubleData:
        view.bytes = field.bytes;
        plain = field.is_bytes;
        break;
      case kLocation: elsewhere = field.value != 0; break;
      default: break;
    }
  });
  if (!dtype || elsewhere) return;
  view.dtype = *dtype;
  const auto wanted = safetensors::byte_count(view.dtype, view.shape);
  if (!wanted) reader.fail("tensor '" + name + "' has an impossible shape");
  if (!plain && *wanted > 0) return;
  if (view.bytes.size() != *wanted)
    reader.fail(format("tensor '%s' of shape %s has %zu bytes, wanted %llu", name.c_str(),
                       safetensors::shape_text(view.shape).c_str(), view.bytes.size(),
                       static_cast<unsigned long long>(*wanted)));
  tensors[name] = view;
}

OnnxNode read_node(const MessageReader& reader, Bytes message) {
  enum : uint64_t { kInput = 1, kOutput = 2, kOpType = 4 };
  OnnxNode node;
  reader.each_field(message, [&](const Field& field) {
    if (field.number == kInput) node.inputs.push_back(field.text());
    if (field.number == kOutput) node.outputs.push_back(field.text());
    if (field.number == kOpType) node.op = field.text();
  });
  return node;
}

}  // namespace

struct OnnxFile::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path) {
    enum : uint64_t { kGraph = 7, kNode = 1, kInitializer = 5 };
    const MessageReader reader(path, file.bytes());
    bool has_graph = false;
    reader.each_field(file.bytes(), [&](const Field& model) {
      if (model.number != kGraph || !model.is_bytes) return;
      has_graph = true;
      reader.each_field(model.bytes, [&](const Field& graph) {
        if (graph.number == kNode) nodes.push_back(read_node(reader, graph.bytes));
        if (graph.number == kInitializer) read_tensor(reader, graph.bytes, tensors);
      });
    });
    if (!has_graph) reader.fail("it holds no graph");
  }

  MappedFile file;
  std::map<std::string, TensorView> tensors;
  std::vector<OnnxNode> nodes;
};

OnnxFile::OnnxFile(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
OnnxFile::~OnnxFile() = default;
OnnxFile::OnnxFile(OnnxFile&&) noexcept = default;
OnnxFile& OnnxFile::operator=(OnnxFile&&) noexcept = default;
const std::map<std::string, TensorView>& OnnxFile::tensors() const { return impl_->tensors; }
const std::vector<OnnxNode>& OnnxFile::nodes() const { return impl_->nodes; }

}  // namespace instructme
