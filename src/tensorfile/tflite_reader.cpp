#include <cstring>
#include <optional>

#include "format.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "instructme/tensorfile/tflite.h"
#include "mapped_file.h"

namespace instructme {
namespace {

/// Follows the offsets of a FlatBuffers file; every read is checked against its size.
class FlatReader {
 public:
  FlatReader(const std::filesystem::path& path, std::span<const std::byte> file) : path_(path), file_(file) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kModel, path_.string() + " is not a usable TensorFlow Lite file: " + what);
  }

  template <class T>
  T read(size_t at) const {
    if (at > file_.size() || file_.size() - at < sizeof(T)) fail(format("it is cut off or damaged at byte %zu", at));
    T value;
    std::memcpy(&value, file_.data() + at, sizeof value);
    return value;
  }
  size_t follow(size_t at) const { return at + read<uint32_t>(at); }

  /// Where a field of the table at `table` lies; nothing when it is absent.
  std::optional<size_t> field(size_t table, int index) const {
    const auto vtable = static_cast<int64_t>(table) - read<int32_t>(table);
    if (vtable < 0) fail(format("it is damaged at byte %zu", table));
    const auto entry = static_cast<size_t>(4 + 2 * index);
    const auto start = static_cast<size_t>(vtable);
    if (entry >= read<uint16_t>(start)) return std::nullopt;
    const auto offset = read<uint16_t>(start + entry);
    return offset == 0 ? std::nullopt : std::optional<size_t>(table + offset);
  }
  template <class T>
  T number(size_t table, int index, T absent) const {
    const auto at = field(table, index);
    return at ? read<T>(*at) : absent;
  }

  struct Vector {
    size_t first = 0, count = 0;
  };
  /// A vector field whose elements take `element` bytes; empty when absent.
  Vector vector(size_t table, int index, size_t element) const {
    const auto at = field(table, index);
    if (!at) return {};
    const size_t start = follow(*at);
    const Vector found{start + 4, read<uint32_t>(start)};
    if (found.count > (file_.size() - found.first) / element) fail(format("a list at byte %zu has no end", start));
    return found;
  }
  std::span<const std::byte> bytes(size_t table, int index) const {
    const Vector found = vector(table, index, 1);
    return file_.subspan(found.first, found.count);
  }
  std::string text(size_t table, int index) const {
    const auto found = bytes(table, index);
    return {reinterpret_cast<const char*>(found.data()), found.size()};
  }
  std::vector<int> integers(size_t table, int index) const {
    const Vector found = vector(table, index, 4);
    std::vector<int> values;
    for (size_t i = 0; i < found.count; ++i) values.push_back(read<int32_t>(found.first + 4 * i));
    return values;
  }
  /// The tables of a vector field.
  std::vector<size_t> tables(size_t table, int index) const {
    const Vector found = vector(table, index, 4);
    std::vector<size_t> places;
    for (size_t i = 0; i < found.count; ++i) places.push_back(follow(found.first + 4 * i));
    return places;
  }

 private:
  const std::filesystem::path& path_;
  std::span<const std::byte> file_;
};

// TensorType of the schema.
std::optional<DType> dtype_of(int code) {
  switch (code) {
    case 0: return DType::kF32;
    case 1: return DType::kF16;
    case 2: return DType::kI32;
    case 3: return DType::kU8;
    case 4: return DType::kI64;
    case 6: return DType::kBool;
    case 7: return DType::kI16;
    case 9: return DType::kI8;
    case 10: return DType::kF64;
    default: return std::nullopt;
  }
}

// BuiltinOperator of the schema.
TfliteOp op_of(int code) {
  switch (code) {
    case 3: return TfliteOp::kConv2d;
    case 4: return TfliteOp::kDepthwiseConv2d;
    case 6: return TfliteOp::kDequantize;
    case 9: return TfliteOp::kFullyConnected;
    default: return TfliteOp::kOther;
  }
}

TfliteTensor read_tensor(const FlatReader& reader, size_t table, const std::vector<size_t>& buffers) {
  TfliteTensor tensor;
  tensor.name = reader.text(table, 3);
  for (int dimension : reader.integers(table, 0)) tensor.values.shape.push_back(dimension);
  const auto dtype = dtype_of(reader.number<int8_t>(table, 1, 0));
  if (!dtype) reader.fail("tensor '" + tensor.name + "' has a type that is not known");
  tensor.values.dtype = *dtype;
  const auto buffer = reader.number<uint32_t>(table, 2, 0);
  if (buffer >= buffers.size()) reader.fail("tensor '" + tensor.name + "' names a buffer that is not there");
  tensor.values.bytes = reader.bytes(buffers[buffer], 0);
  const auto wanted = safetensors::byte_count(*dtype, tensor.values.shape);
  if (!tensor.values.bytes.empty() && (!wanted || *wanted != tensor.values.bytes.size()))
    reader.fail(format("tensor '%s' of shape %s has %zu bytes", tensor.name.c_str(),
                       safetensors::shape_text(tensor.values.shape).c_str(), tensor.values.bytes.size()));
  if (const auto quantisation = reader.field(table, 4)) {
    const size_t at = reader.follow(*quantisation);
    const auto scales = reader.vector(at, 2, 4), zeros = reader.vector(at, 3, 8);
    if (scales.count > 0) tensor.scale = reader.read<float>(scales.first);
    if (zeros.count > 0) tensor.zero_point = static_cast<int>(reader.read<int64_t>(zeros.first));
    tensor.per_channel = scales.count > 1;
  }
  return tensor;
}

}  // namespace

struct TfliteFile::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path) {
    const FlatReader reader(path, file.bytes());
    constexpr uint32_t kIdentifier = 0x334c4654;  // "TFL3"
    if (reader.read<uint32_t>(4) != kIdentifier) reader.fail("it does not carry the mark TFL3");
    const size_t model = reader.follow(0);
    std::vector<TfliteOp> codes;
    for (const size_t code : reader.tables(model, 1)) {
      // Codes beyond 127 moved to a field of their own; the old one then says 127.
      const int old = reader.number<int8_t>(code, 0, 0);
      codes.push_back(op_of(std::max(old, reader.number<int32_t>(code, 3, 0))));
    }
    const auto graphs = reader.tables(model, 2);
    if (graphs.empty()) reader.fail("it holds no graph");
    const auto buffers = reader.tables(model, 4);
    for (const size_t table : reader.tables(graphs[0], 0)) tensors.push_back(read_tensor(reader, table, buffers));
    for (const size_t table : reader.tables(graphs[0], 3)) {
      const auto code = reader.number<uint32_t>(table, 0, 0);
      if (code >= codes.size()) reader.fail("an operation has a code that is not there");
      TfliteOperator op{codes[code], reader.integers(table, 1), reader.integers(table, 2)};
      for (const auto* indices : {&op.inputs, &op.outputs})
        for (const int index : *indices)
          if (index < -1 || index >= static_cast<int>(tensors.size()))
            reader.fail("an operation names a tensor that is not there");
      operators.push_back(std::move(op));
    }
  }

  MappedFile file;
  std::vector<TfliteTensor> tensors;
  std::vector<TfliteOperator> operators;
};

TfliteFile::TfliteFile(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
TfliteFile::~TfliteFile() = default;
TfliteFile::TfliteFile(TfliteFile&&) noexcept = default;
TfliteFile& TfliteFile::operator=(TfliteFile&&) noexcept = default;
const std::vector<TfliteTensor>& TfliteFile::tensors() const { return impl_->tensors; }
const std::vector<TfliteOperator>& TfliteFile::operators() const { return impl_->operators; }

}  // namespace instructme
