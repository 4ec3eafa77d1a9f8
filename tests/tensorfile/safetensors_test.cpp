#include "instructme/tensorfile/safetensors.h"

#include <unistd.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

#include "expect_error.h"
#include "fixture_bytes.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

using testing::ElementsAre;

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span<const T>(values));
}

template <class T>
std::vector<T> values_of(const TensorView& view) {
  std::vector<T> values(view.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

TEST(Safetensors, ReadsBytesWrittenByHand) {
  const TempDir folder;
  const std::string path = folder.path() / "hand.safetensors";
  // 1.0f = 3f800000, -2.0f = c0000000; 258 as int16 = 0102; trailing spaces belong to the header.
  write_bytes(path, file_bytes(R"({"__metadata__":{"format":"pt"},)"
                               R"("w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
                               R"("steps":{"dtype":"I16","shape":[],"data_offsets":[8,10]},)"
                               R"("none":{"dtype":"BF16","shape":[3,0],"data_offsets":[8,8]}}   )",
                               std::string_view("\x00\x00\x80\x3f\x00\x00\x00\xc0\x02\x01", 10)));
  const SafetensorsFile file(path);
  ASSERT_EQ(file.tensors().size(), 3u);
  EXPECT_EQ(file.tensor("w").dtype, DType::kF32);
  EXPECT_THAT(file.tensor("w").shape, ElementsAre(2, 1));
  EXPECT_THAT(values_of<float>(file.tensor("w")), ElementsAre(1.0f, -2.0f));
  EXPECT_TRUE(file.tensor("steps").shape.empty());
  EXPECT_THAT(values_of<int16_t>(file.tensor("steps")), ElementsAre(258));
  EXPECT_THAT(file.tensor("none").shape, ElementsAre(3, 0));
  EXPECT_TRUE(file.tensor("none").bytes.empty());
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST(Safetensors, WritesTheFormat) {
  const TempDir folder;
  const std::string path = folder.path() / "out.safetensors";
  const std::vector<uint8_t> small{7, 8, 9};
  const std::vector<double> wide{0.5};
  write_safetensors(path, {{"a", {DType::kU8, {3}, bytes_of(small)}}, {"b", {DType::kF64, {}, bytes_of(wide)}}});
  const std::string bytes = read_text_file(path);
  uint64_t length = 0;
  ASSERT_GT(bytes.size(), 8u);
  std::memcpy(&length, bytes.data(), 8);
  EXPECT_EQ((8 + length) % 8, 0u) << "the data must begin at a multiple of 8";
  const auto header = nlohmann::json::parse(bytes.substr(8, length));
  EXPECT_EQ(header, nlohmann::json::parse(R"({"a": {"dtype": "U8", "shape": [3], "data_offsets": [8, 11]},
                                              "b": {"dtype": "F64", "shape": [], "data_offsets": [0, 8]}})"));
  EXPECT_EQ(bytes.substr(8 + length), std::string("\x00\x00\x00\x00\x00\x00\xe0\x3f\x07\x08\x09", 11));
}

TEST(Safetensors, RoundTripsEveryTypeAndKeepsElementsAligned) {
  const TempDir folder;
  const std::string path = folder.path() / "all.safetensors";
  std::vector<uint8_t> pool(8 * 105);
  std::iota(pool.begin(), pool.end(), uint8_t{1});
  std::map<std::string, TensorView> tensors;
  for (const DType dtype : {DType::kBool, DType::kU8, DType::kI8, DType::kI16, DType::kI32, DType::kI64, DType::kF16,
                            DType::kBF16, DType::kF32, DType::kF64}) {
    const std::string name = dtype_name(dtype);
    for (const auto& [suffix, shape] : std::map<std::string, std::vector<int64_t>>{
             {".cube", {3, 5, 7}}, {".scalar", {}}, {".empty", {2, 0, 4}}, {".\"ü\"", {3}}}) {
      size_t count = dtype_size(dtype);
      for (const int64_t dimension : shape) count *= static_cast<size_t>(dimension);
      tensors[name + suffix] = {dtype, shape, bytes_of(pool).first(count)};
    }
  }
  const std::map<std::string, std::string> metadata{{"format", "pt"}, {"note", "line\nbreak"}};
  write_safetensors(path, tensors, metadata);

  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata(), metadata);
  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, wanted] : tensors) {
    const TensorView& found = file.tensor(name);
    EXPECT_EQ(found.dtype, wanted.dtype) << name;
    EXPECT_EQ(found.shape, wanted.shape) << name;
    EXPECT_EQ(values_of<uint8_t>(found), values_of<uint8_t>(wanted)) << name;
    if (found.bytes.empty()) continue;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(found.bytes.data()) % dtype_size(found.dtype), 0u) << name;
  }
}

