#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "format.h"
#include "instructme/base/error.h"
#include "instructme/base/strings.h"
#include "mapped_file.h"

namespace instructme {
namespace {

using nlohmann::json;

/// A name out of a file that may be damaged, short enough and printable for a message.
std::string in_quotes(const std::string& name) {
  constexpr size_t kMost = 100;
  std::string text = "'";
  for (const char c : name.substr(0, kMost)) text += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
  return text + (name.size() > kMost ? "…'" : "'");
}

class HeaderParser {
 public:
  HeaderParser(const std::filesystem::path& path, std::span<const std::byte> file) : path_(path), file_(file) {}

  void parse(std::map<std::string, TensorView>& tensors, std::map<std::string, std::string>& metadata) {
    const std::span<const std::byte> header = header_bytes();
    data_ = file_.subspan(safetensors::kLengthBytes + header.size());
    const json root = parse_json(header);
    for (const auto& [name, value] : root.items()) {
      if (name == safetensors::kMetadataKey)
        read_metadata(value, metadata);
      else
        tensors.emplace(name, read_tensor(name, value));
    }
    check_ranges();
  }

 private:
  struct Range {
    uint64_t begin, end;
    std::string name;
  };

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorKind::kModel, path_.string() + " is not a usable safetensors file: " + what);
  }
  [[noreturn]] void fail_tensor(const std::string& name, const std::string& what) const {
    fail("tensor " + in_quotes(name) + " " + what);
  }

  std::span<const std::byte> header_bytes() const {
    constexpr size_t kLength = safetensors::kLengthBytes;
    if (file_.size() < kLength)
      fail("it has " + std::to_string(file_.size()) + " bytes, at least 8 for the header length were wanted");
    uint64_t length = 0;
    std::memcpy(&length, file_.data(), kLength);
    if (length > safetensors::kMaxHeaderBytes)
      fail("the header length is " + std::to_string(length) + " bytes, at most " +
           std::to_string(safetensors::kMaxHeaderBytes) + " are allowed");
    if (length > file_.size() - kLength)
      fail("the header should have " + std::to_string(length) + " bytes, the file ends after " +
           std::to_string(file_.size() - kLength) + " (is it cut off?)");
    return file_.subspan(kLength, length);
  }

  /// The JSON library keeps the last of two equal keys silently, hence the callback. Refusing deep
  /// nesting at once keeps a hostile header from costing much.
  json parse_json(std::span<const std::byte> header) const {
    constexpr int kDeepest = 2;  // header, tensor, shape
    std::vector<std::set<std::string>> keys;
    const auto check = [&](int depth, json::parse_event_t event, json& parsed) {
      switch (event) {
        case json::parse_event_t::object_start:
        case json::parse_event_t::array_start:
          if (depth > kDeepest) fail("the header is nested too deeply");
          if (event == json::parse_event_t::object_start) keys.emplace_back();
          break;
        case json::parse_event_t::object_end: keys.pop_back(); break;
        case json::parse_event_t::key: {
          std::string key = parsed.get<std::string>();
          if (keys.back().count(key)) fail("the name " + in_quotes(key) + " occurs twice in the header");
          keys.back().insert(std::move(key));
          break;
        }
        default: break;
      }
      return true;
    };
    const char* text = reinterpret_cast<const char*>(header.data());
    try {
      json root = json::parse(text, text + header.size(), check);
      if (!root.is_object()) fail(std::string("the header is a JSON ") + root.type_name() + ", not an object");
      return root;
    } catch (const json::exception& error) {
      fail(std::string("the header is not JSON: ") + error.what());
    }
  }

  void read_metadata(const json& value, std::map<std::string, std::string>& metadata) const {
    if (!value.is_object()) fail("__metadata__ is not an object");
    for (const auto& [key, text] : value.items()) {
      if (!text.is_string()) fail("the __metadata__ value of " + in_quotes(key) + " is not a string");
      metadata.emplace(key, text.get<std::string>());
    }
  }

