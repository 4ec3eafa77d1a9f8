#include <cstring>

#include "expect_error.h"
#include "fixture_bytes.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/tensorfile/onnx.h"
#include "instructme/tensorfile/tfjs.h"
#include "instructme/tensorfile/tflite.h"

namespace instructme {
namespace {

template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

std::vector<float> floats(const TensorView& view) {
  std::vector<float> values(view.bytes.size() / sizeof(float));
  std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

// Protocol Buffers by hand.
std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7f) | 0x80);
  return bytes + static_cast<char>(value);
}
std::string number(int field, uint64_t value) { return varint(static_cast<uint64_t>(field) << 3) + varint(value); }
std::string bytes(int field, const std::string& value) {
  return varint((static_cast<uint64_t>(field) << 3) | 2) + varint(value.size()) + value;
}

std::string onnx_tensor(const std::string& name, const std::string& dims, int type, const std::string& data) {
  return bytes(5, dims + number(2, static_cast<uint64_t>(type)) + bytes(8, name) + data);
}

std::string small_onnx() {
  const std::string node = bytes(1, bytes(1, "x") + bytes(1, "w") + bytes(2, "y") + bytes(4, "Conv") +
                                        bytes(5, bytes(1, "strides") + number(3, 2)));
  const std::string graph = node + bytes(2, "a graph") +
                            onnx_tensor("w", number(1, 2) + number(1, 3), 1, bytes(9, raw<float>({1, 2, 3, 4, 5, 6}))) +
                            onnx_tensor("packed", bytes(1, varint(2)), 1, bytes(4, raw<float>({7, 8}))) +
                            onnx_tensor("scalar", "", 1, bytes(9, raw<float>({9}))) +
                            onnx_tensor("varints", number(1, 1), 7, bytes(7, varint(5))) +
                            onnx_tensor("elsewhere", number(1, 1), 1, number(14, 1));
  return number(1, 8) + bytes(2, "by hand") + bytes(7, graph);
}

class PublishedFormats : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) const {
    const std::string path = folder_.path() / name;
    write_bytes(path, content);
    return path;
  }
  // A damaged file is refused or read, but never read outside its bytes.
  template <class File>
  void survives_damage(const std::string& whole) const {
    const auto open = [this](const std::string& content) {
      try {
        File file(write("damaged", content));
      } catch (const Error& error) {
        EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(ErrorKind::kModel)) << error.what();
      }
    };
    for (size_t size = 0; size < whole.size(); ++size) open(whole.substr(0, size));
    Rng rng(7);
    for (int i = 0; i < 400; ++i) {
      std::string changed = whole;
      changed[static_cast<size_t>(rng.integer(0, static_cast<int64_t>(whole.size()) - 1))] =
          static_cast<char>(rng.integer(0, 255));
      open(changed);
    }
  }

  const TempDir folder_;
};

