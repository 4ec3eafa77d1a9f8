#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace instructme {
namespace detail {

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsStringMap : std::false_type {};
template <class T>
struct IsStringMap<std::map<std::string, T>> : std::true_type {};

/// Whether `value` is a T without any conversion that loses something: nlohmann::json would cut 6.5 to 6, wrap
/// numbers out of range and take `true` for 1.
template <class T>
bool json_suits(const nlohmann::json& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value.is_boolean();
  } else if constexpr (std::is_integral_v<T>) {
    if (value.is_number_unsigned()) return std::in_range<T>(value.get<uint64_t>());
    return value.is_number_integer() && std::in_range<T>(value.get<int64_t>());
  } else if constexpr (std::is_floating_point_v<T>) {
    return value.is_number();
  } else if constexpr (IsVector<T>::value) {
    return value.is_array() && std::all_of(value.begin(), value.end(), json_suits<typename T::value_type>);
  } else if constexpr (IsStringMap<T>::value) {
    return value.is_object() && std::all_of(value.begin(), value.end(), json_suits<typename T::mapped_type>);
  } else {
    return true;
  }
}

}  // namespace detail

/// Reads one JSON object strictly: a missing key without a default, a value of the wrong type and a
/// key that nobody asked for are all errors (kModel) that name the file, the key and the nearest
/// known key.
///
///   ConfigReader config(json, "configs/tiny.json");
///   config.read("channels", options.channels);       // keeps the default when absent
///   config.require("name", name);
///   ConfigReader inner = config.object("vae");
///   config.finish();                                  // unknown keys throw here
class ConfigReader {
 public:
  ConfigReader(nlohmann::json object, std::string context);

  bool has(const std::string& key) const;

  template <class T>
  void read(const std::string& key, T& value) {
    known_.insert(key);
    if (!object_.contains(key)) return;
    if (!detail::json_suits<T>(object_.at(key))) throw_wrong_type(key);
    try {
      value = object_.at(key).get<T>();
    } catch (const nlohmann::json::exception&) {
      throw_wrong_type(key);
    }
  }
  template <class T>
  void require(const std::string& key, T& value) {
    if (!object_.contains(key)) throw_missing(key);
    read(key, value);
  }
  /// The object under `key`; an empty one when absent.
  ConfigReader object(const std::string& key);
  /// The raw value under `key` (null when absent), for lists and free-form parts.
  nlohmann::json raw(const std::string& key);

  /// Throws when the object holds a key that was never read.
  void finish() const;
  const std::string& context() const { return context_; }

 private:
  [[noreturn]] void throw_wrong_type(const std::string& key) const;
  [[noreturn]] void throw_missing(const std::string& key) const;

  nlohmann::json object_;
  std::string context_;
  std::set<std::string> known_;
};

/// Parses a JSON file; comments are allowed. Throws kIo when unreadable, kModel when not JSON or nested without end.
nlohmann::json read_json_file(const std::filesystem::path& path);
/// JSON as text, in one line for indent -1. Bytes that are no UTF-8, as names of files and tracks may hold, become
/// U+FFFD.
std::string json_text(const nlohmann::json& value, int indent = -1);
/// Writes indented JSON atomically.
void write_json_file(const std::filesystem::path& path, const nlohmann::json& value);

}  // namespace instructme
