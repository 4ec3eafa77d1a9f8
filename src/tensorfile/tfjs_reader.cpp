#include <nlohmann/json.hpp>
#include <optional>

#include "format.h"
#include "instructme/base/config_reader.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/tensorfile/tfjs.h"

namespace instructme {
namespace {

using nlohmann::json;

std::optional<DType> dtype_of(const std::string& name) {
  if (name == "float32") return DType::kF32;
  if (name == "int32") return DType::kI32;
  if (name == "bool") return DType::kBool;
  if (name == "uint8") return DType::kU8;
  return std::nullopt;
}

}  // namespace

TfjsFile::TfjsFile(const std::filesystem::path& path) {
  const auto fail = [&path](const std::string& what) {
    throw Error(ErrorKind::kModel, path.string() + " is not a usable TensorFlow.js model: " + what);
  };
  const json model = read_json_file(path);
  try {
    for (const json& group : model.at("weightsManifest")) {
      auto bytes = std::make_unique<std::string>();
      for (const json& file : group.at("paths")) {
        const std::filesystem::path name = file.get<std::string>();
        if (name.empty() || name != name.filename())
          fail("'" + name.string() + "' is not the name of a file beside it");
        *bytes += read_text_file(path.parent_path() / name);
      }
      size_t at = 0;
      for (const json& weight : group.at("weights")) {
        const std::string name = weight.at("name").get<std::string>();
        const auto dtype = dtype_of(weight.at("dtype").get<std::string>());
        if (!dtype || weight.contains("quantization")) fail("tensor '" + name + "' is quantised or of an unknown type");
        TensorView view{*dtype, {}, {}};
        ConfigReader(weight, path.string() + ": tensor '" + name + "'").require("shape", view.shape);
        const auto size = safetensors::byte_count(view.dtype, view.shape);
        if (!size || *size > bytes->size() - at)
          fail(format("tensor '%s' of shape %s reaches beyond the %zu bytes of its files", name.c_str(),
                      safetensors::shape_text(view.shape).c_str(), bytes->size()));
        view.bytes = std::as_bytes(std::span(*bytes)).subspan(at, *size);
        at += *size;
        tensors_[name] = view;
      }
      groups_.push_back(std::move(bytes));
    }
  } catch (const json::exception&) {
    fail("its weightsManifest is missing or damaged");
  }
}

}  // namespace instructme
