#include "expect_error.h"
#include "fixture_bytes.h"
#include "instructme/base/files.h"
#include "instructme/base/rng.h"
#include "instructme/tensorfile/safetensors.h"

namespace instructme {
namespace {

/// Expects that opening a file of these bytes fails with kModel, naming the file and `part`.
class DamagedFile : public testing::Test {
 protected:
  void expect_refused(std::string_view bytes, const std::string& part) {
    write_bytes(path_, bytes);
    expect_error(ErrorKind::kModel, part, [&] { SafetensorsFile file(path_); });
    expect_error(ErrorKind::kModel, path_, [&] { SafetensorsFile file(path_); });
  }
  void expect_header_refused(const std::string& header, const std::string& part, size_t data_bytes = 8) {
    SCOPED_TRACE(header.substr(0, 200));
    expect_refused(file_bytes(header, std::string(data_bytes, '\1')), part);
  }
  /// One tensor 'w' described by `body`.
  void expect_tensor_refused(const std::string& body, const std::string& part, size_t data_bytes = 8) {
    expect_header_refused(R"({"w":{)" + body + "}}", part, data_bytes);
  }

  TempDir folder_;
  std::string path_ = folder_.path() / "damaged.safetensors";
};

TEST_F(DamagedFile, CutOffAnywhere) {
  const std::string whole = file_bytes(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "12345678");
  write_bytes(path_, whole);
  EXPECT_EQ(SafetensorsFile(path_).tensors().size(), 1u);
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    expect_refused(whole.substr(0, size), size < 8 ? "at least 8" : "cut off");
  }
  expect_refused(whole + "9", "1 bytes at the end of the file belong to no tensor");
}

TEST_F(DamagedFile, HeaderLength) {
  std::string bytes = file_bytes("{}", "");
  bytes[0] = 3;
  expect_refused(bytes, "should have 3 bytes");
  bytes[7] = '\x7f';
  expect_refused(bytes, "at most 100000000");
  bytes.replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\xff");
  expect_refused(bytes, "at most 100000000");
  expect_refused(std::string(8, '\0'), "not JSON");
}

TEST_F(DamagedFile, HeaderLargerThanAllowed) {
  // 100,000,001 spaces; a sparse file, so that the disk is spared.
  std::string bytes = file_bytes("", "");
  const uint64_t length = 100'000'001;
  for (int i = 0; i < 8; ++i) bytes[static_cast<size_t>(i)] = static_cast<char>((length >> (8 * i)) & 0xff);
  write_bytes(path_, bytes);
  std::filesystem::resize_file(path_, 8 + length);
  expect_error(ErrorKind::kModel, "at most 100000000", [&] { SafetensorsFile file(path_); });
}

TEST_F(DamagedFile, NotJson) {
  expect_header_refused("hello", "not JSON");
  expect_header_refused(R"({"w":)", "not JSON");
  expect_header_refused(R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x)", "not JSON");
  expect_header_refused("{\"\xff\":1}", "not JSON");
  expect_header_refused("[]", "not an object");
  expect_header_refused("3", "not an object");
  expect_header_refused(std::string(100000, '['), "nested too deeply");
  expect_header_refused(R"({"w":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", "nested too deeply");
}

TEST_F(DamagedFile, WrongDescription) {
  expect_header_refused(R"({"w":3})", "'w' is not described by an object");
  expect_tensor_refused(R"("shape":[2],"data_offsets":[0,8])", "'w' has no dtype");
  expect_tensor_refused(R"("dtype":"F32","data_offsets":[0,8])", "'w' has no shape");
  expect_tensor_refused(R"("dtype":"F32","shape":[2])", "'w' has no data_offsets");
  expect_tensor_refused(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1)", "more keys");
  expect_tensor_refused(R"("dtype":"F33","shape":[2],"data_offsets":[0,8])", "unknown dtype 'F33'");
  expect_tensor_refused(R"("dtype":7,"shape":[2],"data_offsets":[0,8])", "not a string");
  expect_tensor_refused(R"("dtype":"F32","shape":2,"data_offsets":[0,8])", "shape that is not a list");
  expect_tensor_refused(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", "whole numbers");
  expect_tensor_refused(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])", "whole numbers");
  expect_tensor_refused(R"("dtype":"F32","shape":[2],"data_offsets":[0,"8"])", "whole numbers");
  expect_tensor_refused(R"("dtype":"F32","shape":[2],"data_offsets":[8])", "2 data_offsets, found 1");
  expect_header_refused(R"({"__metadata__":3})", "__metadata__", 0);
  expect_header_refused(R"({"__metadata__":{"step":3}})", "'step' is not a string", 0);
}

TEST_F(DamagedFile, ShapeAndRangeDisagree) {
  expect_tensor_refused(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])",
                        "'w' of F32 [3] needs 12 bytes, its range has 8");
  expect_tensor_refused(R"("dtype":"F64","shape":[],"data_offsets":[0,0])", "needs 8 bytes, its range has 0", 0);
  // 2^62 * 4 elements of 4 bytes wrap around to 0 in 64 bits.
  expect_tensor_refused(R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])", "64 bits", 0);
  expect_tensor_refused(R"("dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,8])", "64 bits");
}

