#include "instructme/base/config_reader.h"

#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/json_nesting.h"
#include "instructme/base/strings.h"

namespace instructme {

ConfigReader::ConfigReader(nlohmann::json object, std::string context)
    : object_(std::move(object)), context_(std::move(context)) {
  if (!object_.is_object())
    throw Error(ErrorKind::kModel, context_ + ": expected a JSON object, found " + object_.type_name());
}

bool ConfigReader::has(const std::string& key) const { return object_.contains(key); }

ConfigReader ConfigReader::object(const std::string& key) {
  nlohmann::json value = raw(key);
  if (!has(key)) value = nlohmann::json::object();
  return ConfigReader(std::move(value), context_ + ": " + key);
}

nlohmann::json ConfigReader::raw(const std::string& key) {
  known_.insert(key);
  return object_.contains(key) ? object_.at(key) : nlohmann::json();
}

void ConfigReader::finish() const {
  for (const auto& item : object_.items())
    if (!known_.count(item.key()))
      throw Error(ErrorKind::kModel, context_ + ": unknown key '" + item.key() + "'" +
                                         did_you_mean(item.key(), {known_.begin(), known_.end()}));
}

void ConfigReader::throw_wrong_type(const std::string& key) const {
  throw Error(ErrorKind::kModel,
              context_ + ": key '" + key + "' has an unsuitable value " + object_.at(key).dump().substr(0, 80));
}

void ConfigReader::throw_missing(const std::string& key) const {
  throw Error(ErrorKind::kModel, context_ + ": key '" + key + "' is missing");
}

nlohmann::json read_json_file(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  nlohmann::json root;
  try {
    root = nlohmann::json::parse(text, nullptr, true, /*ignore_comments=*/true);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kModel, path.string() + " is not valid JSON: " + error.what());
  }
  if (is_nested_too_deeply(root)) throw Error(ErrorKind::kModel, path.string() + " is nested too deeply to be used");
  return root;
}

std::string json_text(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

void write_json_file(const std::filesystem::path& path, const nlohmann::json& value) {
  write_file_atomically(path, json_text(value, 2) + "\n");
}

}  // namespace instructme