TEST(Safetensors, SameTensorsGiveSameBytes) {
  const TempDir folder;
  const std::vector<float> values{1, 2, 3};
  const std::map<std::string, TensorView> tensors{{"x", {DType::kF32, {3}, bytes_of(values)}}};
  write_safetensors(folder.path() / "1", tensors, {{"k", "v"}});
  write_safetensors(folder.path() / "2", tensors, {{"k", "v"}});
  EXPECT_EQ(read_text_file(folder.path() / "1"), read_text_file(folder.path() / "2"));
}

TEST(Safetensors, AFileWithoutTensorsIsFine) {
  const TempDir folder;
  write_safetensors(folder.path() / "empty", {});
  EXPECT_TRUE(SafetensorsFile(folder.path() / "empty").tensors().empty());
}

TEST(Safetensors, ViewsOutliveAMove) {
  const TempDir folder;
  const std::vector<float> values{4, 5};
  write_safetensors(folder.path() / "x", {{"x", {DType::kF32, {2}, bytes_of(values)}}});
  SafetensorsFile first(folder.path() / "x");
  const TensorView view = first.tensor("x");
  const SafetensorsFile second = std::move(first);
  EXPECT_THAT(values_of<float>(view), ElementsAre(4.0f, 5.0f));
  EXPECT_EQ(second.tensor("x").bytes.data(), view.bytes.data());
}

TEST(Safetensors, UnknownNameNamesTheNearest) {
  const TempDir folder;
  const std::vector<float> values{4};
  write_safetensors(folder.path() / "x", {{"encoder.weight", {DType::kF32, {1}, bytes_of(values)}}});
  const SafetensorsFile file(folder.path() / "x");
  expect_error(ErrorKind::kModel, "did you mean 'encoder.weight'", [&] { file.tensor("encoder.wieght"); });
}

TEST(Safetensors, RefusesToWriteWhatDoesNotFit) {
  const TempDir folder;
  const std::string path = folder.path() / "x";
  const std::vector<float> values{1, 2, 3};
  const auto write = [&](const std::string& name, std::vector<int64_t> shape) {
    write_safetensors(path, {{name, {DType::kF32, std::move(shape), bytes_of(values)}}});
  };
  expect_error(ErrorKind::kInternal, "'w' of F32 [4] has 12 bytes", [&] { write("w", {4}); });
  expect_error(ErrorKind::kInternal, "'w'", [&] { write("w", {-3}); });
  expect_error(ErrorKind::kInternal, "'w'", [&] { write("w", {int64_t{1} << 62, 3}); });
  expect_error(ErrorKind::kInternal, "__metadata__", [&] { write("__metadata__", {3}); });
  expect_error(ErrorKind::kInternal, "UTF-8", [&] { write("\xff", {3}); });
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Safetensors, AFailedWriteKeepsTheOldFile) {
  const TempDir folder;
  const std::vector<float> values{1};
  const std::string path = folder.path() / "x";
  write_safetensors(path, {{"old", {DType::kF32, {1}, bytes_of(values)}}});
  expect_error(ErrorKind::kInternal, "'new'", [&] {
    write_safetensors(path, {{"new", {DType::kF32, {2}, bytes_of(values)}}});
  });
  EXPECT_EQ(SafetensorsFile(path).tensors().count("old"), 1u);
  expect_error(ErrorKind::kIo, "does not exist", [&] { write_safetensors(folder.path() / "no" / "x", {}); });
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "a temporary file was left";
}

TEST(Safetensors, ReportsAFullDisk) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP();
  const TempDir folder;
  // The temporary file's name is part of AtomicFile; a link there sends the bytes to a full device.
  const std::vector<double> values(100000);
  const std::string path = folder.path() / "x.bin";
  const auto part = folder.path() / (".x.part-" + std::to_string(::getpid()) + ".bin");
  std::filesystem::create_symlink("/dev/full", part);
  expect_error(ErrorKind::kIo, path, [&] {
    write_safetensors(path, {{"w", {DType::kF64, {100000}, bytes_of(values)}}});
  });
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace instructme