TEST_F(PublishedFormats, OnnxConstantsAndNodes) {
  const OnnxFile file(write("small.onnx", small_onnx()));
  ASSERT_EQ(file.tensors().size(), 3u) << "what is not plain bytes is left out";
  EXPECT_EQ(file.tensors().at("w").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(floats(file.tensors().at("w")), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.tensors().at("packed").shape, (std::vector<int64_t>{2}));
  EXPECT_EQ(floats(file.tensors().at("packed")), (std::vector<float>{7, 8}));
  EXPECT_TRUE(file.tensors().at("scalar").shape.empty());
  ASSERT_EQ(file.nodes().size(), 1u);
  EXPECT_EQ(file.nodes()[0].op, "Conv");
  EXPECT_EQ(file.nodes()[0].inputs, (std::vector<std::string>{"x", "w"}));
  EXPECT_EQ(file.nodes()[0].outputs, (std::vector<std::string>{"y"}));
}

TEST_F(PublishedFormats, OnnxMistakesAreNamed) {
  const auto refused = [this](const std::string& content, const std::string& part) {
    const std::string path = write("wrong.onnx", content);
    expect_error(ErrorKind::kModel, part, [&] { OnnxFile file(path); });
    expect_error(ErrorKind::kModel, path, [&] { OnnxFile file(path); });
  };
  refused("", "it holds no graph");
  refused(bytes(7, onnx_tensor("w", number(1, 2), 1, bytes(9, raw<float>({1})))),
          "tensor 'w' of shape [2] has 4 bytes, wanted 8");
  refused(bytes(7, onnx_tensor("w", number(1, ~0ull), 1, "")), "a dimension is negative");
  refused(small_onnx().substr(0, 40), "a field reaches beyond its end");
  refused("PK\x03\x04 this is a zip", "ONNX");
  expect_error(ErrorKind::kIo, "absent.onnx", [&] { OnnxFile file(folder_.path() / "absent.onnx"); });
  survives_damage<OnnxFile>(small_onnx());
}

TEST_F(PublishedFormats, TfjsWeights) {
  write("a.bin", raw<float>({1, 2, 3}));
  write("b.bin", raw<float>({4}) + raw<int32_t>({5}));
  const auto model = [this](const std::string& weights, const std::string& paths = R"(["a.bin","b.bin"])") {
    return write("model.json", R"({"format":"graph-model","weightsManifest":[{"paths":)" + paths + R"(,"weights":[)" +
                                   weights + "]}]}");
  };
  const TfjsFile file(model(R"({"name":"w","shape":[2,2],"dtype":"float32"},{"name":"n","shape":[],"dtype":"int32"})"));
  EXPECT_EQ(floats(file.tensors().at("w")), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(file.tensors().at("n").dtype, DType::kI32);
  const auto refused = [](const std::string& path, const std::string& part) {
    expect_error(ErrorKind::kModel, part, [&] { TfjsFile unusable(path); });
  };
  refused(model(R"({"name":"w","shape":[6],"dtype":"float32"})"),
          "tensor 'w' of shape [6] reaches beyond the 20 bytes");
  refused(model(R"({"name":"w","shape":[1],"dtype":"float32","quantization":{}})"), "is quantised");
  refused(model(R"({"name":"w"})"), "weightsManifest is missing or damaged");
  refused(model(R"({"name":"w","shape":[1.5],"dtype":"float32"})"), "tensor 'w': key 'shape' has an unsuitable value");
  refused(model("", R"(["../a.bin"])"), "'../a.bin' is not the name of a file beside it");
  refused(write("model.json", "{}"), "weightsManifest");
  expect_error(ErrorKind::kIo, "absent.bin", [&] { TfjsFile unusable(model("", R"(["absent.bin"])")); });
}

// FlatBuffers by hand: tables are appended, and references to them filled in later.
class FlatBytes {
 public:
  /// A table whose field i takes `sizes[i]` bytes, 0 for absent; returns where its fields lie.
  std::vector<size_t> table(const std::vector<int>& sizes) {
    align();
    const size_t vtable = bytes_.size(), start = vtable + 4 + 2 * sizes.size() + (sizes.size() % 2) * 2;
    bytes_.resize(start);
    std::vector<size_t> fields;
    size_t at = start + 4;
    for (size_t i = 0; i < sizes.size(); ++i) {
      put<uint16_t>(vtable + 4 + 2 * i, sizes[i] > 0 ? static_cast<uint16_t>(at - start) : uint16_t{0});
      fields.push_back(at);
      at += static_cast<size_t>(sizes[i] + 3) / 4 * 4;
    }
    bytes_.resize(at);
    put<uint16_t>(vtable, static_cast<uint16_t>(4 + 2 * sizes.size()));
    put<uint16_t>(vtable + 2, static_cast<uint16_t>(at - start));
    put<int32_t>(start, static_cast<int32_t>(start - vtable));
    last_ = start;
    return fields;
  }
  size_t last() const { return last_; }
  template <class T>
  void put(size_t at, T value) {
    if (bytes_.size() < at + sizeof value) bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  void refer(size_t from, size_t to) { put<uint32_t>(from, static_cast<uint32_t>(to - from)); }
  /// Appends a vector of `count` elements and points `from` at it; returns where the elements lie.
  size_t vector(size_t from, size_t count, const std::string& content) {
    align();
    refer(from, bytes_.size());
    const size_t at = bytes_.size();
    put<uint32_t>(at, static_cast<uint32_t>(count));
    bytes_ += content;
    return at + 4;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void align() { bytes_.resize((bytes_.size() + 7) / 8 * 8); }
  std::string bytes_;
  size_t last_ = 0;
};

// One 8-bit weight, dequantised (operation 0), and a convolution of it with an input (operation 1).
std::string small_tflite() {
  FlatBytes flat;
  flat.put<uint32_t>(4, 0x334c4654);
  const auto model = flat.table({4, 4, 4, 0, 4});  // version, operator codes, graphs, description, buffers
  flat.refer(0, flat.last());
  flat.put<uint32_t>(model[0], 3);
  const auto tables = [&](size_t from, const std::vector<std::vector<int>>& sizes) {
    const size_t list = flat.vector(from, sizes.size(), std::string(4 * sizes.size(), '\0'));
    std::vector<std::vector<size_t>> fields;
    for (size_t i = 0; i < sizes.size(); ++i) {
      fields.push_back(flat.table(sizes[i]));
      flat.refer(list + 4 * i, flat.last());
    }
    return fields;
  };
  const auto codes = tables(model[1], {{1}, {1, 0, 0, 4}});
  flat.put<int8_t>(codes[0][0], 6);
  flat.put<int8_t>(codes[1][0], 3);
  flat.put<int32_t>(codes[1][3], 3);
  const auto graph = tables(model[2], {{4, 0, 0, 4}})[0];
  const auto buffers = tables(model[4], {{0}, {4}});
  flat.vector(buffers[1][0], 4, std::string("\x01\xff\x02\x80", 4));
  const auto tensors = tables(graph[0], {{4, 1, 4, 4, 4}, {4, 1, 4, 4}, {4, 1, 0, 4}});
  flat.vector(tensors[0][0], 2, raw<int32_t>({2, 2}));
  flat.put<int8_t>(tensors[0][1], 9);
  flat.put<uint32_t>(tensors[0][2], 1);
  flat.vector(tensors[0][3], 6, "weight");
  const auto quantisation = flat.table({0, 0, 4, 4});
  flat.refer(tensors[0][4], flat.last());
  flat.vector(quantisation[2], 1, raw<float>({0.5f}));
  flat.vector(quantisation[3], 1, raw<int64_t>({1}));
  for (const size_t i : {1u, 2u}) {
    flat.vector(tensors[i][0], 2, raw<int32_t>({2, 2}));
    flat.vector(tensors[i][3], 5, i == 1 ? "float" : "input");
  }
  const auto operators = tables(graph[3], {{4, 4, 4}, {4, 4, 4}});
  flat.put<uint32_t>(operators[0][0], 0);
  flat.vector(operators[0][1], 1, raw<int32_t>({0}));
  flat.vector(operators[0][2], 1, raw<int32_t>({1}));
  flat.put<uint32_t>(operators[1][0], 1);
  flat.vector(operators[1][1], 3, raw<int32_t>({2, 1, -1}));
  flat.vector(operators[1][2], 1, raw<int32_t>({2}));
  return flat.bytes();
}

TEST_F(PublishedFormats, TfliteTensorsAndOperations) {
  const TfliteFile file(write("small.tflite", small_tflite()));
  ASSERT_EQ(file.tensors().size(), 3u);
  const TfliteTensor& weight = file.tensors()[0];
  EXPECT_EQ(weight.name, "weight");
  EXPECT_EQ(weight.values.dtype, DType::kI8);
  EXPECT_EQ(weight.values.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(std::to_integer<int>(weight.values.bytes[3]), 0x80);
  EXPECT_FLOAT_EQ(weight.scale, 0.5f);
  EXPECT_EQ(weight.zero_point, 1);
  EXPECT_FALSE(weight.per_channel);
  EXPECT_TRUE(file.tensors()[2].values.bytes.empty());
  ASSERT_EQ(file.operators().size(), 2u);
  EXPECT_EQ(file.operators()[0].op, TfliteOp::kDequantize);
  EXPECT_EQ(file.operators()[1].op, TfliteOp::kConv2d);
  EXPECT_EQ(file.operators()[1].inputs, (std::vector<int>{2, 1, -1}));
}

TEST_F(PublishedFormats, TfliteMistakesAreNamed) {
  expect_error(ErrorKind::kModel, "it does not carry the mark TFL3",
               [&] { TfliteFile file(write("wrong.tflite", "this is no flat buffer")); });
  expect_error(ErrorKind::kModel, "cut off or damaged", [&] { TfliteFile file(write("wrong.tflite", "TFL")); });
  survives_damage<TfliteFile>(small_tflite());
}

}  // namespace
}  // namespace instructme