TEST_F(DamagedFile, Ranges) {
  expect_tensor_refused(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", "bytes 8 to 0, outside");
  expect_tensor_refused(R"("dtype":"F32","shape":[2],"data_offsets":[4,12])", "bytes 4 to 12, outside");
  expect_tensor_refused(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", "gap of 4 bytes");
  expect_tensor_refused(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", "4 bytes at the end");
  expect_header_refused(R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},)"
                        R"("b":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}})",
                        "'b' overlaps");
  expect_header_refused(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                        R"("b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
                        "'b' leaves a gap of 2 bytes");
  expect_header_refused(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[3,3]},)"
                        R"("b":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
                        "'a' overlaps");
}

TEST_F(DamagedFile, DuplicateNames) {
  const std::string tensor = R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  expect_header_refused(R"({"w":)" + tensor + R"(,"w":)" + tensor + "}", "'w' occurs twice");
  // The same name, once written with an escape.
  expect_header_refused(R"({"w":)" + tensor + R"(,"\u0077":)" + tensor + "}", "'w' occurs twice");
  expect_tensor_refused(R"("dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8])", "'dtype' occurs twice");
  expect_header_refused(R"({"__metadata__":{"a":"1","a":"2"}})", "'a' occurs twice", 0);
}

TEST_F(DamagedFile, RandomDamageIsAlwaysNoticedOrHarmless) {
  const std::string whole =
      file_bytes(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                 R"("b":{"dtype":"U8","shape":[2,2],"data_offsets":[8,12]}})",
                 "123456789abc");
  Rng rng(1);
  const auto last = static_cast<int64_t>(whole.size()) - 1;
  int refused = 0;
  for (int trial = 0; trial < 500; ++trial) {
    std::string bytes = whole;
    for (int64_t changes = rng.integer(1, 4); changes > 0; --changes)
      bytes[static_cast<size_t>(rng.integer(0, last))] = static_cast<char>(rng.integer(0, 255));
    write_bytes(path_, bytes);
    try {
      const SafetensorsFile file(path_);
      for (const auto& [name, view] : file.tensors()) {
        size_t count = dtype_size(view.dtype);
        for (const int64_t dimension : view.shape) count *= static_cast<size_t>(dimension);
        ASSERT_EQ(view.bytes.size(), count) << name;
      }
    } catch (const Error& error) {
      ASSERT_EQ(static_cast<int>(error.kind()), static_cast<int>(ErrorKind::kModel)) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 300);
}

TEST_F(DamagedFile, UnreadableIsAnInputOutputError) {
  expect_error(ErrorKind::kIo, "missing.safetensors",
               [&] { SafetensorsFile file(folder_.path() / "missing.safetensors"); });
  expect_error(ErrorKind::kIo, "not a regular file", [&] { SafetensorsFile file(folder_.path()); });
}

}  // namespace
}  // namespace instructme