  TensorView read_tensor(const std::string& name, const json& value) {
    if (!value.is_object()) fail_tensor(name, "is not described by an object");
    for (const char* key : {"dtype", "shape", "data_offsets"})
      if (!value.contains(key)) fail_tensor(name, std::string("has no ") + key);
    if (value.size() != 3) fail_tensor(name, "has more keys than dtype, shape and data_offsets");

    TensorView view;
    const json& dtype_value = value["dtype"];
    if (!dtype_value.is_string()) fail_tensor(name, "has a dtype that is not a string");
    const auto dtype = safetensors::dtype_from_name(dtype_value.get<std::string>());
    if (!dtype) fail_tensor(name, "has the unknown dtype " + in_quotes(dtype_value.get<std::string>()));
    view.dtype = *dtype;

    for (const uint64_t dimension : whole_numbers(name, value["shape"], "shape")) {
      if (dimension > static_cast<uint64_t>(INT64_MAX)) fail_tensor(name, "is larger than 64 bits can count");
      view.shape.push_back(static_cast<int64_t>(dimension));
    }
    const std::vector<uint64_t> offsets = whole_numbers(name, value["data_offsets"], "data_offsets");
    if (offsets.size() != 2) fail_tensor(name, "needs 2 data_offsets, found " + std::to_string(offsets.size()));
    const uint64_t begin = offsets[0], end = offsets[1];
    if (begin > end || end > data_.size())
      fail_tensor(name, "has bytes " + std::to_string(begin) + " to " + std::to_string(end) + ", outside the file's " +
                            std::to_string(data_.size()) + " data bytes (is it cut off?)");
    const auto wanted = safetensors::byte_count(view.dtype, view.shape);
    if (!wanted) fail_tensor(name, "is larger than 64 bits can count");
    if (*wanted != end - begin)
      fail_tensor(name, std::string("of ") + dtype_name(view.dtype) + " " + safetensors::shape_text(view.shape) +
                            " needs " + std::to_string(*wanted) + " bytes, its range has " +
                            std::to_string(end - begin));
    view.bytes = data_.subspan(begin, end - begin);
    ranges_.push_back({begin, end, name});
    return view;
  }

  std::vector<uint64_t> whole_numbers(const std::string& name, const json& value, const char* key) const {
    if (!value.is_array()) fail_tensor(name, std::string("has a ") + key + " that is not a list");
    std::vector<uint64_t> numbers;
    for (const json& item : value) {
      if (!item.is_number_unsigned())
        fail_tensor(name, std::string("has a ") + key + " with something else than whole numbers from 0 on");
      numbers.push_back(item.get<uint64_t>());
    }
    return numbers;
  }

  void check_ranges() {
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) {
      return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    uint64_t covered = 0;
    for (const Range& range : ranges_) {
      if (range.begin < covered) fail_tensor(range.name, "overlaps with the one before it");
      if (range.begin > covered)
        fail_tensor(range.name, "leaves a gap of " + std::to_string(range.begin - covered) + " bytes before it");
      covered = range.end;
    }
    if (covered != data_.size())
      fail(std::to_string(data_.size() - covered) + " bytes at the end of the file belong to no tensor");
  }

  const std::filesystem::path& path_;
  std::span<const std::byte> file_, data_;
  std::vector<Range> ranges_;
};

}  // namespace

struct SafetensorsFile::Impl {
  explicit Impl(const std::filesystem::path& file_path) : path(file_path), file(file_path) {
    HeaderParser(path, file.bytes()).parse(tensors, metadata);
  }

  std::filesystem::path path;
  MappedFile file;
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::map<std::string, TensorView>& SafetensorsFile::tensors() const { return impl_->tensors; }

const TensorView& SafetensorsFile::tensor(const std::string& name) const {
  const auto found = impl_->tensors.find(name);
  if (found != impl_->tensors.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, view] : impl_->tensors) names.push_back(known);
  throw Error(ErrorKind::kModel,
              impl_->path.string() + " has no tensor " + in_quotes(name) + did_you_mean(name, names));
}

const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return impl_->metadata; }

}  // namespace instructme
